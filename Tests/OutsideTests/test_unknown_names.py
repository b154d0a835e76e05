"""Names that nothing has: never zeros, and never silence."""

import json

import pytest

from hale import minutes, session, utc

NOON = utc("2026-03-10T12:30:00Z")
ORGANIZATION = "/organizations/default"
RULE = {"name": "r", "projects": ["default"], "aggregate": "crash_free_rate(session)",
        "timeWindow": 60, "thresholdType": 1,
        "triggers": [{"label": "critical", "alertThreshold": 99}]}


@pytest.fixture
def used(start):
    hale = start(clock=NOON)
    hale.send(*(session(at=NOON - minutes(5), release="app@1.0.0", environment="production")
                for _ in range(5)))
    return hale


def change(hale, path, body):
    return hale.request("POST", f"/api/0{ORGANIZATION}{path}", json.dumps(body).encode(),
                        {"Authorization": f"Bearer {hale.token}"})


@pytest.mark.parametrize("extra, near", (
    ({"groupby": "release"}, "groupBy"), ({"environments": "production"}, "environment"),
    ({"statsPeriodd": "7d"}, "statsPeriod")))
def test_slips_of_the_hand(used, extra, near):
    reply = used.get(f"{ORGANIZATION}/sessions/", {"field": "sum(session)", **extra})
    (name,) = extra
    assert reply.status == 400 and reply.detail.startswith(
        f'There is no parameter "{name}"; near: "{near}"'), reply


def test_what_clients_of_sentry_send_is_let_through(used):
    reply = used.get(f"{ORGANIZATION}/sessions/",
                     {"field": "sum(session)", "statsPeriod": "1d", "utc": "true", "referrer": "x"})
    assert reply.status == 200 and reply.headers["Hale-Ignored"] == "utc, referrer", reply
    route = "/api/0/organizations/{organization}/sessions"
    text = used.request("GET", "/metrics").body.decode()
    assert f'hale_api_ignored_names_total{{route="{route}"}} 2\n' in text


def test_a_comparison_with_nothing(used):
    reply = used.get(f"{ORGANIZATION}/sessions/compare/",
                     {"base": "typo@1", "candidate": "app@1.0.0"})
    assert reply.status == 400 and 'no release "typo@1"' in reply.detail, reply


def test_a_gate_on_an_unknown_environment(used):
    done = used.cli("gate", "--release", "app@1.0.0", "--environment", "prod", "--wait", "30m")
    assert done.returncode == 3, done
    assert 'no environment "prod"; near: "production"' in done.stderr, done
    # A release that is still to come is waited for.
    done = used.cli("gate", "--release", "app@1.0.1", "--environment", "production", "--wait", "1s")
    assert done.returncode == 2, done


def test_a_rule_on_nothing(used, tmp_path):
    rule = {**RULE, "environment": "prod", "release": "lastest"}
    made = change(used, "/alert-rules/", rule)
    assert made.status == 201, made
    reasons = {problem["field"]: problem["reason"] for problem in made.json["unmatched"]}
    assert set(reasons) == {"environment", "release"} and '"latest"' in reasons["release"]
    listed = used.cli("alert", "list").stdout
    assert "not evaluated yet, matches nothing yet" in listed, listed
    shown = used.cli("alert", "show", "r").stdout
    assert 'There is no environment "prod"; near: "production".' in shown, shown
    file = tmp_path / "rule.json"
    file.write_text(json.dumps(rule))
    for name in ("r", file):
        done = used.cli("alert", "backtest", "--rule", name, "--from", "2026-03-10T12:00Z")
        assert done.returncode == 1 and 'no environment "prod"' in done.stderr, done
    for arguments in (("show", "rr"), ("mute", "rr"), ("backtest", "--from", "2026-03-10",
                                                      "--rule", "rr")):
        done = used.cli("alert", *arguments)
        assert done.returncode == 1 and 'There is only r.' in done.stderr, done
    # Once something matches, it is no longer marked.
    used.send(session(at=NOON - minutes(1), release="lastest", environment="prod"))
    assert "matches nothing" not in used.cli("alert", "list").stdout
    assert used.get(f"{ORGANIZATION}/alert-rules/r/").json["unmatched"] == []
