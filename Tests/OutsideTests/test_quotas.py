"""Quotas of projects and DSN keys: sessions and requests."""

import json
import re

import pytest

from hale import (aggregates, envelope, iso, minutes, row, seconds, session, sessions, total, utc,
                  wait)
from test_sdk import program

NOON = utc("2026-03-10T12:00:30Z")
PROJECT = "/projects/default/default/"


def outcomes(hale):
    answer = hale.get("/organizations/default/outcomes/", {"statsPeriod": "48h"}).json
    return {entry.get("reason", entry["outcome"]): entry["quantity"]
            for entry in answer["outcomes"]}


def scrape(hale):
    return hale.request("GET", "/metrics").body.decode()


def change(hale, path, body):
    return hale.request("PUT", f"/api/0{path}", json.dumps(body).encode(),
                        {"Authorization": f"Bearer {hale.token}"})


def opened(hale, count, **fields):
    """Sessions that began now."""
    return [session("ok", at=hale.clock.instant, **fields) for _ in range(count)]


def ended(parts, status):
    return [{**part, "init": False, "status": status} for part in parts]


def test_without_quotas_nothing_is_refused(start):
    hale = start(clock=NOON)
    for _ in range(20):
        hale.send(*opened(hale, 50))
    assert total(hale) == 1000 and set(outcomes(hale)) == {"accepted"}


def test_new_sessions_of_a_minute_and_their_crashes(start):
    hale = start(clock=NOON)
    set_ = hale.cli_json("project", "set", "default", "--sessions-per-minute", "10")
    assert set_["sessionsPerMinute"] == 10 and set_["sessionsPerDay"] is None
    first = opened(hale, 8)
    hale.send(*first)
    # Two have room; the envelope is answered as if all had.
    second = opened(hale, 5)
    reply = hale.send(*second)
    assert reply.headers["X-Sentry-Rate-Limits"] is None
    assert sessions(hale) == row(healthy=10)
    hale.send(*ended(first + second, "crashed"))
    assert sessions(hale) == row(crashed=10)
    assert outcomes(hale) == {"accepted": 20, "quota": 6}
    # The next minute has room again, also for the crashes of those that were refused.
    hale.clock.advance(minutes(1))
    hale.send(*ended(second, "crashed"), *opened(hale, 20))
    assert sessions(hale) == row(crashed=13, healthy=7)
    explained = hale.get("/organizations/default/sessions/explain/", {"bucket": iso(NOON)}).json
    assert explained["buckets"][0]["quota"] == 6 + 13
    assert explained["buckets"][0]["counts"]["healthy"] == 7
    items = dict(re.findall(r'hale_ingest_items_total{project="1",outcome="(\w+)"} (\d+)',
                            scrape(hale)))
    assert items["quota"] == str(6 + 13)


def test_a_day_ends_at_midnight_and_lasts_through_restarts(start):
    hale = start(clock=utc("2026-03-10T23:50:00Z"))
    hale.cli_json("key", "set", hale.key, "--sessions-per-day", "30")
    for ending in (hale.stop, hale.kill):
        hale.send(*opened(hale, 10))
        ending()
        hale.start()
        hale.clock.advance(minutes(2))
    known = opened(hale, 20)
    hale.send(*known)
    assert total(hale) == 30 and outcomes(hale)["quota"] == 10
    hale.clock.set(utc("2026-03-10T23:59:59Z"))
    hale.send(*opened(hale, 1), *ended(known[:10], "crashed"))
    assert total(hale) == 30 and sessions(hale)["crashed"] == 10
    hale.clock.set(utc("2026-03-11T00:00:01Z"))
    hale.send(*opened(hale, 40))
    assert total(hale) == 60
    assert hale.stop() == 0
    verified = hale.cli("verify")
    assert verified.returncode == 0, verified


def test_a_kill_before_sessions_are_folded(start):
    """Sessions that were answered, but wait to be folded, are known after the restart."""
    hale = start(clock=NOON)
    hale.cli_json("project", "set", "default", "--sessions-per-day", "100")
    first = opened(hale, 100)
    hale.send(*first)
    hale.kill()
    hale.start()
    hale.send(*ended(first[:50], "crashed"), *opened(hale, 50))
    assert sessions(hale) == row(healthy=50, crashed=50)


def test_aggregates_are_refused_whole(start):
    hale = start(clock=NOON)
    assert change(hale, PROJECT, {"sessionsPerMinute": 100}).json["sessionsPerMinute"] == 100
    hale.send(aggregates([{"started": iso(NOON), "exited": 60}, {"started": iso(NOON), "exited": 41},
                          {"started": iso(NOON), "exited": 30, "crashed": 10}]))
    assert sessions(hale) == row(healthy=90, crashed=10)
    assert outcomes(hale) == {"accepted_anonymous": 2, "quota": 1}
    hale.send(session(sid=None, at=NOON), aggregates([{"started": iso(NOON)}]))
    assert total(hale) == 100 and outcomes(hale)["quota"] == 2


def test_what_is_refused_leaves_nothing(start):
    hale = start(clock=NOON)
    hale.cli_json("project", "set", "default", "--sessions-per-day", "1")
    hale.send(*[session(release=f"made-up@{n}", did=f"user-{n}", at=NOON) for n in range(50)])
    releases = hale.get("/organizations/default/releases/").json
    assert [release["version"] for release in releases] == ["made-up@0"]


def test_requests_of_a_minute(start):
    hale = start(clock=NOON - seconds(12))
    reply = change(hale, f"/projects/default/default/keys/{hale.key}/",
                   {"rateLimit": {"window": 60, "count": 3}})
    assert reply.json["rateLimit"] == {"window": 60, "count": 3}, reply
    assert reply.json["requestsPerMinute"] == 3
    for _ in range(3):
        hale.send(*opened(hale, 1))
    # The answer comes without the body, and to the same connection as to a new one.
    refused = hale.raw(
        f"POST {hale.envelope_path()} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
        f"X-Sentry-Auth: {hale.auth['X-Sentry-Auth']}\r\nConnection: close\r\n\r\n".encode())
    assert refused.startswith(b"HTTP/1.1 429 Too Many Requests\r\n"), refused
    refused = hale.post(envelope(*opened(hale, 1)))
    assert refused.status == 429 and "requests per minute of this key" in refused.detail
    assert refused.headers["Retry-After"] == "42"
    assert refused.headers["X-Sentry-Rate-Limits"] == "42:session:key:requests_per_minute"
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert total(hale) == 3
    text = scrape(hale)
    assert 'hale_ingest_refused_requests_total{status="429"} 2' in text
    assert 'hale_quota_refused_requests_total{project="1"} 2' in text
    hale.clock.set(NOON + minutes(1))
    hale.send(*opened(hale, 1))
    hale.cli_json("key", "set", hale.key, "--requests-per-minute", "none")
    for _ in range(9):
        hale.send(*opened(hale, 1))


def test_commands_show_and_change_quotas(start):
    hale = start(clock=NOON)
    made = hale.cli_json("project", "create", "shop", "--sessions-per-day", "1000000")
    hale.cli_json("project", "set", "shop", "--requests-per-minute", "600")
    shop = next(row for row in hale.cli_list("project", "list") if row["slug"] == "shop")
    assert (shop["sessionsPerMinute"], shop["sessionsPerDay"], shop["requestsPerMinute"]) \
        == (None, 1_000_000, 600)
    done = hale.cli("key", "set", made["publicKey"], "--sessions-per-minute", "50")
    assert done.returncode == 0 and "at most 50 new sessions per minute" in done.stdout, done
    [key] = hale.cli_list("key", "list", "shop")
    assert key["sessionsPerMinute"] == 50 and key["sessionsPerDay"] is None
    hale.cli_json("key", "set", made["publicKey"], "--sessions-per-minute", "0")
    assert hale.cli_list("key", "list", "shop")[0]["sessionsPerMinute"] is None
    done = hale.cli("project", "set", "shop", "--sessions-per-day", "none",
                    "--requests-per-minute", "none")
    assert "no quotas" in done.stdout, done


@pytest.mark.parametrize("arguments, named", [
    (("project", "set", "default", "--sessions-per-day", "many"), "--sessions-per-day is 'many'"),
    (("project", "set", "default", "--sessions-per-day=-1"), "--sessions-per-day is '-1'"),
    (("key", "set", "no", "--sessions-per-day", "1"), "The key is 'no'"),
    (("key", "set", "0" * 32), "nothing to set"),
    (("key", "set", "0" * 32, "--sessions-per-day", "1"), "0" * 32)])
def test_wrong_arguments_are_named(hale, arguments, named):
    done = hale.cli(*arguments)
    assert done.returncode != 0 and named in done.stderr, done


def test_an_sdk_beyond_a_quota_of_sessions(hale):
    """The SDK is told nothing: it goes on, and the crash of the counted session arrives."""
    hale.cli_json("project", "set", "default", "--sessions-per-day", "1")
    program(f"""
import sentry_sdk
sentry_sdk.init(dsn={hale.dsn!r}, release="shop@2.0.0", auto_session_tracking=False)
scope = sentry_sdk.get_isolation_scope()
scope.start_session()
sentry_sdk.capture_exception(ValueError("handled"))
sentry_sdk.flush()
with sentry_sdk.isolation_scope() as other:
    other.start_session()
    other.end_session()
sentry_sdk.flush()
raise RuntimeError("boom")
""", status=1)
    assert sessions(hale) == row(crashed=1)
    assert outcomes(hale)["quota"] == 1


def test_a_new_quota_holds_at_once(hale):
    """Also for requests that are known to the service already."""
    for _ in range(3):
        hale.send(session())
    hale.cli_json("project", "set", "default", "--requests-per-minute", "1")
    statuses = [hale.post(envelope(session())).status for _ in range(4)]
    # A minute may begin in between.
    assert statuses.count(200) in (1, 2), statuses
    hale.cli_json("project", "set", "default", "--requests-per-minute", "none")
    wait(lambda: hale.post(envelope(session())).status == 200, "the quota to be off")
