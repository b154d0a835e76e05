"""`/metrics`, as Prometheus reads it."""

import re
import subprocess

from hale import envelope, session


def figures(hale, path="/metrics"):
    reply = hale.request("GET", path)
    assert reply.status == 200, reply
    text = reply.body.decode()
    samples = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name not in samples, name
            samples[name] = float(value)
    return text, samples


def test_figures(hale):
    first = session()
    hale.send(first, session("crashed"))
    hale.send(first)
    hale.post(envelope(session(release="")))
    hale.post(b"{}\n{")
    hale.sessions("sum(session)")
    hale.cli("jobs", "run", "retention")
    text, found = figures(hale)

    # Prometheus's own linter.
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (checked.returncode, checked.stdout) == (0, ""), checked

    def items(outcome):
        return found[f'hale_ingest_items_total{{project="1",outcome="{outcome}"}}']

    assert items("accepted") == 3 and items("repeated") == 1
    assert sum(value for name, value in found.items()
               if name.startswith("hale_ingest_items_total")) == 5
    # Envelopes with a session to store.
    assert found["hale_ingest_duration_seconds_count"] == 2
    assert 0 < found["hale_ingest_duration_seconds_sum"] < 60
    assert found["hale_commit_duration_seconds_count"] >= 2
    assert 0 < found["hale_commit_duration_seconds_sum"] < 60
    assert found['hale_http_requests_total{endpoint="envelope"}'] == 4
    assert found['hale_ingest_refused_requests_total{status="400"}'] == 1
    route = "/api/0/organizations/{organization}/sessions"
    assert found[f'hale_query_duration_seconds_count{{route="{route}"}}'] == 1
    assert found['hale_job_failures_total{job="retention"}'] == 0
    assert found['hale_job_last_run_timestamp_seconds{job="retention"}'] > 1.7e9
    assert found["hale_http_connections"] >= 1
    assert found["hale_database_size_bytes"] + found["hale_database_wal_size_bytes"] > 100_000
    assert 1e6 < found["process_resident_memory_bytes"] < 1e9
    assert 5 < found["process_open_fds"] < found["process_max_fds"]
    assert found["process_start_time_seconds"] > 1.7e9
    assert found["process_cpu_seconds_total"] > 0
    assert re.search(r'hale_build_info\{version="\d+\.\d+\.\d+"\} 1', text)


def test_figures_of_folding(hale):
    """A larger batch is stored, and folded for the next query at the latest."""
    hale.send(*(session() for _ in range(20)))
    hale.sessions("sum(session)")
    _, found = figures(hale)
    assert found["hale_pending_updates"] == 0
    assert found["hale_fold_duration_seconds_count"] == 1
    assert 0 < found["hale_fold_duration_seconds_sum"] < 60
    assert found["hale_checkpoint_duration_seconds_count"] == 0


def test_figures_under_a_path(start):
    hale = start("--public-url", "http://localhost/hale")
    figures(hale, "/hale/metrics")
    figures(hale)
