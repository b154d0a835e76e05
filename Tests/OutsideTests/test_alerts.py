"""Alert rules from the API and from the file, evaluated by the job at the clock file's time."""

import json
import sqlite3

import pytest

from hale import PATIENCE, days, hours, iso, minutes, run, session, utc, wait

NOON = utc("2026-03-10T12:30:00Z")
ORGANIZATION = "/organizations/default"
RULE = {
    "name": "Crash-free", "projects": ["default"], "aggregate": "crash_free_rate(session)",
    "timeWindow": 60, "thresholdType": 1,
    "triggers": [{"label": "critical", "alertThreshold": 90},
                 {"label": "warning", "alertThreshold": 95}]}


def change(hale, method, path, body=None):
    text = None if body is None else json.dumps(body).encode()
    return hale.request(method, f"/api/0{ORGANIZATION}{path}", text,
                        {"Authorization": f"Bearer {hale.token}"})


def make(hale, **members):
    reply = change(hale, "POST", "/alert-rules/", {**RULE, **members})
    assert reply.status == 201, reply
    return reply.json["id"]


def rule(hale, name):
    reply = hale.get(f"{ORGANIZATION}/alert-rules/{name}/")
    assert reply.status == 200, reply
    return reply.json


def level(hale, name):
    return rule(hale, name)["state"]["level"]


def evaluate(hale, advance=minutes(1)):
    """Evaluates the rules in the next minute."""
    hale.clock.advance(advance)
    done = hale.cli("jobs", "run", "alerts")
    assert done.returncode == 0, done


def send(hale, count, crashed=0, **fields):
    """Sessions that began a minute ago."""
    at = hale.clock.instant - minutes(1)
    for index in range(count):
        hale.send(session("crashed" if index < crashed else "exited", at=at, did=f"user-{index}", **fields))


def channel(hale, name="team"):
    """A channel that delivers nothing here."""
    with sqlite3.connect(hale.data / "hale.db", timeout=PATIENCE) as database:
        database.execute(
            "INSERT INTO notice_channel (organization, name, kind, settings, created) "
            "VALUES (1, ?, 'webhook', '{}', 0)", (name,))


def notices(hale):
    with sqlite3.connect(hale.data / "hale.db", timeout=PATIENCE) as database:
        return database.execute("SELECT action, key, title, subject FROM notice ORDER BY id").fetchall()


def test_from_the_first_crash_to_the_last_notification(start):
    """A rule fires, survives a restart and resolves; each change notifies once, as in Sentry."""
    hale = start(clock=NOON)
    channel(hale)
    name = make(hale, channels=["team"])
    evaluate(hale)
    assert rule(hale, name)["state"] == {
        "level": "ok", "isJudged": False, "evaluated": "2026-03-10T12:31:00Z", "value": None,
        "sessions": 0, "release": None, "incident": None}
    # Nothing was judged, so it does not say that all is well.
    assert " no data, matches nothing yet " in hale.cli("alert", "list").stdout
    assert not hale.cli_list("alert", "list")[0]["isJudged"]
    send(hale, 20, crashed=3)
    evaluate(hale)
    state = rule(hale, name)["state"]
    assert state["isJudged"]
    assert (state["level"], state["value"], state["sessions"]) == ("critical", 85.0, 20)
    hale.kill()
    hale.start()
    evaluate(hale)
    assert level(hale, name) == "critical"
    # 37 of 40 are 92.5 %, which is only a warning.
    send(hale, 20)
    evaluate(hale)
    assert level(hale, name) == "warning"
    # 57 of 60 are 95 %, which is good enough.
    send(hale, 20)
    evaluate(hale)
    assert level(hale, name) == "ok"
    sent = notices(hale)
    assert [row[0] for row in sent] == ["critical", "warning", "resolved"]
    assert len({row[1] for row in sent}) == 3
    assert sent[0][2] == "Critical: Crash-free"
    alert = json.loads(sent[0][3])
    assert alert["status"] == 20 and alert["alert_rule"]["name"] == "Crash-free"
    assert alert["alert_rule"]["threshold_type"] == 1 and alert["projects"] == ["default"]
    [incident] = hale.get(f"{ORGANIZATION}/incidents/").json
    assert (incident["status"], incident["highestLevel"], incident["transitions"]) == (2, "critical", 3)
    found = hale.get(f"{ORGANIZATION}/alert-rules/{name}/evaluations/", {"statsPeriod": "1h"}).json
    assert [entry["value"] for entry in found["evaluations"]] == [None, 85.0, 85.0, 92.5, 95.0]
    assert found["critical"] == 90


def test_a_failure_free_rate(start):
    """Unhandled sessions of browsers, which never crash: evaluated, back-tested and shown."""
    hale = start(clock=NOON)
    failures = {**RULE, "aggregate": "failure_free_rate(session)", "timeWindow": 10}
    name = make(hale, name="Failures", aggregate=failures["aggregate"])
    users = make(hale, name="Users", aggregate="failure_free_rate(user)")
    crashes = make(hale, name="Crashes")
    at = hale.clock.instant - minutes(1)
    hale.send(*(session("unhandled" if index < 3 else "exited", at=at, did=f"user-{index % 10}")
                for index in range(20)))
    evaluate(hale)
    assert [(level(hale, each), rule(hale, each)["state"]["value"])
            for each in (name, users, crashes)] == [("critical", 85), ("critical", 70), ("ok", 100)]
    assert rule(hale, name)["description"].startswith("failure-free sessions of default")
    shown = hale.cli("alert", "show", "Failures").stdout
    assert "failure_free_rate(session)" in shown and "85" in shown, shown
    hale.clock.advance(hours(2))
    body = {"rule": failures, "start": iso(NOON - hours(1)), "end": iso(NOON + hours(1))}
    found = change(hale, "POST", "/alert-rules/backtest/", body).json
    assert [entry["to"] for entry in found["transitions"]] == ["critical"], found
    reply = change(hale, "POST", "/alert-rules/", {
        **failures, "name": "Share", "triggers": [{"label": "critical", "alertThreshold": 0.995}]})
    assert reply.status == 400 and "it takes a percentage" in str(reply.json), reply
    reply = change(hale, "POST", "/alert-rules/", {**failures, "aggregate": "failure_free_rate"})
    assert reply.status == 400 and "failure_free_rate(session)" in str(reply.json), reply


def test_no_data_changes_nothing(start):
    hale = start(clock=NOON)
    name = make(hale, minSessions=10)
    send(hale, 9, crashed=9)
    evaluate(hale)
    assert level(hale, name) == "ok"
    send(hale, 1)
    evaluate(hale)
    assert level(hale, name) == "critical"
    # The window is empty, so that the state stays.
    evaluate(hale, hours(2))
    assert level(hale, name) == "critical" and rule(hale, name)["state"]["value"] is None


def test_evaluations_in_a_row(start):
    hale = start(clock=NOON)
    name = make(hale, thresholdPeriod=3, timeWindow=10)
    for _ in range(2):
        send(hale, 5, crashed=5)
        evaluate(hale)
    assert level(hale, name) == "ok"
    # A better evaluation restarts the count.
    evaluate(hale, minutes(10))
    send(hale, 5)
    evaluate(hale)
    for expected in ("ok", "ok", "critical"):
        send(hale, 50, crashed=50)
        evaluate(hale)
        assert level(hale, name) == expected


def test_blackout(start):
    hale = start(clock=NOON)
    name = make(hale, aggregate="sum(session)", timeWindow=10,
                triggers=[{"label": "critical", "alertThreshold": 1}])
    send(hale, 1)
    evaluate(hale)
    assert level(hale, name) == "ok"
    evaluate(hale, minutes(11))
    assert level(hale, name) == "critical" and rule(hale, name)["state"]["value"] == 0
    send(hale, 1)
    evaluate(hale)
    assert level(hale, name) == "ok"


def test_an_incident_that_ends_with_its_rule_notifies(start):
    """A receiver that opened an incident must learn that it is no longer evaluated."""
    hale = start("--public-url", "https://hale.example.com/health", clock=NOON)
    channel(hale)
    changed, deleted, muted = (make(hale, name=name, channels=["team"]) for name in ("changed", "deleted", "muted"))
    send(hale, 4, crashed=4)
    evaluate(hale)
    assert change(hale, "POST", f"/alert-rules/{muted}/mute/", {"minutes": 30}).status == 200
    # A rule with another threshold has the same value.
    assert change(hale, "PUT", f"/alert-rules/{changed}/", {"resolveThreshold": 97}).status == 200
    assert [row[0] for row in notices(hale)] == ["critical"] * 3
    assert change(hale, "PUT", f"/alert-rules/{changed}/", {"timeWindow": 30}).status == 200
    for name in (deleted, muted):
        assert change(hale, "DELETE", f"/alert-rules/{name}/").status == 204
    sent = notices(hale)[3:]
    assert [(row[0], row[2]) for row in sent] == [("resolved", "Resolved: changed"), ("resolved", "Resolved: deleted")]
    alert = json.loads(sent[1][3])
    assert (alert["status"], alert["date_closed"], alert["value"]) == (2, "2026-03-10T12:31:00Z", 0)
    with sqlite3.connect(hale.data / "hale.db", timeout=PATIENCE) as database:
        links = database.execute("SELECT text, web_url FROM notice ORDER BY id").fetchall()
    assert links[0][1] == f"https://hale.example.com/health/alerts/{changed}/"
    assert links[-1] == ("The rule was deleted while it was critical.", "https://hale.example.com/health/alerts/")


def test_the_worst_of_each_interval(start):
    hale = start(clock=NOON)
    name = make(hale, timeWindow=10)
    for crashed in (0, 1, 0, 0):
        send(hale, 10, crashed=crashed)
        evaluate(hale, minutes(4))
    path = f"{ORGANIZATION}/alert-rules/{name}/evaluations/"
    found = hale.get(path, {"statsPeriod": "1h", "interval": "10m"}).json
    assert found["intervalMinutes"] == 10
    assert [(entry["time"], entry["value"], entry["level"]) for entry in found["evaluations"]] == [
        ("2026-03-10T12:30:00Z", 95.0, "ok"), ("2026-03-10T12:40:00Z", 95.0, "ok")]
    for wrong in ("30s", "2d", "x"):
        reply = hale.get(path, {"interval": wrong})
        assert reply.status == 400 and "1m" in reply.detail, reply


def test_muted_rules_do_not_notify(start):
    hale = start(clock=NOON)
    channel(hale)
    name = make(hale, channels=["team"])
    reply = change(hale, "POST", f"/alert-rules/{name}/mute/", {"minutes": 30})
    assert reply.status == 200 and reply.json["mutedUntil"] == "2026-03-10T13:00:00Z", reply
    send(hale, 4, crashed=4)
    evaluate(hale)
    assert level(hale, name) == "critical" and notices(hale) == []
    assert change(hale, "DELETE", f"/alert-rules/{name}/mute/").json["snooze"] is False
    # An incident that began meanwhile notifies once the mute is over.
    for _ in range(2):
        evaluate(hale)
        assert [row[0] for row in notices(hale)] == ["critical"]
    send(hale, 400)
    evaluate(hale)
    assert [row[0] for row in notices(hale)] == ["critical", "resolved"]
    muted = hale.cli_json("alert", "mute", "Crash-free", "--for", "2h")
    assert muted["mutedUntil"].startswith("2026-03-10T14:34:00")
    assert rule(hale, name)["snooze"] is True
    assert hale.cli("alert", "unmute", name).returncode == 0
    assert rule(hale, name)["mutedUntil"] is None


def test_what_began_while_muted_notifies_without_data(start):
    """The sessions of the incident have left the window before the mute is over."""
    hale = start(clock=NOON)
    channel(hale)
    name = make(hale, channels=["team"], minSessions=5)
    assert change(hale, "POST", f"/alert-rules/{name}/mute/", {"minutes": 180}).status == 200
    send(hale, 5, crashed=4)
    evaluate(hale)
    assert level(hale, name) == "critical"
    for _ in range(2):
        evaluate(hale, hours(1))
        assert rule(hale, name)["state"]["value"] is None and notices(hale) == []
    for _ in range(2):
        evaluate(hale, hours(1))
        [sent] = notices(hale)
        assert sent[0] == "critical" and json.loads(sent[3])["value"] == 20


def test_releases_and_comparisons(start):
    """The newest release by version, compared with the previous one and with the week before."""
    hale = start(clock=NOON)
    latest = make(hale, name="latest", release="latest")
    pattern = make(hale, name="pattern", query="release:app@1.*")
    before = make(hale, name="before", release="latest", comparison="previousRelease",
                  triggers=[{"label": "critical", "alertThreshold": -5}])
    week = make(hale, name="week", aggregate="sum(session)", comparison="previousWeek",
                triggers=[{"label": "critical", "alertThreshold": -50}])
    users = make(hale, name="users",
                 aggregate="percentage(users_crashed, users) AS _crash_rate_alert_aggregate")
    hale.clock.set(NOON - days(7) - hours(1))
    send(hale, 10, release="app@1.9.0")
    hale.clock.set(NOON - hours(1))
    send(hale, 4, release="app@1.9.0")
    hale.clock.set(NOON)
    send(hale, 10, crashed=1, release="app@1.10.0")
    send(hale, 10, release="app@1.9.0")
    evaluate(hale)
    values = {name: rule(hale, name)["state"]["value"] for name in (latest, pattern, before, week, users)}
    # A week ago whole hours count: 10 sessions from 11 to 12 then, and 4 now.
    assert values == {latest: 90.0, pattern: 95.0, before: -10.0, week: -60.0, users: 90.0}
    assert level(hale, before) == level(hale, week) == "critical"
    assert hale.get(f"{ORGANIZATION}/alert-rules/").headers["Link"]


def test_latest_is_the_highest_version_by_number(start):
    """rc.10 is above rc.9, and a build of testers does not hide what users have."""
    hale = start(clock=NOON)
    make(hale, name="all", release="latest", triggers=RULE["triggers"][:1])
    make(hale, name="many", release="latest", minSessions=20, triggers=RULE["triggers"][:1])
    send(hale, 5, release="p@1.0.0-rc.9")
    send(hale, 5, crashed=5, release="p@1.0.0-rc.10")
    evaluate(hale)
    for name in ("all", "many"):
        state = rule(hale, name)["state"]
        assert (state["release"], state["sessions"]) == ("p@1.0.0-rc.10", 5)
        assert state["level"] == ("critical" if name == "all" else "ok")
    assert "p@1.0.0-rc.10" in hale.cli("alert", "show", "all").stdout
    hale.clock.advance(hours(1))
    send(hale, 30, release="p@1.0.0")
    hale.clock.advance(hours(1))
    assert hale.cli("jobs", "run", "adoption").returncode == 0
    send(hale, 25, release="p@1.0.0")
    send(hale, 2, crashed=2, release="p@2.0.0-dev")
    send(hale, 3, release="other@7.0.0")
    evaluate(hale)
    assert {name: rule(hale, name)["state"]["release"] for name in ("all", "many")} == {
        "all": "p@2.0.0-dev", "many": "p@1.0.0"}
    answer = hale.get(f"{ORGANIZATION}/sessions/", {
        "field": "sum(session)", "query": "release:latest", "statsPeriod": "1h"}).json
    assert answer["latestRelease"] == "p@2.0.0-dev"
    assert answer["groups"][0]["totals"] == {"sum(session)": 2}


def test_wrong_rules_are_rejected_by_field(start):
    hale = start(clock=NOON)
    make(hale)
    for members, field in (
            ({"name": "Crash-free"}, "name"), ({"name": ""}, "name"), ({"name": 5}, "name"),
            ({"projects": ["nowhere"]}, "projects"), ({"projects": []}, "projects"),
            ({"aggregate": "p95(transaction.duration)"}, "aggregate"), ({"dataset": "events"}, "dataset"),
            ({"timeWindow": 9}, "timeWindow"), ({"timeWindow": 1441}, "timeWindow"),
            ({"timeWindow": "x"}, "timeWindow"), ({"timeWindow": 90, "comparison": "previousWeek"}, "timeWindow"),
            ({"thresholdType": 2}, "thresholdType"), ({"thresholdPeriod": 0}, "thresholdPeriod"),
            ({"resolveThreshold": 94}, "resolveThreshold"), ({"triggers": []}, "triggers"),
            ({"triggers": [{"label": "critical", "alertThreshold": 101}]}, "triggers"),
            ({"triggers": [{"label": "critical", "alertThreshold": 0}]}, "triggers"),
            ({"triggers": [*RULE["triggers"][:1], {"label": "warning", "alertThreshold": 80}]}, "triggers"),
            ({"minSessions": -1}, "minSessions"), ({"query": "level:error"}, "query"),
            ({"comparison": "yesterday"}, "comparison"), ({"comparison": "previousRelease"}, "comparison"),
            ({"channels": ["nobody"]}, "channels")):
        reply = change(hale, "POST", "/alert-rules/", {**RULE, "name": "other", **members})
        assert reply.status == 400 and list(reply.json) == [field], (members, reply)
        assert all(isinstance(reason, str) for reason in reply.json[field])
    # All errors are reported at once, but not what only follows from them.
    reply = change(hale, "POST", "/alert-rules/", {
        **RULE, "name": "other", "aggregate": "crashes", "timeWindow": 9, "thresholdPeriod": 0, "environment": "x" * 65,
        "triggers": [{"label": "critical", "alertThreshold": 101}]})
    assert sorted(reply.json) == ["aggregate", "environment", "thresholdPeriod", "timeWindow"], reply
    reply = change(hale, "POST", "/alert-rules/", {
        **RULE, "name": "other", "projects": ["nowhere"], "triggers": [], "resolveThreshold": 1, "minSessions": -1})
    assert sorted(reply.json) == ["minSessions", "projects", "triggers"], reply
    # A mistyped member would have no effect.
    reply = change(hale, "POST", "/alert-rules/", {**RULE, "name": "other", "timewindow": 15})
    assert reply.status == 400 and "timeWindow" in reply.json["timewindow"][0], reply
    reply = change(hale, "PUT", "/alert-rules/Crash-free/", {"timeWindow": 5})
    assert reply.status == 400 and list(reply.json) == ["timeWindow"]
    reply = change(hale, "PUT", "/alert-rules/Crash-free/", {"timeWindow": 120})
    assert reply.status == 200 and reply.json["timeWindow"] == 120 and len(reply.json["triggers"]) == 2
    # A response is accepted as a request.
    assert change(hale, "PUT", "/alert-rules/1/", reply.json).json["triggers"] == reply.json["triggers"]
    assert change(hale, "DELETE", "/alert-rules/1/").status == 204
    assert hale.get(f"{ORGANIZATION}/alert-rules/1/").status == 404


def test_the_operators_file(start, tmp_path):
    file = tmp_path / "alerts.json"

    def write(*rules, **others):
        fresh = tmp_path / "alerts.new"
        fresh.write_text(json.dumps({"rules": rules, **others}, indent=1))
        fresh.rename(file)

    write(RULE)
    hale = start("--alerts", file, clock=NOON)
    assert rule(hale, "Crash-free")["source"] == "file"
    for method, body in (("PUT", {"timeWindow": 30}), ("DELETE", None)):
        reply = change(hale, method, "/alert-rules/Crash-free/", body)
        assert reply.status == 409 and "--alerts" in reply.detail, reply
    send(hale, 10, crashed=10)
    evaluate(hale)
    # Thresholds change, the state stays, and a rule is added.
    write({**RULE, "triggers": [{"label": "critical", "alertThreshold": 50}]}, {**RULE, "name": "second"})
    wait(lambda: len(hale.cli_list("alert", "list")) == 2, "the second rule")
    assert level(hale, "Crash-free") == "critical"
    write({**RULE, "timeWindow": 5})
    wait(lambda: "timeWindow" in hale.log(), "the reason in the log")
    assert len(hale.cli_list("alert", "list")) == 2
    write({**RULE, "name": "second"})
    wait(lambda: [row["name"] for row in hale.cli_list("alert", "list")] == ["second"], "the first to go")
    assert hale.stop() == 0
    write({**RULE, "name": "second", "tresholdPeriod": 5, "timeWindow": 1, "channels": ["nobody"]})
    refused = run("serve", "--data", hale.data, "--listen", "127.0.0.1:0", "--alerts", file)
    assert refused.returncode == 64, refused
    for part in ("tresholdPeriod", "timeWindow", "line "):
        assert part in refused.stderr, refused
    write({**RULE, "name": "second"}, channels=[{"name": "fc"}])
    refused = run("serve", "--data", hale.data, "--listen", "127.0.0.1:0", "--alerts", file)
    assert refused.returncode == 64 and '"channels" is unknown' in refused.stderr, refused


def test_back_tests(start, tmp_path):
    """A back-test uses what had arrived: a crash that is reported late fires late."""
    hale = start(clock=NOON)
    send(hale, 10)
    hale.clock.advance(minutes(30))
    # Sessions of the same hour, reported half an hour after its start.
    for _ in range(5):
        hale.send(session("crashed", at=NOON - minutes(1)))
    hale.clock.advance(hours(3))
    wanted = {"rule": {**RULE, "triggers": RULE["triggers"][:1]},
              "start": "2026-03-10T12:00:00Z", "end": "2026-03-10T16:00:00Z"}
    reply = change(hale, "POST", "/alert-rules/backtest/", wanted)
    assert reply.status == 200, reply
    found = reply.json
    assert [(entry["time"], entry["from"], entry["to"]) for entry in found["transitions"]] == [
        ("2026-03-10T13:10:00Z", "ok", "critical")]
    assert found["transitions"][0]["value"] == 66.666667 and found["basis"] == "arrivals"
    assert sum(found["minutes"][name] for name in ("ok", "warning", "critical")) == 4 * 60 + 10
    make(hale)
    kept = hale.get(f"{ORGANIZATION}/alert-rules/1/backtest/", {
        "start": wanted["start"], "end": wanted["end"]}).json
    assert kept["transitions"] == found["transitions"] and kept["rule"] == "Crash-free"
    file = tmp_path / "rule.json"
    file.write_text(json.dumps(wanted["rule"]))
    printed = json.loads(hale.cli("alert", "backtest", "--rule", file, "--from", "2026-03-10T12:00Z",
                               "--to", "2026-03-10T16:00Z", "--json").stdout)
    assert printed == found
    text = hale.cli("alert", "backtest", "--rule", "Crash-free", "--from", "2026-03-10T12:00Z")
    assert "2026-03-10 13:10:00" in text.stdout, text


@pytest.mark.parametrize("members, start_time", (
    ({"minSessions": 1000}, "2026-03-10T12:00Z"), ({}, "2026-03-09T00:00Z"),
    ({"release": "latest"}, "2026-03-09T00:00Z")))
def test_a_back_test_that_judged_nothing_says_so(start, tmp_path, members, start_time):
    hale = start(clock=NOON)
    send(hale, 10)
    hale.clock.advance(hours(1))
    file = tmp_path / "rule.json"
    file.write_text(json.dumps({**RULE, **members}))
    arguments = ("alert", "backtest", "--rule", file, "--from", start_time,
                 "--to", "2026-03-10T13:00Z" if members.get("minSessions") else "2026-03-09T12:00Z")
    done = hale.cli(*arguments)
    assert done.returncode == 2 and "Nothing was judged" in done.stdout, done
    assert "would not have fired" not in done.stdout
    done = hale.cli(*arguments, "--json")
    assert done.returncode == 2 and json.loads(done.stdout)["transitions"] == [], done


@pytest.mark.parametrize("text, part", (
    ("{", "line 1"), ('{"rules": [{"name": "r", "projects": ["nowhere"]}]}', "nowhere"),
    (None, "rules.json")))
def test_a_wrong_file_ends_the_first_start_before_anything_is_made(tmp_path, text, part):
    data, file = tmp_path / "data", tmp_path / "rules.json"
    if text is not None:
        file.write_text(text)
    arguments = ("serve", "--data", data, "--listen", "127.0.0.1:0", "--alerts", file)
    refused = run(*arguments)
    assert refused.returncode in (1, 64) and part in refused.stderr, refused
    assert refused.stdout == "" and not data.exists(), refused
    # Also in a directory whose database is still empty.
    data.mkdir()
    assert run("token", "list", "--data", data).returncode != 0
    refused = run(*arguments)
    assert part in refused.stderr and "token" not in refused.stdout, refused


def test_a_project_falls_silent_only_after_its_first_session(start):
    hale = start(clock=NOON)
    hale.clock.advance(hours(2))
    # From 14:30 to 18:30 every ten minutes, and then no more.
    for _ in range(24):
        send(hale, 1)
        hale.clock.advance(minutes(10))
    hale.clock.advance(hours(4))
    found = change(hale, "POST", "/alert-rules/backtest/", {
        "rule": {**RULE, "aggregate": "sum(session)", "timeWindow": 10,
                 "triggers": [{"label": "critical", "alertThreshold": 1}]},
        "start": "2026-03-10T00:00:00Z", "end": "2026-03-10T22:00:00Z"}).json
    assert found["knownFrom"] == "2026-03-10T14:00:00Z", found
    [fired] = found["transitions"]
    assert (fired["to"], fired["time"][:13]) == ("critical", "2026-03-10T20"), found


def test_a_channel_that_a_rule_uses_stays(start):
    hale = start(clock=NOON)
    channel(hale)
    name = make(hale, channels=["team"])
    reply = change(hale, "DELETE", "/notice-channels/team/")
    assert reply.status == 409 and "'Crash-free'" in reply.detail, reply
    refused = hale.cli("channel", "delete", "team")
    assert refused.returncode == 1 and "'Crash-free'" in refused.stderr, refused
    assert change(hale, "PUT", f"/alert-rules/{name}/", {"channels": []}).status == 200
    assert change(hale, "DELETE", "/notice-channels/team/").status == 204


def test_rules_about_users_are_replayed_from_recorded_values(start):
    hale = start(clock=NOON)
    wanted = {**RULE, "aggregate": "crash_free_rate(user)"}
    body = {"rule": wanted, "statsPeriod": "1h"}
    reply = change(hale, "POST", "/alert-rules/backtest/", body)
    assert reply.status == 400 and "aggregate" in reply.json, reply
    make(hale, aggregate=wanted["aggregate"])
    for crashed in (0, 0, 8):
        send(hale, 10, crashed=crashed)
        evaluate(hale)
    found = change(hale, "POST", "/alert-rules/backtest/", {
        "rule": {**wanted, "triggers": [{"label": "critical", "alertThreshold": 30}]},
        "start": iso(NOON), "end": iso(NOON + minutes(20))})
    # The range ends with the last ten minutes.
    assert found.json["basis"] == "evaluations" and found.json["transitions"] == []
    evaluate(hale, minutes(10))
    found = change(hale, "POST", "/alert-rules/backtest/", {
        "rule": {**wanted, "triggers": [{"label": "critical", "alertThreshold": 30}]},
        "start": iso(NOON), "end": iso(NOON + minutes(20))})
    assert [entry["time"] for entry in found.json["transitions"]] == ["2026-03-10T12:33:00Z"]
