"""Whatever strangers send and hold back: memory is bounded, and no honest request is refused."""

import zlib

import brotli
import pytest
import zstandard

from hale import envelope, session
from siege import head, siege, sized

MIB = 1 << 20
SAME = "Sec-Fetch-Site: same-origin"


def envelope_head(service, *fields, key=True):
    query = f"?sentry_key={service.key}" if key else ""
    return head("POST", service.envelope_path() + query, *fields)


# Decoded, these are nearly as long as a header line or a small item may be, and have no end.
LINE = b'{"a":"' + b"x" * 63_000
ITEM = b'{}\n{"type":"session"}\n{"a":"' + b"x" * 63_000


def zstd_start(data, window):
    """The first bytes of a zstd body that declares a window of 2^window bytes, and goes on."""
    parameters = zstandard.ZstdCompressionParameters(window_log=window, write_content_size=False)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return compressor.compress(data) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


def gzip_start(data):
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)


def brotli_start(data):
    compressor = brotli.Compressor(lgwin=24)
    return compressor.process(data) + compressor.flush()


def encoded(service, coding, start, key=True):
    return {"opening": envelope_head(
        service, f"Content-Encoding: {coding}", "Content-Length: 100000", key=key) + start}


def still(start, length):
    """Specifications of bodies that stand still: large ones, and small ones that take what room is
    left between those."""
    return ({"opening": start}, {"opening": start[:-length] + start[-length:][:9_000],
                                 "connections": 100})


# name: (letter, recipe, short and long number of connections, and the attack: the specification of
# one attacker, or those of several)
ATTACKS = {
    "sign-in": ("a", "connections with an unfinished form of 1 MiB to /sign-in/", 600, 4000,
                lambda _: {"opening": head("POST", "/sign-in/", SAME, "Content-Length: 1048571"),
                           "filler": MIB - 6}),
    "windows": ("l", "connections without a key, a zstd body that stands still after 100 bytes",
                1200, 4000, lambda hale: (
                    encoded(hale, "zstd", zstd_start(LINE, 10), key=False),
                    {**encoded(hale, "gzip", gzip_start(LINE[:9_000]), key=False),
                     "connections": 100})),
    "large-windows": ("l", "of these with windows of 8 MiB", 600, 4000,
                      lambda hale: encoded(hale, "zstd", zstd_start(LINE, 23), key=False)),
    "lines": ("l", "connections without a key, a header line of 63 KB that stands still",
              1200, 4000, lambda hale: still(envelope_head(
                  hale, "Content-Length: 100000", key=False) + LINE, len(LINE))),
    "metrics": ("s", "connections that pipeline behind /metrics", 500, 3000,
                lambda _: {"opening": head("GET", "/metrics"), "then": "pipeline"}),
    "unread": ("s", "connections that pipeline the OpenAPI document and never read", 300, 1500,
               lambda _: {"opening": head("GET", "/api/0/openapi.json"), "then": "pipeline",
                          "deaf": True}),
    "heads": ("", "heads of 15 KiB that stand still", 600, 4000,
              lambda _: {"opening": b"GET /healthz HTTP/1.1\r\nHost: h\r\nX: ", "filler": 15_000}),
    "api-body": ("", "unfinished bodies of 1 MiB to the API without a token", 300, 4000,
                 lambda _: {"opening": head(
                     "POST", "/api/0/organizations/default/alert-rules/",
                     "Content-Length: 1048571"), "filler": MIB - 6}),
    "api-body-token": ("", "unfinished bodies of 1 MiB to the API with a token", 300, 4000,
                       lambda hale: {"opening": head(
                           "POST", "/api/0/organizations/default/alert-rules/",
                           f"Authorization: Bearer {hale.token}", "Content-Length: 1048571"),
                           "filler": MIB - 6}),
    "plain": ("", "bodies with a key, an item of 63 KB that stands still", 1200, 4000,
              lambda hale: still(
                  envelope_head(hale, "Content-Length: 1000000") + ITEM, len(ITEM))),
    "gzip": ("", "gzip bodies with a key that stand still", 1200, 4000,
             lambda hale: encoded(hale, "gzip", gzip_start(ITEM))),
    "brotli": ("", "brotli bodies with a key, windows of 16 MiB, that stand still", 600, 4000,
               lambda hale: encoded(hale, "br", brotli_start(ITEM))),
    "zstd": ("", "zstd bodies with a key, windows of 8 MiB, that stand still", 600, 4000,
             lambda hale: encoded(hale, "zstd", zstd_start(ITEM, 23))),
    "chunked": ("", "chunked bodies of 1 MiB to /sign-in/ that never end", 300, 4000,
                lambda _: {"opening": head(
                    "POST", "/sign-in/", SAME, "Transfer-Encoding: chunked") + b"fffff\r\n",
                    "filler": MIB - 6}),
    "pipelined": ("", "pipelined envelopes with a key, whose answers are not read", 200, 1500,
                  lambda hale: {"opening": (lambda body: envelope_head(
                      hale, f"Content-Length: {len(body)}") + body)(
                          envelope(session(release="other@1"))),
                      "then": "pipeline", "deaf": True}),
    "unread-api": ("", "pipelined queries with a token, whose answers are not read", 200, 1500,
                   lambda hale: {"opening": head(
                       "GET", "/api/0/organizations/default/sessions/?field=sum(session)"
                       "&statsPeriod=90d&interval=1h", f"Authorization: Bearer {hale.token}"),
                       "then": "pipeline", "deaf": True}),
    "expect": ("", "`Expect: 100-continue` and silence", 600, 4000,
               lambda hale: {"opening": envelope_head(
                   hale, "Content-Length: 1000000", "Expect: 100-continue")}),
    "slow-reader": ("", "readers that ask for the OpenAPI document once and never read", 600, 4000,
                    lambda _: {"opening": head("GET", "/api/0/openapi.json"), "deaf": True}),
}


def attackers(count, found):
    return [{"connections": count, "again": True, **each}
            for each in (found if isinstance(found, tuple) else (found,))]


@pytest.mark.parametrize("name", ATTACKS)
def test_bytes_are_bounded(hale, report, name):
    letter, recipe, short, long, specification = ATTACKS[name]
    count = sized(short, long)
    result = siege(hale, *attackers(count, specification(hale)))
    report(letter or name, f"{count:,} {recipe}", result.figures())
    result.holds(hale)


def test_honest_shares_stay_when_all_attack_at_once(hale, report):
    """Strangers, a key and a token together take no more than each of them."""
    names = ("sign-in", "windows", "unread", "heads", "gzip")
    share = sized(200, 800)
    result = siege(hale, *(each for name in names
                           for each in attackers(share, ATTACKS[name][4](hale))))
    report("a, l, s together", f"{share} connections of each of {len(names)} kinds",
           result.figures())
    result.holds(hale)
