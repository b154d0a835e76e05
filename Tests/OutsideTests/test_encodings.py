"""Bodies in the encodings of SDKs, with limits of time and memory."""

import gzip
import select
import threading
import time
import zlib

import brotli
import pytest
import zstandard

from hale import envelope, item, read_reply, row, session, sessions, wait

MIB = 1 << 20
# Much less than any body here, and more than the noise of the allocator.
MEMORY_BOUND = 32 * MIB


def deflate(data):
    return zlib.compress(data)


def zstd(data):
    return zstandard.ZstdCompressor().compress(data)


def zstd_streamed(data):
    """A frame without the size of its content."""
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return compressor.compress(data) + compressor.flush()


def identity(data):
    return data


ENCODERS = {
    "gzip": gzip.compress, "GZIP": gzip.compress, "x-gzip": gzip.compress, "deflate": deflate,
    "br": brotli.compress, "zstd": zstd, "identity": identity, "": identity, "utf-8": identity,
    "UTF-8": identity,
}


def chunked(data, size):
    parts = [data[at:at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def head(hale, *lines):
    fields = [f"POST {hale.envelope_path()} HTTP/1.1", "Host: localhost",
              f"X-Sentry-Auth: {hale.auth['X-Sentry-Auth']}", *lines, "", ""]
    return "\r\n".join(fields).encode()


@pytest.mark.parametrize("name", ENCODERS)
def test_encodings(hale, name):
    body = envelope(*[session() for _ in range(20)])
    reply = hale.post(ENCODERS[name](body), {"Content-Encoding": name})
    assert reply.status == 200, reply
    assert sessions(hale) == row(healthy=20)


def test_streamed_zstandard(hale):
    body = zstd_streamed(envelope(session()))
    assert hale.post(body, {"Content-Encoding": "zstd"}).status == 200
    assert sessions(hale) == row(healthy=1)


def test_encoded_and_chunked(hale):
    encoders = (("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstd),
                ("deflate", deflate), ("identity", identity))
    for name, encode in encoders:
        for size in (1, 7, 4096):
            body = encode(envelope(session()))
            with hale.connect() as connection:
                connection.sendall(head(
                    hale, f"Content-Encoding: {name}", "Transfer-Encoding: chunked"))
                connection.sendall(chunked(body, size))
                assert read_reply(connection).status == 200
    assert sessions(hale) == row(healthy=15)


def test_unknown_encodings(hale):
    for name in ("lzma", "compress", "gzip, br", "bzip2"):
        reply = hale.post(envelope(session()), {"Content-Encoding": name})
        assert reply.status == 415, (name, reply)
        supported = {part.strip() for part in reply.headers["Accept-Encoding"].split(",")}
        assert supported.issuperset({"gzip", "deflate", "br", "zstd"}), reply
    assert sessions(hale) == row()


@pytest.mark.parametrize("name, encode", (
    ("gzip", gzip.compress), ("deflate", deflate), ("br", brotli.compress), ("zstd", zstd)))
def test_bodies_with_a_wrong_encoding(hale, name, encode):
    whole = encode(envelope(session(), item(bytes(range(256)) * 100, "attachment")))
    broken = [b"plain text", whole[:len(whole) // 2], whole[:8] + b"\xff" * 40 + whole[48:]]
    for body in broken:
        reply = hale.post(body, {"Content-Encoding": name})
        assert reply.status == 400, (body[:20], reply)
        assert reply.detail
    hale.send(session("crashed"))
    assert sessions(hale) == row(crashed=1)


def test_expect_continue(hale):
    body = envelope(session())
    with hale.connect() as connection:
        connection.sendall(head(hale, f"Content-Length: {len(body)}", "Expect: 100-continue"))
        # The body is sent only after this line.
        interim = connection.recv(4096)
        assert interim.startswith(b"HTTP/1.1 100"), interim
        assert interim.endswith(b"\r\n\r\n"), interim
        connection.sendall(body)
        assert read_reply(connection).status == 200
    assert sessions(hale) == row(healthy=1)


def test_a_body_announced_too_large_gets_no_continue(hale):
    with hale.connect() as connection:
        connection.sendall(head(hale, f"Content-Length: {300 * MIB}", "Expect: 100-continue"))
        reply = read_reply(connection)
        assert reply.status == 413, reply


# Limits ------------------------------------------------------------------------------------


def zeros(total, before=b""):
    """An envelope of exactly `total` bytes with one attachment of zeros, in pieces."""
    for digits in range(1, 11):
        size = total - len(before) - len(b'{}\n{"type":"attachment","length":}\n') - digits
        if len(str(size)) == digits:
            break
    yield b"{}\n" + before + b'{"type":"attachment","length":%d}\n' % size
    piece = bytes(MIB)
    while size:
        part = piece[:min(size, MIB)]
        size -= len(part)
        yield part


def compressor(name):
    """(compress a piece, finish)."""
    if name == "br":
        stream = brotli.Compressor(quality=4)
        return stream.process, stream.finish
    if name == "zstd":
        stream = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    else:
        stream = zlib.compressobj(1, zlib.DEFLATED, 31 if name == "gzip" else 15)
    return stream.compress, stream.flush


def squeezed(name, pieces):
    compress, finish = compressor(name)
    return b"".join([compress(piece) for piece in pieces] + [finish()])


@pytest.mark.parametrize("name", ("gzip", "deflate", "br", "zstd"))
def test_200_mebibytes_are_accepted_and_one_byte_more_is_not(hale, name):
    hale.send(session())
    before = hale.peak_memory()
    first = item(session(release="large@1"))
    at_limit = squeezed(name, zeros(200 * MIB, first))
    assert len(at_limit) < 2 * MIB
    assert hale.post(at_limit, {"Content-Encoding": name}).status == 200
    refused = hale.post(squeezed(name, zeros(200 * MIB + 1, first)), {"Content-Encoding": name})
    assert refused.status == 413, refused
    assert refused.detail
    assert hale.peak_memory() - before < MEMORY_BOUND
    # The session before the attachment counts only with the accepted envelope.
    assert sessions(hale) == row(healthy=2)


def test_a_large_window_is_not_reserved(hale):
    """A frame may need a window of 128 MiB; no SDK sends such a frame."""
    hale.send(session())
    before = hale.peak_memory()
    parameters = zstandard.ZstdCompressionParameters.from_level(
        3, window_log=27, write_content_size=False)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = b"".join(stream.compress(piece) for piece in zeros(150 * MIB)) + stream.flush()
    reply = hale.post(body, {"Content-Encoding": "zstd"})
    assert reply.status in (200, 400, 413), reply
    assert hale.peak_memory() - before < MEMORY_BOUND


def answered(clients):
    return select.select(clients, [], [], 0)[0]


def test_windows_of_many_bodies_are_bounded(hale):
    """A few bytes of brotli fill 16 MiB, which an unfinished body holds."""
    hale.send(session())
    before = hale.peak_memory()
    stream = brotli.Compressor(quality=5, lgwin=24)
    bomb = stream.process(b" " * 60_000 + b"{}\n" + b" " * (40 * MIB)) + stream.flush()
    clients = [hale.connect() for _ in range(60)]
    for client in clients:
        client.sendall(head(hale, "Content-Encoding: br", "Transfer-Encoding: chunked"))
        client.sendall(b"%x\r\n%s\r\n" % (len(bomb), bomb))
    # Those without room wait; those that stand still while others wait give way.
    wait(lambda: answered(clients), "those that give way")
    assert {read_reply(client).status for client in answered(clients)} == {408}
    # Meanwhile there is room for small bodies of every coding.
    for name in ("gzip", "deflate", "br", "zstd"):
        body = squeezed(name, [envelope(session())])
        assert hale.post(body, {"Content-Encoding": name}).status == 200
    assert hale.peak_memory() - before < 64 * MIB + MEMORY_BOUND
    for client in clients:
        client.close()
    # The room is released.
    def is_taken():
        body = squeezed("br", zeros(100 * MIB, item(session(release="large@1"))))
        return hale.post(body, {"Content-Encoding": "br"}).status == 200
    wait(is_taken, "room for a large window")
    assert sessions(hale) == row(healthy=6)


@pytest.mark.parametrize("kind, opening", (
    (b"envelope", b'{}\n{"type":"session"}\n'), (b"store", b"")))
def test_memory_of_unfinished_bodies_is_bounded(hale, kind, opening):
    """A kilobyte of gzip is an item of a mebibyte, which is held until its end."""
    hale.send(session())
    before = hale.peak_memory()
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = stream.compress(opening + b" " * (MIB - 64))
    bomb += stream.flush(zlib.Z_SYNC_FLUSH)
    clients = [hale.connect() for _ in range(200)]
    for client in clients:
        opened = head(hale, "Content-Encoding: gzip", "Transfer-Encoding: chunked")
        client.sendall(opened.replace(b"/envelope/", b"/%s/" % kind))
        client.sendall(b"%x\r\n%s\r\n" % (len(bomb), bomb))

    wait(lambda: answered(clients), "those that give way")
    assert {read_reply(client).status for client in answered(clients)} == {408}
    # Meanwhile there is room for small bodies.
    for name in ("gzip", "identity"):
        body = ENCODERS[name](envelope(session()))
        assert hale.post(body, {"Content-Encoding": name}).status == 200
    # A growing buffer is copied, and the allocator keeps some of the old ones.
    assert hale.peak_memory() - before < 2 * 64 * MIB
    for client in clients:
        client.close()

    def is_taken():
        body = gzip.compress(envelope(session(extra="x" * (MIB - 1024))))
        return hale.post(body, {"Content-Encoding": "gzip"}).status == 200
    wait(is_taken, "room for a large payload")
    assert sessions(hale) == row(healthy=4)


def test_a_hundred_sessions_at_most(hale):
    hundred = [session() for _ in range(100)]
    assert hale.post(envelope(*hundred)).status == 200
    sums = {"aggregates": [], "attrs": {"release": "app@1.0"}}
    for surplus in (session(), sums):
        reply = hale.post(envelope(*[session() for _ in range(100)], surplus))
        assert reply.status == 413, reply
        assert reply.detail.startswith("envelope exceeded size limits for type '"), reply
    # The whole envelope is rejected, not its surplus.
    assert sessions(hale) == row(healthy=100)


def test_five_hundred_items_at_most(hale):
    other = [item(b"x", "attachment") for _ in range(499)]
    assert hale.post(envelope(*other, session())).status == 200
    reply = hale.post(envelope(*other, session(), item(b"x", "attachment")))
    assert reply.status == 413, reply
    assert sessions(hale) == row(healthy=1)


def test_a_large_attachment_passes_through(hale):
    """150 MiB beside a session: it counts, memory is bounded, and other clients do not wait."""
    hale.send(session())
    before = hale.peak_memory()
    size = 150 * MIB
    opening = b"{}\n" + item(session("crashed")) + b'{"type":"attachment","length":%d}\n' % size
    closing = b"\n" + item(session("abnormal"))
    piece = bytes(MIB)
    done = threading.Event()
    replies = []

    def upload():
        try:
            with hale.connect() as connection:
                connection.sendall(head(
                    hale, f"Content-Length: {len(opening) + size + len(closing)}"))
                connection.sendall(opening)
                for _ in range(150):
                    connection.sendall(piece)
                connection.sendall(closing)
                replies.append(read_reply(connection))
        finally:
            done.set()

    thread = threading.Thread(target=upload)
    thread.start()
    answered, slowest = 0, 0
    while not done.is_set():
        began = time.monotonic()
        hale.send(session(release="meanwhile@1"))
        slowest = max(slowest, time.monotonic() - began)
        answered += 1
    thread.join()
    assert [reply.status for reply in replies] == [200]
    assert answered >= 5, "the others waited for the upload"
    assert slowest < 2, f"one of the others waited {slowest:.1f} s"
    assert hale.peak_memory() - before < MEMORY_BOUND
    assert sessions(hale) == row(healthy=1 + answered, crashed=1, abnormal=1)


def test_an_upload_that_stands_still_keeps_nobody_waiting(hale):
    body = envelope(item(bytes(4 * MIB), "attachment"), session("crashed"))
    with hale.connect() as slow:
        slow.sendall(head(hale, f"Content-Length: {len(body)}"))
        slow.sendall(body[:2 * MIB])
        for _ in range(20):
            hale.send(session())
        # Not counted before its end, because the envelope may be incomplete.
        assert sessions(hale) == row(healthy=20)
        slow.sendall(body[2 * MIB:])
        assert read_reply(slow).status == 200
    assert sessions(hale) == row(healthy=20, crashed=1)


def test_an_upload_that_breaks_off_counts_nothing(hale):
    body = envelope(session("crashed"), item(bytes(MIB), "attachment"))
    with hale.connect() as broken:
        broken.sendall(head(hale, f"Content-Length: {len(body)}"))
        broken.sendall(body[:MIB // 2])
    hale.send(session())
    assert sessions(hale) == row(healthy=1)


def test_long_lines_are_bounded(hale):
    """A header or session of megabytes is rejected; memory is bounded."""
    hale.send(session())
    before = hale.peak_memory()
    large = "x" * (60 * MIB)
    header = hale.post(b'{"trace":"' + large.encode() + b'"}\n' + item(session()))
    assert header.status in (200, 400, 413), header
    payload = hale.post(envelope(session(extra=large), session("crashed")))
    assert payload.status in (200, 413), payload
    assert hale.peak_memory() - before < MEMORY_BOUND
    counts = sessions(hale)
    assert counts["crashed"] == (1 if payload.status == 200 else 0), counts
