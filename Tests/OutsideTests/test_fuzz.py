"""Mutations of valid input, by seed: every response is a documented one, and the service keeps
running."""

import gzip
import json
import random
import socket

import brotli
import pytest
import zstandard

from hale import (envelope, item, read_reply, read_to_end, row, session, sessions)
from test_recordings import CAPTURES, Request

ROUNDS = 400


def mutated(chance, data):
    """The data cut, with flipped bits, or with pieces doubled or moved."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(6)
        if kind == 0:
            del data[at:at + chance.randint(1, 30)]
        elif kind == 1:
            data[at:at] = data[:at][-chance.randint(1, 30):]
        elif kind == 2 and data:
            data[at % len(data)] ^= 1 << chance.randrange(8)
        elif kind == 3:
            data[at:at] = chance.choice((b"\n", b"\r\n", b'"', b"{", b"}", b"\\", b"\x00", b"\xff",
                                         b",", b":", b"[", b"1e999", b"-", b"null", b"\xed\xa0"))
        elif kind == 4:
            data[at:at] = chance.randbytes(chance.randint(1, 8))
        else:
            del data[at:]
    return bytes(data)


def post(hale, connection, body, encoding=""):
    connection.sendall(
        f"POST {hale.envelope_path()}?sentry_key={hale.key} HTTP/1.1\r\nHost: h\r\n"
        f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return read_reply(connection)


def samples():
    """Envelopes of this test and of recorded SDKs."""
    made = envelope(item(b"\x00\xff\n{}", "attachment"), session(did="ada", errors=1),
                    session("crashed"), sent_at="2026-11-23T00:00:00Z")
    found = [made]
    for path in sorted(CAPTURES.glob("*--01.json"))[::8]:
        request = Request(path)
        if "envelope" in request.about["target"]:
            found.append(request.body)
    return found


@pytest.mark.parametrize("seed", (1, 2))
def test_mutated_envelopes(hale, seed):
    chance = random.Random(seed)
    bodies = samples()
    connection = hale.connect()
    for _ in range(ROUNDS):
        body = mutated(chance, chance.choice(bodies))
        reply = post(hale, connection, body)
        # 403: the mutation changed the project or key of the header's DSN.
        assert reply.status in (200, 400, 413), (body, reply)
        json.loads(reply.body)
        if reply.closes:
            connection.close()
            connection = hale.connect()
    connection.close()
    hale.send(session("abnormal", release="after@1"))
    assert sessions(hale, query="release:after@1") == row(abnormal=1)


@pytest.mark.parametrize("name, encode", (
    ("gzip", gzip.compress), ("br", brotli.compress),
    ("zstd", zstandard.ZstdCompressor().compress)))
def test_mutated_compression(hale, name, encode):
    chance = random.Random(7)
    whole = encode(envelope(*[session() for _ in range(5)], item(b"x" * 5000, "attachment")))
    for _ in range(ROUNDS // 2):
        with hale.connect() as connection:
            body = mutated(chance, whole)
            reply = post(hale, connection, body, name)
            assert reply.status in (200, 400, 413), (body, reply)
    hale.send(session("abnormal"))
    assert sessions(hale)["abnormal"] == 1


def test_mutated_requests(hale):
    """Mutations of HTTP itself: a response or a close, but no open connection."""
    chance = random.Random(11)
    body = envelope(session())
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    auth = hale.auth["X-Sentry-Auth"]
    wires = [
        f"POST {hale.envelope_path()} HTTP/1.1\r\nHost: h\r\nX-Sentry-Auth: {auth}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode() + body,
        f"POST {hale.envelope_path()} HTTP/1.1\r\nHost: h\r\nX-Sentry-Auth: {auth}\r\n"
        f"Transfer-Encoding: chunked\r\n\r\n".encode() + chunks,
        f"GET /api/0/organizations/default/sessions/?field=sum(session)&statsPeriod=24h HTTP/1.1"
        f"\r\nHost: h\r\nAuthorization: Bearer {hale.token}\r\n\r\n".encode(),
    ]
    for _ in range(ROUNDS):
        wire = mutated(chance, chance.choice(wires))
        with hale.connect() as connection:
            try:
                connection.sendall(wire)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                # The service closed the connection before everything was sent.
                continue
            answer = read_to_end(connection)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 "), (wire, answer)
            assert not answer.startswith(b"HTTP/1.1 500"), (wire, answer)
    hale.send(session("abnormal"))
    assert sessions(hale)["abnormal"] == 1


POOL = {
    "field": ("sum(session)", "count_unique(user)", "crash_free_rate(user)", "anr_rate()", "x",
              "p95(session.duration)", ""),
    "groupBy": ("project", "release", "environment", "session.status", "x", ""),
    "interval": ("1h", "1d", "1m", "10s", "0h", "-1h", "99999999999h", "h", "1.5h", ""),
    "statsPeriod": ("24h", "1d", "90d", "0d", "99999999999d", "x", "-1d", "5m", ""),
    "start": ("2026-01-01", "2026-01-01T00:00:00", "9999-12-31T23:59:59Z", "0001-01-01", "x"),
    "end": ("2026-01-02", "2026-01-01T00:00:01Z", "1970-01-01T00:00:00Z", "x", ""),
    "query": ("release:app@1", "!release:a", "release:[a,b]", "session.status:crashed", "a:b",
              "(", "release:", 'release:"a b"', "release:a OR release:b", "*", ":", '"', "[]",
              "release:\x00", "environment:\"\"", "!session.status:[crashed,errored]"),
    "project": ("1", "-1", "default", "x", "99999999999999999999", ""),
    "environment": ("production", "", "x"),
    "orderBy": ("sum(session)", "-sum(session)", "x", ""),
    "per_page": ("1", "0", "-1", "x", "100000"),
    "cursor": ("0:0:0", "0:10:0", "x", "0:-1:1", "0:99999999999999999999:0"),
    "includeTotals": ("0", "1", "x"),
    "includeSeries": ("0", "1", "x"),
}


def test_random_queries(hale):
    """Every combination of parameters gets a result or a reason."""
    hale.send(session(did="ada"), session("crashed", release="app@2"))
    chance = random.Random(13)
    good = 0
    for _ in range(ROUNDS * 2):
        names = chance.sample(sorted(POOL), chance.randint(0, 5))
        pairs = [("field", "sum(session)")] if chance.random() < 0.8 else []
        pairs += [("statsPeriod", "24h")] if chance.random() < 0.6 else []
        pairs += [(name, chance.choice(POOL[name])) for name in names
                  for _ in range(chance.choice((1, 1, 2)))]
        reply = hale.get("/organizations/default/sessions/", pairs)
        assert reply.status in (200, 400, 403, 404), (pairs, reply)
        assert reply.status == 200 or reply.detail, (pairs, reply)
        good += reply.status == 200
    assert good > ROUNDS // 10
