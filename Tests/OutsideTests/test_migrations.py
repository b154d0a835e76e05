"""Databases of older versions of Hale are opened and migrated."""

import gzip
import sqlite3
from pathlib import Path

import pytest

from hale import days, hours, iso, minutes, row, session, sessions, users, utc

STORED = Path(__file__).parent / "databases"
# The time at which the stored files were written.
WRITTEN = utc("2026-03-12T13:01:00Z")


def layout(path):
    """The tables and indexes with their columns."""
    with sqlite3.connect(path) as database:
        names = [name for name, in database.execute(
            "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")]
        return {name: database.execute(f"PRAGMA table_xinfo({name})").fetchall()
                or database.execute(f"PRAGMA index_xinfo({name})").fetchall() for name in names}


def opened(start, version, token, key, before=None):
    """A service on a stored database, which `before` may change first."""
    hale = start(clock=WRITTEN, running=False)
    hale.data.mkdir()
    (hale.data / "hale.db").write_bytes(gzip.decompress(
        (STORED / f"schema-{version}.db.gz").read_bytes()))
    if before:
        with sqlite3.connect(hale.data / "hale.db") as database:
            database.execute(before)
    hale.token, hale.dsn = token, f"http://{key}@127.0.0.1/1"
    return hale.start()


def goes_on(hale, start, counts, late):
    """A late crash of a session that was healthy in the old version counts."""
    hale.send(late)
    after = {**counts, "healthy": counts["healthy"] - 1, "crashed": counts["crashed"] + 1}
    assert sessions(hale, statsPeriod="7d") == after
    hale.cli("jobs", "run", "retention")
    hale.stop()
    hale.start()
    assert sessions(hale, statsPeriod="7d") == after
    hale.stop()
    verified = hale.cli("verify")
    assert verified.returncode == 0, verified

    fresh = start()
    fresh.stop()
    assert layout(hale.data / "hale.db") == layout(fresh.data / "hale.db")


@pytest.mark.parametrize("before", (
    None,
    # As the old version did itself after five and a half days: only the sets of the hours stay.
    f"DELETE FROM user_minute WHERE hour < {int((WRITTEN - hours(59)).timestamp()) // 3600}"))
def test_version_1(start, before):
    hale = opened(start, 1, "hale_88368f707ab3de1442cb427858a7adbc4ab271a2027a47af",
                  "97d31fcd47cec99c3d674c97da1d8e3e", before)
    counts = row(healthy=80, errored=24, abnormal=18, crashed=22)
    assert sessions(hale, statsPeriod="7d") == counts
    assert users(hale, statsPeriod="7d") == row(healthy=8, errored=3, abnormal=5, crashed=7)
    begun = WRITTEN - days(1) - minutes(61)
    goes_on(hale, start, counts, session(
        "crashed", release="app@1.0", at=begun, did="user-0", environment="production",
        sid="00000001-0000-4000-8000-000000000000"))


def test_version_2(start):
    hale = opened(start, 2, "hale_db1a9ada43dd7b5b5cea4b766a70940551692924860ba7b3",
                  "e13265b1202db5e4707a7835fd4f41f4")
    counts = row(healthy=32, errored=12, abnormal=6, crashed=10)
    assert sessions(hale, statsPeriod="7d") == counts
    assert users(hale, statsPeriod="7d") == row(healthy=2, errored=1, abnormal=1, crashed=3)

    # The arrival log explains new sessions, but not those of the old version.
    late = session("crashed", release="app@1.0", at=WRITTEN - minutes(2), did="user-1",
                   sid="00000003-0000-4000-8000-000000000001")
    before = hale.get("/organizations/default/sessions/explain/", {"bucket": iso(WRITTEN)}).json
    assert before["explainedFrom"] == "2026-03-12T15:00:00Z"
    assert not before["buckets"][0]["isComplete"]
    hale.clock.advance(hours(3))
    goes_on(hale, start, counts, late)


def test_version_3(start):
    """Its user sets of days are united, and its pending updates are folded."""
    hale = opened(start, 3, "hale_ab211c3f2e8ec3af174621c7e6aa07ff9be1ad4e012f3d53",
                  "951c7378b2e3fa38d9a24d8608e8592b")
    counts = row(healthy=102, errored=10, abnormal=10, crashed=26)
    assert sessions(hale, statsPeriod="7d") == counts
    for _ in range(2):
        assert users(hale, statsPeriod="7d") == row(healthy=13, crashed=7)
        assert users(hale, statsPeriod="7d", environment="production") == row(
            healthy=13, abnormal=1, crashed=6)
        hale.cli("jobs", "run", "retention")
    goes_on(hale, start, counts, session(
        "crashed", release="app@1.1", at=WRITTEN - minutes(5), did="user-19",
        sid="00000013-0000-4000-8000-ffffffffffff"))


def test_version_7(start):
    """It gets tables of deploys, and its releases can be deployed."""
    hale = opened(start, 7, "hale_169b360b52a3096bc0d338448c4ec85e6f000a7eb8ba7782",
                  "bcfd1c1613ef31f620f0c0f92e3ed7eb")
    counts = row(healthy=24, errored=6, unhandled=3, abnormal=3, crashed=6)
    assert sessions(hale, statsPeriod="7d") == counts
    path = "/api/0/organizations/default/releases/app@1.2/"
    headers = {"Authorization": f"Bearer {hale.token}"}
    release = hale.request("GET", path, headers=headers).json
    assert release["ref"] == "abc" and release["deployCount"] == 0
    reply = hale.request("POST", path + "deploys/", b'{"environment": "canary"}', headers)
    assert reply.status == 201, reply
    assert hale.request("GET", path, headers=headers).json["lastDeploy"] == reply.json
    goes_on(hale, start, counts, session(
        "crashed", release="app@1.1", at=WRITTEN - hours(3), did="user-1",
        environment="production", sid="0000000f-0000-4000-8000-000000000000"))


def test_version_8(start):
    """Its projects and keys have no quotas, and can get some."""
    hale = opened(start, 8, "hale_44fd9a30a746017ee0606b14b00e9126e32d46bd3fabdd9b",
                  "86d577ce2c96fcca6ebf88bb2e8e92cb")
    counts = row(healthy=28, errored=4, abnormal=4, crashed=4)
    assert sessions(hale, statsPeriod="7d") == counts
    [project] = hale.cli_list("project", "list")
    assert project["bad"] == "crashed+unhandled" and project["sessionsPerDay"] is None
    hale.cli_json("key", "set", hale.key, "--sessions-per-day", "1")
    hale.send(session(at=WRITTEN), session(at=WRITTEN))
    counts = {**counts, "healthy": 29}
    goes_on(hale, start, counts, session(
        "crashed", release="app@1.1", at=WRITTEN - hours(3), did="user-0",
        environment="production", sid="00000001-0000-4000-8000-000000000000"))
