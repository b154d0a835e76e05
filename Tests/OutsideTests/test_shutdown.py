"""Shutdown: after SIGTERM or SIGINT what was read is committed, and the exit status is 0."""

import signal
import socket
import threading
import time

import pytest

from hale import PATIENCE, envelope, read_reply, read_to_end, row, session, sessions, wait

GRACE = 10


def half_sent(hale, body):
    """A request whose head and half of whose body have arrived."""
    connection = hale.connect()
    connection.sendall(
        f"POST {hale.envelope_path()}?sentry_key={hale.key} HTTP/1.1\r\nHost: h\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:len(body) // 2])
    # The service has read it once a later request of another client is answered.
    hale.send(session(release="later@1"))
    return connection


def refuses(hale):
    try:
        hale.connect(timeout=1).close()
        return False
    except OSError:
        return True


@pytest.mark.parametrize("name", ("SIGTERM", "SIGINT"))
def test_requests_in_flight_are_answered(hale, name):
    body = envelope(session("crashed"))
    connection = half_sent(hale, body)
    idle = hale.connect()
    hale.expected_end = True
    began = time.monotonic()
    hale.process.send_signal(getattr(signal, name))
    # The rest is sent once the service accepts no new connection, so that it has seen the signal.
    wait(lambda: refuses(hale), "no new connections", 5)
    connection.sendall(body[len(body) // 2:])
    assert read_reply(connection).status == 200
    assert hale.process.wait(PATIENCE) == 0
    assert time.monotonic() - began < GRACE
    assert read_to_end(idle) == b""
    hale.start()
    assert sessions(hale) == row(crashed=1, healthy=1)


def test_an_unfinished_request_does_not_block_the_shutdown(hale):
    connection = half_sent(hale, envelope(session("crashed")))
    began = time.monotonic()
    assert hale.stop() == 0
    assert time.monotonic() - began < GRACE
    connection.close()
    hale.start()
    assert sessions(hale) == row(healthy=1)


def test_an_idle_service_ends_quickly(hale):
    idle = [hale.connect() for _ in range(5)]
    began = time.monotonic()
    assert hale.stop() == 0
    assert time.monotonic() - began < 3
    for connection in idle:
        connection.close()


def test_shutdown_under_load(hale):
    """Every request is either answered 200 and counted, or not accepted."""
    answered = []

    def send():
        try:
            while True:
                hale.send(session())
                answered.append(1)
        except (OSError, AssertionError) as error:
            refused.extend([error] if isinstance(error, AssertionError) else [])

    refused = []
    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait(lambda: len(answered) > 50, "answers under load")
    assert hale.stop() == 0
    for thread in threads:
        thread.join()
    assert not refused, refused
    hale.start()
    assert sessions(hale) == row(healthy=len(answered))


def test_hang_up_does_not_stop_the_service(hale):
    """A closed terminal does not stop a service."""
    hale.process.send_signal(signal.SIGHUP)
    for _ in range(5):
        hale.send(session())
    assert sessions(hale) == row(healthy=5)


def test_nothing_is_left_behind(hale):
    """After the shutdown the WAL is checkpointed and the port is free."""
    hale.send(*[session() for _ in range(50)])
    assert hale.stop() == 0
    logs = [path for path in hale.data.iterdir() if path.name.endswith("-wal")]
    assert all(path.stat().st_size == 0 for path in logs), logs
    with socket.create_server((hale.host, hale.port), reuse_port=False):
        pass
