"""Objectives and error budgets in commands, the API and Prometheus."""

import json
import subprocess

import pytest

from hale import aggregates, days, hours, iso, minutes, session, utc, wait

NOON = utc("2026-03-10T12:00:30Z")
USAGE = 64


def send(hale, ago, crashed, fine, release="app@1.0"):
    at = (hale.clock.instant - ago).replace(second=0)
    hale.send(aggregates([{"started": iso(at), "crashed": crashed, "exited": fine}],
                         release=release))


def budget(hale, project="default"):
    reply = hale.get(f"/projects/default/{project}/budget/")
    assert reply.status == 200, reply
    return reply.json


@pytest.fixture
def used(start):
    """90 crashes in 100,000 sessions of four days: 5 in the last hour, 2 of them just now."""
    hale = start(clock=NOON - days(3))
    send(hale, minutes(1), 60, 59_940)
    hale.clock.set(NOON)
    send(hale, hours(20), 25, 35_975)
    send(hale, minutes(40), 3, 2997)
    send(hale, minutes(2), 2, 998)
    return hale


def test_a_command_takes_effect_while_the_service_runs(used):
    assert budget(used)["objective"] is None
    done = used.cli("objective", "set", "default")
    assert done.returncode == 64 and "has no objective yet" in done.stderr, done
    made = used.cli_json("objective", "set", "default", "--days", "28")
    assert made == {"project": "default", "measure": "crash_free_sessions", "target": 99.9,
                    "days": 28, "bad": "crashed"}
    wait(lambda: budget(used)["objective"], "the objective to be known", 2)
    answer = budget(used)
    assert (answer["total"], answer["bad"], answer["allowed"]) == (100_000, 90, 100)
    assert (answer["left"], answer["consumed"]) == (0.1, 0.9)
    rates = {one["window"]: one["rate"] for one in answer["burnRates"]}
    assert rates == {"5m": 2, "30m": 2, "1h": 1.25, "2h": 1.25, "6h": 1.25, "1d": 0.75,
                     "3d": 0.75}
    assert [(pair["long"], pair["short"], pair["burns"]) for pair in answer["pairs"]] == [
        ("1h", "5m", False), ("6h", "30m", False), ("1d", "2h", False), ("3d", "6h", False)]
    series = dict(zip(answer["series"]["days"], answer["series"]["left"]))
    assert len(series) == 28
    assert series["2026-03-06T00:00:00Z"] is None
    assert series["2026-03-07T00:00:00Z"] == 0
    assert series["2026-03-10T00:00:00Z"] == 0.1
    # A budget that is exceeded.
    used.cli_json("objective", "set", "1", "--crash-free-sessions", "99.95", "--days", "7")
    wait(lambda: budget(used)["objective"]["target"] == 99.95, "the new target", 2)
    assert budget(used)["left"] == pytest.approx(-0.8)
    [listed] = used.cli_list("objective", "list")
    assert (listed["target"], listed["days"]) == (99.95, 7)
    assert "99.95 % of sessions crash-free over 7 days" in used.cli("objective", "list").stdout
    assert used.cli("objective", "remove", "default").returncode == 0
    wait(lambda: budget(used)["objective"] is None, "the objective to be gone", 2)
    assert used.cli_list("objective", "list") == []
    assert used.cli("objective", "remove", "default").returncode == 1


def test_a_burning_budget(used):
    used.cli_json("objective", "set", "default", "--crash-free-sessions", "99.9")
    send(used, minutes(3), 150, 4850)
    wait(lambda: budget(used)["objective"], "the objective")
    burning = [pair["long"] for pair in budget(used)["pairs"] if pair["burns"]]
    # 155 of 9,000 in the hour: 17 times; 180 of 45,000 in the day.
    assert burning == ["1h", "6h", "1d", "3d"]
    used.clock.advance(minutes(20))
    burning = [pair["long"] for pair in budget(used)["pairs"] if pair["burns"]]
    assert burning == ["6h", "1d", "3d"]


def test_users_are_those_of_the_window(start):
    hale = start(clock=NOON - days(2))
    hale.send(*[session("crashed" if n < 2 else "exited", did=f"user-{n}", at=hale.clock.instant)
                for n in range(20)])
    hale.clock.set(NOON)
    # The same users again, healthy by now, and twenty others.
    hale.send(*[session(did=f"user-{n}", at=NOON) for n in range(40)])
    hale.cli_json("objective", "set", "default", "--crash-free-users", "90", "--days", "3")
    wait(lambda: budget(hale)["objective"], "the objective")
    answer = budget(hale)
    assert (answer["total"], answer["bad"], answer["allowed"], answer["left"]) == (40, 2, 4, 0.5)
    assert [one["rate"] for one in answer["burnRates"] if one["window"] == "1d"] == [0]


@pytest.mark.parametrize("arguments, named", (
    (("--crash-free-sessions", "100"), "100"), (("--crash-free-users", "99,9"), "99,9"),
    (("--crash-free-sessions", "0.999"), "0.999"), (("--days", "91"), "91"), (("--days", "0"), "--days"),
    (("--crash-free-users", "99", "--crash-free-sessions", "99"), "one objective")))
def test_wrong_usage(hale, arguments, named):
    done = hale.cli("objective", "set", "default", *arguments)
    assert done.returncode == USAGE and named in done.stderr, done


def test_what_is_not_given_stays(start):
    hale = start()
    def shown(*arguments):
        made = hale.cli_json("objective", "set", "default", *arguments)
        return made["measure"], made["target"], made["days"]
    assert shown("--days", "28") == ("crash_free_sessions", 99.9, 28)
    assert shown("--crash-free-users", "98.5", "--days", "14") == ("crash_free_users", 98.5, 14)
    [before] = hale.cli_list("objective", "list")
    # Without a value it shows what is.
    assert shown() == ("crash_free_users", 98.5, 14)
    assert hale.cli_list("objective", "list") == [before]
    assert shown("--days", "7") == ("crash_free_users", 98.5, 7)
    assert shown("--crash-free-users", "97") == ("crash_free_users", 97, 7)
    assert shown("--crash-free-sessions", "99") == ("crash_free_sessions", 99, 7)
    for body, target, days in (({"target": 98}, 98, 7), ({"days": 3}, 98, 3), ({}, 98, 3)):
        made = hale.request(
            "PUT", "/api/0/projects/default/default/objectives/", json.dumps(body),
            {"Authorization": f"Bearer {hale.token}"}).json
        assert (made["target"], made["days"]) == (target, days)


def test_refusals_name_field_and_reason(hale):
    def put(body, token=None):
        made = hale.request(
            "PUT", "/api/0/projects/default/default/objectives/", json.dumps(body),
            {"Authorization": f"Bearer {token or hale.token}"})
        return made.status, made.json
    status, errors = put({"target": 100, "days": 0, "measure": "x"})
    assert status == 400 and set(errors) == {"target", "days", "measure"}
    assert all(len(reasons) == 1 and reasons[0].endswith(".") for reasons in errors.values())
    assert put({"days": 400})[1]["days"] == ["400 is not a whole number from 1 to 90."]
    assert put({"days": 1.5})[1]["days"] == ["1.5 is not a whole number from 1 to 90."]
    # A mistyped member would have no effect.
    status, errors = put({"crashFreeSessions": 50})
    assert status == 400 and errors["detail"] == (
        'There is no member "crashFreeSessions". There are measure, target, days.')
    status, made = put({"target": 99.995})
    assert status == 200 and made["target"] == 99.995
    reader = hale.cli_json("token", "create", "reader")["token"]
    wait(lambda: hale.get("/projects/", token=reader).status == 200, "the token")
    assert put({}, reader)[0] == 403
    assert hale.get("/projects/default/default/objectives/", token=reader).json == [made]
    assert hale.cli("objective", "set", "nothing").returncode == 1


def test_a_window_is_no_longer_than_counts_are_kept(start):
    hale = start("--retention-days", "14")
    reply = hale.request("PUT", "/api/0/projects/default/default/objectives/", b"{}",
                         {"Authorization": f"Bearer {hale.token}"})
    assert reply.status == 200 and reply.json["days"] == 14


def test_metrics(used):
    used.cli_json("objective", "set", "default", "--crash-free-sessions", "99.9")
    wait(lambda: budget(used)["objective"], "the objective")
    text = used.request("GET", "/metrics").body.decode()
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (checked.returncode, checked.stdout) == (0, ""), checked
    labels = 'project="1",measure="crash_free_sessions",bad="crashed"'
    assert f"hale_error_budget_remaining_ratio{{{labels}}} 0.1\n" in text
    assert f'hale_error_budget_burn_rate{{{labels},window="1h"}} 1.25\n' in text
    # A scrape in the next minute sees later sessions.
    send(used, minutes(2), 5, 0)
    assert used.request("GET", "/metrics").body.decode().count(f"{{{labels}}} 0.1\n") == 1
    used.clock.advance(minutes(1))
    text = used.request("GET", "/metrics").body.decode()
    assert f"hale_error_budget_remaining_ratio{{{labels}}} 0.05" in text
