"""Verification, backup and restore: of a running service, under load, and of damaged files."""

import os
import random
import shutil
import sqlite3
import stat
import subprocess
import threading

import pytest

from hale import (BINARY, Hale, aggregates, ago, count_what_waits, days, envelope, hours, iso, minutes,
                  row, run, session, sessions, users, utc, wait)

DONE, FAILED, USAGE = 0, 1, 64
NOON = utc("2026-03-10T12:00:00Z")


def fill(hale, clock, count=60, seed=1):
    """Sessions of five days with users, late ends, drift and aggregates, and closed hours."""
    numbers = random.Random(seed)
    for day in range(5):
        clock.set(NOON + days(day))
        for _ in range(count):
            begun = clock.instant - hours(numbers.randrange(20)) - minutes(numbers.randrange(60))
            payload = session(numbers.choice(["ok", "exited", "errored", "crashed", "abnormal"]),
                              release=f"app@{numbers.randrange(3)}.0", at=begun,
                              did=f"user-{numbers.randrange(30)}", duration=numbers.randrange(100),
                              environment=numbers.choice(["production", "staging", None]))
            hale.send(payload)
            if numbers.randrange(3) == 0:
                hale.send({**payload, "status": "crashed", "init": False,
                           "did": f"user-{numbers.randrange(30)}"})
            if numbers.randrange(5) == 0:
                drift = hours(numbers.randrange(1, 4))
                hale.send(session("exited", at=begun - drift), sent_at=iso(clock.instant - drift))
        hale.send(aggregates([{"started": iso(clock.instant - hours(2)), "exited": 7,
                               "crashed": 2, "did": "server-user"}]))
        assert hale.cli("jobs", "run", "retention").returncode == DONE


def everything(hale):
    return (sessions(hale, statsPeriod="30d"), users(hale, statsPeriod="30d"),
            sessions(hale, statsPeriod="24h", query="release:app@1.0"))


def verify(hale):
    done = hale.cli("verify")
    assert done.returncode == DONE, done
    return done.stdout


def test_a_correct_database(start):
    hale = start(clock=NOON)
    fill(hale, hale.clock)
    text = verify(hale)
    for check in ("file", "counts", "minutes", "rows of users", "durations", "arrivals",
                  "sets of users"):
        assert check in text, text
    found = hale.cli_json("verify")
    assert found["findings"] == 0 and found["counts"] > 100
    # Old states and minutes are dropped, and the rest is still consistent.
    for later in (3, 7, 40, 100):
        hale.clock.set(NOON + days(5 + later))
        hale.cli("jobs", "run", "retention")
        hale.send(session("crashed", at=hale.clock.instant, did="user-1"))
        verify(hale)


# Damage by hand: (a statement, the check that finds it).
DAMAGES = (
    ("UPDATE session SET flags = flags + 1 WHERE flags & 7 < 3", "counts"),
    ("DELETE FROM session WHERE started = (SELECT max(started) FROM session WHERE latest IS NULL)",
     "counts"),
    ("UPDATE session SET users = x'01000000' WHERE users IS NOT NULL", "rows of users"),
    # One more change at the end, of the user with the next id.
    ("UPDATE user_minute SET changes = CAST(changes || x'02' AS BLOB) WHERE hour = (SELECT max(hour) FROM"
     " user_minute)", "rows of users"),
    ("DELETE FROM user_minute WHERE hour = (SELECT max(hour) FROM user_minute)", "rows of users"),
    ("UPDATE session_minute SET identified = x''", "minutes"),
    ("UPDATE session_day SET identified = x'ff' WHERE day = (SELECT min(day) FROM session_day)",
     "days"),
    ("UPDATE user_hour SET sets = (SELECT sets FROM user_hour LIMIT 1)", "sets of users"),
    ("DELETE FROM user_hour WHERE hour = (SELECT max(hour) FROM user_hour)", "sets of users"),
    ("UPDATE user_day SET sets = x'00'", "sets of users"),
    ("UPDATE user_environment_day SET sets = (SELECT sets FROM user_hour LIMIT 1)", "sets of users"),
    ("DELETE FROM user_environment_day", "sets of users"),
    ("DELETE FROM user", "users"),
    ("UPDATE arrival SET crashed = crashed + 1", "arrivals"),
    ("UPDATE arrival SET anonymous_errored = anonymous_errored + 1", "arrivals"),
    ("UPDATE arrival SET without_initial = without_initial + 1", "arrivals"),
    ("UPDATE duration_hour SET histogram = x''", "durations"),
    ("DELETE FROM user_day_open", "sets of users"),
    ("UPDATE duration_hour SET total = total + 1 WHERE hour = (SELECT max(hour) FROM duration_hour)",
     "durations"),
    ("DELETE FROM arrival WHERE step = (SELECT max(step) FROM arrival)", "arrivals"),
    ("UPDATE session SET latest = earliest - 1 WHERE latest IS NOT NULL", "times"),
    ("DELETE FROM scope", "days"),
    ("UPDATE scope SET release = release + 99", "file"),
)


def test_differences_are_found(start, tmp_path):
    hale = start(clock=NOON)
    fill(hale, hale.clock, count=20)
    hale.stop()
    whole = (hale.data / "hale.db").read_bytes()
    for number, (statement, check) in enumerate(DAMAGES):
        other = tmp_path / f"damaged-{number}"
        other.mkdir()
        (other / "hale.db").write_bytes(whole)
        with sqlite3.connect(other / "hale.db") as database:
            assert database.execute(statement).rowcount > 0, statement
        database.close()
        done = run("verify", "--data", other)
        assert done.returncode == FAILED, (statement, done)
        assert f"{check}: " in done.stderr, (statement, done.stderr[:500])


def test_a_backup_under_load_holds_what_was_answered(hale, tmp_path):
    """It contains what was answered before its start, and is one verified, private file."""
    stop = threading.Event()
    counts = {"answered": 0, "sent": 0}

    def load():
        with hale.connect() as connection:
            import hale as harness
            while not stop.is_set():
                body = envelope(*[session("crashed", did=f"user-{number}") for number in range(50)])
                counts["sent"] += 50
                connection.sendall(
                    f"POST {hale.envelope_path()}?sentry_key={hale.key} HTTP/1.1\r\nHost: h\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                assert harness.read_reply(connection).status == 200
                counts["answered"] += 50

    thread = threading.Thread(target=load)
    thread.start()
    wait(lambda: counts["answered"] > 500, "load")
    copies = []
    for number in range(3):
        before = counts["answered"]
        made = hale.cli_json("backup", tmp_path / f"{number}.backup")
        copies.append((before, made, counts["sent"]))
    stop.set()
    thread.join()
    for before, made, after in copies:
        assert made["verified"] and os.path.getsize(made["file"]) == made["bytes"]
        assert stat.S_IMODE(os.stat(made["file"]).st_mode) == 0o600
        assert [name for name in os.listdir(tmp_path) if "wal" in name or "part" in name] == []
        # It contains pending updates, too, which the next service folds.
        elsewhere = tmp_path / f"restored-{before}"
        assert run("restore", made["file"], "--data", elsewhere).returncode == DONE
        count_what_waits(elsewhere)
        with sqlite3.connect(elsewhere / "hale.db") as copy:
            held = copy.execute("SELECT count(*) FROM session").fetchone()[0]
        assert before <= held <= after, (before, held, after)
    refused = hale.cli("backup", copies[0][1]["file"])
    assert refused.returncode == FAILED and "--force" in refused.stderr, refused
    assert hale.cli("backup", copies[0][1]["file"], "--force").returncode == DONE
    # In a directory it is named by the time.
    named = hale.cli_json("backup", tmp_path)["file"]
    assert named.startswith(f"{tmp_path}/hale-2") and named.endswith("Z.backup"), named


def test_a_restore_counts_on(start, tmp_path):
    hale = start(clock=NOON)
    fill(hale, hale.clock, count=20)
    before = everything(hale)
    assert hale.cli("backup", tmp_path / "b").returncode == DONE
    hale.send(session("crashed", at=hale.clock.instant, did="user-1"))

    running = hale.cli("restore", tmp_path / "b", "--force")
    assert running.returncode == FAILED and "in use" in running.stderr, running
    hale.stop()
    there = hale.cli("restore", tmp_path / "b")
    assert there.returncode == FAILED and "--force" in there.stderr, there
    done = hale.cli_json("restore", tmp_path / "b", "--force")
    assert os.path.exists(done["replaced"])
    hale.start()
    assert everything(hale) == before
    # The backup has the key of the user hashes: known users do not count as new.
    hale.send(session(
        "crashed", at=hale.clock.instant - minutes(1), did="user-1", release="app@1.0"))
    after = everything(hale)
    assert sum(after[1].values()) == sum(before[1].values())
    assert after[0]["crashed"] == before[0]["crashed"] + 1
    verify(hale)
    hale.stop()
    # An empty directory needs no --force.
    elsewhere = tmp_path / "elsewhere"
    assert run("restore", tmp_path / "b", "--data", elsewhere).returncode == DONE
    assert run("verify", "--data", elsewhere).returncode == DONE


@pytest.mark.parametrize("days_kept", (7, 14))
def test_short_retention_is_no_difference(start, days_kept):
    hale = start("--retention-days", days_kept, clock=NOON)
    for _ in range(days_kept + 4):
        hale.send(session(at=hale.clock.instant, did="user-1"))
        hale.clock.advance(days(1))
        hale.cli("jobs", "run", "retention")
        verify(hale)


def test_states_behind_the_retention_job_are_dropped(start):
    """A clock that is set back between two runs creates states behind the job's position."""
    hale = start(clock=NOON)
    hale.send(session(at=NOON))
    hale.cli("jobs", "run", "retention")
    hale.clock.set(NOON - days(6))
    hale.send(session(at=NOON - days(10)))
    hale.clock.set(NOON)
    hale.cli("jobs", "run", "retention")
    hale.stop()
    with sqlite3.connect(hale.data / "hale.db") as database:
        assert database.execute("SELECT count(*) FROM session").fetchone() == (1,)


def test_a_restore_that_is_killed_loses_nothing(hale, tmp_path):
    """At whatever system call it ends, the old or the new database is complete."""
    hale.send(session())
    assert hale.cli("backup", tmp_path / "b").returncode == DONE
    for _ in range(4):
        hale.send(session("crashed"))
    hale.kill()
    source = tmp_path / "source"
    shutil.copytree(hale.data, source, ignore=shutil.ignore_patterns("*.sock"))
    ends = set()
    for call in ("rename", "link", "unlink"):
        for count in range(1, 5):
            shutil.rmtree(hale.data)
            shutil.copytree(source, hale.data)
            subprocess.run(
                ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}",
                 "-e", f"inject={call}:signal=SIGKILL:when={count}", BINARY, "restore",
                 tmp_path / "b", "--force", "--data", hale.data],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            assert hale.cli("verify").returncode == DONE, (call, count)
            hale.start()
            found = sessions(hale)
            assert found in (row(healthy=1), row(healthy=1, crashed=4)), (call, count, found)
            ends.add(found["crashed"])
            hale.kill()
    assert ends == {0, 4}


def test_destinations_that_are_refused(hale, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for place in (hale.data / "hale.db", hale.data / "hale.db-wal", hale.data / "hale.lock",
                  tmp_path / "link", "/dev/null", tmp_path / "nowhere" / "b", ""):
        done = hale.cli("backup", place, "--force")
        assert done.returncode == FAILED and str(place) in done.stderr, (place, done)
    hale.send(session())
    assert sessions(hale) == row(healthy=1)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    # An interrupted backup leaves nothing, and does not touch an earlier one.
    (tmp_path / "b.part").write_text("precious")
    assert hale.cli("backup", tmp_path / "b").returncode == DONE
    assert (tmp_path / "b.part").read_text() == "precious"


def test_everything_is_for_its_owner_alone(hale):
    for name in hale.data.iterdir():
        assert stat.S_IMODE(name.stat().st_mode) & 0o077 == 0, name


def test_users_without_their_key_are_not_counted_anew(hale):
    hale.send(session(did="user-1"))
    hale.stop()
    with sqlite3.connect(hale.data / "hale.db") as database:
        database.execute("DELETE FROM setting WHERE name = 'user_hash_key'")
    database.close()
    done = run("serve", "--listen", "127.0.0.1:0", "--data", hale.data)
    assert done.returncode == FAILED and "user hashes" in done.stderr, done


def test_what_cannot_be_restored(hale, tmp_path):
    hale.stop()
    empty = tmp_path / "empty"
    empty.touch()
    notes = tmp_path / "notes.db"
    with sqlite3.connect(notes) as other:
        other.execute("CREATE TABLE notes (text TEXT)")
    other.close()
    text = tmp_path / "text"
    text.write_text("hello " * 1000)
    before = (hale.data / "hale.db").read_bytes()
    for source in (empty, notes, text, tmp_path / "none", tmp_path):
        done = hale.cli("restore", source, "--force")
        assert done.returncode == FAILED and str(source) in done.stderr, done
    assert (hale.data / "hale.db").read_bytes() == before
    assert sorted(name.name for name in hale.data.iterdir()) == ["hale.db", "hale.lock"]


def test_a_damaged_database_is_not_started_on_nor_written_over(start, tmp_path):
    hale = start(clock=NOON)
    fill(hale, hale.clock, count=20)
    hale.stop()
    path = hale.data / "hale.db"
    whole = path.read_bytes()
    for place in (0, 100, len(whole) // 2 // 4096 * 4096, len(whole) - 4096):
        damaged = bytearray(whole)
        damaged[place:place + 64] = bytes(range(100, 164))
        path.write_bytes(damaged)
        done = run("serve", "--listen", "127.0.0.1:0", "--data", hale.data)
        assert done.returncode == FAILED, (place, done)
        assert str(path) in done.stderr and "hale restore" in done.stderr, (place, done)
        assert path.read_bytes() == bytes(damaged), place
        assert hale.cli("verify").returncode == FAILED, place


def test_damage_while_the_service_runs(start):
    """The service rejects sessions and does not write; the next start fails, too."""
    hale = start(clock=NOON)
    fill(hale, hale.clock, count=20)
    # More pages than the cache holds.
    path = hale.data / "hale.db"
    hale.cli("backup", hale.folder / "b")
    hale.stop()
    hale.start()
    size = path.stat().st_size
    with open(path, "r+b") as file:
        for place in range(4096, size, 4096):
            file.seek(place)
            file.write(bytes(range(200, 232)))
    reply = hale.post(envelope(session(at=hale.clock.instant)))
    assert reply.status == 503 and reply.headers["Retry-After"], reply
    damaged = path.read_bytes()
    assert hale.post(envelope(session(at=hale.clock.instant))).status == 503
    assert hale.request("GET", "/readyz").status == 503
    assert hale.request("GET", "/healthz").status == 200
    hale.stop()
    assert path.read_bytes() == damaged
    done = run("serve", "--listen", "127.0.0.1:0", "--data", hale.data)
    assert done.returncode == FAILED and "hale restore" in done.stderr, done
    assert hale.cli("restore", hale.folder / "b", "--force").returncode == DONE
    hale.start()
    verify(hale)
