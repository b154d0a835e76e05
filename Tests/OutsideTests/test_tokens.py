"""Bearer tokens of the API."""

import pytest

from hale import Hale, wait

PATH = "/api/0/organizations/default/sessions/?field=sum(session)&statsPeriod=24h"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Hale(tmp_path_factory.mktemp("tokens")).start()
    yield running
    assert running.end() is None, running.log()


def get(service, authorization=None, path=PATH):
    headers = {} if authorization is None else {"Authorization": authorization}
    return service.request("GET", path, headers=headers)


def test_a_good_token(service):
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert get(service, f"{scheme} {service.token}").status == 200


@pytest.mark.parametrize("authorization", (None, "", "Basic abc", "Bearer"))
def test_no_token(service, authorization):
    reply = get(service, authorization)
    assert reply.status == 401, reply
    assert reply.detail == "Authentication credentials were not provided.", reply


@pytest.mark.parametrize("token", ("nonsense", "0" * 64, "ü"))
def test_a_wrong_token(service, token):
    reply = get(service, f"Bearer {token}".encode())
    assert (reply.status, reply.detail) == (401, "Invalid token"), reply


def test_a_token_in_the_query_is_ignored(service):
    assert get(service, path=f"{PATH}&token={service.token}").status == 401


def test_the_token_of_another_organization(service):
    service.cli_json("org", "create", "acme")
    other = service.cli_json("token", "create", "theirs", "--org", "acme")["token"]
    wait(lambda: get(service, f"Bearer {other}").status != 401, "the new token", 2)
    reply = get(service, f"Bearer {other}")
    assert reply.status == 403, reply
    assert reply.detail == "You do not have permission to perform this action.", reply
    own = get(service, f"Bearer {other}", PATH.replace("/default/", "/acme/"))
    # The new organization has no project, which is an error as in Sentry.
    assert (own.status, own.detail) == (400, "No projects available"), own


def test_an_unknown_organization(service):
    path = PATH.replace("/default/", "/nobody/")
    reply = get(service, f"Bearer {service.token}", path)
    assert reply.status == 404, reply
    assert reply.detail.startswith("The requested resource does not exist. There is no organization "
                                   '"nobody". There is only default'), reply
    assert get(service, None, path).status == 401


def test_the_organization_by_its_number(service):
    assert get(service, f"Bearer {service.token}", PATH.replace("/default/", "/1/")).status == 200


def test_a_revoked_token(service):
    made = service.cli_json("token", "create", "for-a-while")["token"]
    wait(lambda: get(service, f"Bearer {made}").status == 200, "the new token", 2)
    assert service.cli("token", "revoke", "for-a-while").returncode == 0
    wait(lambda: get(service, f"Bearer {made}").status == 401, "the token's end", 2)
    assert get(service, f"Bearer {made}").detail == "Invalid token"


def test_no_token_in_clear_on_the_disk(service):
    made = service.cli_json("token", "create", "secret")["token"]
    for path in service.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert service.token.encode() not in content, path
            assert made.encode() not in content, path


def test_unknown_paths_of_the_api(service):
    reply = get(service, f"Bearer {service.token}", "/api/0/nothing/")
    assert reply.status == 404, reply
    assert reply.detail


def test_wrong_tokens_are_slowed_down_logged_and_counted(hale):
    """And nobody who has a right one notices."""
    page = {"Sec-Fetch-Site": "same-origin"}

    def sign_in(token):
        return hale.request("POST", "/sign-in/", f"token={token}", page)

    replies = [sign_in("nonsense") for _ in range(5)]
    replies += [get(hale, "Bearer nonsense") for _ in range(5)]
    assert {reply.status for reply in replies} == {401}
    for reply in (sign_in("nonsense"), get(hale, "Bearer nonsense")):
        assert reply.status == 429 and 1 <= int(reply.headers["Retry-After"]) <= 60, reply
        assert "try again in" in reply.detail
    for _ in range(20):
        assert sign_in("nonsense").status == 429
    assert sign_in(hale.token).status == 204
    assert get(hale, f"Bearer {hale.token}").status == 200
    [line] = [line for line in hale.log().splitlines() if "authentication failed" in line]
    assert "client=127.0.0.0 failures=1 kind=sign_in" in line
    metrics = hale.request("GET", "/metrics").body.decode()
    assert 'hale_authentication_failures_total{kind="sign_in"} 26' in metrics
    assert 'hale_authentication_failures_total{kind="bearer"} 6' in metrics


def test_no_answer_is_to_be_guessed_the_type_of(hale):
    token = {"Authorization": f"Bearer {hale.token}"}
    for method, target, headers, status in (
            ("GET", "/healthz", {}, 200), ("GET", "/readyz", {}, 200), ("GET", "/metrics", {}, 200),
            ("GET", "/", {}, 303), ("GET", "/sign-in/", {}, 200), ("GET", PATH, token, 200),
            ("GET", PATH, {}, 401), ("GET", "/nothing", {}, 404), ("PUT", "/healthz", {}, 405),
            ("GET", "/api/0/openapi.json", {}, 200), ("POST", hale.envelope_path(), {}, 400)):
        reply = hale.request(method, target, headers=headers)
        assert reply.status == status, (target, reply)
        assert reply.headers["X-Content-Type-Options"] == "nosniff", target
    # Answers of the server itself, too.
    assert b"X-Content-Type-Options: nosniff" in hale.raw(b"nonsense\r\n\r\n")
