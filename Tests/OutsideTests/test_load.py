"""Under load Hale answers late and rejects nothing, and its memory is bounded."""

import contextlib
import resource
import select
import socket
import subprocess
import threading

from hale import (PATIENCE, envelope, item, read_reply, row, session, sessions, wait)

MIB = 1 << 20
MEMORY_BOUND = 48 * MIB


@contextlib.contextmanager
def slow_disk(hale, milliseconds, tmp_path):
    """Delays every sync of the service."""
    log = tmp_path / "strace.txt"
    tracer = subprocess.Popen(
        ["strace", "-f", "-q", "-o", log, "-p", str(hale.process.pid),
         "-e", "trace=fdatasync,fsync",
         "-e", f"inject=fdatasync,fsync:delay_exit={milliseconds * 1000}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        # strace is attached once it shows a sync.
        def traced():
            assert tracer.poll() is None, "strace could not attach"
            hale.send(session(release="probe@1"))
            return log.exists() and "fdatasync" in log.read_text()
        wait(traced, "strace")
        yield
    finally:
        tracer.terminate()
        tracer.wait(PATIENCE)


def request(hale, body):
    return (f"POST {hale.envelope_path()}?sentry_key={hale.key} HTTP/1.1\r\nHost: h\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def test_a_slow_disk_makes_late_responses_and_no_rejections(hale, tmp_path):
    """400 clients at a time while a commit takes a third of a second."""
    with slow_disk(hale, 300, tmp_path):
        clients = [hale.connect() for _ in range(400)]
        for client in clients:
            client.sendall(request(hale, envelope(session())))
        statuses = {read_reply(client).status for client in clients}
        for client in clients:
            client.close()
    assert statuses == {200}
    assert sessions(hale, query="release:app@1.0") == row(healthy=400)


def test_more_than_the_writer_can_store(hale, tmp_path):
    """More than any queue holds: the excess waits in the clients' sockets."""
    hale.send(session())
    before = hale.peak_memory()
    batches, size = 12, 100
    senders = 24
    failures = []

    def send():
        with hale.connect(timeout=120) as connection:
            for _ in range(batches):
                body = envelope(*[session("crashed", extra="x" * 2000) for _ in range(size)])
                connection.sendall(request(hale, body))
                status = read_reply(connection).status
                if status != 200:
                    failures.append(status)

    with slow_disk(hale, 100, tmp_path):
        threads = [threading.Thread(target=send) for _ in range(senders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures, failures[:5]
    assert sessions(hale, query="release:app@1.0")["crashed"] == batches * size * senders
    assert hale.peak_memory() - before < MEMORY_BOUND


def test_unread_responses_do_not_pile_up(hale):
    """The service stops reading from a client that sends requests and reads no responses."""
    hale.send(session())
    before = hale.peak_memory()
    requests = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n" * 2000
    with hale.connect() as deaf:
        deaf.setblocking(False)
        sent = 0
        while sent < 200 * MIB:
            _, writable, _ = select.select([], [deaf], [], 1)
            if not writable:
                break
            sent += deaf.send(requests)
        assert sent < 200 * MIB, "the service read on and on"
        hale.send(session())
    assert hale.peak_memory() - before < MEMORY_BOUND
    assert sessions(hale) == row(healthy=2)


def test_many_uploads_at_once(hale):
    """Memory does not grow with the number of uploads."""
    hale.send(session())
    before = hale.peak_memory()
    attachment = item(bytes(4 * MIB), "attachment")
    requests = [request(hale, envelope(attachment, session("crashed"))) for _ in range(40)]
    uploads = [hale.connect() for _ in requests]
    for upload, wire in zip(uploads, requests):
        upload.sendall(wire[:2 * MIB])
    hale.send(session())
    for upload, wire in zip(uploads, requests):
        upload.sendall(wire[2 * MIB:])
    assert {read_reply(upload).status for upload in uploads} == {200}
    for upload in uploads:
        upload.close()
    assert sessions(hale) == row(healthy=2, crashed=40)
    assert hale.peak_memory() - before < MEMORY_BOUND


def test_no_descriptors_left(hale):
    """Connected clients are served; the others wait until there is room."""
    first = hale.connect()
    hale.send(session())
    hard = resource.prlimit(hale.process.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(hale.process.pid, resource.RLIMIT_NOFILE, (64, hard))
    crowd = []
    for _ in range(100):
        with contextlib.suppress(OSError):
            crowd.append(hale.connect(timeout=5))
    for _ in range(3):
        first.sendall(request(hale, envelope(session("crashed"))))
        assert read_reply(first).status == 200
    for connection in crowd:
        connection.close()
    resource.prlimit(hale.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
    hale.send(session())
    assert sessions(hale) == row(healthy=2, crashed=3)
    first.close()


def test_an_idle_service_uses_no_time(hale):
    """An idle service with open connections uses no CPU."""
    def used():
        fields = open(f"/proc/{hale.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    idle = [hale.connect() for _ in range(20)]
    # One connection with half a request, and one whose sending side is closed.
    idle[0].sendall(b"POST / HTTP/1.1\r\n")
    idle[1].shutdown(socket.SHUT_WR)
    hale.send(session())
    before = used()
    # This second without requests is what the test measures.
    threading.Event().wait(1)
    assert used() - before <= 10, "hundredths of a second of processor time in an idle second"
    for connection in idle:
        connection.close()


def test_series_of_very_many_releases(hale):
    """A response has only the series of its page: anyone with a DSN can create releases."""
    releases = 20_000
    for first in range(0, releases, 100):
        hale.send(*[session(release=f"app@{number}.0")
                    for number in range(first, first + 100)])
    before = hale.peak_memory()
    pages = hale.sessions("sum(session)", group=("release",), statsPeriod="41d", interval="1h",
                          per_page=2)
    assert len(pages["groups"]) == 2
    assert all(sum(group["series"]["sum(session)"]) == 1 for group in pages["groups"])
    chart = hale.get("/organizations/default/adoption/",
                     [("statsPeriod", "41d"), ("interval", "1h"), ("top", 2)]).json
    assert chart["total"]["count"] == releases
    assert chart["others"]["count"] == releases - 2
    assert sum(chart["others"]["series"]["count"]) == releases - 2
    assert hale.peak_memory() - before < 2 * MEMORY_BOUND
