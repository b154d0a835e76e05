"""Queries: two weeks by the hour, 90 days of users, and ClickHouse's engine."""

import json
import subprocess
import time

from report import quantile
from servers import Service, checked_load
from worlds import ROOT, World, bench, bench_python

FORTNIGHT = World(sessions=10_000_000, open=300_000, days=14, users=1_000_000, releases=200)
QUARTER = World(sessions=20_000_000, days=90, users=1_000_000, releases=20)
# A page has 29 groups over two weeks of hours: six releases by status, or 29 releases.
QUERY = {"field": "sum(session)", "groupBy": ["release", "session.status"],
         "statsPeriod": "14d", "interval": "1h"}
SHARES = {"field": ["sum(session)", *(f"{name}_rate(session)" for name in (
              "crash_free", "crash", "errored", "unhandled", "abnormal"))],
          "groupBy": "release", "statsPeriod": "14d", "interval": "1h"}


def times_of(service, query, count, until=lambda: False):
    """The milliseconds of `count` queries over one connection, and the last response."""
    connection = service.http()
    times, answer = [], None
    try:
        while len(times) < count and not until():
            answer, milliseconds = service.query(query, connection)
            times.append(milliseconds)
    finally:
        connection.close()
    return times, answer


def times_for(seconds, service, query):
    """The milliseconds of queries during this time, after one second in which wrk reads its
    requests."""
    time.sleep(1)
    end = time.monotonic() + seconds
    return times_of(service, query, 10_000, lambda: time.monotonic() > end)[0]


def add_times(report, name, times, goals, detail=None):
    for share, label, goal in ((0.5, "median", goals[0]), (0.99, "p99", goals[1])):
        report.add(f"{name}, {label}, ms", quantile(times, share),
                   f"<= {goal}" if goal else "", detail)


def query(report, worlds, nginx, settings):
    """Two weeks by the hour, by release and status, alone and during ingest."""
    with worlds.copy(FORTNIGHT) as data, Service(data) as service:
        queries = {"by release and status": QUERY,
                   "by release, share of each status": SHARES}
        for what, one in queries.items():
            times, answer = times_of(service, one, 200)
            add_times(report, f"14 days hourly, {what}, {len(answer['groups'])} groups", times,
                      (5, 20), times)
        with worlds.requests(FORTNIGHT, "single", 200_000) as requests:
            most = checked_load(report, "query, full load", service, requests, 256, 3)["rate"]
        for index, (what, one) in enumerate(queries.items(), start=1):
            with worlds.requests(FORTNIGHT, "single", 100_000, index * 200_000) as requests:
                # The pause of a connection for half of the maximum rate; the response takes about
                # a third of the time.
                pause = max(1, round(256 / (most / 2) * 1000 * 0.7))
                half = checked_load(report, f"query, {what}", service, requests, 256, 8, pause,
                                    lambda: times_for(6, service, one))
            times = half["meanwhile"]
            add_times(report, f"  {what}, during ingest", times, (15, 60), times)
            report.add("  ingest meanwhile, x its maximum", half["rate"] / most, "0.5")
    figures = bench("query", "--path", worlds.get(FORTNIGHT) / "hale.db", "--by-release")
    report.add("  the store alone, all 200 releases, ms", figures["ms_median"], "", figures)


def crashfree(report, worlds, nginx, settings):
    """90 days of crash-free users, 200 k of 1 M per day."""
    base = {"field": ["crash_free_rate(user)", "count_unique(user)"], "statsPeriod": "90d"}
    queries = [
        ("total", {**base, "includeSeries": "0", "interval": "1d"}, 50),
        ("daily", {**base, "interval": "1d"}, 50),
        ("one release, total", {**base, "includeSeries": "0", "interval": "1d",
                                "query": "release:app@1.7.0"}, 10),
        ("one release, daily", {**base, "interval": "1d", "query": "release:app@1.7.0"}, 10),
    ]
    with worlds.copy(QUARTER) as data, Service(data) as service:
        for name, one, goal in queries:
            times, answer = times_of(service, one, 30)
            seen = answer["groups"][0]["totals"]["count_unique(user)"]
            report.add(f"90 days of crash-free users, {name}, ms", times, f"<= {goal}",
                       {"users": seen})


def clickhouse(report, worlds, nginx, settings):
    """29 releases by hour and status over two weeks, on Hale and on ClickHouse's engine with the
    raw sessions."""
    python = bench_python("chdb==4.4.0")
    raw = worlds.work / "raw.bin"
    bench("raw", *FORTNIGHT.options, "--file", raw)
    with worlds.copy(FORTNIGHT) as data, Service(data) as service:
        own, _ = times_of(service, SHARES, 15)
        done = subprocess.run(
            [python, ROOT / "Bench" / "clickhouse.py", raw, worlds.work / "clickhouse"],
            stdout=subprocess.PIPE, check=True, text=True)
        own += times_of(service, SHARES, 15)[0]
    raw.unlink()
    figures = json.loads(done.stdout)
    add_times(report, "29 releases by hour and status, ClickHouse's engine", figures["times"],
              ("", ""), figures)
    add_times(report, "  Hale, over HTTP", own, ("", ""), own)
    report.add("  Hale's median, x ClickHouse's engine",
               quantile(own, 0.5) / quantile(figures["times"], 0.5))
    report.add("  its disk a session, bytes", figures["bytes"] / figures["sessions"])
