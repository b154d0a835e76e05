"""What makes a session bad: the setting of a project, and all that decides by it."""

import json
import re

import pytest

from hale import aggregates, days, envelope, hours, iso, minutes, session, utc, wait

NOON = utc("2026-03-10T12:00:30Z")
GREEN, RED, USAGE = 0, 1, 64
BOTH = "crashed+unhandled"
PROJECT = "/projects/default/default/"


def change(hale, method, path, body):
    return hale.request(method, f"/api/0{path}", json.dumps(body).encode(),
                        {"Authorization": f"Bearer {hale.token}"})


def send(hale, release, unhandled, fine, **counts):
    started = iso(hale.clock.instant.replace(second=0, microsecond=0))
    hale.send(aggregates([{"started": started, "unhandled": unhandled, "exited": fine, **counts}],
                         release=release))


def gate(hale, *arguments):
    done = hale.cli("gate", *arguments)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def browser(start):
    """A page whose SDK sends `unhandled` and never `crashed`: web@2 fails five times as often."""
    hale = start(clock=NOON - hours(2))
    assert change(hale, "PUT", PROJECT, {"platform": "javascript-react"}).status == 200
    send(hale, "web@1", 100, 9900)
    hale.clock.advance(hours(2))
    send(hale, "web@1", 100, 9900)
    send(hale, "web@2", 500, 9500)
    hale.clock.advance(minutes(10))
    return hale


def test_the_gate_of_a_browser_is_red_where_nothing_crashes(browser):
    status, text = gate(browser, "--release", "web@2")
    assert status == RED, text
    assert "Failure-free sessions are at least" in text
    assert "neither crashed nor unhandled" in text and "Bad are sessions that are crashed or" in text
    assert "FAILED" in text and "CRASHED" not in text and "95.000 %" in text
    status, text = gate(browser, "--release", "web@2", "--json")
    answer = json.loads(text)
    assert status == RED and answer["bad"] == BOTH
    side = answer["candidate"]
    assert (side["crashed"], side["failed"]) == (0, 500)
    # Rates keep their meaning.
    assert (side["crashFreeSessions"], side["failureFreeSessions"]) == (1, 0.95)
    assert answer["drop"]["value"] == pytest.approx(0.04)
    status, text = gate(browser, "--release", "web@2", "--crash-free-sessions", "99",
                        "--max-drop", "50")
    assert status == RED and "sessions are failure-free, below 99 %" in text
    assert gate(browser, "--release", "web@2", "--max-drop", "6")[0] == GREEN


def test_users_of_a_browser_are_failed_ones(browser):
    at = browser.clock.instant - minutes(5)
    browser.send(*[session("unhandled" if n < 3 else "exited", release="web@2", at=at,
                           did=f"user-{n}") for n in range(20)])
    browser.cli_json("project", "set", "default", "--bad", BOTH)
    text = gate(browser, "--release", "web@2")[1]
    now = re.split("\n(?=RELEASE)", text)[2].splitlines()
    assert now[0].split() == ["RELEASE", "SESSIONS", "FAILED", "USERS", "FAILED", "USERS"], text
    assert now[1].split() == ["web@2", "10020", "503", "20", "3"], text
    browser.cli_json("project", "set", "default", "--bad", "crashed")
    assert "CRASHED USERS" in gate(browser, "--release", "web@2")[1]


def test_a_project_that_does_not_say_what_it_is_gets_a_hint(start):
    """Without a platform crashes alone are bad, and nothing that happens in a page is one."""
    hale = start(clock=NOON - hours(2))
    send(hale, "web@1", 100, 9900)
    hale.clock.advance(hours(2))
    send(hale, "web@2", 500, 9500)
    hale.clock.advance(minutes(10))
    hale.cli_json("objective", "set", "default", "--crash-free-sessions", "99.9")
    gate_path, compare_path = (f"/organizations/default/{path}/" for path in (
        "releases/web@2/gate", "sessions/compare"))
    two = {"base": "web@1", "candidate": "web@2"}

    def hints():
        return [hale.get(path, items).json["hint"] for path, items in (
            (gate_path, {}), (compare_path, two), (f"{PROJECT}budget/", {}))]
    wait(lambda: hale.get(f"{PROJECT}budget/").json["objective"], "the objective")
    status, text = gate(hale, "--release", "web@2")
    command = "`hale project set default --bad crashed+unhandled`"
    assert status == GREEN and "Hint: 500 of 10000 sessions had an unhandled error" in text, text
    assert "default has no platform" in text and command in text, text
    assert all(command in hint for hint in hints()), hints()
    assert hints()[2].startswith("600 of 20000 "), hints()
    # A request that says what is bad has decided.
    assert hale.get(gate_path, {"bad": "crashed"}).json["hint"] is None
    # One that is stricter than the limit for many.
    send(hale, "web@3", 5, 995)
    hale.clock.advance(minutes(10))
    path = gate_path.replace("@2", "@3")
    assert hale.get(path).json["hint"] is None
    assert command in hale.get(path, {"crashFreeSessions": "99.9"}).json["hint"]
    # Any setting ends it; a platform that is none of a browser does not.
    hale.cli_json("project", "set", "default", "--platform", "flutter")
    assert "the default of platform flutter" in gate(hale, "--release", "web@2")[1]
    for bad in ("crashed", BOTH):
        hale.cli_json("project", "set", "default", "--bad", bad)
        assert hints() == [None, None, None], bad
        assert "Hint" not in gate(hale, "--release", "web@2")[1]


@pytest.mark.parametrize("given, near", (
    ("javascrpt", "javascript"), ("java-script", "javascript"), ("react", "javascript-react"),
    ("javascrpt-react", "javascript"), ("pyhton", "python"), ("andriod", "android"),
    ("vue", "javascript-vue"), ("JavaScript", None), ("kotlin-native", None), ("nim", None),
    ("react-native", None), ("php-symfony2", None), ("javascript-qwik", None),
    ("javascript-preact", None), ("javascript-vue3", None), ("node-nextjs", None)))
def test_platforms_that_are_slips_of_the_hand(hale, given, near):
    done = hale.cli("project", "create", "page", "--platform", given)
    reply = change(hale, "PUT", PROJECT, {"platform": given})
    if not near:
        assert (done.returncode, reply.status, reply.json["platform"]) == (0, 200, given), done
        return
    assert done.returncode == USAGE and f"'{given}'" in done.stderr, done
    assert f'near: "{near}"' in done.stderr, done
    assert reply.status == 400 and f'near: "{near}"' in reply.detail, reply
    reply = change(hale, "POST", "/organizations/default/projects/",
                   {"slug": "page", "platform": given})
    assert reply.status == 400 and f'near: "{near}"' in reply.detail, reply


def test_one_run_of_the_gate_may_say_what_is_bad(browser):
    status, text = gate(browser, "--release", "web@2", "--bad", "crashed")
    assert status == GREEN and "Crash-free sessions are" in text and "CRASHED" in text
    path = "/organizations/default/releases/web@2/gate/"
    for given, bad, verdict in (("crashed", "crashed", "green"), (BOTH, BOTH, "red"),
                                ("crashed unhandled", BOTH, "red"), ("", BOTH, "red"),
                                ("unhandled,crashed", BOTH, "red")):
        reply = browser.get(path, {"bad": given})
        assert (reply.json["bad"], reply.json["verdict"]) == (bad, verdict), given
    # As clients write it that do not encode the sign.
    reply = browser.request("GET", f"/api/0{path}?bad=crashed+unhandled", None,
                            {"Authorization": f"Bearer {browser.token}"})
    assert reply.json["bad"] == BOTH
    reply = browser.get(path, {"bad": "errored"})
    assert reply.status == 400 and "Give crashed or crashed+unhandled" in reply.detail
    reply = browser.get(path, {"bda": "crashed"})
    assert reply.status == 400 and ", bad, " in reply.detail
    status, text = gate(browser, "--release", "web@2", "--bad", "errored")
    assert status == USAGE and "crashed or crashed+unhandled" in text


def test_crashed_alone_where_the_project_says_so(browser):
    browser.cli_json("project", "set", "default", "--bad", "crashed")
    status, text = gate(browser, "--release", "web@2")
    assert status == GREEN and "Bad are sessions that are crashed." in text
    status, text = gate(browser, "--release", "web@2", "--bad", BOTH)
    assert status == RED, text


def test_a_comparison_has_the_verdict_on_what_is_bad(browser):
    def compare(**more):
        reply = browser.get("/organizations/default/sessions/compare/",
                            {"base": "web@1", "candidate": "web@2", **more})
        assert reply.status == 200, reply
        return reply.json
    answer = compare()
    assert (answer["bad"], answer["verdict"], answer["verdictOf"]) == (
        BOTH, "worse", "failureFreeSessions")
    assert answer["candidate"]["failureFreeSessions"]["value"] == pytest.approx(0.95)
    assert answer["difference"]["failureFreeSessions"]["verdict"] == "worse"
    assert answer["difference"]["crashFreeSessions"]["verdict"] == "chance"
    assert answer["candidate"]["failureFreeUsers"] is None
    answer = compare(bad="crashed")
    assert (answer["bad"], answer["verdict"], answer["verdictOf"]) == (
        "crashed", "chance", "crashFreeSessions")
    # With users their verdict is the safer one: all failures are of one user.
    at = browser.clock.instant - minutes(5)
    for release, failed in (("app@1", 1), ("app@2", 40)):
        browser.send(*[session("unhandled" if n < failed else "exited", release=release, at=at,
                                 did="one" if n < failed else f"user-{n}") for n in range(50)])
    app = {"base": "app@1", "candidate": "app@2"}
    answer = compare(**app)
    assert answer["difference"]["failureFreeSessions"]["verdict"] == "worse"
    assert (answer["verdictOf"], answer["verdict"]) == ("failureFreeUsers", "chance")
    assert compare(**app, bad="crashed")["verdictOf"] == "crashFreeUsers"


def test_an_objective_follows_its_project(browser):
    browser.cli_json("objective", "set", "default", "--crash-free-sessions", "99")

    def budget():
        return browser.get(f"{PROJECT}budget/").json
    wait(lambda: budget()["objective"], "the objective")
    assert (budget()["objective"]["bad"], budget()["bad"], budget()["total"]) == (BOTH, 700, 30_000)
    assert budget()["left"] == pytest.approx(1 - 700 / 300)
    assert "99 % of sessions failure-free over 28 days" in browser.cli("objective", "list").stdout
    assert f'bad="{BOTH}"' in browser.request("GET", "/metrics").body.decode()
    browser.cli_json("project", "set", "default", "--bad", "crashed")
    assert (budget()["objective"]["bad"], budget()["bad"], budget()["left"]) == ("crashed", 0, 1)
    assert "99 % of sessions crash-free over 28 days" in browser.cli("objective", "list").stdout
    [listed] = browser.cli_list("objective", "list")
    assert listed["bad"] == "crashed"


def test_users_with_a_failure_count_once_however_else_their_sessions_end(start):
    """A user whose worst session is abnormal, with an unhandled one, too, is a bad one."""
    hale = start(clock=NOON)
    at = NOON - minutes(5)
    hale.send(*[session(did=f"user-{n}", at=at) for n in range(17)],
              session("crashed", did="crash", at=at), session("unhandled", did="crash", at=at),
              session("unhandled", did="both", at=at), session("abnormal", did="both", at=at),
              session("abnormal", did="frozen", at=at))
    hale.cli_json("project", "set", "default", "--bad", BOTH)
    hale.cli_json("objective", "set", "default", "--crash-free-users", "50")
    answer = hale.get(f"{PROJECT}budget/").json
    assert (answer["total"], answer["bad"]) == (20, 2)


def test_the_setting_over_the_api(hale):
    def shown():
        project = hale.get(PROJECT).json
        return project["platform"], project["bad"], project["badIsDefault"]
    assert shown() == (None, "crashed", True)
    for body, wanted in (
            ({"bad": BOTH}, (None, BOTH, False)),
            ({"platform": "python"}, ("python", BOTH, False)),
            ({"bad": None}, ("python", "crashed", True)),
            ({"platform": "javascript-svelte"}, ("javascript-svelte", BOTH, True)),
            ({"bad": "crashed"}, ("javascript-svelte", "crashed", False)),
            ({"bad": "default"}, ("javascript-svelte", BOTH, True)),
            ({"bad": "unhandled+crashed"}, ("javascript-svelte", BOTH, False)),
            ({}, ("javascript-svelte", BOTH, False)),
            ({"platform": None, "bad": None}, (None, "crashed", True))):
        reply = change(hale, "PUT", PROJECT, body)
        assert reply.status == 200, (body, reply)
        assert shown() == wanted, body
        assert reply.json == hale.get(PROJECT).json
    for body in ({"bad": "errored"}, {"bad": "unhandled"}, {"bad": 1}, {"platform": "a b"}):
        reply = change(hale, "PUT", PROJECT, body)
        assert reply.status == 400 and next(iter(body)) in reply.detail, reply
        assert shown() == (None, "crashed", True)
    assert change(hale, "PUT", "/projects/default/nothing/", {"bad": BOTH}).status == 404
    made = change(hale, "POST", "/organizations/default/projects/",
                  {"slug": "page", "platform": "javascript"})
    assert (made.json["bad"], made.json["badIsDefault"]) == (BOTH, True)
    made = change(hale, "POST", "/organizations/default/projects/",
                  {"slug": "app", "platform": "flutter", "bad": BOTH})
    assert (made.json["bad"], made.json["badIsDefault"]) == (BOTH, False)
    refused = change(hale, "POST", "/organizations/default/projects/", {"slug": "x", "bad": "all"})
    assert refused.status == 400 and "bad" in refused.detail


@pytest.mark.parametrize("running", (True, False))
def test_the_setting_on_the_command_line(hale, running):
    if not running:
        hale.stop()
    assert hale.cli_json("project", "create", "page", "--platform", "javascript")["bad"] == BOTH
    assert hale.cli_json("project", "create", "app", "--bad", "crashed unhandled")["bad"] == BOTH
    printed = hale.cli("project", "set", "app", "--bad", "default").stdout
    assert printed == "app: bad are sessions that are crashed, the default; no quotas.\n"
    printed = hale.cli("project", "set", "app", "--platform", "javascript-vue").stdout
    assert "crashed or unhandled, the default of platform javascript-vue; no quotas." in printed
    changed = hale.cli_json("project", "set", "page", "--bad", "crashed")
    assert changed | {
        "id": 2, "slug": "page", "platform": "javascript", "bad": "crashed", "badIsDefault": False
    } == changed
    listed = {row["slug"]: (row["bad"], row["badIsDefault"])
              for row in hale.cli_list("project", "list")}
    assert listed == {"default": ("crashed", True), "page": ("crashed", False), "app": (BOTH, True)}
    for arguments, part in ((("page",), "--platform, --bad or a quota"),
                            (("page", "--bad", "errored"), "crashed or crashed+unhandled"),
                            (("page", "--platfrom", "ios"), "Did you mean '--platform'"),
                            (("page", "--platform", "a b"), "--platform")):
        done = hale.cli("project", "set", *arguments)
        assert done.returncode == USAGE and part in done.stderr, done
    done = hale.cli("project", "set", "paeg", "--bad", "crashed")
    assert done.returncode == 1 and "page" in done.stderr
    if running:
        assert hale.get("/projects/default/page/").json["bad"] == "crashed"


def test_of_projects_that_differ_the_wider_setting_holds_where_they_have_the_release(start):
    """A release of a page and its server; and one of the server alone."""
    hale = start(clock=NOON - days(1))
    page = hale.cli_json("project", "create", "page", "--platform", "javascript")

    def send_to(project, key, release, unhandled):
        started = iso(hale.clock.instant.replace(second=0, microsecond=0))
        reply = hale.post(
            envelope(aggregates([{"started": started, "unhandled": unhandled, "exited": 1000}],
                                release=release)),
            {"X-Sentry-Auth": f"Sentry sentry_key={key}"}, auth=False,
            target=hale.envelope_path(project))
        assert reply.status == 200, reply
    send_to(page["id"], page["publicKey"], "both@1", 10)
    send_to(hale.project, hale.key, "both@1", 10)
    send_to(hale.project, hale.key, "server@1", 10)
    hale.clock.advance(minutes(10))
    for release, project, bad in (("both@1", None, BOTH), ("server@1", None, "crashed"),
                                  ("both@1", "default", "crashed"), ("both@1", "page", BOTH)):
        reply = hale.get(f"/organizations/default/releases/{release}/gate/",
                         {"project": project} if project else {})
        assert reply.json["bad"] == bad, (release, project, reply)
