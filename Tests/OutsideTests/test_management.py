"""Projects, DSN keys and tokens over the API: changes take effect with the next request."""

import json
import re

import pytest

from hale import Hale, envelope, session, total, wait

ORGANIZATION = "/organizations/default"
PROJECT = "/projects/default/default"


def change(hale, method, path, body=None, token=None, headers=None):
    text = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    return hale.request(method, f"/api/0{path}", text, {
        "Authorization": f"Bearer {token or hale.token}", **(headers or {})})


def make_token(hale, name, scope=None, token=None):
    body = {"name": name, **({"scope": scope} if scope else {})}
    reply = change(hale, "POST", f"{ORGANIZATION}/org-auth-tokens/", body, token)
    assert reply.status == 201, reply
    return reply.json


def keys(hale, **params):
    return hale.get(f"{PROJECT}/keys/", params).json


def tokens(hale, token=None, **params):
    return hale.get(f"{ORGANIZATION}/org-auth-tokens/", params, token).json


def test_a_project_from_nothing_to_its_first_session(hale):
    reply = change(hale, "POST", f"{ORGANIZATION}/projects/",
                   {"name": "Shop (iOS)", "platform": "apple-ios"})
    assert reply.status == 201, reply
    made = reply.json
    assert (made["slug"], made["platform"]) == ("shop-ios", "apple-ios")
    assert hale.get("/projects/default/shop-ios/").json == made
    [key] = hale.get("/projects/default/shop-ios/keys/").json
    assert key["dsn"]["public"] == f"http://{key['public']}@{hale.host}:{hale.port}/{made['id']}"
    sent = hale.post(envelope(session()), {"X-Sentry-Auth": f"Sentry sentry_key={key['public']}"},
                     auth=False, target=hale.envelope_path(made["id"]))
    assert sent.status == 200, sent
    assert total(hale, project="shop-ios") == 1
    # Commands show the same.
    assert [row["dsn"] for row in hale.cli_list("project", "list") if row["slug"] == "shop-ios"] \
        == [key["dsn"]["public"]]


def test_a_key_and_its_end(hale):
    [first] = keys(hale)
    assert first["public"] == first["id"] == hale.key and first["dsn"]["public"] == hale.dsn
    assert first["isActive"] and first["dateRevoked"] is None and first["projectId"] == hale.project
    for body in (None, {}, {"name": "another"}):
        reply = change(hale, "POST", f"{PROJECT}/keys/", body)
        assert reply.status == 201, reply
    second = reply.json
    assert second in keys(hale) and len(keys(hale)) == 4
    auth = {"X-Sentry-Auth": f"Sentry sentry_key={second['id']}"}
    assert hale.post(envelope(session()), auth, auth=False).status == 200
    gone = change(hale, "DELETE", f"{PROJECT}/keys/{second['id'].upper()}/")
    assert (gone.status, gone.body) == (204, b"")
    assert hale.post(envelope(session()), auth, auth=False).status == 403
    [revoked] = keys(hale, status="inactive")
    assert revoked["id"] == second["id"] and not revoked["isActive"] and revoked["dateRevoked"]
    assert len(keys(hale, status="active")) == 3
    again = change(hale, "DELETE", f"{PROJECT}/keys/{second['id']}/")
    assert again.status == 409 and "revoked already" in again.json["detail"]
    # A key of one project is not found in another.
    change(hale, "POST", f"{ORGANIZATION}/projects/", {"slug": "other"})
    assert change(hale, "DELETE", f"/projects/default/other/keys/{hale.key}/").status == 404
    assert change(hale, "DELETE", f"{PROJECT}/keys/nothing/").status == 404


def test_a_token_and_its_end(hale):
    made = make_token(hale, "dashboard")
    assert re.fullmatch("hale_[0-9a-f]{48}", made["token"])
    assert made["scope"] == "read" and "org:admin" not in made["scopes"]
    listed = tokens(hale, made["token"])
    assert [(row["name"], row["scope"], row["isCurrent"]) for row in listed] \
        == [("initial", "admin", False), ("dashboard", "read", True)]
    assert all("token" not in row for row in listed) and made["token"] not in str(listed)
    assert change(hale, "DELETE", f"{ORGANIZATION}/org-auth-tokens/{made['id']}/").status == 204
    assert hale.get(f"{ORGANIZATION}/", token=made["token"]).status == 401
    assert [row["name"] for row in tokens(hale, status="inactive")] == ["dashboard"]
    again = change(hale, "DELETE", f"{ORGANIZATION}/org-auth-tokens/{made['id']}/")
    assert again.status == 409 and "revoked already" in again.json["detail"]
    assert change(hale, "DELETE", f"{ORGANIZATION}/org-auth-tokens/999/").status == 404


def test_nobody_is_locked_out(hale):
    """The last admin token cannot be revoked; one's own can, while there is another."""
    make_token(hale, "ci")
    own = f"{ORGANIZATION}/org-auth-tokens/1/"
    refused = change(hale, "DELETE", own)
    assert refused.status == 409 and "'initial'" in refused.json["detail"], refused
    assert "hale token revoke" in refused.json["detail"]
    assert change(hale, "POST", f"{PROJECT}/keys/").status == 201
    second = make_token(hale, "second", "admin")
    assert change(hale, "DELETE", own).status == 204
    assert hale.get(f"{ORGANIZATION}/").status == 401
    refused = change(
        hale, "DELETE", f"{ORGANIZATION}/org-auth-tokens/{second['id']}/", token=second["token"])
    assert refused.status == 409, refused
    # Commands on the server can revoke it, and create a new one.
    assert hale.cli("token", "revoke", "second").returncode == 0
    assert hale.cli_json("token", "create", "third", "--scope", "admin")["token"]


CHANGES = [("POST", f"{ORGANIZATION}/projects/"), ("POST", f"{PROJECT}/keys/"),
           ("DELETE", f"{PROJECT}/keys/{{key}}/"), ("POST", f"{ORGANIZATION}/org-auth-tokens/"),
           ("DELETE", f"{ORGANIZATION}/org-auth-tokens/1/")]


def test_only_admins_change(hale):
    reader = make_token(hale, "reader")["token"]
    body = {"name": "x"}
    hale.cli_json("org", "create", "acme")
    stranger = hale.cli_json("token", "create", "them", "--org", "acme", "--scope", "admin")["token"]
    wait(lambda: hale.get("/", token=stranger).status == 200, "the token to be known")
    for method, path in CHANGES:
        path = path.format(key=hale.key)
        assert change(hale, method, path, body, reader).status == 403, path
        assert change(hale, method, path, body, stranger).status == 403, path
    # Under one's own organization, the objects of another do not exist.
    for method, path in CHANGES[1:3] + CHANGES[4:]:
        path = path.format(key=hale.key).replace("/default", "/acme", 1)
        assert change(hale, method, path, body, stranger).status == 404, path
    assert len(keys(hale)) == 1 and len(tokens(hale, status="active")) == 2


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    running = Hale(tmp_path_factory.mktemp("management")).start()
    yield running
    assert running.end() is None, running.log()


@pytest.mark.parametrize("path, body, named", [
    ("projects", {}, '"name" or "slug"'),
    ("projects", {"slug": "No Slug"}, "slug"),
    ("projects", {"name": "!!!"}, "name"),
    ("projects", {"slug": "42"}, "slug"),
    ("projects", {"slug": "x", "platform": "a b"}, "platform"),
    ("projects", {"slug": 5}, '"slug"'),
    ("projects", [], "object"),
    ("projects", b"{", "cannot be read"),
    ("keys", [], "object"),
    ("keys", {"name": 5}, '"name"'),
    ("org-auth-tokens", {}, '"name"'),
    ("org-auth-tokens", {"name": ""}, "name"),
    ("org-auth-tokens", {"name": "a\nb"}, "name"),
    ("org-auth-tokens", {"name": "x", "scope": "write"}, "scope"),
    ("org-auth-tokens", {"name": "x", "scope": []}, '"scope"')])
def test_wrong_input_names_the_field(shared, path, body, named):
    place = PROJECT if path == "keys" else ORGANIZATION
    reply = change(shared, "POST", f"{place}/{path}/", body)
    assert reply.status == 400 and named in reply.json["detail"], reply


def test_names_that_are_taken(hale):
    reply = change(hale, "POST", f"{ORGANIZATION}/projects/", {"slug": "default"})
    assert reply.status == 409 and "'default'" in reply.json["detail"], reply
    reply = change(hale, "POST", f"{ORGANIZATION}/org-auth-tokens/", {"name": "initial"})
    assert reply.status == 409 and "'initial'" in reply.json["detail"], reply
    assert hale.get(f"{PROJECT}/keys/", {"status": "good"}).status == 400


def test_dsns_have_the_public_address(start):
    hale = start("--public-url", "https://hale.example.com/health")
    [key] = keys(hale)
    assert key["dsn"]["public"] == hale.dsn
    assert hale.dsn == f"https://{hale.key}@hale.example.com/health/1"


def test_dsns_have_the_address_of_the_request(hale):
    reply = hale.request("GET", f"/api/0{PROJECT}/keys/", headers={
        "Authorization": f"Bearer {hale.token}", "Host": "here.example.com:8080"})
    assert reply.json[0]["dsn"]["public"] == f"http://{hale.key}@here.example.com:8080/1"
    # Behind a proxy that terminates TLS.
    reply = hale.request("GET", f"/api/0{PROJECT}/keys/", headers={
        "Authorization": f"Bearer {hale.token}", "Host": "here.example.com",
        "X-Forwarded-Proto": "https"})
    assert reply.json[0]["dsn"]["public"] == f"https://{hale.key}@here.example.com/1"
