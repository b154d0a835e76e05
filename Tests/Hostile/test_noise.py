"""A noisy project takes its share, and not that of a quiet one."""

import time

import pytest

from hale import wait
from siege import ENVELOPES, PROBES, Honest, counted, quantile, siege, sized


def noisy_key(service):
    """The project and the key of a second project."""
    dsn = service.cli_json("project", "create", "noisy")["dsn"]
    project, key = int(dsn.rsplit("/", 1)[1]), dsn.split("//")[1].split("@")[0]
    known = lambda: service.request(  # noqa: E731
        "POST", f"/api/{project}/envelope/?sentry_key={key}", b"{}\n").status == 200
    wait(known, "the new key")
    return [project, key]


@pytest.mark.parametrize("connections", sized((200,), (600, 4000)))
def test_a_noisy_project(hale, report, connections):
    key = noisy_key(hale)
    alone = Honest(hale, kinds=("query", "query-kept"))
    time.sleep(sized(1, 5))
    before = quantile(alone.stop().latencies("query"), 0.5)
    result = siege(
        hale, {"connections": connections, "then": "flood", "again": True, "made": {
            "key": key, "releases": 1 << 40, "environments": 20, "users": 100_000}},
        kinds=ENVELOPES + ("query", "query-kept") + PROBES, seconds=sized(6, 30))
    queries = result.honest.latencies("query")
    envelopes = result.honest.latencies("envelope")
    answers = result.attacks[0].counts.get("answers", {})
    report("m", f"{connections:,} connections of one key, envelopes of 100 made-up releases", [
        ("p99 of a quiet project's envelopes", "≤ 250 ms", f"{quantile(envelopes, 0.99):.0f} ms"),
        ("median of its queries, × alone", "≤ 4", f"{quantile(queries, 0.5) / before:.1f}"),
        ("p99 of its queries", "≤ 1 s", f"{quantile(queries, 0.99) / 1000:.2f} s"),
        ("envelopes of the noisy project, a second", "–",
         f"{answers.get('200', 0) / result.attacks[0].counts['seconds']:,.0f}")])
    result.holds(hale)
    assert counted(hale) == result.honest.total("sessions", "envelope")
    assert set(answers) <= {"200"}, answers
