"""Parts: the binary, memory at rest, reading, user sets, disk space, the start."""

import contextlib
import json
import sqlite3
import subprocess
import time

from hale import BINARY, envelope, read_reply, session, utc
from machine import memory
from servers import Service
from worlds import NOW, World, bench, stored

IDLE_WORLDS = {"empty": World(sessions=0), "1 M sessions": World(sessions=1_000_000)}
DISK_WORLDS = [World(sessions=1_000_000), stored(10)]


def binary(report, worlds, nginx, settings):
    """Size of the stripped program."""
    stripped = worlds.work / "stripped"
    subprocess.run(["strip", "-o", stripped, BINARY], check=True)
    report.add("release binary, stripped, MB", stripped.stat().st_size / 1e6, "<= 20")


def idle(report, worlds, nginx, settings):
    """Memory at rest, after the start and without requests."""
    for name, world in IDLE_WORLDS.items():
        samples, parts = [], []
        for _ in range(settings.rounds):
            with worlds.copy(world) as data, Service(data) as service:
                # By then the first catalog refreshes and the first hourly job are done.
                time.sleep(3)
                pid = service.process.pid
                samples.append(memory(pid) / 1e6)
                parts.append({name: memory(pid, name)
                              for name in ("RssAnon", "RssFile", "RssShmem")})
        report.add(f"resident memory idle, {name}, MB", samples, "<= 15", parts)


def parts(report, worlds, nginx, settings):
    """Reading an envelope and folding an update, alone."""
    figures = bench("envelope")
    report.add("reading an envelope of one session, ns", figures["ns_median"], "<= 1,000", figures)
    figures = bench("reduce")
    report.add("folding an update into its session, ns", figures["ns_median"], "", figures)


def users(report, worlds, nginx, settings):
    """Size of the largest user set of a day, from 1 % to all of a million users."""
    figures = bench("users", "--users", 1_000_000, "--path", worlds.work / "users.db")
    sizes = {name: value for name, value in figures.items() if name.startswith("bytes")}
    report.add("user set at 1 M users, the largest, kB", max(sizes.values()) / 1000,
               "<= 140", figures)


def disk(report, worlds, nginx, settings):
    """Bytes per session that can still change: state, users, counts."""
    for world in [World(sessions=1_000_000)] if settings.quick else DISK_WORLDS:
        path = worlds.get(world) / "hale.db"
        size = path.stat().st_size / (world.sessions + world.open)
        report.add(f"disk a session, {world.sessions / 1e6:g} M, hot, user row included, bytes",
                   size, "<= 90", by_table(path, world))


def by_table(path, world):
    """Bytes per session of each table, if Python's SQLite has dbstat."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as file:
        try:
            rows = file.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall()
        except sqlite3.OperationalError:
            return None
    count = world.sessions + world.open
    return {name: size / count for name, size in sorted(rows) if size > 1 << 20}


def start(report, worlds, nginx, settings):
    """Time from the start of the process to the first 200 for a session. A start checks all of a
    small database and a part of a large one."""
    for millions in (1, 50):
        times = start_times(worlds, stored(millions))
        report.add(f"start to the first 200, {millions} M sessions stored, ms", times, "<= 100")


def start_times(worlds, world):
    """The milliseconds of five starts."""
    with worlds.copy(world) as data:
        service = Service(data)
        try:
            service.start()
            port, times = service.port, []
            for _ in range(5):
                service.stop()
                service.listen = f"127.0.0.1:{port}"
                began = time.perf_counter()
                service.spawn()
                first_answer(service)
                times.append((time.perf_counter() - began) * 1000)
            return times
        finally:
            service.end()


def first_answer(service):
    body = envelope(session(at=utc(NOW)))
    request = (f"POST {service.envelope_path(1)}?sentry_key={service.key} HTTP/1.1\r\nHost: h\r\n"
               f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    while True:
        service.assert_runs()
        try:
            with service.connect(5) as connection:
                connection.sendall(request)
                if read_reply(connection).status == 200:
                    return
        except (OSError, json.JSONDecodeError):
            time.sleep(0.0005)
