"""Buckets, drift, age limits and users, on a clock that the test sets."""

import random
import uuid
from collections import defaultdict

import pytest

from hale import (days, hours, iso, minutes, row, seconds, series, session,
                  sessions, users, users_by, utc)
from model import RANK

NOON = utc("2026-03-10T12:00:00Z")
MILLISECOND = seconds(0.001)


def hourly(hale, field="sum(session)"):
    """{hour as HH:MM: value} of the last day, queried a moment later."""
    hale.clock.advance(seconds(1))
    found = series(hale, field, interval="1h", statsPeriod="24h")
    return {start[11:16]: value for start, value in found.items()}


def day_of(instant):
    """The parameters of a query about one whole day."""
    return {"start": f"{instant:%Y-%m-%d}T00:00:00Z", "end": f"{instant:%Y-%m-%d}T23:59:59Z"}


# Drift: from 55 minutes on, it corrects the times of the envelope's items ------------------


@pytest.mark.parametrize("drift, hour", (
    (minutes(54) + seconds(59), "10:00"), (minutes(54) + seconds(59.999), "10:00"),
    (minutes(55), "11:00"), (minutes(55) + seconds(1), "11:00"), (hours(30), "16:00")))
def test_a_clock_that_runs_behind(start, drift, hour):
    begun = utc("2026-03-10T10:05:00Z")
    hale = start(clock=begun + drift)
    hale.send(session(at=begun, timestamp=iso(begun)), sent_at=iso(begun))
    assert hourly(hale) == {hour: 1}


@pytest.mark.parametrize("drift, hour", (
    (minutes(54) + seconds(59), None), (minutes(55), "11:00"), (hours(5), "07:00")))
def test_a_clock_that_runs_ahead(start, drift, hour):
    """Without the correction the session starts in the future, and is rejected."""
    begun = utc("2026-03-10T12:00:00Z")
    hale = start(clock=begun - drift)
    hale.send(session(at=begun), sent_at=iso(begun))
    hale.clock.set(NOON)
    assert hourly(hale) == ({hour: 1} if hour else {})


def test_no_sent_at_no_correction(start):
    hale = start(clock=NOON)
    hale.send(session(at=NOON - hours(5)))
    hale.send(session(at=NOON - hours(4)), sent_at=None)
    assert hourly(hale) == {"07:00": 1, "08:00": 1}


def test_offsets_of_sent_at(start):
    hale = start(clock=NOON)
    hale.send(session(at=NOON - minutes(90)), sent_at="2026-03-10T13:30:00.000+01:30")
    assert hourly(hale) == {"10:00": 1}


def test_aggregates_drift_too(start):
    begun = utc("2026-03-10T10:05:00Z")
    hale = start(clock=begun + minutes(55))
    sums = {"aggregates": [{"started": iso(begun), "exited": 2, "did": "ada"}],
            "attrs": {"release": "app@1.0"}}
    hale.send(sums, sent_at=iso(begun))
    assert hourly(hale) == {"11:00": 2}
    assert hourly(hale, "count_unique(user)") == {"11:00": 1}


# The same session, corrected differently: the earliest start counts --------------------------


def moved(hale, order, others=0):
    """Two updates of one session: one has the start at 10:05, the other at 11:00."""
    begun = utc("2026-03-10T10:05:00Z")
    sid = str(uuid.uuid4())
    hale.clock.set(utc("2026-03-10T11:30:00Z"))
    for _ in range(others):
        hale.send(session(at=utc("2026-03-10T11:10:00Z"), did="ada"))
    for status, drift in order:
        hale.clock.set(begun + drift)
        hale.send(session(status, at=begun, sid=sid, did="ada"), sent_at=iso(begun))
    hale.clock.set(NOON)


BELOW, ABOVE = minutes(54) + seconds(59), minutes(55)


@pytest.mark.parametrize("order", (
    (("ok", BELOW), ("crashed", ABOVE)), (("ok", ABOVE), ("crashed", BELOW)),
    (("crashed", ABOVE), ("ok", BELOW)), (("crashed", BELOW), ("ok", ABOVE)),
    (("ok", ABOVE), ("crashed", BELOW), ("ok", ABOVE), ("ok", BELOW))))
def test_the_earliest_start_counts(start, order):
    hale = start(clock=NOON)
    moved(hale, order)
    assert hourly(hale) == {"10:00": 1}
    assert hourly(hale, "count_unique(user)") == {"10:00": 1}
    assert sessions(hale) == row(crashed=1)
    assert users(hale) == row(crashed=1)
    # The old bucket keeps no part of the session.
    assert hourly(hale, "crash_rate(session)") == {"10:00": 1}


def test_a_user_stays_in_a_bucket_for_another_session(start):
    hale = start(clock=NOON)
    moved(hale, (("ok", ABOVE), ("crashed", BELOW)), others=1)
    assert hourly(hale) == {"10:00": 1, "11:00": 1}
    assert hourly(hale, "count_unique(user)") == {"10:00": 1, "11:00": 1}
    by_hour = {"start": "2026-03-10T11:00:00Z", "end": "2026-03-10T11:59:58Z"}
    assert users(hale, **by_hour) == row(healthy=1)
    assert users(hale) == row(crashed=1)


def test_a_bucket_move_across_midnight(start):
    """Over the boundary of a day, after that day was closed."""
    begun = utc("2026-03-09T23:30:00Z")
    hale = start(clock=begun + hours(2))
    sid = str(uuid.uuid4())
    late = session("ok", at=begun, sid=sid, did="ada")
    hale.send(late, sent_at=iso(begun))
    hale.clock.set(NOON + days(1))
    hale.cli("jobs", "run", "retention")
    assert sessions(hale, **day_of(NOON)) == row(healthy=1)
    hale.send({**late, "status": "abnormal"}, sent_at=iso(hale.clock.instant))
    assert sessions(hale, **day_of(NOON)) == row()
    assert users(hale, **day_of(NOON)) == row()
    assert sessions(hale, **day_of(begun)) == row(abnormal=1)
    assert users(hale, **day_of(begun)) == row(abnormal=1)


# Age ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("age, counts", (
    (days(5), 1), (days(5) + MILLISECOND, 0), (days(5) + seconds(1), 0), (days(6), 0)))
def test_five_days_and_no_more(start, age, counts):
    hale = start(clock=NOON)
    hale.send(session(at=NOON - age, timestamp=iso(NOON)))
    assert sum(sessions(hale, statsPeriod="10d", interval="1d").values()) == counts


@pytest.mark.parametrize("ahead, counts", ((seconds(60), 1), (seconds(60.001), 0), (hours(1), 0)))
def test_a_minute_ahead_and_no_more(start, ahead, counts):
    hale = start(clock=NOON)
    hale.send(session(at=NOON + ahead))
    hale.clock.set(NOON + hours(2))
    assert sum(sessions(hale).values()) == counts


def test_a_timestamp_ahead(start):
    hale = start(clock=NOON)
    hale.send(session(at=NOON - hours(1), timestamp=iso(NOON + seconds(60))))
    hale.send(session(at=NOON - hours(1), timestamp=iso(NOON + seconds(61))))
    assert sessions(hale) == row(healthy=1)


def test_a_timestamp_before_the_start_is_ignored(start):
    hale = start(clock=NOON)
    hale.send(session(at=NOON - hours(1), timestamp=iso(NOON - days(9))))
    assert sessions(hale) == row(healthy=1)


def test_old_aggregates(start):
    hale = start(clock=NOON)
    buckets = [{"started": iso(NOON - age), "exited": 1}
               for age in (days(5), days(5) + MILLISECOND, hours(1))]
    hale.send({"aggregates": buckets, "attrs": {"release": "app@1.0"}})
    assert sum(sessions(hale, statsPeriod="10d", interval="1d").values()) == 2


# Late ends ----------------------------------------------------------------------------------


def test_a_late_end_changes_the_bucket_of_its_start(start):
    begun = NOON - hours(3)
    hale = start(clock=begun)
    sid = str(uuid.uuid4())
    hale.send(session("ok", at=begun, sid=sid, did="ada"))
    hale.clock.set(NOON)
    hale.send(session("crashed", at=begun, sid=sid, did="ada", timestamp=iso(NOON)))
    assert hourly(hale) == {"09:00": 1}
    assert hourly(hale, "crash_rate(session)") == {"09:00": 1}


def test_a_late_crash_reaches_a_closed_day(start):
    """The day's counts and its users change, for totals, series and any range around it."""
    hale = start(clock=NOON)
    sids = [str(uuid.uuid4()) for _ in range(4)]
    first = [session("exited", at=NOON, sid=sid, did=f"user-{at % 3}")
             for at, sid in enumerate(sids)]
    hale.send(*first)
    for _ in range(4):
        hale.clock.advance(days(1))
        assert hale.cli("jobs", "run", "retention").returncode == 0
        hale.send(session(at=hale.clock.instant, did="user-1"))
    # Exactly 5 days.
    hale.clock.set(NOON + days(5))
    hale.send({**first[0], "status": "crashed"}, {**first[1], "status": "abnormal"})
    assert sessions(hale, **day_of(NOON)) == row(healthy=2, abnormal=1, crashed=1)
    assert users(hale, **day_of(NOON)) == row(healthy=1, abnormal=1, crashed=1)
    week = {"statsPeriod": "7d", "interval": "1d"}
    assert sessions(hale, **week) == row(healthy=6, abnormal=1, crashed=1)
    assert users(hale, **week) == row(healthy=1, abnormal=1, crashed=1)
    hale.clock.advance(MILLISECOND)
    hale.send({**first[2], "status": "crashed"})
    assert sessions(hale, **day_of(NOON)) == row(healthy=2, abnormal=1, crashed=1)


def test_no_number_changes_when_states_are_dropped(start):
    hale = start(clock=NOON)
    chance = random.Random(3)
    for hour in range(30):
        hale.clock.set(NOON + hours(hour))
        hale.send(*[session(chance.choice(("ok", "exited", "crashed", "abnormal")),
                            at=hale.clock.instant - minutes(chance.randrange(60)),
                            did=f"user-{chance.randrange(9)}") for _ in range(8)])

    def numbers():
        around = {"start": iso(NOON - days(1)), "end": iso(NOON + days(3))}
        fields = ("sum(session)", "count_unique(user)", "crash_free_rate(user)")
        answer = hale.sessions(*fields, group=("release", "environment"), interval="1h", **around)
        return (answer["groups"], sessions(hale, **around), users(hale, **around))

    # Before, during and after the removal of these sessions' states.
    hale.clock.set(NOON + days(4))
    before = numbers()
    for age in (days(5), days(5) + hours(1), days(6) + hours(12), days(20)):
        hale.clock.set(NOON + age)
        assert hale.cli("jobs", "run", "retention").returncode == 0
        assert numbers() == before, age


def test_numbers_survive_restarts(start):
    hale = start(clock=NOON)
    hale.send(session("crashed", at=NOON, did="ada"), session(at=NOON, did="bob"))
    hale.clock.set(NOON + days(9))
    hale.cli("jobs", "run", "retention")
    assert hale.stop() == 0
    hale.start()
    assert sessions(hale, **day_of(NOON)) == row(crashed=1, healthy=1)
    assert users(hale, **day_of(NOON)) == row(crashed=1, healthy=1)


# Users over many days -------------------------------------------------------------------------


def simulate(hale, length):
    """Sends sessions of `length` days; returns {day: {user: worst}}."""
    chance = random.Random(90)
    wanted = defaultdict(dict)
    for number in range(length):
        hale.clock.set(NOON + days(number))
        batch = []
        people = ["every-day", f"week-{number % 7}", f"day-{number}", f"month-{number // 30}"]
        for person in people + [f"random-{chance.randrange(60)}" for _ in range(6)]:
            status = chance.choice(("exited",) * 6 + ("crashed", "abnormal", "errored"))
            at = hale.clock.instant - minutes(chance.randrange(12 * 60))
            batch.append(session(status, at=at, did=person, release=f"app@{number // 10}"))
            severity = {"exited": "healthy"}.get(status, status)
            worst = wanted[number].get(person, severity)
            wanted[number][person] = max(worst, severity, key=RANK.get)
        hale.send(*batch)
        assert hale.cli("jobs", "run", "retention").returncode == 0
    return wanted


def union(wanted, chosen):
    """The row of the users of several days, each once under the worst status."""
    worst = {}
    for number in chosen:
        for person, severity in wanted[number].items():
            worst[person] = max(worst.get(person, severity), severity, key=RANK.get)
    found = row()
    for severity in worst.values():
        found[severity] += 1
    return found


def test_users_over_ninety_days_are_a_union(start):
    hale = start(clock=NOON)
    wanted = simulate(hale, 90)

    def between(first, last):
        return {"start": iso(NOON.replace(hour=0) + days(first)),
                "end": iso(NOON.replace(hour=23, minute=59, second=58) + days(last)),
                "interval": "1d"}

    daily = series(hale, "count_unique(user)", **between(0, 89))
    assert list(daily.values()) == [len(wanted[number]) for number in range(90)]
    for first, last in ((0, 89), (0, 0), (89, 89), (17, 40), (83, 89), (0, 60)):
        chosen = range(first, last + 1)
        assert users(hale, **between(first, last)) == union(wanted, chosen), (first, last)
    # The union differs much from the sum, which a store of counts would give.
    assert sum(daily.values()) > 2 * sum(union(wanted, range(90)).values())
    by_release = users_by(hale, "release", **between(0, 89))
    assert by_release == {(f"app@{ten}",): union(wanted, range(ten * 10, ten * 10 + 10))
                          for ten in range(9)}


# Minutes --------------------------------------------------------------------------------------


def test_minutes_of_the_last_five_days(start):
    hale = start(clock=NOON)
    hale.send(*[session(at=NOON - minutes(at), did=f"user-{at % 2}") for at in (1, 1, 2, 30)])
    hale.clock.set(NOON + days(4))
    around = {"start": iso(NOON - hours(1)), "end": iso(NOON), "interval": "1m"}
    found = series(hale, "sum(session)", **around)
    assert {start[11:16]: count for start, count in found.items()} == {
        "11:30": 1, "11:58": 1, "11:59": 2}


def test_older_minutes_are_refused_with_the_reason(start):
    """An error instead of zeros where there were sessions."""
    hale = start(clock=NOON)
    hale.send(session(at=NOON - minutes(1)))
    hale.clock.set(NOON + days(6))
    around = {"start": iso(NOON - hours(1)), "end": iso(NOON), "field": "sum(session)"}
    for interval in ("1m", "10m"):
        reply = hale.get("/organizations/default/sessions/", {**around, "interval": interval})
        assert reply.status == 400, reply
        assert "5 days" in reply.detail or "five days" in reply.detail, reply
    reply = hale.get("/organizations/default/sessions/", {**around, "interval": "1h"})
    assert reply.json["groups"][0]["totals"] == {"sum(session)": 1}


# The clock ------------------------------------------------------------------------------------


def test_a_clock_that_starts_elsewhere_runs(start):
    hale = start("--now", "2024-02-29T23:59:58Z")
    hale.send(session(at=utc("2024-02-29T23:30:00Z")))
    answer = hale.sessions("sum(session)")
    assert answer["groups"][0]["totals"] == {"sum(session)": 1}
    assert answer["end"].startswith("2024-03-01T0"), answer["end"]


def test_an_unreadable_clock_keeps_the_last_time(start):
    hale = start(clock=NOON + seconds(1))
    hale.clock.path.write_text("no time at all\n")
    hale.send(session(at=NOON))
    assert sessions(hale) == row(healthy=1)
    hale.clock.path.unlink()
    hale.send(session(at=NOON))
    assert sessions(hale) == row(healthy=2)
    hale.clock.set(NOON + hours(3))
    hale.send(session(at=NOON + hours(3)))
    assert hourly(hale) == {"12:00": 2, "15:00": 1}


def test_the_hour_that_begins_now(start):
    """A period ends now: the current bucket is part of every response once it has begun."""
    hale = start(clock=NOON)
    hale.send(session(at=NOON))
    assert sessions(hale) == row()
    hale.clock.advance(MILLISECOND)
    assert sessions(hale) == row(healthy=1)
    assert sessions(hale, statsPeriod="1h", interval="1m") == row(healthy=1)


# Ranges ---------------------------------------------------------------------------------------


def test_a_period_covers_all_of_its_time(start):
    """A crash of 23 hours and 40 minutes ago is in the last 24 hours."""
    hale = start(clock=utc("2026-03-09T12:50:00Z"))
    hale.send(session("crashed", at=hale.clock.instant, did="ada"))
    hale.clock.set(NOON + minutes(30))
    hale.send(session(at=NOON, did="bob", release="app@2.0"))
    for interval, begin, points in (("1h", "2026-03-09T12:00:00Z", 25),
                                    ("1d", "2026-03-09T00:00:00Z", 2),
                                    ("15m", "2026-03-09T12:30:00Z", 96)):
        answer = hale.sessions("sum(session)", "crash_free_rate(session)", interval=interval)
        assert (answer["start"], len(answer["intervals"])) == (begin, points), interval
        assert answer["groups"][0]["totals"] == {
            "sum(session)": 2, "crash_free_rate(session)": 0.5}, interval
    adoption = hale.get("/organizations/default/adoption/", {"statsPeriod": "24h"}).json
    assert adoption["total"]["count"] == 2 and len(adoption["intervals"]) == 25
    compared = hale.get("/organizations/default/sessions/compare/", {
        "base": "app@1.0", "candidate": "app@2.0"}).json
    assert [compared[side]["sessions"]["total"] for side in ("base", "candidate")] == [1, 1]
    outcomes = hale.get("/organizations/default/outcomes/", {"statsPeriod": "24h"}).json
    assert outcomes["groups"][0]["totals"]["received"] == 2
    estimate = hale.get("/organizations/default/releases/app@1.0/estimate/", {
        "statsPeriod": "24h"}).json
    assert (estimate["sessions"], estimate["start"]) == (1, "2026-03-09T12:00:00Z")
    # These are exact to the minute.
    hale.clock.advance(minutes(20))
    assert hale.get("/organizations/default/active/").json["groups"][0]["sessions"] == 2
    hale.clock.advance(minutes(1))
    assert hale.get("/organizations/default/active/").json["groups"][0]["sessions"] == 1


@pytest.mark.parametrize("clock, query, first, points", (
    ("12:30", {"start": "2026-03-08", "end": "2026-03-09", "interval": "1d"}, "08T00:00", 1),
    ("00:05", {"statsPeriod": "7d", "interval": "1d"}, "03T00:00", 8),
    ("12:30", {"start": "2026-03-10T12:00:00", "end": "2026-03-10T12:05:00", "interval": "1m"},
     "10T12:00", 5),
    ("12:30", {"statsPeriod": "5m", "interval": "1m"}, "10T12:25", 5),
    ("12:30", {"statsPeriodStart": "49h", "statsPeriodEnd": "25h"}, "08T11:00", 25),
    ("12:30", {"statsPeriodStart": "49h", "statsPeriodEnd": "25h", "interval": "1d"},
     "08T00:00", 2)))
def test_ranges_are_those_of_whole_intervals(start, clock, query, first, points):
    hale = start(clock=utc(f"2026-03-10T{clock}:00Z"))
    for path, more in (("sessions/", {"field": "sum(session)"}), ("adoption/", {}),
                       ("outcomes/", {})):
        reply = hale.get(f"/organizations/default/{path}", {**query, **more})
        if path == "outcomes/" and query.get("interval", "1h").endswith("m"):
            assert reply.status == 400 and "kept by the hour" in reply.detail, reply
            continue
        found = reply.json["intervals"]
        assert (found[0], len(found)) == (f"2026-03-{first}:00Z", points), (path, reply)
