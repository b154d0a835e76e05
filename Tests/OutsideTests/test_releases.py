"""Releases, deploys, adoption and stages from outside, with sentry-cli and the API."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hale import hours, minutes, session, utc

NOON = utc("2026-03-10T12:00:00Z")
RELEASES = "/organizations/default/releases/"


def get(hale, path, **parameters):
    """The JSON of a GET with the service's token."""
    reply = hale.get(path, tuple(parameters.items()))
    assert reply.status == 200, reply
    return reply.json


@pytest.fixture
def cli_of():
    """Runs the real sentry-cli with the admin token of the first start."""
    program = Path(sys.executable).with_name("sentry-cli")

    def cli(hale):
        def run(*arguments, succeeds=True):
            done = subprocess.run(
                [program, *arguments], capture_output=True, text=True, timeout=60, check=False,
                env={**os.environ, "SENTRY_URL": hale.address, "SENTRY_AUTH_TOKEN": hale.token,
                     "SENTRY_ORG": "default", "SENTRY_PROJECT": "default"})
            assert (done.returncode == 0) == succeeds, done
            return done.stdout + done.stderr

        return run

    return cli


@pytest.fixture
def cli(hale, cli_of):
    return cli_of(hale)


def test_a_release_from_new_to_deleted(hale, cli):
    assert "Created release shop@1.0.0" in cli("releases", "new", "shop@1.0.0")
    assert "(unreleased) | shop@1.0.0" in cli("releases", "list")
    assert "Finalized release shop@1.0.0" in cli("releases", "finalize", "shop@1.0.0")
    assert "(unreleased)" not in cli("releases", "list")
    info = cli("releases", "info", "-P", "shop@1.0.0")
    assert "shop@1.0.0" in info and "default" in info
    assert "Archived release" in cli("releases", "archive", "shop@1.0.0")
    assert get(hale, RELEASES) == []
    assert "Restored release" in cli("releases", "restore", "shop@1.0.0")
    assert [release["version"] for release in get(hale, RELEASES)] == ["shop@1.0.0"]
    assert "Deleted release shop@1.0.0" in cli("releases", "delete", "shop@1.0.0")
    assert get(hale, RELEASES) == []


def test_new_and_finalized_at_once(hale, cli):
    cli("releases", "new", "shop@2.0.0", "--finalize", "--url", "https://example.com/2")
    release = get(hale, RELEASES + "shop@2.0.0/")
    assert release["dateReleased"] and release["url"] == "https://example.com/2"
    assert [project["slug"] for project in release["projects"]] == ["default"]


def test_a_release_with_sessions_is_not_deleted(hale, cli):
    hale.send(session(release="shop@3.0.0"))
    assert "shop@3.0.0" in cli("releases", "list")
    assert "health data" in cli("releases", "delete", "shop@3.0.0", succeeds=False)


def test_unknown_releases(cli):
    assert "shop@9" not in cli("releases", "list")
    cli("releases", "info", "shop@9", succeeds=False)


def test_deploys_by_sentry_cli(hale, cli):
    cli("releases", "new", "shop@1.0.0")
    assert "Created new deploy" in cli("deploys", "new", "--release", "shop@1.0.0", "-e", "production")
    cli("releases", "deploys", "shop@1.0.0", "new", "-e", "canary", "-n", "blue",
        "-u", "https://example.com/", "--started", "1773144000", "--finished", "1773144300")
    for arguments in (("deploys", "list", "--release", "shop@1.0.0"),
                      ("releases", "deploys", "shop@1.0.0", "list")):
        listed = cli(*arguments)
        assert "production" in listed and "canary" in listed and "blue" in listed, listed
    canary = get(hale, RELEASES + "shop@1.0.0/deploys/")[1]
    assert canary == {
        "id": "2", "environment": "canary", "name": "blue", "url": "https://example.com/",
        "dateStarted": "2026-03-10T12:00:00Z", "dateFinished": "2026-03-10T12:05:00Z"}
    release = get(hale, RELEASES + "shop@1.0.0/")
    assert release["deployCount"] == 2 and release["lastDeploy"] == canary
    assert [each["name"] for each in get(hale, "/organizations/default/environments/")] == [
        "canary", "production"]
    assert get(hale, RELEASES, environment="canary") == [release]
    assert "not found" in cli("deploys", "new", "--release", "shop@9", "-e", "production",
                              succeeds=False)
    assert "Deleted release shop@1.0.0" in cli("releases", "delete", "shop@1.0.0")
    assert get(hale, "/organizations/default/environments/") == []


def test_deploys_are_kept(hale, cli):
    """Over a kill, in a backup, and with sessions."""
    hale.send(session(release="shop@1.0.0"))
    for environment in ("production", "staging", "production"):
        cli("deploys", "new", "--release", "shop@1.0.0", "-e", environment)
    stored = get(hale, RELEASES + "shop@1.0.0/deploys/")
    assert sorted(deploy["id"] for deploy in stored) == ["2", "3"]
    assert stored[0]["environment"] == "production"
    hale.kill()
    hale.start()
    assert get(hale, RELEASES + "shop@1.0.0/deploys/") == stored
    backup = hale.folder / "hale.backup"
    assert hale.cli("backup", backup).returncode == 0
    hale.stop()
    assert hale.cli("restore", backup, "--force").returncode == 0
    verified = hale.cli("verify")
    assert verified.returncode == 0, verified
    hale.start()
    assert get(hale, RELEASES + "shop@1.0.0/deploys/") == stored
    assert get(hale, RELEASES)[0]["deployCount"] == 3
    assert hale.cli("jobs", "run", "retention").returncode == 0
    assert get(hale, RELEASES)[0]["lastDeploy"]["id"] == "3"


def test_lists_for_pickers(cli):
    assert "default" in cli("projects", "list")
    assert "default" in cli("organizations", "list")
    assert "Auth Token" in cli("info")


def test_finalized_ones_and_their_dates(start, cli_of):
    hale = start(clock=NOON)
    cli = cli_of(hale)
    cli("releases", "new", "shop@1.0.0", "--finalize")
    hale.clock.advance(minutes(5))
    cli("releases", "new", "shop@1.1.0")
    hale.clock.advance(minutes(5))
    hale.send(session(release="shop@1.2.0", at=NOON))

    def versions(path, **parameters):
        return [release["version"] for release in get(hale, path, **parameters)]

    assert versions(RELEASES, query="finalized:true") == ["shop@1.0.0"]
    assert versions(RELEASES, query="finalized:false") == ["shop@1.2.0", "shop@1.1.0"]
    assert versions(RELEASES, query="finalized:false release:latest") == ["shop@1.2.0"]
    assert versions(RELEASES, query="finalized:true release:latest") == []
    assert get(hale, RELEASES + "stats/") == [
        {"version": "shop@1.2.0", "date": "2026-03-10T12:10:00Z"},
        {"version": "shop@1.1.0", "date": "2026-03-10T12:05:00Z"},
        {"version": "shop@1.0.0", "date": "2026-03-10T12:00:00Z"}]
    assert versions(RELEASES + "stats/", query="!finalized:true", per_page=1) == ["shop@1.2.0"]
    assert versions(RELEASES + "stats/", environment="production") == ["shop@1.2.0"]
    for query in ("finalized:maybe", "environment:x@y", "colour:red"):
        for path in (RELEASES, RELEASES + "stats/"):
            reply = hale.get(path, {"query": query})
            key = query.split(":", maxsplit=1)[0]
            assert reply.status == 400, reply
            assert reply.detail.startswith(f"Invalid search filter: {key}. "), reply


# Adoption stages: hourly, over six hours, a tenth inclusive ------------------------------------


def stages(hale, environment="production"):
    """{release: (stage, adopted, unadopted)} in one environment."""
    found = {}
    for release in get(hale, RELEASES, adoptionStages=1, environment=environment):
        stage = release["adoptionStages"]["default"]
        found[release["version"]] = tuple(
            value and value[11:16] if key != "stage" else value for key, value in stage.items())
    return found


def run_adoption(hale):
    return hale.cli("jobs", "run", "adoption").stdout


def test_adopted_replaced_and_adopted_again(start):
    hale = start(clock=NOON)
    hale.send(*[session(release="a@1", at=NOON) for _ in range(9)])
    hale.send(session(release="b@1", at=NOON))
    assert stages(hale)["a@1"] == ("low_adoption", None, None)
    hale.clock.set(NOON + hours(1))
    run_adoption(hale)
    # A share of exactly a tenth is adopted, too.
    assert stages(hale) == {"a@1": ("adopted", "13:00", None), "b@1": ("adopted", "13:00", None)}
    for hour in range(1, 8):
        hale.clock.set(NOON + hours(hour) + minutes(5))
        hale.send(session(release="b@1", at=hale.clock.instant))
        run_adoption(hale)
    # Noon is not in the six hours before 19:00.
    assert stages(hale)["a@1"] == ("replaced", "13:00", "19:00")
    hale.send(session(release="a@1", at=hale.clock.instant))
    hale.clock.set(NOON + hours(8))
    run_adoption(hale)
    assert stages(hale)["a@1"] == ("adopted", "13:00", None)
    hale.kill()
    hale.start()
    assert stages(hale)["a@1"] == ("adopted", "13:00", None)
    listed = get(hale, RELEASES, environment="production", query="release.stage:adopted")
    assert sorted(release["version"] for release in listed) == ["a@1", "b@1"]


def test_a_silent_environment_and_a_silent_project(start):
    hale = start(clock=NOON)
    hale.send(session(release="a@1", at=NOON),
              session(release="a@1", at=NOON, environment="staging"),
              session(release="a@1", at=NOON, environment=None))
    hale.clock.set(NOON + hours(1))
    run_adoption(hale)
    hale.clock.set(NOON + hours(7))
    hale.send(session(release="a@1", at=NOON + hours(6)))
    run_adoption(hale)
    assert stages(hale)["a@1"][0] == "adopted"
    assert stages(hale, "staging")["a@1"] == ("replaced", "13:00", "19:00")
    # Without sessions for more than six hours there is no stage.
    hale.clock.set(NOON + hours(30))
    run_adoption(hale)
    assert stages(hale)["a@1"][0] == "adopted"


def test_missed_runs_are_made_up_for(start):
    hale = start(clock=NOON)
    hale.send(session(release="a@1", at=NOON))
    run_adoption(hale)
    hale.clock.set(NOON + hours(4))
    assert "4 hourly runs" in run_adoption(hale)
    # The run of 13:00 has the result of a run in time.
    assert stages(hale)["a@1"] == ("adopted", "13:00", None)
    hale.clock.set(NOON + hours(40))
    assert "6 hourly runs" in run_adoption(hale)


def test_adoption_of_24_hours_to_the_minute(start):
    hale = start(clock=NOON)
    hale.send(*[session(release="a@1", at=NOON - minutes(10), did=f"u{n}") for n in range(3)],
              session(release="b@1", at=NOON - minutes(20), did="u0"))
    hale.clock.set(NOON - minutes(15) + hours(24))
    projects = {release["version"]: release["projects"][0]["healthData"]
                for release in get(hale, RELEASES, health=1, flatten=1)}
    assert projects["a@1"]["sessionsAdoption"] == 100
    assert projects["a@1"]["totalProjectUsers24h"] == 3
    assert projects["b@1"]["sessionsAdoption"] is None
    assert projects["b@1"]["totalSessions"] == 1
