"""Invalid requests: their status, `detail` and `causes` as in Sentry, and a service that counts
the next valid session."""

import base64
import gzip
import json
import urllib.parse
import uuid
import zlib

import pytest

from hale import Hale, envelope, iso, item, now, row, session, sessions, sessions_by

INVALID = "invalid event envelope"
GOOD = session()


def header(**fields):
    return json.dumps(fields).encode()


def with_item(item_header, payload=b"{}"):
    return b"{}\n" + item_header + b"\n" + payload + b"\n"


# (name, body, detail, first of the causes; None where only the detail is fixed)
BROKEN = [
    ("no byte at all", b"", "empty request body", None),
    ("only blank space", b" \n\n", INVALID, "missing envelope header"),
    ("no JSON in the header", b"this is no JSON\n", INVALID, "invalid envelope header"),
    ("half a header", b'{"event_id":"', INVALID, "invalid envelope header"),
    ("a header that is a list", b"[]\n", INVALID, "invalid envelope header"),
    ("a header that is a number", b"5\n", INVALID, "invalid envelope header"),
    ("a header followed by something", b"{}x\n", INVALID,
     "missing newline after header or payload"),
    ("two headers in a line", b"{}{}\n", INVALID, "missing newline after header or payload"),
    ("an event id that is none", header(event_id="zz") + b"\n", INVALID,
     "invalid envelope header"),
    ("sent_at that is no time", header(sent_at="yesterday") + b"\n", INVALID,
     "invalid envelope header"),
    ("sent_at that is a number", header(sent_at=1700000000) + b"\n", INVALID,
     "invalid envelope header"),
    ("sent_at twice", b'{"sent_at":null,"sent_at":null}\n', INVALID, "invalid envelope header"),
    ("an item header that is no JSON", with_item(b"session"), INVALID, "invalid item header"),
    ("an item header that is a list", with_item(b"[]"), INVALID, "invalid item header"),
    ("an item header that is a string", with_item(b'"session"'), INVALID, "invalid item header"),
    ("an item without a type", with_item(b'{"length":2}'), INVALID, "invalid item header"),
    ("a type that is a number", with_item(b'{"type":1}'), INVALID, "invalid item header"),
    ("a negative length", with_item(b'{"type":"session","length":-1}'), INVALID,
     "invalid item header"),
    ("a fractional length", with_item(b'{"type":"session","length":1.5}'), INVALID,
     "invalid item header"),
    ("a length as a string", with_item(b'{"type":"session","length":"2"}'), INVALID,
     "invalid item header"),
    ("a length beyond 32 bits", with_item(b'{"type":"session","length":4294967296}'), INVALID,
     "invalid item header"),
    ("half an item header", b'{}\n{"type":"ses', INVALID, "invalid item header"),
    ("an item header followed by something", b'{}\n{"type":"session"} x\n{}\n', INVALID,
     "missing newline after header or payload"),
    ("a length beyond the end", with_item(b'{"type":"session","length":99}'), INVALID,
     "unexpected end of file"),
    ("a length and no payload", b'{}\n{"type":"attachment","length":5}', INVALID,
     "unexpected end of file"),
    ("a length that is too short", with_item(b'{"type":"session","length":1}'), INVALID,
     "missing newline after header or payload"),
]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """One service gets all invalid requests, and must keep running."""
    running = Hale(tmp_path_factory.mktemp("bad")).start()
    yield running
    assert running.end() is None, running.log()


@pytest.mark.parametrize("name, body, detail, cause", BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_envelopes(service, name, body, detail, cause):
    reply = service.post(body)
    assert (reply.status, reply.detail) == (400, detail), reply
    assert reply.headers["Content-Type"].startswith("application/json")
    if cause:
        assert reply.causes[0] == cause, reply


def test_a_broken_envelope_counts_nothing_of_itself(hale):
    """No partial acceptance: the session before the broken frame is not counted."""
    reply = hale.post(envelope(session(release="partial@1")) + b"{broken\n")
    assert reply.status == 400
    hale.send(session(release="whole@1"))
    assert sessions_by(hale, "release") == {("whole@1",): row(healthy=1)}


def test_mismatching_headers(service):
    other_key = "f" * 32
    host = f"{service.host}:{service.port}"
    cases = [
        ({"dsn": f"http://{service.key}@{host}/999"}, {}, "project id header mismatch"),
        ({"dsn": f"http://{other_key}@{host}/{service.project}"}, {},
         "public key header mismatch"),
        ({"origin": "http://a.example"}, {"Origin": "http://b.example"}, "origin header mismatch"),
    ]
    for fields, headers, cause in cases:
        reply = service.post(envelope(GOOD, **fields), headers)
        assert (reply.status, reply.detail) == (400, INVALID), (fields, reply)
        assert reply.causes[0].startswith(cause), (fields, reply)


def test_hosts_of_a_dsn_are_not_compared(hale):
    dsn = f"https://{hale.key}@tunnel.example.com/{hale.project}"
    hale.send(session(), dsn=dsn)
    assert sessions(hale) == row(healthy=1)


# Tolerated ---------------------------------------------------------------------------------

def variants(good):
    """Unusual but valid framings, each with one valid session."""
    line = json.dumps(good).encode()
    head = b'{"type":"session"}'
    sized = header(type="session", length=len(line))
    return {
        "no length, no newline at the end": b"{}\n" + head + b"\n" + line,
        "length, no newline at the end": b"{}\n" + sized + b"\n" + line,
        "blank space before the header": b" \n {}\n" + head + b"\n" + line + b"\n",
        "CRLF after the headers": b"{}\r\n" + sized + b"\r\n" + line + b"\n",
        "CRLF without a length": b"{}\r\n" + head + b"\r\n" + line + b"\r\n",
        "blank lines at the end": b"{}\n" + head + b"\n" + line + b"\n\n\n",
        "sent_at null": b'{"sent_at":null}\n' + head + b"\n" + line,
        "unknown keys": b'{"trace":{"a":[1,{}]},"x":null}\n'
                        b'{"type":"session","content_type":"application/json","y":[]}\n' + line,
        "an event id": header(event_id=uuid.uuid4().hex) + b"\n" + head + b"\n" + line,
        "an event id with hyphens": header(event_id=str(uuid.uuid4())) + b"\n" + head + b"\n"
                                    + line,
        "the type escaped": b"{}\n" + rb'{"type":"\u0073ession"}' + b"\n" + line,
        "two empty attachments before": b'{}\n{"type":"attachment","length":0}\n\n'
                                        b'{"type":"attachment","length":0}\n\n'
                                        + head + b"\n" + line,
        "an empty item at the end": b"{}\n" + head + b"\n" + line + b'\n{"type":"attachment"}',
        "newlines and braces in an attachment":
            b'{}\n{"type":"attachment","length":21}\n\n{"type":"session"}\n' + b"\xff" + b"\n"
            + sized + b"\n" + line,
        "BOM and CRLF in an attachment":
            b'{}\n{"type":"attachment","length":10}\n\xef\xbb\xbfHello\r\n\n'
            + head + b"\n" + line,
    }


@pytest.mark.parametrize("name", variants(GOOD))
def test_tolerated_framing(service, name):
    release = f"{uuid.uuid4().hex[:8]}@1"
    reply = service.post(variants(session(release=release))[name])
    assert reply.status == 200, reply
    assert sessions(service, query=f"release:{release}") == row(healthy=1)


def test_the_reply(service):
    plain = service.post(envelope(session()))
    assert (plain.status, plain.json) == (200, {})
    assert plain.headers["Content-Type"].startswith("application/json")
    # Some SDKs cannot read a compressed response, whatever they accept.
    compressed = service.post(envelope(session()), {"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in compressed.headers
    event = uuid.uuid4()
    named = service.post(envelope(session(), event_id=str(event)))
    assert named.json == {"id": event.hex}
    assert service.post(b"{}\n").json == {}
    assert service.post(b"{}").status == 200


def test_an_event_without_an_id_gets_one(service):
    reply = service.post(envelope(item(b'{"message":"hello"}', "event")))
    assert reply.status == 200
    assert len(reply.json.get("id", "")) == 32, reply


# Payloads ----------------------------------------------------------------------------------

BAD_ITEMS = {
    "no JSON": b"this is no JSON",
    "half a JSON": b'{"sid":"',
    "a list": b"[]",
    "nothing": b"",
    "an empty object": b"{}",
    "no attrs": session(attrs=None),
    "no release": session(attrs={"environment": "production"}),
    "an empty release": session(release=""),
    "a blank release": session(release="  "),
    "a release called latest": session(release="LATEST"),
    "a release of dots": session(release=".."),
    "a release with a slash": session(release="a/b"),
    "a release with a backslash": session(release="a\\b"),
    "a release with a newline": session(release="a\nb"),
    "a release of 201 bytes": session(release="r" * 201),
    "a release that is a number": session(release=5),
    "no started": session(started=None),
    "started that is a number": session(started=1700000000),
    "started that is no time": session(started="yesterday"),
    "a sid that is none": session(sid="not-a-sid"),
    "a sid of 31 digits": session(sid="a" * 31),
    "a sid that is a number": session(sid=5),
    "a did that is a number": session(did=5),
    "negative errors": session(errors=-1),
    "a negative seq": session(seq=-1),
    "a fractional seq": session(seq=1.5),
    "a status that is a number": session(status=5),
    "invalid UTF-8": json.dumps(session(release="XY")).encode().replace(b"XY", b"\xff\xfe"),
    "something after the object": json.dumps(session()).encode() + b" x",
}


@pytest.mark.parametrize("name", BAD_ITEMS)
def test_a_bad_item_is_dropped_alone(service, name):
    release = f"{uuid.uuid4().hex[:8]}@1"
    payload = BAD_ITEMS[name]
    bad = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    before = sum(sessions(service).values())
    reply = service.post(envelope(
        session(release=release), item(bad, "session"), session(release=release)))
    assert reply.status == 200, reply
    assert sessions(service, query=f"release:{release}") == row(healthy=2)
    assert sum(sessions(service).values()) == before + 2, "the bad item was counted"


def test_bad_aggregates_are_dropped_alone(hale):
    start = iso(now())
    good = {"started": start, "exited": 2}
    bad = [
        {"aggregates": [{"started": start, "exited": -1}], "attrs": {"release": "bad@1"}},
        {"aggregates": [{"started": start, "exited": 4294967296}], "attrs": {"release": "bad@1"}},
        {"aggregates": [{"exited": 1}], "attrs": {"release": "bad@1"}},
        {"aggregates": [good], "attrs": {}},
        {"aggregates": [good]},
        {"aggregates": 5, "attrs": {"release": "bad@1"}},
    ]
    items = [item(json.dumps(part).encode(), "sessions") for part in bad]
    # An unreadable time costs only its bucket; a missing list of buckets is an empty one.
    mixed = {"aggregates": [{"started": "never", "exited": 5}, good, {"started": start}],
             "attrs": {"release": "good@1"}}
    empty = {"attrs": {"release": "good@1"}}
    items += [item(json.dumps(part).encode(), "sessions") for part in (mixed, empty)]
    assert hale.post(envelope(*items)).status == 200
    assert sessions(hale, query="release:good@1") == row(healthy=2)
    assert sessions(hale) == row(healthy=2)


def test_unusable_environments_become_none(hale):
    for environment in ("none", "NONE", ".", "..", "a/b", "a\\b", "a\tb", "e" * 65, None):
        hale.send(session(environment=environment))
    hale.send(session(environment="e" * 64))
    assert sessions_by(hale, "environment") == {
        ("",): row(healthy=9), ("e" * 64,): row(healthy=1)}


def test_releases_at_the_limit(hale):
    for release in ("r" * 200, "ü" * 100, "app@1.0+build (5) [x]", "latest@1"):
        hale.send(session(release=release))
    assert sessions(hale) == row(healthy=4)


def test_other_items_are_skipped(hale):
    kinds = ("event", "transaction", "attachment", "profile", "profile_chunk", "replay_event",
             "replay_recording", "replay_video", "log", "span", "check_in", "feedback",
             "user_report", "statsd", "metric_buckets", "trace_metric", "client_report",
             "raw_security", "form_data", "never_heard_of_it", "")
    others = [item(b'{"not":"looked at', kind) for kind in kinds]
    hale.send(*others, session(), *others)
    # Without a length the payload ends at the newline.
    hale.send(*[item(b'{"not":"looked at', kind, length=False) for kind in kinds], session())
    assert sessions(hale) == row(healthy=2)


def test_client_reports_alone(hale):
    for stamp in (1700000000.5, iso(now())):
        report = {"timestamp": stamp, "discarded_events": [
            {"reason": "ratelimit_backoff", "category": "session", "quantity": 3}]}
        reply = hale.post(envelope(item(json.dumps(report).encode(), "client_report")))
        assert (reply.status, reply.json) == (200, {})
    assert sessions(hale) == row()


def test_the_checklist_of_sdks(hale):
    """What real SDKs send and a strict reader would reject."""
    sid = uuid.uuid4()
    start = now().replace(microsecond=123000)
    whole = start.strftime("%Y-%m-%dT%H:%M:%S")
    same = [
        dict(sid=str(sid), started=whole + ".123Z", status="ok"),
        dict(sid=sid.hex, started=whole + ".123456789Z", status="exited"),
        dict(sid=str(sid).upper(), started=whole + ".1230+00:00", init=None),
        dict(sid=sid.hex.upper(), started=whole + ".123999Z", status=None, errors=None),
    ]
    # One session: the instant counts in milliseconds, not its notation.
    hale.send(*[session(**fields) for fields in same])
    assert sessions(hale) == row(healthy=1)
    others = [
        dict(sid="00000000-0000-0000-46f9-044600000001"),
        dict(sid=None), dict(sid=None),
        dict(seq=0), dict(seq=1764000000000),
        dict(did=""), dict(duration=0.00001), dict(duration=60),
        dict(timestamp=whole + "Z"), dict(started=whole + "Z"),
        dict(abnormal_mechanism="never_heard_of_it"),
        dict(x_unknown={"a": [1, 2, {"b": None}]}),
        dict(init=False),
    ]
    hale.send(*[session(**fields) for fields in others])
    nulls = session(release="nulls@1")
    nulls.update(dict.fromkeys(
        ("did", "seq", "init", "timestamp", "duration", "errors", "abnormal_mechanism")))
    nulls["attrs"].update(environment=None, ip_address=None, user_agent=None)
    hale.send(nulls)
    assert sessions(hale) == row(healthy=1 + len(others) + 1)


def test_an_unknown_status_counts_as_errored(hale):
    hale.send(session("exploded"), session("errored"), session("unhandled"),
              session("abnormal"), session("ok", errors=1), session("exited", errors=2))
    assert sessions(hale) == row(errored=4, unhandled=1, abnormal=1)


# The old endpoint --------------------------------------------------------------------------


def test_store_takes_events(hale):
    event = {"event_id": uuid.uuid4().hex, "message": "boom"}
    for target in (f"/api/{hale.project}/store/", f"/api/{hale.project}/store"):
        reply = hale.post(json.dumps(event).encode(), {"Content-Type": "application/json"},
                          target=target)
        assert (reply.status, reply.json) == (200, {"id": event["event_id"]}), reply
    nameless = hale.post(b'{"message":"boom"}', target=f"/api/{hale.project}/store/")
    assert nameless.status == 200 and len(nameless.json["id"]) == 32
    assert sessions(hale) == row()


def test_store_refuses(service):
    target = f"/api/{service.project}/store/"
    empty = service.post(b"", target=target)
    assert (empty.status, empty.detail) == (400, "empty request body")
    broken = service.post(b"{broken", target=target)
    assert broken.status == 400 and broken.detail.startswith("invalid JSON data"), broken


def test_store_names_its_items(service):
    target = f"/api/{service.project}/store/"
    # Ids are returned only if they are 32 digits.
    dashed = str(uuid.uuid4())
    for given, named in ((dashed.upper(), dashed.replace("-", "")), ('x"},{"', None),
                         ("abc", None), (7, None)):
        reply = service.post(json.dumps({"event_id": given}).encode(), target=target)
        assert reply.status == 200 and len(reply.json["id"]) == 32, reply
        assert named is None or reply.json["id"] == named, reply
    # The old form: base64 of zlib of JSON.
    event = base64.b64encode(zlib.compress(json.dumps({"event_id": dashed}).encode()))
    assert service.post(event, target=target).json == {"id": dashed.replace("-", "")}
    for bad in (b"[]", b"hello", b'"text"', base64.b64encode(b"no zlib")):
        assert service.post(bad, target=target).status == 400, bad
    # The oldest: an image.
    query = urllib.parse.urlencode({"sentry_data": event, "sentry_key": service.key})
    pixel = service.request("GET", f"{target}?{query}")
    assert (pixel.status, pixel.headers["content-type"]) == (200, "image/gif"), pixel
    other = query.replace(service.key, "f" * 32)
    assert service.request("GET", f"{target}?{other}").status == 403
    # The case of an envelope's content type does not matter.
    reply = service.post(envelope(session()), {"Content-Type": "Application/X-Sentry-Envelope"},
                         target=target)
    assert (reply.status, reply.json) == (200, {}), reply


def test_nothing_packed_is_an_empty_body(service):
    for kind, packed in (("gzip", gzip.compress(b"")), ("deflate", zlib.compress(b""))):
        reply = service.post(packed, {"Content-Encoding": kind})
        assert (reply.status, reply.detail) == (400, "empty request body"), reply


def test_the_service_counts_on_after_all_of_it(service):
    release = f"{uuid.uuid4().hex[:8]}@1"
    service.send(session("crashed", release=release))
    assert sessions(service, query=f"release:{release}") == row(crashed=1)
