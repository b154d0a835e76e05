"""Ingest: single sessions, packed sessions, session aggregates, and the listener alone."""

import statistics

from machine import sync_seconds
from servers import BareListener, Service, checked_load, load
from worlds import World, bench

# The requests prepared for each second: more than any machine so far has answered.
SINGLE_MAX = 80_000
PACKED_MAX = 2_500
AGGREGATES = 2_000

RATIOS = {64: 0.6, 256: 0.9, 1024: 1.0}


def ingest_world(settings, open=0):
    return World(sessions=1_000_000, open=open, releases=settings.releases,
                 environments=settings.environments)


def single_world(settings):
    return ingest_world(settings, SINGLE_MAX * settings.seconds // 2)


def listener(report, worlds, nginx, settings):
    """Hale's listener with a handler that does nothing, and nginx."""
    world = single_world(settings)
    bare = BareListener()
    try:
        with worlds.requests(world, "single", 50_000) as requests:
            runs = []
            for index in range(settings.listener_rounds):
                pair = {"hale": bare, "nginx": nginx}
                order = ["hale", "nginx"] if index % 2 else ["nginx", "hale"]
                runs.append({name: load(pair[name], requests, 64, 2) for name in order})
    finally:
        bare.end()
    report.add("listener alone, CPU a request, x nginx",
               [run["hale"]["cpu_us"] / run["nginx"]["cpu_us"] for run in runs], "<= 1.0", runs)
    for name in ("hale", "nginx"):
        report.add(f"  us, {name}", [run[name]["cpu_us"] for run in runs])
    report.add("  requests a second, x nginx",
               [run["hale"]["rate"] / run["nginx"]["rate"] for run in runs])


def single(report, worlds, nginx, settings):
    """Envelopes of one session, each answered after its commit; nginx gets the same requests.
    Half of them begin a session, half end one of the last hour."""
    world = single_world(settings)
    count = SINGLE_MAX * settings.seconds
    with worlds.requests(world, "single", count) as requests:
        for connections in settings.connections:
            goal = RATIOS.get(connections, "")
            runs = [single_run(report, worlds, nginx, settings, world, requests, connections, index)
                    for index in range(settings.rounds)]
            report_single(report, connections, goal, runs)


def single_run(report, worlds, nginx, settings, world, requests, connections, index):
    """One alternation, on a fresh database."""
    run = {}

    def peer():
        run["nginx"] = load(nginx, requests, connections, settings.seconds)

    if index % 2 == 0:
        peer()
    with worlds.copy(world) as data, Service(data) as service:
        syncs = [sync_seconds(data)]
        run["hale"] = checked_load(report, f"single, {connections} connections", service, requests,
                                   connections, settings.seconds)
        syncs.append(sync_seconds(data))
    run["fdatasync_us"] = statistics.mean(syncs) * 1e6
    if index % 2:
        peer()
    return run


def report_single(report, connections, goal, runs):
    def each(server, key, scale=1.0):
        return [run[server][key] / scale for run in runs]

    report.add(f"single sessions, {connections} connections, x nginx",
               [run["hale"]["rate"] / run["nginx"]["rate"] for run in runs],
               f">= {goal}" if goal else "", runs)
    report.add("  a second", each("hale", "rate"))
    report.add("  a second, nginx", each("nginx", "rate"))
    report.add("  CPU us a session, all included", each("hale", "cpu_us"), "<= 25")
    # The time of one commit: a sync, and Hale's CPU time for the sessions that share it.
    commit = [run["fdatasync_us"] + run["hale"]["batch"] * run["hale"]["cpu_us"] for run in runs]
    bound = [run["nginx"]["p50"] / 1000 + 2 * time / 1000 for run, time in zip(runs, commit)]
    median = statistics.median(bound)
    report.add("  p50 ms", each("hale", "p50", 1000),
               f"<= {median:.2f}" if connections == 64 else "")
    report.add("  p50 ms, nginx", each("nginx", "p50", 1000))
    peer = statistics.median(each("nginx", "p99", 1000))
    report.add("  p99 ms", each("hale", "p99", 1000),
               f"<= {2 * peer:.2f}" if connections == 256 else "")
    report.add("  p99 ms, nginx", each("nginx", "p99", 1000))
    report.add("  sessions a commit", each("hale", "batch"))
    report.add("  fdatasync of 4 KiB in the same run, us", [run["fdatasync_us"] for run in runs])
    report.add("  share of requests sent twice", sum(each("hale", "repeated"))
               / max(sum(each("hale", "sent")), 1))


def packed(report, worlds, nginx, settings):
    """Envelopes of 100 sessions, gzip, and SQLite alone with the same rows."""
    world = ingest_world(settings)
    runs = []
    with worlds.requests(world, "packed", PACKED_MAX * settings.seconds) as requests:
        for index in range(settings.rounds):
            run = {}
            # Alternating; SQLite gets the batch size of the service's last run.
            if index % 2:
                run["ceiling"] = ceiling(worlds, world, requests, runs[-1]["hale"])
            with worlds.copy(world) as data, Service(data) as service:
                run["fdatasync_us"] = sync_seconds(data) * 1e6
                run["hale"] = checked_load(
                    report, "packed", service, requests, 64, settings.seconds)
            if index % 2 == 0:
                run["ceiling"] = ceiling(worlds, world, requests, run["hale"])
            runs.append(run)
    rates = [run["hale"]["rate"] * requests.items for run in runs]
    report.add("sessions in envelopes of 100, gzip, a second", rates, ">= 100,000", runs)
    report.add("  x SQLite's own ceiling",
               [rate / run["ceiling"]["rate"] for rate, run in zip(rates, runs)], ">= 0.8")
    report.add("  SQLite's own ceiling, a second", [run["ceiling"]["rate"] for run in runs])
    report.add("  CPU us a session", [run["hale"]["cpu_us"] / requests.items for run in runs])
    report.add("  SQLite's own CPU us a session", [run["ceiling"]["processor_us"] for run in runs])
    report.add("  sessions a commit", [run["hale"]["batch"] for run in runs])
    report.add("  fdatasync of 4 KiB in the same run, us", [run["fdatasync_us"] for run in runs])


def ceiling(worlds, world, requests, run):
    """Writes the rows that a run has stored, in transactions of the same size."""
    with worlds.copy(world) as data:
        return bench("ceiling", *world.options, "--path", data / "hale.db", "--count",
                     min(run["good"], requests.count) * requests.items,
                     "--batch", max(1, round(run["batch"])))


def aggregates(report, worlds, nginx, settings):
    """Session aggregates of 100 minutes, gzip."""
    world = ingest_world(settings)
    runs = []
    with worlds.requests(world, "aggregates", AGGREGATES) as requests:
        for _ in range(settings.rounds):
            with worlds.copy(world) as data, Service(data) as service:
                runs.append(checked_load(
                    report, "aggregates", service, requests, 64, settings.seconds))
    report.add("buckets of session aggregates, 100 an item, gzip, a second",
               [run["rate"] * requests.items for run in runs], ">= 1,000,000", runs)
    report.add("  CPU us a bucket", [run["cpu_us"] / requests.items for run in runs])
