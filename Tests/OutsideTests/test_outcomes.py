"""The outcome of every item, the explanation of a bucket, and the comparison of releases."""

import json
import random

from hale import (STATUSES, aggregates, days, envelope, hours, iso, item, minutes, session, utc, wait)

NOON = utc("2026-03-10T12:30:00Z")


def outcomes(hale, **params):
    reply = hale.get("/organizations/default/outcomes/", {"statsPeriod": "24h", **params})
    assert reply.status == 200, reply
    return reply.json


def adds_up(part):
    return part["received"] == part["accepted"] + part["rejected"] + part["skipped"]


def test_every_item_has_an_outcome(start):
    """A mix of items over three hours and two projects: outcomes match what was sent."""
    hale = start(clock=NOON)
    other = hale.cli_json("project", "create", "shop")
    good = session(at=NOON - minutes(9), did="ada")
    bad = [
        session(release="latest", at=NOON), session(release="", at=NOON),
        session(sid="no", at=NOON), session(at=NOON - days(6)), session(at=NOON + hours(2)),
        {**session(), "started": "yesterday"}, b"[]", b"nonsense",
    ]
    buckets = [{"started": iso(NOON - minutes(3)), "exited": 5, "crashed": 1},
               {"started": iso(NOON - minutes(2)), "errored": 2}, {"started": "?", "exited": 1},
               {"started": iso(NOON - days(9)), "exited": 1}]
    mix = [good, good, session("crashed", at=NOON - hours(3)), session(at=NOON, sid=None),
           *(item(part, "session") if isinstance(part, bytes) else part for part in bad),
           aggregates(buckets), aggregates([]), item(b"nonsense", "sessions"),
           item({"exception": 1}, "event"), item(b"\x00\xff" * 99, "attachment"),
           item({}, "client_report"), item({}, "of the future")]
    accepted, rejected, skipped = 4 + 2, len(bad) + 2 + 1, 1 + 4
    hour = NOON
    for _ in range(3):
        hale.clock.set(hour)
        hale.send(*mix)
        hour += hours(1)
    # The old endpoint takes one event.
    reply = hale.request("POST", f"/api/{hale.project}/store/", b"{}", hale.auth)
    assert reply.status == 200, reply
    key = other["dsn"].split("//")[1].split("@")[0]
    # A new project is known within two seconds.
    wait(lambda: hale.post(
        envelope(good), auth=False, target=f"/api/{other['id']}/envelope/",
        headers={"X-Sentry-Auth": f"Sentry sentry_key={key}"}).status == 200, "the new project")
    # A rejected request has no outcomes; its sender gets the error.
    assert hale.post(b"{}\n{\"type\":\"session\",\"length\":9}\n{}").status == 400

    answer = outcomes(hale)
    (group,) = answer["groups"]
    totals = group["totals"]
    assert adds_up(totals)
    # In the third hour one session is no longer in the future; the sum stays.
    each = accepted + rejected + skipped
    assert totals["accepted"] == 3 * accepted + 1 + 1
    assert totals["received"] == 3 * each + 1 + 1
    assert totals["skipped"] == 3 * skipped + 1
    assert totals["repeated"] == 1 + 2 * 3 and totals["aggregates"] == 3 * 2
    for index, begin in enumerate(answer["intervals"]):
        bucket = {name: values[index] for name, values in group["series"].items()}
        assert adds_up(bucket), begin
        assert bucket["received"] == {
            "2026-03-10T12:00:00Z": each, "2026-03-10T13:00:00Z": each,
            "2026-03-10T14:00:00Z": each + 2}.get(begin, 0), begin
    assert all(sum(values) == totals[name] for name, values in group["series"].items())

    # The groups add up, and the list of outcomes has the same numbers.
    for group_by in (["project"], ["reason"], ["project", "reason"]):
        groups = outcomes(hale, groupBy=group_by, includeSeries=0)["groups"]
        assert all(adds_up(group["totals"]) for group in groups)
        for name, total in totals.items():
            assert sum(group["totals"][name] for group in groups) == total, (group_by, name)
    reasons = {group["by"]["reason"]: group["totals"]["received"]
               for group in outcomes(hale, groupBy="reason")["groups"]}
    assert sum(number for reason, number in reasons.items() if reason) == totals["rejected"]
    assert {"invalid_release", "missing_release", "invalid_session_id", "too_old",
            "invalid_started", "invalid_payload"} < set(reasons)
    listed = answer["outcomes"]
    assert sum(entry["quantity"] for entry in listed if entry["outcome"] == "rejected") == \
        totals["rejected"]
    assert outcomes(hale, project="shop")["groups"][0]["totals"]["received"] == 1


def test_drops_of_sdks(start):
    """Reported drops are known by reason, survive a restart, and change no count."""
    hale = start(clock=NOON)
    report = {"timestamp": iso(NOON), "discarded_events": [
        {"reason": "queue_overflow", "category": "session", "quantity": 7},
        {"reason": "queue_overflow", "category": "transaction", "quantity": 900},
        {"reason": "sample_rate", "category": "session", "quantity": 10 ** 12}]}
    hale.send(session(at=NOON), item(report, "client_report"))
    hale.send(item(report, "client_report"))
    hale.stop()
    hale.start()
    (group,) = outcomes(hale)["groups"]
    assert group["totals"]["received"] == 3 and group["totals"]["skipped"] == 2
    assert group["totals"]["droppedBySDK"] == 2 * (7 + 1_000_000)
    dropped = {entry["reason"]: entry["quantity"] for entry in outcomes(hale)["outcomes"]
               if entry["outcome"] == "dropped_by_sdk"}
    assert dropped == {"queue_overflow": 14, "sample_rate": 2_000_000}
    assert hale.sessions("sum(session)", statsPeriod="1h")["groups"][0]["totals"] == {
        "sum(session)": 1}


def test_explanations_add_up(start):
    """Random traffic over two days: the parts of an explanation add up to the bucket's number."""
    hale = start(clock=NOON - days(2))
    chance = random.Random(7)
    known, repeated = [], 0
    for _ in range(24):
        now = hale.clock.instant
        sent = [session("ok", at=now - minutes(chance.randrange(600)), did=f"u{number}",
                        release=chance.choice(["app@1", "app@2"]),
                        environment=chance.choice(["live", "test", None]))
                for number in range(6)]
        known += sent
        ends = [{**chance.choice(known), "init": False,
                 "status": chance.choice(["exited", "crashed", "abnormal", "errored"])}
                for _ in range(6)]
        hale.send(*sent, *ends, *ends[:2], aggregates(
            [{"started": iso(now - minutes(chance.randrange(300))), "exited": 3, "crashed": 1}],
            release="app@1", environment="live"))
        hale.clock.advance(hours(2))
    hale.clock.set(NOON + minutes(17))
    for filters in ({}, {"query": "release:app@1"}, {"environment": "live"},
                    {"query": "release:[app@1, app@2] !environment:test"}):
        for range_ in ({"statsPeriod": "72h", "interval": "1h"},
                       {"statsPeriod": "4d", "interval": "1d"}, {"statsPeriod": "5h"}):
            explained = hale.get("/organizations/default/sessions/explain/",
                                 {**filters, **range_}).json
            answered = hale.sessions("sum(session)", group=("session.status",),
                                     **filters, **range_)
            series = {group["by"]["session.status"]: group["series"]["sum(session)"]
                      for group in answered["groups"]}
            assert [bucket["start"] for bucket in explained["buckets"]] == answered["intervals"]
            assert explained["explainedFrom"] is None
            for index, bucket in enumerate(explained["buckets"]):
                assert bucket["isComplete"]
                for status in STATUSES:
                    made = (bucket["prompt"][status] + bucket["aggregates"][status]
                            + sum(late["change"][status] for late in bucket["late"])
                            - bucket["startingLater"][status] + bucket["unlogged"][status])
                    assert made == bucket["counts"][status] == series[status][index], bucket
    everything = hale.get("/organizations/default/sessions/explain/",
                          {"statsPeriod": "4d", "interval": "1d"}).json["buckets"]
    assert any(late["change"]["healthy"] < 0 < late["change"]["total"] + 1
               for bucket in everything for late in bucket["late"])
    counted = outcomes(hale, statsPeriod="4d")["groups"][0]["totals"]["repeated"]
    assert sum(bucket["repeated"] for bucket in everything) == counted > 0
    # Any instant in a bucket identifies it.
    (one,) = hale.get("/organizations/default/sessions/explain/",
                      {"bucket": iso(NOON - hours(5))}).json["buckets"]
    assert one["start"] == "2026-03-10T07:00:00Z" and one["end"] == "2026-03-10T08:00:00Z"


def test_two_releases_are_compared(start):
    """A release that crashes more, and one with too few sessions."""
    hale = start(clock=NOON - days(3))

    def run(release, crashed, fine):
        for index in range(crashed + fine):
            hale.send(session("crashed" if index < crashed else "exited", release=release,
                              at=hale.clock.instant, did=f"{release}-{index}",
                              duration=index + 1))
    run("app@1", 1, 99)
    hale.clock.advance(days(2))
    run("app@1", 1, 49)
    run("app@2", 12, 38)
    run("app@3", 0, 2)
    hale.clock.advance(hours(2))

    def compare(candidate, **params):
        reply = hale.get("/organizations/default/sessions/compare/",
                         {"base": "app@1", "candidate": candidate, **params})
        assert reply.status == 200, reply
        return reply.json
    worse = compare("app@2")
    assert worse["base"]["sessions"]["total"] == 50
    assert worse["difference"]["crashFreeSessions"]["verdict"] == "worse"
    assert worse["difference"]["crashFreeUsers"]["high"] < 0
    assert compare("app@3")["difference"]["crashFreeSessions"]["verdict"] == "chance"
    # Sessions from second 2 to 50 without the crash, and from the thirteenth on.
    for side, middle, late in (("base", 26, 47.6), ("candidate", 31.5, 48.15)):
        for name, seconds in (("durationP50", middle), ("durationP95", late)):
            assert abs(worse[side][name] - 1000 * seconds) <= 1000 * seconds / 256, (side, name)
    young = compare("app@2", align="age", statsPeriod="14d")
    assert young["base"]["sessions"] == {
        "total": 100, "healthy": 99, "errored": 0, "unhandled": 0, "abnormal": 0, "crashed": 1}
    assert young["base"]["start"] == "2026-03-07T12:00:00Z"
    assert young["candidate"]["end"] == "2026-03-09T14:00:00Z"
    made = hale.request(
        "POST", "/api/0/organizations/default/releases/",
        b'{"version": "app@4", "projects": ["default"]}', {"Authorization": f"Bearer {hale.token}"})
    assert made.status == 201, made
    assert json.dumps(compare("app@4")["difference"]).count("null") == 10
    assert compare("app@4")["candidate"]["durationP95"] is None
