"""`hale gate`, over HTTP and on the data directory, with its exit status."""

import json
import random
import subprocess

import pytest

from hale import BINARY, aggregates, days, environment, hours, iso, minutes, run, session, utc

NOON = utc("2026-03-10T12:00:00Z")
GREEN, RED, UNKNOWN, FAILED, USAGE = 0, 1, 2, 3, 64


def roll_out(hale, release, crashed, fine):
    """Sends many sessions in one request, as session aggregates."""
    started = iso(hale.clock.instant.replace(second=0, microsecond=0))
    hale.send(aggregates([{"started": started, "crashed": crashed, "exited": fine}],
                         release=release))


@pytest.fixture
def releases(start):
    """A good release, and an hour later a good one, a bad one and a young one."""
    hale = start(clock=NOON - hours(2))
    roll_out(hale, "app@1", 10, 9990)
    hale.clock.advance(hours(2))
    roll_out(hale, "app@1", 10, 9990)
    roll_out(hale, "app@2", 10, 9990)
    roll_out(hale, "app@3", 200, 9800)
    roll_out(hale, "app@4", 1, 499)
    roll_out(hale, "app@5", 1, 9)
    hale.clock.advance(minutes(10))
    return hale


def gate(hale, release, *arguments):
    done = hale.cli("gate", "--release", release, *arguments)
    return done.returncode, done.stdout + done.stderr


def test_green_red_and_not_decided_yet(releases):
    status, text = gate(releases, "app@2")
    assert status == GREEN and text.startswith("GREEN: "), text
    assert "app@1" in text and "99.900 %" in text
    status, text = gate(releases, "app@3")
    assert status == RED and text.startswith("RED: "), text
    assert "0.2 are tolerated" in text
    status, text = gate(releases, "app@4")
    assert status == UNKNOWN and text.startswith("NOT DECIDED YET: "), text
    assert "more sessions" in text
    status, text = gate(releases, "app@5")
    assert status == UNKNOWN, text
    assert ("app@5 has 10 of the 100 sessions that a verdict needs, in the first hour, as known at "
            "that age.") in text, text
    # A limit needs no baseline.
    young = ("--baseline", "app@5", "--crash-free-sessions", "99.5")
    status, text = gate(releases, "app@3", *young)
    assert status == RED and "of sessions are crash-free, below 99.5 %" in text, text
    status, text = gate(releases, "app@2", *young)
    assert status == UNKNOWN and "app@5 has 10 of the 100 sessions" in text
    # After a deploy, before the first session.
    reply = releases.request(
        "POST", "/api/0/organizations/default/releases/",
        json.dumps({"version": "app@7", "projects": ["default"]}),
        {"Authorization": f"Bearer {releases.token}", "Content-Type": "application/json"})
    assert reply.status == 201, reply
    status, text = gate(releases, "app@7")
    assert status == UNKNOWN, text
    assert "app@7 has no session yet; a verdict needs 100." in text and "of each" not in text, text


def test_the_latest_release(releases):
    """As the release and as the baseline; the answer names it."""
    roll_out(releases, "app@2-rc.9", 10, 9990)
    roll_out(releases, "app@6-rc.9", 10, 9990)
    roll_out(releases, "app@6-rc.10", 200, 9800)
    releases.clock.advance(minutes(10))
    status, text = gate(releases, "latest", "--json")
    assert status == RED and json.loads(text)["candidate"]["release"] == "app@6-rc.10", text
    status, text = gate(releases, "app@2-rc.9", "--baseline", "latest", "--json")
    assert status == GREEN and json.loads(text)["baseline"]["release"] == "app@6-rc.10", text
    # No release is its own baseline.
    status, text = gate(releases, "app@6-rc.10", "--baseline", "latest", "--json")
    assert status == RED and json.loads(text)["baseline"]["release"] == "app@6-rc.9", text
    assert gate(releases, "latest", "--environment", "staging")[0] == FAILED
    text = " ".join(run("gate", "--help").stdout.split())
    assert "The release to check; latest means" in text and "before, latest the latest" in text


@pytest.mark.parametrize(("lower", "higher"), (
    ("app@1-rc.2", "app@1-rc.3"), ("app@1-rc.9", "app@1-rc.10")))
def test_the_previous_of_equally_many_sessions_is_the_highest(start, lower, higher):
    hale = start(clock=NOON - hours(1))
    for release in (higher, lower):
        roll_out(hale, release, 10, 990)
    hale.clock.set(NOON)
    roll_out(hale, "app@1", 10, 990)
    assert json.loads(gate(hale, "app@1", "--json")[1])["baseline"]["release"] == higher


def test_rules(releases):
    assert gate(releases, "app@3", "--max-drop", "5")[0] == GREEN
    assert gate(releases, "app@2", "--crash-free-sessions", "99.5")[0] == GREEN
    status, text = gate(releases, "app@2", "--crash-free-sessions", "99.99")
    assert status == RED and "below 99.99 %" in text
    assert gate(releases, "app@2", "--min-sessions", "20000")[0] == UNKNOWN
    assert gate(releases, "app@3", "--baseline", "app@1", "--environment", "production")[0] == RED
    # The first release has no baseline.
    status, text = gate(releases, "app@1")
    assert status == UNKNOWN and "no release before app@1" in text
    assert gate(releases, "app@1", "--crash-free-sessions", "99.5")[0] == GREEN


def test_a_release_before_without_sessions_of_late(start):
    """It is no baseline by itself, and the answer says why, and how it becomes one."""
    hale = start(clock=NOON - days(3))
    roll_out(hale, "app@1", 10, 9990)
    hale.clock.set(NOON)
    roll_out(hale, "app@2", 10, 9990)
    hale.clock.advance(minutes(10))
    why = "has sessions in the day before its first one"
    status, text = gate(hale, "app@2")
    assert status == UNKNOWN, text
    assert f"No release before app@2 {why}, and there is no least rate" in text, text
    assert "--baseline app@1 compares with it." in text, text
    status, text = gate(hale, "app@2", "--crash-free-sessions", "99.5")
    assert status == GREEN and f"No release before it {why}. --baseline app@1" in text, text
    assert gate(hale, "app@2", "--baseline", "app@1")[0] == GREEN
    # Elsewhere it was not.
    assert "There is no release before app@1" in gate(hale, "app@1")[1]


def test_no_rate_is_rounded_up_to_all(start):
    hale = start(clock=NOON)
    roll_out(hale, "app@1", 30, 9_999_970)
    hale.clock.advance(minutes(10))
    status, text = gate(hale, "app@1", "--crash-free-sessions", "99.9999")
    assert status in (RED, UNKNOWN) and "99.999 %" in text and "100 %" not in text, text


def test_over_http(releases):
    def run_gate(release, *arguments, env=None):
        return run("gate", "--release", release, "--url", releases.address, *arguments, env=env)
    secret = {"HALE_TOKEN": releases.token}
    assert run_gate("app@2", env=secret).returncode == GREEN
    assert run_gate("app@3", env={"SENTRY_AUTH_TOKEN": releases.token}).returncode == RED
    printed = run_gate("app@3", "--token", releases.token, "--json")
    assert printed.returncode == RED
    answer = json.loads(printed.stdout)
    reply = releases.get("/organizations/default/releases/app@3/gate/")
    assert reply.status == 200 and reply.json == answer
    assert answer["verdict"] == answer["drop"]["verdict"] == "red"
    assert answer["baseline"]["release"] == "app@1"
    assert answer["baseline"]["sessions"] == answer["candidate"]["sessions"] == 10000
    drop = answer["drop"]
    assert 0.002 < drop["low"] < drop["value"] < drop["high"]
    assert drop["value"] == pytest.approx(0.019)
    assert run_gate("app@3").returncode == USAGE
    assert run_gate("app@3", "--token", "wrong").returncode == FAILED
    elsewhere = run("gate", "--release", "app@2", "--url", "http://127.0.0.1:1", env=secret)
    assert elsewhere.returncode == FAILED and "127.0.0.1:1" in elsewhere.stderr


def test_queries_that_fail(releases, tmp_path):
    status, text = gate(releases, "app@9")
    assert status == FAILED and 'no release "app@9"' in text
    status, text = gate(releases, "app@2", "--baseline", "app@9")
    assert status == FAILED and 'no release "app@9"' in text
    assert gate(releases, "app@2", "--baseline", "app@2")[0] == FAILED
    assert gate(releases, "app@2", "--org", "nobody")[0] == FAILED
    done = run("gate", "--release", "app@2", "--data", tmp_path)
    assert done.returncode == FAILED and "No service runs" in done.stderr


@pytest.mark.parametrize("arguments", (
    (), ("--release", "a", "--max-drop", "-1"), ("--release", "a", "--confidence", "20"),
    ("--release", "a", "--wait", "soon"), ("--release", "a", "--crash-free-sessions", "200"),
    ("--release", "a", "--crash-free-sessions", "0.995"),
    ("--release", "a", "--url", "nowhere"), ("--release", "a", "--nothing"),
    ("--release", "a", "--release", "b"), ("--release", "a", "--max-drop=1", "--max-drop", "5")))
def test_wrong_usage(arguments, tmp_path):
    done = run("gate", *arguments, cwd=tmp_path)
    assert done.returncode == USAGE and done.stderr, done


@pytest.mark.parametrize("arguments", (("--max-drop", "-1"), ("--max-drop=-1",)))
def test_a_negative_drop(arguments):
    done = run("gate", "--release", "a", *arguments)
    assert done.returncode == USAGE, done
    assert "must not be negative: it takes a number from 0 to 90" in done.stderr, done


def test_environments_and_projects_may_be_repeated(releases):
    """All of them count, in whatever order they are given."""
    releases.cli("project", "create", "other")
    for arguments in (("--environment", "production", "--environment", "elsewhere"),
                      ("--environment", "elsewhere", "--environment", "production")):
        status, text = gate(releases, "app@2", *arguments)
        assert status == FAILED and 'no environment "elsewhere"' in text, text
    for arguments in (("--project", "default", "--project", "other"),
                      ("--project", "other", "--project", "default")):
        assert gate(releases, "app@3", *arguments)[0] == RED, arguments
    assert gate(releases, "app@3", "--project", "other", "--wait", "1s")[0] == UNKNOWN


def test_other_commands_take_an_option_once(releases):
    for command in (("alert", "list", "--org", "a", "--org", "default"),
                    ("alert", "backtest", "--rule", "a", "--rule", "b", "--from", "2026-03-01"),
                    ("objective", "set", "default", "--days", "7", "--days=8"),
                    ("project", "list", "--json", "--json")):
        done = releases.cli(*command)
        assert done.returncode == USAGE and "given more than once" in done.stderr, done


def test_waiting_keeps_the_latest_release(releases):
    """A release that appears meanwhile is not the one of the roll-out."""
    roll_out(releases, "app@6", 1, 499)
    roll_out(releases, "app@5.9", 10, 9990)
    releases.clock.advance(minutes(10))
    with subprocess.Popen(
            [str(BINARY), "gate", "--release", "latest", "--baseline", "app@1", "--wait", "12s",
             "--data", str(releases.data)], env=environment(None), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        line = started.stderr.readline()
        assert "The latest release is app@6." in line, line
        roll_out(releases, "app@7", 200, 9800)
        out, _ = started.communicate(timeout=60)
    assert started.returncode == UNKNOWN and "app@6 " in out and "app@7" not in out, out


def test_waiting_ends(releases):
    assert gate(releases, "app@2", "--wait", "30m")[0] == GREEN
    assert gate(releases, "app@4", "--wait", "1s")[0] == UNKNOWN
    # With --wait a missing release is not decided yet; without it, it is an error.
    status, text = gate(releases, "app@9", "--wait", "1s")
    assert status == UNKNOWN and "near" not in text, text
    assert gate(releases, "app@9")[0] == FAILED


def test_a_slip_of_the_hand_is_not_waited_for(releases):
    for arguments, part in (
            (("app@2", "--environment", "prod"), 'no environment "prod"; near: "production"'),
            (("app@2", "--environment", "elsewhere"), "There is only production"),
            (("App@2",), 'no release "App@2"; near: "app@2"'),
            (("v2",), 'no release "v2"'), (("2.0",), 'no release "2.0"; near: "app@2"'),
            (("app@2.0+7",), 'near: "app@2"'), (("lastest",), 'near: "latest"'),
            (("a/b",), 'Invalid release: "a/b"'), (("x" * 201,), "1 to 200 bytes"),
            (("app@9", "--baseline", "App@1"), 'no release "App@1"; near: "app@1"'),
            (("app@2", "--project", "defualt"), 'no project "defualt"; near: "default"')):
        status, text = gate(releases, *arguments, "--wait", "30m")
        assert status == FAILED and part in text, (arguments, text)


def test_wait_ends_at_a_wrong_address(releases):
    """Only a 404 about the release means that it may still appear."""
    status, text = gate(releases, "app@2", "--org", "nobody", "--wait", "30m")
    assert status == FAILED and "404" in text, text
    done = run("gate", "--release", "app@2", "--url", f"{releases.address}/elsewhere",
               "--token", releases.token, "--wait", "30m")
    assert done.returncode == FAILED and "404" in done.stderr, done
    reply = releases.get("/organizations/default/releases/app@9/gate/")
    assert reply.status == 404 and reply.json["missing"] == "release", reply
    reply = releases.get("/organizations/nobody/releases/app@9/gate/")
    assert reply.status == 404 and "missing" not in reply.json, reply


def test_refusals_name_what_is_wrong(releases):
    for name, value in (("maxDrop", "much"), ("confidence", "100"), ("minSessions", "-1"),
                        ("crashFreeSessions", "101"), ("crashFreeSessions", "0.995")):
        reply = releases.get("/organizations/default/releases/app@2/gate/", {name: value})
        assert reply.status == 400 and name in reply.detail, reply
    # A mistyped parameter would weaken the gate.
    reply = releases.get("/organizations/default/releases/app@2/gate/", {"maxdrop": "3"})
    assert reply.status == 400 and "maxDrop" in reply.detail, reply


def test_late_crashes_and_crashing_users(start):
    """The baseline counts as it was known at the candidate's age, without its late crashes. A user
    whose app crashes at each start is one observation."""
    hale = start(clock=NOON - days(2))
    dice = random.Random(1)

    def launch(release, count, crashed, loops=0):
        begun = [session("ok", release=release, at=hale.clock.instant, did=f"{release}{index}",
                         init=True) for index in range(count)]
        for index in range(0, count, 50):
            hale.send(*begun[index:index + 50])
        crashes = [session("crashed", release=release, at=hale.clock.instant,
                           did=f"{release}-loop-{number % 2}") for number in range(loops)]
        for index in range(0, loops, 50):
            hale.send(*crashes[index:index + 50])
        return dice.sample(begun, crashed)

    def report(crashed):
        for index in range(0, len(crashed), 50):
            hale.send(*[{**one, "status": "crashed", "init": False}
                        for one in crashed[index:index + 50]])

    crashed = launch("app@1", 1000, 80)
    report(crashed[:40])
    hale.clock.advance(hours(6))
    report(crashed[40:])
    hale.clock.set(NOON - hours(1))
    launch("app@1", 50, 0)
    hale.clock.set(NOON)
    launch("app@2", 1000, 0, loops=150)
    hale.clock.advance(minutes(30))

    def run_gate():
        reply = hale.get("/organizations/default/releases/app@2/gate/", {"maxDrop": 0})
        assert reply.status == 200, reply
        return reply.json
    answer = run_gate()
    assert answer["unit"] == "user"
    assert answer["baseline"]["crashed"] == 40 and answer["baseline"]["known"] == "atAge"
    # Users are known only as of now, and stand beside the sessions of that moment.
    assert answer["baseline"]["now"] == {
        "sessions": 1000, "crashed": 80, "failed": 80, "users": 1000, "crashedUsers": 80,
        "failedUsers": 80}
    assert answer["candidate"]["crashed"] == 150
    assert answer["candidate"]["now"]["crashedUsers"] == 2
    assert utc(answer["asOf"]) == hale.clock.instant
    text = hale.cli("gate", "--release", "app@2", "--max-drop", "0").stdout
    known, now = text.split("RELEASE")[1:]
    assert "USERS" not in known and "40" in known and "as known at that age" in known, text
    assert "CRASHED USERS" in now and "as known at 2026-03-10 12:30" in now, text
    # 150 crashes of two users and 40 others: counted as sessions, it would be red.
    assert answer["verdict"] == "unknown"
    delay = answer["reportingDelay"]
    assert delay["isLearnt"] and delay["hoursToHalf"] in (0, 6)
    assert 0.3 < delay["knownShare"] < 0.7
    side = answer["candidate"]
    assert side["corrected"]["value"] < side["crashFreeSessions"]
    # The baseline's late crashes count once the candidate reaches that age.
    hale.clock.advance(hours(8))
    assert run_gate()["baseline"]["crashed"] == 80
