"""The estimate of a release once all late crashes are reported."""

import pytest

from hale import days, hours, minutes, session, utc

NOON = utc("2026-03-10T12:00:00Z")


def launch(hale, release, count):
    begun = [session("ok", release=release, at=hale.clock.instant, did=f"{release}-{index}")
             for index in range(count)]
    for index in range(0, count, 50):
        hale.send(*begun[index:index + 50])
    return begun


def report(hale, crashed):
    for index in range(0, len(crashed), 50):
        hale.send(*[{**one, "status": "crashed", "init": False}
                    for one in crashed[index:index + 50]])


def estimate_of(hale, release, **parameters):
    reply = hale.get(f"/organizations/default/releases/{release}/estimate/",
                     {"statsPeriod": "7d", "interval": "1h", **parameters})
    assert reply.status == 200, reply
    return reply.json


def late_crashes(start, noon):
    """Half of the crashes of app@1 are reported at once, the others six hours later."""
    hale = start(clock=noon - days(2))
    crashed = launch(hale, "app@1", 1000)[:80]
    report(hale, crashed[:40])
    hale.clock.advance(hours(6))
    report(hale, crashed[40:])
    hale.clock.set(noon)
    hale.crashed = launch(hale, "app@2", 1000)[:40]
    report(hale, hale.crashed[:20])
    hale.clock.advance(minutes(30))
    return hale


@pytest.fixture
def late(start):
    return late_crashes(start, NOON)


def test_the_estimate_beside_the_exact_count(late):
    answer = estimate_of(late, "app@2")
    assert (answer["sessions"], answer["crashed"], answer["crashFreeSessions"]) == (1000, 20, 0.98)
    estimate = answer["estimate"]
    assert estimate["value"] == pytest.approx(0.96, abs=0.002)
    assert 0.93 < estimate["low"] < 0.955 and 0.965 < estimate["high"] <= 0.98
    delay = answer["reportingDelay"]
    assert delay["isLearnt"] and delay["crashes"] == 80 and delay["hoursToMost"] == 6
    assert delay["knownShare"] == pytest.approx(0.5, abs=0.02)
    series = answer["series"]
    assert len(set(map(len, series.values()))) == 1
    at = series["intervals"].index("2026-03-10T12:00:00Z")
    assert series["value"][at] == pytest.approx(estimate["value"])
    assert (series["low"][at], series["high"][at]) == (estimate["low"], estimate["high"])
    assert series["value"][at - 1] is None
    # The exact numbers are those of the sessions API.
    rate = late.sessions("crash_free_rate(session)", query="release:app@2", statsPeriod="7d")
    assert rate["groups"][0]["totals"]["crash_free_rate(session)"] == 0.98

    # The later reports match the estimate, and then there is none.
    late.clock.set(NOON + hours(6) + minutes(10))
    report(late, late.crashed[20:])
    late.clock.advance(hours(2))
    answer = estimate_of(late, "app@2")
    assert estimate["low"] <= answer["crashFreeSessions"] == 0.96 <= estimate["high"]
    assert answer["reportingDelay"]["knownShare"] == 1
    assert answer["estimate"] == {"value": 0.96, "low": 0.96, "high": 0.96}
    # Of failure-free sessions there is an estimate, too, where unhandled errors are bad.
    assert (answer["bad"], answer["failureFreeEstimate"]) == ("crashed", None)
    assert answer["failed"] == answer["crashed"] and answer["failureFreeSessions"] == 0.96
    late.send(*[session("unhandled", release="app@2", at=NOON, did=f"other-{n}") for n in range(40)])
    late.cli_json("project", "set", "default", "--bad", "crashed+unhandled")
    both = estimate_of(late, "app@2")
    assert (both["bad"], both["sessions"], both["crashed"], both["failed"]) == (
        "crashed+unhandled", 1040, 40, 80)
    assert both["failureFreeSessions"] == pytest.approx(960 / 1040)
    assert both["estimate"]["value"] == pytest.approx(1000 / 1040)
    assert both["failureFreeEstimate"]["value"] == pytest.approx(960 / 1040, abs=0.01)
    late.cli_json("project", "set", "default", "--bad", "default")
    answer = estimate_of(late, "app@2")
    # Days are summed as well as hours.
    assert estimate_of(late, "app@2", interval="1d")["estimate"] == answer["estimate"]


def test_the_gate_has_the_same_estimate(late):
    gate = late.get("/organizations/default/releases/app@2/gate/").json
    answer = estimate_of(late, "app@2")
    assert gate["candidate"]["corrected"] == answer["estimate"]
    assert gate["reportingDelay"] == answer["reportingDelay"]


def test_without_enough_to_learn_from_there_is_no_estimate(start):
    hale = start(clock=NOON + minutes(30))
    report(hale, launch(hale, "app@1", 100)[:5])
    answer = estimate_of(hale, "app@1")
    assert answer["estimate"] is None and answer["crashFreeSessions"] == 0.95
    assert not answer["reportingDelay"]["isLearnt"]
    assert answer["series"] == {"intervals": [], "value": [], "low": [], "high": []}
    hale.send(session(at=NOON, release="app@2", environment="elsewhere"))
    nothing = estimate_of(hale, "app@1", environment="elsewhere")
    assert (nothing["sessions"], nothing["crashFreeSessions"]) == (0, None)


def test_ranges_before_all_sessions(late):
    """The hours that are added up are those that are kept, however far back a range reaches."""
    path = "/organizations/default/releases/app@2/estimate/"
    for arguments in ({"statsPeriodStart": "999999999w", "statsPeriodEnd": "999999998w"},
                      {"start": "0001-01-01", "end": "0001-01-02"}):
        reply = late.get(path, arguments)
        assert reply.status == 200 and reply.json["sessions"] == 0, reply
    whole = late.get(path, {"start": "2020-01-01", "end": "2030-01-01", "interval": "1d"})
    assert whole.status == 400, whole


def test_refusals(late):
    path = "/organizations/default/releases/app@9/estimate/"
    assert late.get(path).status == 404
    reply = late.get("/organizations/default/releases/app@2/estimate/", {"interval": "30m"})
    assert reply.status == 400 and "kept by the hour" in reply.detail
