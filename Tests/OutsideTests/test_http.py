"""The listener from outside: framing by RFC 9112, and hostile clients."""

import socket
import time

import pytest

from hale import Hale, envelope, read_reply, read_to_end, row, session, sessions, wait


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Hale(tmp_path_factory.mktemp("http")).start()
    yield running
    assert running.end() is None, running.log()


def post(hale, *lines, target=None):
    """The head of a POST of an envelope, with these additional lines."""
    fields = [f"POST {target or hale.envelope_path()} HTTP/1.1", "Host: localhost",
              f"X-Sentry-Auth: {hale.auth['X-Sentry-Auth']}", *lines, "", ""]
    return "\r\n".join(fields).encode()


def simple(text):
    return text.replace("\n", "\r\n").encode()


# Two readers may understand these as different requests, or they are not HTTP.
MALFORMED = {
    "length and encoding":
        simple("POST / HTTP/1.1\nHost: h\nContent-Length: 5\nTransfer-Encoding: chunked\n\n"
               "0\n\n"),
    "encoding and length":
        simple("POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\nContent-Length: 5\n\n"
               "0\n\n"),
    "two lengths": simple("POST / HTTP/1.1\nHost: h\nContent-Length: 1\nContent-Length: 2\n\nab"),
    "a list of lengths": simple("POST / HTTP/1.1\nHost: h\nContent-Length: 1, 2\n\nab"),
    "a negative length": simple("POST / HTTP/1.1\nHost: h\nContent-Length: -1\n\n"),
    "a signed length": simple("POST / HTTP/1.1\nHost: h\nContent-Length: +1\n\na"),
    "a length in hex": simple("POST / HTTP/1.1\nHost: h\nContent-Length: 0x1\n\na"),
    "an empty length": simple("POST / HTTP/1.1\nHost: h\nContent-Length:\n\n"),
    "a length beyond 64 bits":
        simple("POST / HTTP/1.1\nHost: h\nContent-Length: 99999999999999999999\n\n"),
    "a bare CR in a header": b"GET / HTTP/1.1\r\nHost: h\r\nA: b\rC: d\r\n\r\n",
    "a bare CR at a line's end": b"GET / HTTP/1.1\rHost: h\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: h\r\nA: b\x00c\r\n\r\n",
    "a blank before the colon": simple("GET / HTTP/1.1\nHost : h\n\n"),
    "a blank in a name": simple("GET / HTTP/1.1\nHost: h\nA b: c\n\n"),
    "no colon": simple("GET / HTTP/1.1\nHost: h\nnonsense\n\n"),
    "no name": simple("GET / HTTP/1.1\nHost: h\n: value\n\n"),
    "a folded line": simple("GET / HTTP/1.1\nHost: h\nA: b\n c\n\n"),
    "a blank first header": simple("GET / HTTP/1.1\n Host: h\n\n"),
    "no host": simple("GET / HTTP/1.1\n\n"),
    "two hosts": simple("GET / HTTP/1.1\nHost: a\nHost: b\n\n"),
    "no version": simple("GET /\nHost: h\n\n"),
    "another version": simple("GET / HTTP/1.x\nHost: h\n\n"),
    "another protocol": simple("GET / ICY/1.1\nHost: h\n\n"),
    "a blank too much": simple("GET  / HTTP/1.1\nHost: h\n\n"),
    "no target": simple("GET HTTP/1.1\nHost: h\n\n"),
    "a method of blanks": simple(" / HTTP/1.1\nHost: h\n\n"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60) + b"\r\n\r\n",
    "a chunk of no number": simple(
        "POST ENVELOPE HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\nxyz\nabc\n0\n\n"),
    "a chunk of a negative size": simple(
        "POST ENVELOPE HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n-1\nabc\n0\n\n"),
    "a chunk beyond 64 bits": simple(
        "POST ENVELOPE HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\nfffffffffffffffff\nabc\n0\n\n"),
    "a chunk of 2⁶³ bytes": simple(
        "POST ENVELOPE HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n8000000000000000\nabc\n0\n\n"),
    "a chunk of another size": simple(
        "POST ENVELOPE HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n2\nabc\n0\n\n"),
    "a chunk with 0x": simple(
        "POST ENVELOPE HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n0x3\nabc\n0\n\n"),
    "chunked twice": simple(
        "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked, chunked\n\n0\n\n"),
    "chunked not last": simple(
        "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked, gzip\n\n0\n\n"),
    "an odd name of chunked": simple(
        "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: xchunked\n\n0\n\n"),
}
# RFC 9112 section 6.1: 501 for an unknown transfer coding.
# RFC 9110 section 8.6: a length of any size is read, and is then too large.
ALSO_FINE = {
    "a length beyond 64 bits": (413,), "an odd name of chunked": (501,),
    "chunked not last": (501,), "another version": (505,),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_framing(service, name):
    """400, and the connection is closed, because the next request cannot be found."""
    # A body is not read if the head is rejected.
    target = f"{service.envelope_path()}?sentry_key={service.key}"
    with service.connect() as connection:
        connection.sendall(MALFORMED[name].replace(b"ENVELOPE", target.encode()))
        reply = read_reply(connection)
        assert reply.status in (400, *ALSO_FINE.get(name, ())), reply
        assert read_to_end(connection) == b"", "the connection went on"


@pytest.mark.parametrize("name", ("two lengths", "length and encoding"))
def test_nothing_is_read_after_malformed_framing(hale, name):
    """A request that is smuggled after it is not executed."""
    body = envelope(session())
    smuggled = post(hale, f"Content-Length: {len(body)}") + body
    hale.raw(MALFORMED[name] + smuggled)
    assert sessions(hale) == row()


def test_malformed_chunks_of_an_envelope_count_nothing(hale):
    body = envelope(session())
    tails = (b"5\r\nabc", b"xyz\r\n\r\n", b"0\r\nTrailer\r\n\r\n", b"ffffffffffffffff\r\n")
    for tail in tails[:2] + tails[3:]:
        with hale.connect() as connection:
            connection.sendall(post(hale, "Transfer-Encoding: chunked"))
            connection.sendall(b"%x\r\n%s\r\n" % (len(body), body) + tail)
            connection.shutdown(socket.SHUT_WR)
            answer = read_to_end(connection)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), (tail, answer)
    assert sessions(hale) == row()


def test_chunk_extensions_and_trailers(hale):
    with hale.connect() as connection:
        for _ in range(2):
            body = envelope(session())
            wire = (b"%X;name=value;other=\"quoted\"\r\n%s\r\n" % (len(body), body)
                    + b"0;last\r\nX-Trailer: yes\r\nX-Other: no\r\n\r\n")
            connection.sendall(post(hale, "Transfer-Encoding: Chunked") + wire)
            assert read_reply(connection).status == 200
    assert sessions(hale) == row(healthy=2)


def test_keep_alive(hale):
    with hale.connect() as connection:
        for _ in range(5):
            body = envelope(session())
            connection.sendall(post(hale, f"Content-Length: {len(body)}") + body)
            reply = read_reply(connection)
            assert (reply.status, reply.closes) == (200, False)
    assert sessions(hale) == row(healthy=5)


def test_connection_close(service):
    with service.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        reply = read_reply(connection)
        assert reply.status == 200
        assert reply.headers["Connection"].lower() == "close"
        assert read_to_end(connection) == b""


def test_http_1_0(service):
    with service.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert read_reply(connection).status == 200
        assert read_to_end(connection) == b""


def test_pipelining(hale):
    """Responses, including errors, come in the order of the requests."""
    parts, expected = [], []
    for number in range(30):
        bad = number % 3 == 1
        body = b"{broken" if bad else envelope(session())
        parts.append(post(hale, f"Content-Length: {len(body)}") + body)
        expected.append(400 if bad else 200)
    with hale.connect() as connection:
        connection.sendall(b"".join(parts))
        # http.client reads ahead, so that all responses share one buffered reader.
        connection.shutdown(socket.SHUT_WR)
        answers = read_to_end(connection)
    lines = [int(part[9:12]) for part in split_answers(answers)]
    assert lines == expected
    assert sessions(hale) == row(healthy=20)


def split_answers(data):
    """The responses in a stream, split at their status lines."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        found.append(head)
        data = rest[length:]
    return found


def test_a_request_a_byte_at_a_time(hale):
    body = envelope(session())
    wire = post(hale, f"Content-Length: {len(body)}") + body
    with hale.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(wire)):
            connection.sendall(wire[at:at + 1])
        assert read_reply(connection).status == 200
    assert sessions(hale) == row(healthy=1)


def test_half_close(hale):
    """A client that has closed its sending side still gets the response."""
    body = envelope(session())
    with hale.connect() as connection:
        connection.sendall(post(hale, f"Content-Length: {len(body)}") + body)
        connection.shutdown(socket.SHUT_WR)
        assert read_reply(connection).status == 200
    assert sessions(hale) == row(healthy=1)


def test_too_many_header_bytes(service):
    for lines in ([f"X-Large: {'a' * 300_000}"], [f"X-{at}: b" for at in range(5000)]):
        with service.connect() as connection:
            try:
                connection.sendall(post(service, *lines, "Content-Length: 0"))
            except (BrokenPipeError, ConnectionResetError):
                pass
            reply = read_reply(connection)
            assert reply.status in (400, 431), reply
            assert read_to_end(connection) == b""


def test_a_long_target(service):
    with service.connect() as connection:
        connection.sendall(b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        reply = read_reply(connection)
        assert reply.status in (400, 414, 431), reply


def test_silent_connections_do_not_block_others(hale):
    idle = [hale.connect() for _ in range(200)]
    try:
        for connection in idle[::2]:
            connection.sendall(b"POST /api/1/envelope/ HT")
        for _ in range(20):
            hale.send(session())
    finally:
        for connection in idle:
            connection.close()
    assert sessions(hale) == row(healthy=20)


def test_a_header_that_never_ends_has_a_deadline(service):
    with service.connect(timeout=90) as connection:
        began = time.monotonic()
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n")
        answer = read_to_end(connection)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400")), answer
        assert time.monotonic() - began < 60


def test_clients_that_vanish(hale):
    """Resets before, in and after a request; the next one is served."""
    body = envelope(session())
    wire = post(hale, f"Content-Length: {len(body)}") + body
    reset = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    for cut in (0, 1, 40, len(wire) - 1):
        connection = hale.connect()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        connection.sendall(wire[:cut])
        connection.close()
    hale.send(session())
    wait(lambda: sessions(hale) == row(healthy=1), "the one whole session being counted")
