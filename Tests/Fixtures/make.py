"""Makes the fixture of a released version: databases that it wrote, and what it answers of them.

    HALE_BINARY=…/hale .build-venv/bin/python Tests/Fixtures/make.py

The folder is named after the version of the program. `stopped.db.gz` is the database after a stop
in good order. `killed.db.gz` and `killed.db-wal.gz` are what a kill left right after an answer:
updates that are durable, but not folded. `answers.json` holds queries, and what that version
answered to them on a copy of each; `Tests/OutsideTests/test_fixtures.py` sends them to the program
that is built now. A fixture is made once, by the released program, and then stays as it is.
"""

import gzip
import json
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "OutsideTests"))

from hale import (  # noqa: E402
    Clock, Hale, aggregates, days, hours, iso, minutes, run, session, utc)
from receiver import Receiver  # noqa: E402
from test_recordings import KEY, LABELS, requests  # noqa: E402

BEGIN = utc("2026-11-22T00:00:00Z")
# All recordings arrive between.
END = utc("2026-11-24T10:00:00Z")
# Made up, as is all else.
TOKEN = "a-token-that-opens-nothing-but-this-fixture"
PUBLIC_KEY = "fedcba9876543210fedcba9876543210"
CRASH_FREE = {
    "name": "Crash-free sessions", "projects": ["shop"], "aggregate": "crash_free_rate(session)",
    "timeWindow": 60, "thresholdType": 1, "channels": ["ops"],
    "triggers": [{"label": "critical", "alertThreshold": 90},
                 {"label": "warning", "alertThreshold": 95}]}
ORGANIZATION = "/organizations/default"
# Ranges of whole days mean the same in every version.
DAYS = {"start": "2026-11-22T00:00:00Z", "end": "2026-11-23T23:59:59Z"}
COUNTS = ["sum(session)", "count_unique(user)", "crash_free_rate(session)",
          "crash_free_rate(user)", "anr_rate()"]
# Of both databases: (path, parameters).
QUERIES = [
    (f"{ORGANIZATION}/sessions/",
     {**DAYS, "interval": "1d", "field": COUNTS, "groupBy": ["release", "environment"],
      "project": "shop"}),
    (f"{ORGANIZATION}/sessions/",
     {**DAYS, "interval": "1h", "field": COUNTS[:2], "groupBy": ["project"]}),
    (f"{ORGANIZATION}/sessions/",
     {**DAYS, "interval": "1d", "field": COUNTS[:2], "includeSeries": 0,
      "groupBy": ["project", "session.status"]}),
    (f"{ORGANIZATION}/sessions/",
     {**DAYS, "interval": "1d", "field": COUNTS[:2], "includeSeries": 0, "groupBy": ["release"],
      "project": "recorded", "per_page": 100}),
    (f"{ORGANIZATION}/outcomes/", {**DAYS, "interval": "1d", "groupBy": ["reason", "project"]}),
]
# Of the one that was stopped in good order.
MORE_QUERIES = [
    (f"{ORGANIZATION}/sessions/",
     {**DAYS, "interval": "1d", "field": ["avg(session.duration)", "max(session.duration)"],
      "groupBy": ["release"], "project": "shop", "includeSeries": 0}),
    (f"{ORGANIZATION}/sessions/",
     {**DAYS, "interval": "1d", "field": COUNTS[:1], "includeSeries": 0,
      "query": "release:shop@* environment:production"}),
    (f"{ORGANIZATION}/sessions/explain/", {"bucket": "2026-11-22T09:00:00Z", "project": "shop"}),
    (f"{ORGANIZATION}/sessions/compare/",
     {**DAYS, "project": "shop", "base": "shop@1.0.0", "candidate": "shop@1.1.0"}),
    (f"{ORGANIZATION}/releases/", {"project": "shop", "health": 1, "per_page": 10}),
    (f"{ORGANIZATION}/releases/shop%401.1.0/", {}),
    ("/projects/default/shop/releases/shop%401.1.0/stats/",
     {**DAYS, "interval": "1d", "type": "sessions"}),
    (f"{ORGANIZATION}/adoption/", {**DAYS, "interval": "1d", "project": "shop"}),
    (f"{ORGANIZATION}/active/", {"groupBy": ["project"]}),
    ("/projects/default/shop/budget/", {}),
    ("/projects/default/shop/objectives/", {}),
    ("/projects/default/recorded/keys/", {}),
    (f"{ORGANIZATION}/projects/", {}),
    (f"{ORGANIZATION}/environments/", {}),
    (f"{ORGANIZATION}/org-auth-tokens/", {}),
    (f"{ORGANIZATION}/alert-rules/", {}),
    (f"{ORGANIZATION}/incidents/", {"per_page": 5}),
    (f"{ORGANIZATION}/notice-channels/", {}),
    (f"{ORGANIZATION}/notices/", {"per_page": 5}),
]


class World:
    """A service on its way through the three days, or on a copy of what it left."""

    def __init__(self, folder, data=None):
        folder.mkdir()
        clock = Clock(folder / "now", BEGIN if data is None else END)
        self.hale = Hale(
            folder, "--now", f"@{clock.path}", "--public-url", "https://hale.example.com",
            "--private-notice-hosts", "127.0.0.1", data=data,
            env={"HALE_INITIAL_PROJECT": "shop", "HALE_INITIAL_KEY": PUBLIC_KEY,
                 "HALE_INITIAL_TOKEN": TOKEN})
        self.hale.clock = clock
        self.hale.start()
        self.hale.token, self.hale.dsn = TOKEN, f"https://{PUBLIC_KEY}@hale.example.com/1"

    def command(self, *arguments):
        done = self.hale.cli(*arguments, "--now", iso(self.hale.clock.instant))
        assert done.returncode == 0, done
        return done.stdout

    def catalog(self, receiver):
        """Rows in every table of the catalog."""
        self.command("project", "create", "recorded", "--id", "42", "--public-key", KEY)
        self.command("org", "create", "other")
        made = json.loads(self.command("key", "create", "42", "--json"))
        self.command("key", "revoke", made["publicKey"])
        self.command("token", "create", "dashboard")
        self.command("objective", "set", "shop", "--crash-free-sessions", "99")
        self.command("channel", "create", "ops", "--kind", "webhook", "--url", receiver.url())
        reply = self.hale.request(
            "POST", f"/api/0{ORGANIZATION}/alert-rules/", json.dumps(CRASH_FREE),
            {"Authorization": f"Bearer {TOKEN}"})
        assert reply.status == 201, reply

    def hour(self, at):
        """The traffic of an hour: a release that spreads in a day, with two bad hours."""
        number = round((at - BEGIN) / hours(1))
        for index in range(12):
            status = "exited"
            if number in (33, 34) and index % 3 == 0 or index == number % 40:
                status = "crashed"
            elif index == 9 and number % 8 == 0:
                status = "abnormal"
            elif index == 10 and number % 6 == 0:
                status = "unhandled"
            self.hale.send(session(
                status, release=f"shop@1.{int(index < number - 20)}.0",
                environment="staging" if index == 11 else "production",
                sid=f"{number:08x}-0000-4000-8000-{index:012x}",
                did=f"user-{(number * 5 + index) % 40}", at=at - minutes(5 * index + 1),
                duration=index * 1.5, errors=int(index == 7),
                abnormal_mechanism="anr_foreground" if status == "abnormal" else None))
        self.hale.send(aggregates(
            [{"started": iso(at - minutes(3)), "exited": 20, "errored": 2, "crashed": number % 2}],
            release="shop-server@7"))
        # What is not counted has an outcome: a session that is too old, and what is no session.
        self.hale.send(session(release="shop@0.9", at=at - days(10)), b'{"type":"profile"}\n{}\n')

    def play(self):
        """All of the three days, the recordings among them."""
        recorded = sorted(
            (request for label in LABELS if not label.endswith("__dsn-path")
             for request in requests(label)), key=lambda request: request.received)
        at = BEGIN
        while at < END:
            at += hours(1)
            while recorded and recorded[0].received < at:
                request = recorded.pop(0)
                self.hale.clock.set(request.received)
                with self.hale.connect() as connection:
                    connection.sendall(request.bytes())
                    assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            self.hale.clock.set(at)
            self.hour(at)
            for job in ("adoption", "alerts", "notices"):
                self.command("jobs", "run", job)
        assert not recorded
        # A session of the first day turns out to have crashed; and the job of the night runs.
        self.hale.send(late_crash(3))
        self.command("jobs", "run", "retention")

    def answers(self, queries):
        found = []
        for path, parameters in queries:
            reply = self.hale.get(path, parameters)
            assert reply.status == 200, (path, reply)
            found.append({"path": path, "parameters": parameters, "answer": reply.json})
        assert self.hale.stop() == 0
        return found


def late_crash(number):
    """A crash of a session of ten o'clock on the first day, which had ended well."""
    return session(
        "crashed", release="shop@1.0.0", did="user-99", init=None,
        at=BEGIN + hours(10) - minutes(5 * number + 1),
        sid=f"{10:08x}-0000-4000-8000-{number:012x}")


def killed(folder, data):
    """What a kill left, with updates that wait to be folded."""
    for attempt in range(20):
        copy = folder / f"killed-{attempt}"
        shutil.copytree(data, copy)
        world = World(folder / f"killing-{attempt}", copy)
        # More than are folded at once.
        fresh = [session(release="shop@1.1.0", did=f"user-{index}", at=END - days(1),
                         sid=f"ffffffff-0000-4000-8000-{index:012x}") for index in range(90)]
        world.hale.send(*fresh, late_crash(4), late_crash(5))
        world.hale.kill()
        # A look changes it.
        for file in ("hale.db", "hale.db-wal"):
            shutil.copy(copy / file, folder / file)
        with sqlite3.connect(folder / "hale.db") as database:
            if database.execute("SELECT count(*) FROM pending").fetchone()[0]:
                return copy
    raise SystemExit("All was folded before each kill.")


def keep(source, target):
    # Without a time in it: the same bytes give the same file.
    target.write_bytes(gzip.compress(source.read_bytes(), 9, mtime=0))


def main():
    version = run("--version").stdout.strip()
    target = FOLDER / version
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        target.mkdir()
        # Some notices are delivered, some wait for another attempt.
        receiver = Receiver(*[200] * 20, *[500] * 100)
        made = World(folder / "made")
        made.catalog(receiver)
        made.play()
        assert made.hale.stop() == 0
        receiver.close()
        keep(made.hale.data / "hale.db", target / "stopped.db.gz")
        victim = killed(folder, made.hale.data)
        for file in ("hale.db", "hale.db-wal"):
            keep(victim / file, target / f"{file.replace('hale', 'killed')}.gz")
        answers = {
            "version": version, "now": iso(END), "token": TOKEN, "key": PUBLIC_KEY,
            "stopped": World(folder / "a", made.hale.data).answers(QUERIES + MORE_QUERIES),
            "killed": World(folder / "b", victim).answers(QUERIES)}
    (target / "answers.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
