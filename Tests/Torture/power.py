"""Power loss: writes that are not synced are lost in part, torn at any sector and in any order.

The built program runs under load with `shim.c`, which records every write and sync. From the
record the files are built as a disk may have them at any moment: everything that was synced, and
any part of the later writes, by sectors of 512 bytes. On each of them the program must find an
intact database with every session that was answered 200 by then, and none twice.

The file system is assumed to sync earlier changes of names with a file (as ext4 and XFS do), and to
write a sector completely or not at all.
"""

import http.client
import random
import re
import shutil
import sqlite3
import struct
import threading
import time
import uuid
from pathlib import Path

from hale import (
    Hale, PATIENCE, count_what_waits, envelope, read_reply, row, run, session, sessions)

HEAD = struct.Struct("<cQIQI")
SECTOR = 512


class Sent:
    """The sessions of the clients, with the time of each response."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answered = {}
        self.statuses = {}

    def send(self, connection, hale, payloads):
        body = envelope(*payloads)
        with self.lock:
            for payload in payloads:
                known = self.statuses.setdefault(payload["sid"], [])
                known.append(payload)
        connection.sendall(
            f"POST {hale.envelope_path()}?sentry_key={hale.key} HTTP/1.1\r\nHost: h\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        reply = read_reply(connection)
        at = time.monotonic_ns()
        if reply.status == 200:
            with self.lock:
                for payload in payloads:
                    self.answered.setdefault((payload["sid"], payload["status"]), at)
        return reply.status


def load(hale, sent, clients, is_over, seed=0):
    """Sends new sessions, ends of earlier ones, and repetitions over many connections."""
    def work(seed):
        numbers = random.Random(seed)
        mine = []
        try:
            connection = hale.connect()
        except OSError:
            return
        with connection:
            while not is_over():
                payloads = []
                for _ in range(numbers.randrange(1, 30)):
                    if mine and numbers.random() < 0.4:
                        earlier = numbers.choice(mine)
                        payloads.append({**earlier, "status": "crashed", "init": False})
                    else:
                        mine.append(session("ok", did=f"user-{numbers.randrange(500)}",
                                            release=f"app@{numbers.randrange(4)}.0",
                                            sid=uuid.UUID(int=numbers.getrandbits(128)).hex))
                        payloads.append(mine[-1])
                try:
                    sent.send(connection, hale, payloads)
                except (OSError, ValueError, http.client.HTTPException):
                    return

    threads = [threading.Thread(target=work, args=(seed + number,))
               for number in range(clients)]
    for thread in threads:
        thread.start()
    return threads


def record(folder, shim, seconds, syncs=True):
    """Runs the service under load until checkpoints have happened.

    Returns the record of its writes, and the sessions of the clients."""
    log = Path(folder) / "writes.log"
    environment = {"LD_PRELOAD": str(shim), "HALE_SHIM_DIR": str(Path(folder) / "data"),
                   "HALE_SHIM_LOG": str(log)}
    if not syncs:
        environment["HALE_SHIM_NOSYNC"] = "1"
    hale = Hale(folder, env=environment)
    try:
        hale.start()
        sent = Sent()
        end = time.monotonic() + seconds
        threads = load(hale, sent, 8, lambda: time.monotonic() > end)
        while time.monotonic() < end:
            hale.cli("jobs", "run", "retention")
            time.sleep(0.3)
        for thread in threads:
            thread.join(PATIENCE)
        hale.kill()
    finally:
        hale.end()
    return log, sent, hale


class Disk:
    """The files on a disk, and the writes that are not synced."""

    def __init__(self):
        self.durable = {}
        self.pending = {}
        self.names = {}
        self.unlinked = {}

    def apply(self, what, number, offset, data):
        if what == b"o":
            path = data.decode()
            self.names[number] = path
            self.pending.setdefault(path, [])
            if not path.endswith("-shm"):
                self.unlinked.pop(path, None)
        elif what == b"w":
            self.pending[self.names[number]].append(("w", offset, data))
        elif what == b"t":
            self.pending[self.names[number]].append(("t", offset, b""))
        elif what == b"u":
            path = data.decode()
            self.unlinked[path] = self.durable.pop(path, None)
            self.pending.pop(path, None)
        elif what == b"s":
            path = self.names[number]
            self.unlinked.clear()
            content = self.durable.setdefault(path, bytearray())
            for operation in self.pending.get(path, []):
                change(content, *operation)
            self.pending[path] = []

    def cut(self, folder, numbers):
        """Writes the files as a power loss may leave them now."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        paths = set(self.durable) | {path for path, waiting in self.pending.items() if waiting}
        for path in paths:
            # The WAL index is only in memory.
            if path.endswith("-shm") or path.endswith(".lock"):
                continue
            waiting = list(self.pending.get(path, []))
            numbers.shuffle(waiting)
            parts = []
            share = numbers.choice((0, 0.5, 0.9, 1))
            for what, offset, data in waiting:
                if what == "t":
                    parts.append((what, offset, data))
                    continue
                for start in range(0, len(data), SECTOR):
                    parts.append((what, offset + start, data[start:start + SECTOR]))
            parts = [part for part in parts if numbers.random() < share]
            if path not in self.durable and not parts:
                continue
            content = bytearray(self.durable.get(path, b""))
            for part in parts:
                change(content, *part)
            (folder / Path(path).name).write_bytes(content)
        for path, content in self.unlinked.items():
            if content is not None and numbers.random() < 0.5:
                (folder / Path(path).name).write_bytes(content)


def change(content, what, offset, data):
    if what == "t":
        if offset < len(content):
            del content[offset:]
        else:
            content.extend(bytes(offset - len(content)))
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


def records(log):
    data = log.read_bytes()
    at = 0
    while at + HEAD.size <= len(data):
        what, moment, number, offset, count = HEAD.unpack_from(data, at)
        at += HEAD.size
        if at + count > len(data):
            return
        body = b"" if what == b"o" and count == 0 else data[at:at + count]
        at += count
        yield what, moment, number, offset, body


def lost(folder, sent, moment):
    """Returns what is missing after a power loss: sessions, or worse statuses of them, that were
    answered before; or what the program reports as wrong."""
    checked = run("verify", "--data", folder)
    if "brings it in order" in checked.stderr:
        # Cut during the first start, before the WAL existed: the next writer repairs it.
        run("org", "list", "--data", folder)
        checked = run("verify", "--data", folder)
    if checked.returncode != 0:
        answered = any(at <= moment for at in sent.answered.values())
        empty = "is empty" in checked.stderr or "There is no" in checked.stderr
        return [] if empty and not answered else [f"verify: {checked.stderr[-800:]}"]
    count_what_waits(folder)
    with sqlite3.connect(folder / "hale.db") as database:
        held = {sid.hex(): flags & 7 for sid, flags in
                database.execute("SELECT sid, flags FROM session")}
        rows = database.execute("SELECT count(*) FROM session").fetchone()[0]
    database.close()
    problems = []
    if rows != len(held):
        problems.append(f"{rows - len(held)} sessions twice")
    for (sid, status), at in sent.answered.items():
        if at <= moment and held.get(sid, -1) < (4 if status == "crashed" else 0):
            problems.append(f"{status} update of {sid} is lost")
    problems += [f"{sid} was never sent" for sid in held if sid not in sent.statuses]
    return problems


def cut_often(folder, log, sent, hale, cuts, seed, restarts=5, say=lambda text: None):
    """Cuts the power at random moments. Returns what is wrong, by moment."""
    numbers = random.Random(seed)
    everything = list(records(log))
    moments = sorted(numbers.sample(range(len(everything)), min(cuts, len(everything))))
    disk, wrong, position = Disk(), {}, 0
    target = Path(folder) / "cut"
    for count, moment in enumerate(moments):
        while position <= moment:
            what, _, number, offset, data = everything[position]
            disk.apply(what, number, offset, data)
            position += 1
        disk.cut(target, numbers)
        problems = lost(target, sent, everything[moment][1])
        if not problems and restarts and count % max(1, len(moments) // restarts) == 0:
            problems = counts_on(Path(folder) / f"restart-{count}", target, sent, hale)
        if problems:
            wrong[moment] = problems
        if count % 50 == 49:
            say(f"{count + 1} cuts, {len(wrong)} with a loss")
    return wrong


def counts_on(folder, target, sent, before):
    """Starts the service on the files; clients send again, and everything counts once."""
    if not (target / "hale.db").exists():
        return []
    shutil.copytree(target, folder / "data")
    hale = Hale(folder)
    hale.dsn, hale.token = before.dsn, before.token
    try:
        hale.start()
        if hale.get("/organizations/default/").status == 401:
            # Cut before the first start created the token.
            return []
        hale.dsn = re.sub(r":\d+/", f":{hale.port}/", hale.dsn)
        payloads = [payload for known in sent.statuses.values() for payload in known]
        with hale.connect() as connection:
            for first in range(0, len(payloads), 90):
                status = Sent().send(connection, hale, payloads[first:first + 90])
                assert status == 200, status
        crashed = sum(any(payload["status"] == "crashed" for payload in known)
                      for known in sent.statuses.values())
        found, wanted = sessions(hale), row(healthy=len(sent.statuses) - crashed, crashed=crashed)
        return [] if found == wanted else [f"after sending again {found}, wanted {wanted}"]
    finally:
        hale.end()
        shutil.rmtree(folder)
