"""Whatever is queried: a small query is served beside it, memory and the WAL are bounded, and the
service ends when it is told to."""

import itertools
import json
import string
import threading
import time

import pytest

from hale import Hale, wait
from siege import Attack, PROBES, head, quantile, siege, sized, stop_within_ten_seconds

RELEASES = sized(20_000, 500_000)
ENVIRONMENTS = sized(3_000, 100_000)
USERS = sized(4_000, 200_000)
SMALL = ("query", "query-kept", "envelope-1-kept", *PROBES)
ORGANIZATION = "/api/0/organizations/default"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A database with very many made-up releases, environments and users."""
    service = Hale(tmp_path_factory.mktemp("world")).start()
    Attack(service, connections=16, then="flood", again=True, answers_max=RELEASES // 100, made={
        "key": [service.project, service.key], "releases": RELEASES,
        "environments": ENVIRONMENTS, "users": USERS}).finish()
    service.request("GET", "/readyz")
    service.stop()
    return service


@pytest.fixture
def crowded(world, start):
    service = start(data=world.data)
    service.dsn, service.token = world.dsn, world.token
    # The hourly run after the start holds the writer for seconds with so many series.
    wait(lambda: "job=adoption" in service.log(), "the run after the start")
    return service


def get(service, target):
    return head("GET", target, f"Authorization: Bearer {service.token}")


def patterns():
    """A search for 3,000 patterns, as large as a head may be."""
    pairs = itertools.product(string.ascii_lowercase + string.digits + "-_", repeat=2)
    triples = itertools.chain(pairs, itertools.product("xyz", "xyz", string.ascii_lowercase))
    values = ["".join(each) for each in itertools.islice(itertools.cycle(triples), 3000)]
    return "release:[" + ",".join(f"*{each}*" for each in values) + "]"


def worst(service):
    return get(service, f"{ORGANIZATION}/sessions/?field=sum(session)&statsPeriod=24h&interval=1h"
                        f"&query={patterns()}")


def small_figures(result, megabytes=512):
    queries = result.honest.latencies("query")
    lost = sum(sum(kind.values()) for kind in result.honest.lost.values())
    return [("small queries: slowest, p50", "≤ 1 s",
             f"{max(queries, default=0) / 1000:.2f}, {quantile(queries, 0.5) / 1000:.2f} s"),
            ("requests refused or lost", "0", str(lost)),
            ("process", f"≤ {megabytes} MB", f"{result.process:.0f} MB")]


def beside(service, report, attack, recipe, *specifications):
    result = siege(service, *specifications, kinds=SMALL, seconds=sized(4, 20))
    report(attack, recipe, small_figures(result))
    result.holds(service, 512)
    return result


def test_back_tests_with_unknown_members(hale, report):
    names = itertools.islice(itertools.product(string.ascii_lowercase, repeat=5), 95_000)
    members = ",".join(f'"{"".join(name)}":0' for name in names)
    rule = {"name": "r", "projects": ["default"], "aggregate": "crash_free_rate(session)",
            "timeWindow": 60, "thresholdType": 1,
            "triggers": [{"label": "critical", "alertThreshold": 99}]}
    body = ('{"rule":' + json.dumps(rule) + ',"statsPeriod":"1d",' + members + "}").encode()
    request = head("POST", f"{ORGANIZATION}/alert-rules/backtest/",
                   f"Authorization: Bearer {hale.token}", f"Content-Length: {len(body)}") + body
    beside(hale, report, "d", "4 back-tests with 95,000 unknown members, hang up",
           {"opening": request, "connections": 4, "hangs_up": True, "then": "once"})


def test_patterns_over_many_releases(crowded, report):
    recipe = f"20 searches for 3,000 patterns over {RELEASES:,} releases, hang up"
    beside(crowded, report, "e", recipe,
           {"opening": worst(crowded), "connections": 20, "hangs_up": True, "then": "once"})


def test_a_worst_query_has_an_answer(crowded):
    """It is answered, or refused with a reason, and never ends the connection."""
    reply = crowded.request("GET", worst(crowded).split()[1].decode(), timeout=120, headers={
        "Authorization": f"Bearer {crowded.token}"})
    assert reply.status == 200 or reply.detail, reply


def test_the_list_of_releases(crowded, report):
    target = (f"{ORGANIZATION}/releases/?health=1&overview=1&flatten=1&adoptionStages=1"
              "&summaryStatsPeriod=14d&healthStatsPeriod=24h&summaryInterval=1d"
              "&healthStat=sessions")
    result = beside(crowded, report, "f", f"20 at once of the page's list of {RELEASES:,} releases",
                    {"opening": get(crowded, target), "connections": 20, "then": "flood",
                     "again": True})
    answers = result.attacks[0].counts["answers"]
    assert set(answers) <= {"200", "429", "503", "504"}, answers


def test_metrics_for_everyone(hale, report):
    count = sized(600, 1200)
    beside(hale, report, "g", f"{count:,} connections without a token on /metrics",
           {"opening": head("GET", "/metrics"), "connections": count, "then": "flood",
            "again": True})


class WALSize(threading.Thread):
    """Notes the largest size of the WAL."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.path = service.data / "hale.db-wal"
        self.over = threading.Event()
        self.largest = 0

    def run(self):
        while not self.over.wait(0.1):
            if self.path.exists():
                self.largest = max(self.largest, self.path.stat().st_size)


def test_the_wal_beside_long_queries(crowded, report):
    log = WALSize(crowded)
    log.start()
    result = siege(
        crowded, {"opening": worst(crowded), "connections": 12, "then": "flood", "again": True},
        {"connections": 64, "then": "flood", "again": True, "made": {
            "key": [crowded.project, crowded.key], "releases": 1 << 40, "environments": 100,
            "users": 100_000}},
        kinds=SMALL, seconds=sized(8, 30))
    log.over.set()
    megabytes = log.largest / 1e6
    report("h", "12 long queries beside one flooding key",
           [("WAL", "≤ 256 MB", f"{megabytes:.0f} MB"), *small_figures(result)])
    assert megabytes <= 256
    result.holds(crowded, 512)


def test_lists_are_paged_and_bounded(crowded, report):
    rows = []
    for name, path in (("active", f"{ORGANIZATION}/active/?groupBy=release&groupBy=environment"),
                       ("environments", f"{ORGANIZATION}/environments/"),
                       ("organization", f"{ORGANIZATION}/")):
        began = time.monotonic()
        reply = crowded.request("GET", path, timeout=120, headers={
            "Authorization": f"Bearer {crowded.token}"})
        took = time.monotonic() - began
        assert reply.status == 200, reply
        rows.append((f"{name}: answer, time", "≤ 1 MB, 1 s",
                     f"{len(reply.body) / 1e6:.2f} MB, {took:.2f} s"))
        found = reply.json["groups"] if name == "active" else reply.json
        # As docs/api.md says.
        assert len(found) <= 5000, f"{name} has {len(found)} entries in one answer"
        assert len(reply.body) <= 1_000_000, name
    report("j", f"{RELEASES:,} releases, {ENVIRONMENTS:,} environments, {USERS:,} users of one key",
           rows)


def test_sigterm_during_the_worst_queries(crowded, report):
    # Twice as many as the short form has time for: what waits has to go, too.
    count = sized(60, 20)
    attack = Attack(crowded, opening=worst(crowded), connections=count, hangs_up=True)
    wait(lambda: attack.counts.get("hung_up") == count, "all queries to be sent")
    took = stop_within_ten_seconds(crowded)
    attack.stop()
    report("i", "SIGTERM during e", [("exits 0", "≤ 10 s", f"{took:.1f} s")])
