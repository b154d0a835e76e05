"""Databases that older versions of Hale wrote are opened and brought forward."""

import gzip
import sqlite3
from pathlib import Path

from hale import days, minutes, row, session, sessions, users, utc

STORED = Path(__file__).parent / "databases"
# When the stored files were written, and what they hold.
WRITTEN = utc("2026-03-12T13:01:00Z")
TOKEN = "hale_88368f707ab3de1442cb427858a7adbc4ab271a2027a47af"
DSN = "http://97d31fcd47cec99c3d674c97da1d8e3e@127.0.0.1/1"
SESSIONS = row(healthy=80, errored=24, abnormal=18, crashed=22)
USERS = row(healthy=8, errored=3, abnormal=5, crashed=7)


def layout(path):
    """Tables with their columns, and indexes with theirs."""
    with sqlite3.connect(path) as database:
        names = [name for name, in database.execute(
            "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")]
        return {name: database.execute(f"PRAGMA table_xinfo({name})").fetchall()
                or database.execute(f"PRAGMA index_xinfo({name})").fetchall() for name in names}


def test_version_1(start):
    hale = start(clock=WRITTEN, running=False)
    hale.data.mkdir()
    (hale.data / "hale.db").write_bytes(gzip.decompress(
        (STORED / "schema-1.db.gz").read_bytes()))
    hale.token, hale.dsn = TOKEN, DSN
    hale.start()
    assert sessions(hale, statsPeriod="7d") == SESSIONS
    assert users(hale, statsPeriod="7d") == USERS

    # It goes on counting: a late crash of a session that the old version had taken as healthy.
    begun = WRITTEN - days(1) - minutes(61)
    hale.send(session("crashed", release="app@1.0", at=begun, did="user-0", environment="production",
                      sid="00000001-0000-4000-8000-000000000000"))
    assert sessions(hale, statsPeriod="7d") == {**SESSIONS, "healthy": 79, "crashed": 23}
    hale.cli("jobs", "run", "retention")
    hale.stop()
    hale.start()
    assert sessions(hale, statsPeriod="7d") == {**SESSIONS, "healthy": 79, "crashed": 23}
    hale.stop()

    fresh = start()
    fresh.stop()
    assert layout(hale.data / "hale.db") == layout(fresh.data / "hale.db")
