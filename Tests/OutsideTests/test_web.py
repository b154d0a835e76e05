"""CORS, methods and paths, for browsers and proxies."""

import json

import pytest

from hale import Hale, envelope, item, row, session, sessions

EXPOSED = ("x-sentry-rate-limits", "retry-after")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Hale(tmp_path_factory.mktemp("web")).start()
    yield running
    assert running.end() is None, running.log()


def names(header):
    return {name.strip().lower() for name in (header or "").split(",")}


def assert_readable_by_a_page(reply):
    """A script may read the response and the headers for back-off."""
    assert reply.headers["Access-Control-Allow-Origin"] == "*", reply
    exposed = names(reply.headers["Access-Control-Expose-Headers"])
    assert exposed.issuperset(EXPOSED), reply
    assert reply.headers["Cross-Origin-Resource-Policy"] == "cross-origin", reply


def refusals(service):
    """One request for every kind of error."""
    good = envelope(session())
    path = service.envelope_path()
    broken = {"Content-Encoding": "lzma"}
    many = envelope(*[session() for _ in range(101)])
    return {
        400: lambda: service.post(b"{broken", target=path),
        401: lambda: service.post(good, auth=False, target=path),
        403: lambda: service.post(good, target=service.envelope_path(999)),
        413: lambda: service.post(many, target=path),
        415: lambda: service.post(good, broken, target=path),
    }


def test_cors_on_success(service):
    reply = service.post(envelope(session()), {"Origin": "https://shop.example.com"})
    assert reply.status == 200
    assert_readable_by_a_page(reply)
    store = service.post(b'{"message":"x"}', {"Origin": "null"},
                         target=f"/api/{service.project}/store/")
    assert_readable_by_a_page(store)


@pytest.mark.parametrize("status", (400, 401, 403, 413, 415))
def test_cors_on_refusals(service, status):
    reply = refusals(service)[status]()
    assert reply.status == status, reply
    assert reply.headers["Content-Type"].startswith("application/json")
    assert reply.detail
    assert_readable_by_a_page(reply)


def test_preflight(service):
    for path in ("envelope/", "envelope", "store/"):
        reply = service.request("OPTIONS", f"/api/{service.project}/{path}", headers={
            "Origin": "https://shop.example.com",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-sentry-auth,content-type,traceparent,baggage,sentry-trace"})
        assert (reply.status, reply.body) == (200, b"")
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert "post" in names(reply.headers["Access-Control-Allow-Methods"])
        allowed = names(reply.headers["Access-Control-Allow-Headers"])
        assert allowed.issuperset({
            "x-sentry-auth", "x-requested-with", "origin", "accept", "content-type",
            "authentication", "authorization", "content-encoding", "transfer-encoding",
            "traceparent", "baggage", "sentry-trace"})
        assert reply.headers["Access-Control-Max-Age"] == "3600"
        # Without credentials any origin is allowed.
        assert "Access-Control-Allow-Credentials" not in reply.headers


def test_a_browsers_simple_post(hale):
    target = (f"/api/{hale.project}/envelope/?sentry_version=7&sentry_key={hale.key}"
              "&sentry_client=sentry.javascript.browser%2F10.63.0")
    reply = hale.post(envelope(session()), {
        "Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example.com",
        "Referer": "https://shop.example.com/"}, auth=False, target=target)
    assert reply.status == 200
    assert_readable_by_a_page(reply)
    assert sessions(hale) == row(healthy=1)


def test_paths(hale):
    project = hale.project
    good = [f"/api/{project}/envelope/", f"/api/{project}/envelope", f"//api//{project}/envelope/",
            f"/api///{project}//envelope//", f"/api/{project}/envelope/?x=%20"]
    for target in good:
        assert hale.post(envelope(session()), target=target).status == 200, target
    # RFC 9112 section 3.2.2: servers accept an absolute target, as proxies get it.
    absolute = f"http://{hale.host}:{hale.port}/api/{project}/envelope/"
    assert hale.post(envelope(session()), target=absolute).status == 200
    assert sessions(hale) == row(healthy=len(good) + 1)


def test_content_types_are_ignored(hale):
    kinds = ("application/x-sentry-envelope", "text/plain", "application/json",
             "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense")
    for kind in kinds:
        assert hale.post(envelope(session()), {"Content-Type": kind}).status == 200
    # The old endpoint also accepts an envelope.
    reply = hale.post(envelope(session()), {"Content-Type": "application/x-sentry-envelope"},
                      target=f"/api/{hale.project}/store/")
    assert reply.status == 200
    assert sessions(hale) == row(healthy=len(kinds) + 1)


def test_unknown_paths(service):
    for target in ("/api/", "/api/1/nothing/", "/nothing", "/api/1/envelope/more/"):
        reply = service.request("POST", target, b"x")
        assert reply.status == 404, (target, reply)


def test_other_methods(service):
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        reply = service.request(method, service.envelope_path(), headers=service.auth)
        assert reply.status == 405, (method, reply)
        assert "POST" in reply.headers["Allow"]
    reply = service.request("BREW", "/healthz")
    assert reply.status in (405, 501), reply


def test_head(service):
    full = service.request("GET", "/healthz")
    head = service.request("HEAD", "/healthz")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(full.body))


def test_probes(service):
    assert service.request("GET", "/healthz").status == 200
    assert service.request("GET", "/readyz").status == 200


def test_a_public_url_with_a_path(start):
    hale = start("--public-url", "https://errors.example.com/sentry/base/")
    base = "/sentry/base"
    # With the path for proxies that keep it, and without it for the others.
    for prefix in ("", base):
        assert hale.post(envelope(session()), target=prefix + hale.envelope_path()).status == 200
        assert hale.request("GET", prefix + "/healthz").status == 200
    assert sessions(hale) == row(healthy=2)
    authorization = {"Authorization": f"Bearer {hale.token}"}
    target = f"{base}/api/0/organizations/default/sessions/?field=sum(session)&statsPeriod=24h"
    reply = hale.request("GET", target, headers=authorization)
    assert reply.json["groups"][0]["totals"] == {"sum(session)": 2}
    elsewhere = hale.post(envelope(session()), target="/other" + hale.envelope_path())
    assert elsewhere.status == 404


def test_the_event_and_its_session_together(hale):
    """A crash from a native SDK: the event, an attachment, the session."""
    event = item(json.dumps({"message": "boom", "level": "fatal"}).encode(), "event")
    dump = item(bytes(range(256)) * 40, "attachment", filename="a.dmp")
    reply = hale.post(envelope(event, dump, session("crashed"), event_id="a" * 32))
    assert (reply.status, reply.json) == (200, {"id": "a" * 32})
    assert sessions(hale) == row(crashed=1)
