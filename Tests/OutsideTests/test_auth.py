"""Authentication of ingest: every place of the public key, and every rejection."""

import base64
import json

import pytest

from hale import Hale, envelope, row, session, sessions

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Hale(tmp_path_factory.mktemp("auth"), env={"HALE_INITIAL_KEY": KEY}).start()
    yield running
    assert running.end() is None, running.log()


def basic(user):
    return "Basic " + base64.b64encode(user.encode()).decode()


ACCEPTED = {
    "a space after the comma": {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={KEY}"},
    "no space": {"X-Sentry-Auth": f"Sentry sentry_key={KEY},sentry_version=7"},
    "blank space everywhere": {"X-Sentry-Auth": f"Sentry  sentry_key = {KEY} , sentry_version = 7"},
    "the key alone": {"X-Sentry-Auth": f"Sentry sentry_key={KEY}"},
    "header in lower case": {"x-sentry-auth": f"sentry sentry_key={KEY}"},
    "header in upper case": {"X-SENTRY-AUTH": f"SENTRY sentry_key={KEY}"},
    "a secret": {"X-Sentry-Auth": f"Sentry sentry_key={KEY}, sentry_secret={KEY}"},
    "a time": {"X-Sentry-Auth": f"Sentry sentry_timestamp=1795404588.15, sentry_key={KEY}"},
    "an unreadable time": {"X-Sentry-Auth": f"Sentry sentry_timestamp=soon, sentry_key={KEY}"},
    "unknown fields": {"X-Sentry-Auth": f"Sentry a, b=c, sentry_key={KEY}, =, d="},
    "an older version": {"X-Sentry-Auth": f"Sentry sentry_version=6, sentry_key={KEY}"},
    "a version with a point": {"X-Sentry-Auth": f"Sentry sentry_version=7.0, sentry_key={KEY}"},
    "Authorization": {"Authorization": f"Sentry sentry_key={KEY}, sentry_version=7"},
    "Basic": {"Authorization": basic(f"{KEY}:")},
    "Basic with a secret": {"Authorization": basic(f"{KEY}:whatever")},
}

QUERIES = {
    "browser": f"sentry_version=7&sentry_key={KEY}&sentry_client=sentry.javascript.browser%2F10",
    "other order": f"sentry_key={KEY}&sentry_version=7",
    "with others": f"x=1&sentry_key={KEY}&y",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_headers(service, name):
    reply = service.post(envelope(session()), ACCEPTED[name], auth=False)
    assert reply.status == 200, reply


@pytest.mark.parametrize("name", QUERIES)
def test_queries(service, name):
    for path in ("envelope/", "envelope"):
        target = f"/api/{service.project}/{path}?{QUERIES[name]}"
        assert service.post(envelope(session()), auth=False, target=target).status == 200


def test_the_dsn_of_the_envelope(service):
    dsn = f"http://{KEY}@tunnel.example.com/base/{service.project}"
    assert service.post(envelope(session(), dsn=dsn), auth=False).status == 200
    # It may accompany another form, if they agree.
    assert service.post(envelope(session(), dsn=dsn)).status == 200


def test_headers_of_others_are_ignored(service):
    target = f"/api/{service.project}/envelope/?sentry_key={KEY}"
    for headers in ({"X-Sentry-Auth": "Bearer abc"}, {"Authorization": "Bearer abc"}):
        reply = service.post(envelope(session()), headers, auth=False, target=target)
        assert reply.status == 200, (headers, reply)


def test_all_of_these_count(hale):
    forms = [({"X-Sentry-Auth": f"Sentry sentry_key={hale.key}"}, ""),
             ({"Authorization": basic(hale.key + ":")}, ""), ({}, f"?sentry_key={hale.key}")]
    for headers, query in forms:
        target = hale.envelope_path() + query
        assert hale.post(envelope(session()), headers, auth=False, target=target).status == 200
    dsn = f"http://{hale.key}@h/{hale.project}"
    assert hale.post(envelope(session(), dsn=dsn), auth=False).status == 200
    assert sessions(hale) == row(healthy=4)


# (name, headers, query, status, detail, first cause)
REFUSED = [
    ("nothing", {}, "", 401, "missing authorization information", None),
    ("another scheme", {"Authorization": "Bearer abc"}, "", 401,
     "missing authorization information", None),
    ("header and query", {"X-Sentry-Auth": f"Sentry sentry_key={KEY}"}, f"?sentry_key={KEY}", 401,
     "multiple authorization payloads detected", None),
    ("two headers", {"X-Sentry-Auth": f"Sentry sentry_key={KEY}",
                     "Authorization": f"Sentry sentry_key={KEY}"}, "", 401,
     "multiple authorization payloads detected", None),
    ("Basic and query", {"Authorization": basic(KEY + ":")}, f"?sentry_key={KEY}", 401,
     "multiple authorization payloads detected", None),
    ("no key", {"X-Sentry-Auth": "Sentry sentry_version=7"}, "", 401, None, "missing public key"),
    ("an empty key", {"X-Sentry-Auth": "Sentry sentry_key="}, "", 401, None,
     "missing public key"),
    ("a version that is none", {"X-Sentry-Auth": f"Sentry sentry_key={KEY}, sentry_version=x"},
     "", 401, None, None),
    ("a version to come", {"X-Sentry-Auth": f"Sentry sentry_key={KEY}, sentry_version=8"}, "", 400,
     "unsupported protocol version (8)", None),
    ("a short key", {"X-Sentry-Auth": "Sentry sentry_key=abc"}, "", 400,
     "bad sentry DSN public key", "invalid project key"),
    ("a key that is no hex", {"X-Sentry-Auth": f"Sentry sentry_key={'z' * 32}"}, "", 400,
     "bad sentry DSN public key", "invalid project key"),
    ("a short key in the query", {}, "?sentry_key=abc", 400,
     "bad sentry DSN public key", "invalid project key"),
]


@pytest.mark.parametrize("name, headers, query, status, detail, cause", REFUSED,
                         ids=[case[0] for case in REFUSED])
def test_refusals(service, name, headers, query, status, detail, cause):
    reply = service.post(envelope(session()), headers, auth=False,
                         target=service.envelope_path() + query)
    assert reply.status == status, reply
    assert reply.detail == detail if detail else reply.detail, reply
    if cause:
        assert reply.causes[0] == cause, reply


def test_no_header_to_find_a_dsn_in(service):
    reply = service.post(b"this is no JSON\n", auth=False)
    assert (reply.status, reply.detail) == (401, "bad envelope authentication header"), reply


def test_keys_that_do_not_fit(service):
    unknown = {"X-Sentry-Auth": f"Sentry sentry_key={'f' * 32}"}
    cases = [(unknown, None), (service.auth, 999), (unknown, 999)]
    for headers, project in cases:
        reply = service.post(envelope(session()), headers, auth=False,
                             target=service.envelope_path(project))
        assert reply.status == 403, (project, reply)
        assert reply.detail == "event submission rejected with_reason: ProjectId", reply
    made = service.cli_json("project", "create", "second")
    assert made["id"] != service.project
    reply = service.post(envelope(session()), target=service.envelope_path(made["id"]))
    assert reply.status == 403, reply


def test_a_dsn_of_the_envelope_that_does_not_fit(service):
    dsn = f"http://{'f' * 32}@h/{service.project}"
    reply = service.post(envelope(session(), dsn=dsn), auth=False)
    assert reply.status == 403, reply
    for broken in ("nonsense", "http://h/1", f"http://abc@h/{service.project}"):
        reply = service.post(envelope(session(), dsn=broken), auth=False)
        assert reply.status in (400, 401), (broken, reply)


def test_projects_in_the_path(service):
    for project in ("abc", "1x", "-1", "1.0", "%20"):
        reply = service.post(envelope(session()), target=f"/api/{project}/envelope/")
        assert (reply.status, reply.detail) == (400, "bad project path parameter"), reply


def test_store_needs_the_same(service):
    target = f"/api/{service.project}/store/"
    event = json.dumps({"message": "boom"}).encode()
    assert service.post(event, auth=False, target=target).status == 401
    assert service.post(event, target="/api/999/store/").status == 403
    query = f"{target}?sentry_key={KEY}"
    assert service.post(event, auth=False, target=query).status == 200
