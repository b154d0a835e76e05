"""A disk without room, by the limit on the size of files: it can be lowered and raised while the
service runs, and needs no privilege."""

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
    # Every file may be rewritten up to here, none may grow.
    limit_files(hale, 4096)
    refused = []
    for _ in range(5):
        reply = hale.post(envelope(session("crashed")))
        assert reply.status == 503, reply
        assert reply.detail
        assert int(reply.headers["Retry-After"]) > 0
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        refused.append(reply)
    # What was answered is still there, and can be asked for; the process lives.
    assert sessions(hale) == row(healthy=10)
    assert hale.request("GET", "/healthz").status == 200
    limit_files(hale, resource.RLIM_INFINITY)
    wait(lambda: hale.post(envelope(session("abnormal", sid="a" * 32, started=START))).status
         == 200, "service again")
    # Nothing of what was refused came in.
    assert sessions(hale) == row(healthy=10, abnormal=1)
    hale.kill()
    hale.start()
    assert sessions(hale) == row(healthy=10, abnormal=1)


def test_the_end_without_room(hale):
    """What was answered is on disk, wherever it waits: the end is one in good order."""
    hale.send(*[session() for _ in range(10)])
    limit_files(hale, 4096)
    assert hale.post(envelope(session("crashed"))).status == 503
    assert hale.stop() == 0
    hale.start()
    assert sessions(hale) == row(healthy=10)


def test_readiness_tells_it(hale):
    """A store that cannot be written is not ready, and is again once there is room."""
    limit_files(hale, 4096)
    assert hale.post(envelope(session())).status == 503
    wait(lambda: hale.request("GET", "/readyz").status == 503, "no readiness", 5)
    limit_files(hale, resource.RLIM_INFINITY)
    wait(lambda: hale.request("GET", "/readyz").status == 200, "readiness again", 5)
    hale.send(session())


def test_alert_rules_without_room_are_taken_once_there_is(start, tmp_path):
    """The operators' file is read again until the store has its rules; why not is told once."""
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
    wait(lambda: "alert rules not read" in hale.log(), "the reason in the log")
    limit_files(hale, resource.RLIM_INFINITY)
    wait(lambda: len(hale.cli_list("alert", "list")) == 2, "the second rule")
    assert hale.log().count("alert rules not read") == 1


@contextlib.contextmanager
def failing_syncs(hale, log):
    """Makes every sync of the service fail, as a dying disk does."""
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
    """200 means durable: an answer without its sync would be a lie."""
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
    # The last of them was refused; sent again, all are there once.
    wait(lambda: hale.post(envelope(*sent)).status == 200, "service again")
    assert sessions(hale, query="release:synced@1") == row(healthy=len(sent))
    hale.kill()
    hale.start()
    assert sessions(hale, query="release:synced@1") == row(healthy=len(sent))
    assert sessions(hale, query="release:lost@1") == row()
