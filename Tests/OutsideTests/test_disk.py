"""A full disk, simulated by the file size limit, which can be changed while the service runs and
needs no privilege."""

import contextlib
import json
import resource
import subprocess

from hale import PATIENCE, envelope, iso, now, row, session, sessions, wait

START = iso(now())


def limit_files(hale, size):
    hard = resource.prlimit(hale.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(hale.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_no_room_and_room_again(hale):
    hale.send(*[session() for _ in range(10)])
    # Files may be rewritten, but not grow.
    limit_files(hale, 4096)
    refused = []
    for _ in range(5):
        reply = hale.post(envelope(session("crashed")))
        assert reply.status == 503, reply
        # By what SQLite makes of a write that fails for the size of a file.
        assert reply.detail in ("failed to store the envelope: the disk is full",
                                "failed to store the envelope: the database cannot be used now")
        assert int(reply.headers["Retry-After"]) > 0
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        refused.append(reply)
    # Answered sessions still count in queries, and the process lives.
    assert sessions(hale) == row(healthy=10)
    assert hale.request("GET", "/healthz").status == 200
    limit_files(hale, resource.RLIM_INFINITY)
    wait(lambda: hale.post(envelope(session("abnormal", sid="a" * 32, started=START))).status
         == 200, "service again")
    # Nothing of what was rejected counts.
    assert sessions(hale) == row(healthy=10, abnormal=1)
    hale.kill()
    hale.start()
    assert sessions(hale) == row(healthy=10, abnormal=1)


def test_shutdown_on_a_full_disk(hale):
    """Everything that was answered is on disk, so that the shutdown is clean."""
    hale.send(*[session() for _ in range(10)])
    limit_files(hale, 4096)
    assert hale.post(envelope(session("crashed"))).status == 503
    assert hale.stop() == 0
    hale.start()
    assert sessions(hale) == row(healthy=10)


def test_readiness_on_a_full_disk(hale):
    """A store that cannot be written to is not ready until there is room."""
    limit_files(hale, 4096)
    assert hale.post(envelope(session())).status == 503
    wait(lambda: hale.request("GET", "/readyz").status == 503, "no readiness", 5)
    # Who asks learns what is wrong; where, and in SQLite's words, is in the log.
    detail = hale.request("GET", "/readyz").detail
    assert detail.startswith("the store cannot be written: the ")
    assert "SQL" not in detail and "/" not in detail
    assert "not ready" in hale.log() and str(hale.data) in hale.log()
    limit_files(hale, resource.RLIM_INFINITY)
    wait(lambda: hale.request("GET", "/readyz").status == 200, "readiness again", 5)
    hale.send(session())


def test_alert_rules_are_applied_once_there_is_room(start, tmp_path):
    """The alert rules file is read until its rules are stored; the reason is logged once."""
    file = tmp_path / "alerts.json"

    def write(*names):
        fresh = tmp_path / "alerts.new"
        fresh.write_text(json.dumps({"rules": [
            {"name": name, "projects": ["default"], "aggregate": "crash_free_rate(session)",
             "timeWindow": 60, "thresholdType": 1,
             "triggers": [{"label": "critical", "alertThreshold": 90}]} for name in names]}))
        fresh.rename(file)

    write("first")
    hale = start("--alerts", file)
    limit_files(hale, 4096)
    write("first", "second")
    wait(lambda: "alert rules not applied" in hale.log(), "the reason in the log")
    limit_files(hale, resource.RLIM_INFINITY)
    wait(lambda: len(hale.cli_list("alert", "list")) == 2, "the second rule")
    assert hale.log().count("alert rules not applied") == 1


@contextlib.contextmanager
def failing_syncs(hale, log):
    """Makes every sync of the service fail, as on a failing disk."""
    tracer = subprocess.Popen(
        ["strace", "-f", "-q", "-o", log, "-p", str(hale.process.pid),
         "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield tracer
    finally:
        tracer.terminate()
        tracer.wait(PATIENCE)


def test_what_could_not_be_synced_is_not_answered_200(hale, tmp_path):
    """A 200 means that the data is durable."""
    sent = [session(release="synced@1")]
    hale.send(*sent)
    with failing_syncs(hale, tmp_path / "strace.txt") as tracer:
        def refused():
            assert tracer.poll() is None, "strace could not attach"
            sent.append(session(release="synced@1"))
            return hale.post(envelope(sent[-1])).status == 503
        wait(refused, "a refusal once syncs fail")
        for _ in range(5):
            reply = hale.post(envelope(session("crashed", release="lost@1")))
            assert reply.status == 503, reply
            assert int(reply.headers["Retry-After"]) > 0
    # The last one was rejected; sent again, all count once.
    wait(lambda: hale.post(envelope(*sent)).status == 200, "service again")
    assert sessions(hale, query="release:synced@1") == row(healthy=len(sent))
    hale.kill()
    hale.start()
    assert sessions(hale, query="release:synced@1") == row(healthy=len(sent))
    assert sessions(hale, query="release:lost@1") == row()
