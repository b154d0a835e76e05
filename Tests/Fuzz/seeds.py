"""Writes the first inputs of the fuzzers: recorded requests, and the texts of tests.

    python3 Tests/Fuzz/seeds.py DIRECTORY      writes DIRECTORY/TARGET/NAME
"""

import gzip
import json
import re
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CODINGS = ("", "gzip", "deflate", "br", "zstd")
KEY = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

SESSION = {
    "sid": "8b4f1c5e-3a52-4b7a-9c0e-1f2d3c4b5a69", "did": "ada", "seq": 3, "init": True,
    "started": "2026-03-01T09:59:00.5Z", "timestamp": "2026-03-01T10:00:00Z",
    "status": "abnormal", "errors": 2, "duration": 59.5,
    "abnormal_mechanism": "anr_foreground",
    "attrs": {"release": "shop@1.0.0+7", "environment": "production"}}

AGGREGATES = {
    "aggregates": [{"started": "2026-03-01T09:59:00Z", "did": "ada", "exited": 5, "errored": 1,
                    "crashed": 2, "abnormal": 3, "unhandled": 4}],
    "attrs": {"release": "shop@1.0.0", "environment": None}}

RULE = {
    "name": "Crash-free", "projects": ["shop"], "environment": "production", "release": "latest",
    "aggregate": "crash_free_rate(session)", "timeWindow": 60, "thresholdType": 1,
    "resolveThreshold": 99.5, "thresholdPeriod": 1, "minSessions": 100, "channels": ["on-call"],
    "triggers": [{"label": "critical", "alertThreshold": 99, "actions": [{"channel": "ops"}]},
                 {"label": "warning", "alertThreshold": 99.5}]}

CHANNELS = (
    {"name": "on-call", "kind": "webhook", "url": "https://ops.example.com:8443/hook?a=b",
     "secret": "0123456789abcdef"},
    {"name": "chat", "kind": "slack", "url": "https://hooks.example.com/a/b"},
    {"name": "mail", "kind": "email", "to": ["ops@example.com"], "from": "hale@example.com"},
    {"name": "page", "kind": "command", "command": "page.sh"})

REQUESTS = (
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b?c=d&e=%20 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    "1;a=\"b\"\r\n,\r\n00006 ; x\r\n world\r\n0\r\nT: v\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\nx",
    "\r\nOPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nX: \t a\r\n\r\n",
    "GET http://h:80/p?q HTTP/1.1\r\nHost: h:80\r\nConnection: x, Close\r\n\r\n")

URLS = (
    f"https://{KEY}@o1.ingest.example.com/1", f"http://{KEY}:secret@[::1]:8787/a/b/42/",
    "https://ops.example.com:8443/hook?a=b#c", "smtp://user:pass@mail:25?tls=none",
    "name=value&b=%20+&c&&=d", "192.0.2.1:80", "[2001:db8::1]:443", "::ffff:10.0.0.1",
    "10.0.0.0/8, 2001:db8::/32", "ops.team+hale@example.com", "%41%zz%e2%82%ac")


def recorded():
    """Each recorded request: its coding, its body as it was sent, and the bytes of its head."""
    for path in sorted((TESTS / "Captures").glob("*.json")):
        about = json.loads(path.read_text())
        headers = dict((name.lower(), value) for name, value in about["headers"])
        body = path.with_suffix(".bin").read_bytes()
        if len(body) > 3000 or path.with_suffix(".chunked").exists():
            continue
        head = f"{about['method']} {about['target']} {about['http_version']}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in about["headers"])
        yield headers.get("content-encoding", ""), body, head.encode() + b"\r\n"


def items(envelope):
    """The payloads of an envelope's sessions."""
    lines = envelope.split(b"\n")
    for header, payload in zip(lines[1:], lines[2:]):
        if b'"session' in header:
            yield payload


def seeds():
    for coding, body, head in recorded():
        if coding in CODINGS:
            yield "envelope", bytes([CODINGS.index(coding)]) + body
        yield "http", b"\x1f" + head + body
        plain = gzip.decompress(body) if coding == "gzip" else body
        yield from (("session", payload) for payload in items(plain))
    for payload in (SESSION, AGGREGATES):
        text = json.dumps(payload).encode()
        yield "session", text
        envelope = b'{"sent_at":"2026-03-01T10:00:00Z"}\n{"type":"session"}\n' + text
        yield "envelope", b"\x06" + envelope
        yield "envelope", b"\x01" + gzip.compress(envelope)
    for body in (RULE, {"rules": [{**RULE, "organization": "default"}]}, *CHANNELS):
        yield "json", json.dumps(body, indent=1).encode()
    yield from (("http", b"\x02" + text.encode()) for text in REQUESTS)
    yield from (("url", text.encode()) for text in URLS)
    for path in (TESTS / "QueriesTests").glob("*Search*.swift"):
        for text in re.findall(r'"((?:[^"\\\n]|\\.)+)"', path.read_text()):
            if ":" in text:
                text = text.replace('\\"', '"').replace("\\\\", "\\")
                yield "search", text.encode() + b"\nshop@1.2.3"


def main():
    for number, (target, text) in enumerate(seeds()):
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"seed-{number}").write_bytes(text)


main()
