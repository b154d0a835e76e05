"""`hale demo`: its printed numbers are those of the service."""

import json
import os
import pty
import signal
import subprocess

import pytest

from hale import BINARY, Hale, environment, hours, iso, run, sessions, users, utc, wait

NOW = utc("2026-03-10T12:30:00Z")
ANDROID, WEB, API = "shop-android", "shop-web", "shop-api"
BAD, HOTFIX, BETA = (f"com.shop.android@{version}" for version in (
    "2.6.0+2600", "2.6.1+2611", "2.7.0-beta.1+2700"))


def demo(data, *arguments, now=NOW):
    done = run("demo", "--data", data, "--now", iso(now), "--json", *arguments, timeout=60)
    assert done.returncode == 0, done
    return {row["slug"]: row for row in map(json.loads, done.stdout.splitlines())}, done.stderr


def counts(row):
    return {name: row[name] for name in (
        "healthy", "errored", "unhandled", "abnormal", "crashed")}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A service on a directory that the demo has filled with two weeks."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "now").write_text(iso(NOW))
    printed, notes = demo(folder / "data")
    running = Hale(folder, "--now", f"@{folder / 'now'}").start()
    running.token = notes.split("token  ")[1].split()[0]
    running.report, running.notes = printed, notes
    yield running
    assert running.end() is None, running.log()


def test_an_empty_directory_gets_realistic_numbers(filled):
    assert set(filled.report) == {ANDROID, WEB, API}
    assert 200_000 < sum(row["sessions"] for row in filled.report.values()) < 400_000
    assert "filling 50 %" in filled.notes and "filling 100 %" in filled.notes
    projects = {row["slug"]: row for row in filled.get("/organizations/default/projects/").json}
    assert {slug: (row["platform"], row["sessionMode"]) for slug, row in projects.items()} == {
        ANDROID: ("android", "user"), WEB: ("javascript", "user"), API: ("python", "server")}
    for row in projects.values():
        assert row["environments"] == ["production", "staging"]


def test_its_numbers_are_those_of_the_service(filled):
    for slug, row in filled.report.items():
        # The 14 days, and one more for rounding.
        assert sessions(filled, project=slug, statsPeriod="15d", interval="1d") == counts(row)
        found = users(filled, project=slug, statsPeriod="15d", interval="1d")
        assert sum(found.values()) == row["users"]
        answer = filled.get("/organizations/default/outcomes/", {
            "project": slug, "statsPeriod": "15d", "interval": "1d"})
        totals = answer.json["groups"][0]["totals"]
        assert totals["accepted"] == row["acceptedItems"], (slug, totals)
        assert totals["rejected"] == row["refusedItems"], (slug, totals)
    assert all(filled.report[slug]["refusedItems"] > 50 for slug in (ANDROID, WEB))


def releases(hale, project):
    rows = hale.get("/organizations/default/releases/", {
        "project": project, "environment": "production", "adoptionStages": 1, "health": 1,
        "summaryStatsPeriod": "14d"}).json
    return {row["version"]: row for row in rows}


def test_releases_replace_each_other(filled):
    found = releases(filled, ANDROID)
    stages = {version: row["adoptionStages"][ANDROID]["stage"] for version, row in found.items()}
    assert stages.pop(HOTFIX) == "adopted" and stages.pop(BETA) == "low_adoption"
    assert set(stages.values()) == {"replaced"} and BAD in stages and len(stages) == 3
    for row in found.values():
        # Determined by the hourly runs of that time.
        times = row["adoptionStages"][ANDROID]
        if times["adopted"]:
            assert times["adopted"] < iso(NOW - hours(24)), row
    free = {version: row["projects"][0]["healthData"]["crashFreeSessions"]
            for version, row in found.items()}
    assert min(free, key=free.get) == BAD and free[BAD] < 95
    # The beta has few sessions.
    assert all(rate > 97 for version, rate in free.items() if version != BAD), free


def test_the_bad_release_uses_the_budget(filled):
    budget = filled.get(f"/projects/default/{ANDROID}/budget/").json
    assert budget["total"] == filled.report[ANDROID]["sessions"]
    assert budget["objective"]["target"] == 99 and budget["left"] < 0.5
    left = [value for value in budget["series"]["left"] if value is not None]
    assert max(left) > budget["left"] + 0.2
    assert filled.get(f"/projects/default/{WEB}/budget/").json["objective"] is None


def test_the_same_seed_makes_the_same(filled, tmp_path):
    again, _ = demo(tmp_path / "again", "--days", "2")
    third, _ = demo(tmp_path / "third", "--days", "2")
    other, _ = demo(tmp_path / "other", "--days", "2", "--seed", "2")
    assert [counts(row) for row in again.values()] == [counts(row) for row in third.values()]
    assert [counts(row) for row in again.values()] != [counts(row) for row in other.values()]


def test_a_running_service_accepts_a_history(start, tmp_path):
    """The control socket gives the same numbers and stages as a directory without a service."""
    hale = start(clock=NOW)
    assert hale.cli("jobs", "run", "retention").returncode == 0
    hale.cli_json("project", "create", "mine")
    printed, _ = demo(hale.data, "--days", "3")
    alone, _ = demo(tmp_path / "alone", "--days", "3")
    for slug, row in printed.items():
        assert {**row, "id": 0, "dsn": ""} == {**alone[slug], "id": 0, "dsn": ""}
        assert sessions(hale, project=slug, statsPeriod="4d", interval="1d") == counts(row)
        found = users(hale, project=slug, statsPeriod="4d", interval="1d")
        assert sum(found.values()) == row["users"]
    stages = {version: row["adoptionStages"][ANDROID]["stage"]
              for version, row in releases(hale, ANDROID).items()}
    assert stages[HOTFIX] == "adopted" and stages[BAD] == "replaced"
    hale.assert_runs()


def test_a_second_time(filled):
    """Histories do not mix: it needs another name, which gives other projects."""
    done = run("demo", "--data", filled.data, "--json")
    assert done.returncode == 1 and ANDROID in done.stderr and "--name" in done.stderr, done
    printed, _ = demo(filled.data, "--days", "1", "--name", "acme")
    assert set(printed) == {"acme-android", "acme-web", "acme-api"}
    for slug, row in printed.items():
        assert sessions(filled, project=slug, statsPeriod="2d", interval="1d") == counts(row)


def test_over_http_as_sdks_send(start):
    hale = start(clock=NOW)
    done = run("demo", "--dsn", hale.dsn, "--now", iso(NOW), "--days", "14", "--json", timeout=60)
    assert done.returncode == 0 and "5 days" in done.stderr, done
    printed = json.loads(done.stdout)
    assert printed["sessions"] > 70_000
    assert sessions(hale, statsPeriod="6d", interval="1d") == counts(printed)
    assert sum(users(hale, statsPeriod="6d", interval="1d").values()) == printed["users"]
    [project] = hale.get("/organizations/default/projects/").json
    assert project["sessionMode"] == "both"


def test_live_continues_minute_by_minute(start):
    hale = start(clock=NOW)
    errors = hale.folder / "demo.txt"
    with open(errors, "wb") as err:
        process = subprocess.Popen(
            [str(BINARY), "demo", "--data", str(hale.data), "--days", "1", "--live", "--json"],
            env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err)
    try:
        wait(lambda: "Sending continues" in errors.read_text(), "the history to be sent")
        assert process.poll() is None
        before = sum(sessions(hale, statsPeriod="2d").values())
        hale.clock.set(NOW + hours(1))
        # An hour of daytime; each minute is sent once the clock has passed it.
        wait(lambda: hale.sessions(
            "sum(session)", start=iso(NOW + hours(0.5)), end=iso(NOW + hours(1)),
            interval="1h")["groups"][0]["totals"]["sum(session)"] > 300, "an hour of sessions")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == 0, errors.read_text()
    printed = {row["slug"]: row for row in map(json.loads, out.splitlines())}
    assert sum(row["sessions"] for row in printed.values()) > before + 500
    for slug, row in printed.items():
        assert sessions(hale, project=slug, statsPeriod="2d") == counts(row), slug
    # It continues with existing projects, without a new history.
    assert hale.cli("demo", "--live").returncode == 1


def test_live_without_a_service(tmp_path):
    done = run("demo", "--live", "--data", tmp_path / "data")
    assert done.returncode == 1 and "hale serve" in done.stderr and "--dsn" in done.stderr


@pytest.mark.parametrize("arguments, named", [
    (("--days", "91"), "--days"), (("--days", "-1"), "--days"), (("--days", "0"), "--live"),
    (("--name", "No Slug"), "--name"), (("--dsn", "nothing"), "--dsn"),
    (("--dsn", "ftp://k@example.com/1"), "--dsn")])
def test_wrong_usage(arguments, named, tmp_path):
    done = run("demo", "--data", tmp_path / "data", *arguments)
    assert done.returncode == 64 and named in done.stderr, done
    assert not (tmp_path / "data").exists()


def test_a_bar_at_a_terminal_and_a_summary(tmp_path):
    main, side = pty.openpty()
    process = subprocess.Popen(
        [str(BINARY), "demo", "--data", str(tmp_path / "data"), "--days", "1"],
        env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=side)
    os.close(side)
    shown = b""
    while True:
        try:
            part = os.read(main, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(main)
    out = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 0
    assert "█".encode() in shown and b"\r" in shown
    assert "hale serve" in out and ANDROID in out and "http://127.0.0.1:8787" in out
    # The token of a first start of the service.
    assert out.startswith("token  hale_")
