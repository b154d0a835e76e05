"""Rates, queries, memory and maintenance with large databases."""

import contextlib
import json
import statistics
import threading

import hale
from machine import memory
from query_rows import FORTNIGHT, QUERY, add_times, times_of
from servers import Service, checked_load
from worlds import stored

SIZES = {f"{size} M sessions": stored(size) for size in (1, 10, 50)}
RELEASES = {f"{count:,} releases": stored(1, count) for count in (10, 200, 5000)}

# Seconds; wrk takes one of them to read its requests.
JOBS_AFTER = 1.5

# The requests of one run; each of the three runs ends other sessions.
RUN = 200_000


def scale(report, worlds, nginx, settings):
    """The same load and queries on 1, 10 and 50 M sessions, alternating."""
    compare(report, worlds, settings, SIZES, ">= 0.8")


def releases(report, worlds, nginx, settings):
    """The same load and queries with 10, 200 and 5,000 releases, alternating."""
    compare(report, worlds, settings, RELEASES, "")


def compare(report, worlds, settings, named, goal):
    rates = {name: {"single": [], "packed": []} for name in named}
    with contextlib.ExitStack() as stack:
        services = {name: stack.enter_context(Service(stack.enter_context(worlds.copy(world))))
                    for name, world in named.items()}
        for index in range(settings.rounds):
            for name, world in named.items():
                measure_rates(report, worlds, services[name], world, name, index, rates[name])
        first = next(iter(named))
        for kind in ("single", "packed"):
            for name in named:
                report.add(f"{kind} sessions a second, {name}", rates[name][kind])
            last = list(named)[-1]
            report.add(f"  {last}, x {first}",
                       [many / few for many, few in zip(rates[last][kind], rates[first][kind])],
                       goal)
        for name, service in services.items():
            times, _ = times_of(service, {**QUERY, "statsPeriod": "4d"}, 100)
            add_times(report, f"4 days hourly, by release and status, {name}", times, ("", ""))


def measure_rates(report, worlds, service, world, name, index, rates):
    with worlds.requests(world, "single", RUN, first=index * RUN) as requests:
        result = checked_load(report, f"single, {name}", service, requests, 256, 4)
        rates["single"].append(result["rate"])
    with worlds.requests(world, "packed", RUN // 40, first=index * RUN // 40) as requests:
        result = checked_load(report, f"packed, {name}", service, requests, 64, 3)
        rates["packed"].append(result["rate"] * requests.items)


def loaded(report, worlds, nginx, settings):
    """Peak memory under full load and queries, with 10 M sessions stored."""
    with worlds.copy(FORTNIGHT) as data, Service(data) as service:
        with worlds.requests(FORTNIGHT, "single", 400_000) as requests:
            query_while(service, lambda: checked_load(
                report, "memory, single", service, requests, 1024, 6))
        with worlds.requests(FORTNIGHT, "packed", 6_000) as requests:
            query_while(service, lambda: checked_load(
                report, "memory, packed", service, requests, 64, 4))
        most = memory(service.process.pid, "VmHWM")
    report.add("resident memory, full load and queries, 10 M sessions, MB", most / 1e6, "<= 128")


def query_while(service, work):
    """Does the work while two clients query without a pause."""
    ended = threading.Event()
    queries = [QUERY, {"field": ["crash_free_rate(user)", "count_unique(user)"],
                       "groupBy": "release", "statsPeriod": "14d", "interval": "1d"}]
    failed = []

    def run(query):
        try:
            times_of(service, query, 1_000_000, ended.is_set)
        except Exception as error:  # The waiting thread raises it.
            failed.append(error)

    threads = [threading.Thread(target=run, args=(query,)) for query in queries]
    for thread in threads:
        thread.start()
    try:
        return work()
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]


def maintenance(report, worlds, nginx, settings):
    """Latency while hours are closed, days are dropped and checkpoints run."""
    # Late enough to close an hour, and early enough that requests need no drift correction.
    later = "2026-03-01T13:15:00Z"
    seconds = 8
    runs = [maintenance_run(report, worlds, later, seconds, index)
            for index in range(settings.rounds)]
    plain = statistics.median(run["without"]["p99"] for run in runs)
    report.add("slowest response during maintenance, x the median p99 without",
               [run["during"]["max"] / plain for run in runs], "<= 10", runs)
    for name in ("without", "during"):
        report.add(f"  p99 ms, {name}", [run[name]["p99"] / 1000 for run in runs])
        report.add(f"  slowest ms, {name}", [run[name]["max"] / 1000 for run in runs])
        report.add(f"  a second, {name}", [run[name]["rate"] for run in runs])
    for job in runs[-1]["jobs"]:
        report.add(f"  {job['name']}", f"{job['summary']}, {job['durationMilliseconds']} ms")


def maintenance_run(report, worlds, later, seconds, index):
    """One alternation, on a fresh database, because a finished job leaves nothing to do."""
    count = 300_000
    order = [("without", []), ("during", ["adoption", "retention"])]
    run = {}
    with worlds.copy(FORTNIGHT) as data:
        with Service(data, "--retention-days", "7", now=later) as service:
            for part, (name, jobs) in enumerate(order if index % 2 == 0 else order[::-1]):
                with worlds.requests(FORTNIGHT, "single", count, first=part * count) as requests:
                    run[name], summaries = with_jobs(service, jobs, lambda: checked_load(
                        report, f"maintenance, {name}", service, requests, 64, seconds))
                run["jobs"] = run.get("jobs", []) + summaries
    took = sum(job["durationMilliseconds"] for job in run["jobs"]) / 1000
    if JOBS_AFTER + took > seconds:
        report.fail(f"maintenance: the jobs took {took:.1f} s and outlasted the load")
    return run


def with_jobs(service, jobs, work):
    """Does the work, and runs jobs a moment after its start."""
    summaries = []

    def run():
        for name in jobs:
            done = hale.run("jobs", "run", name, "--json", "--data", service.data, timeout=600)
            summaries.append(json.loads(done.stdout))

    timer = threading.Timer(JOBS_AFTER, run)
    timer.start()
    try:
        result = work()
    finally:
        timer.join()
    return result, summaries
