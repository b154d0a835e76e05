"""Every system call fails once in each possible way.

A run without faults counts the calls of each kind (`shim.c`). Then the run is repeated once for
each of those calls and each way to fail. The service may refuse to start, answer 503, or
close connections; but what it answers 200 is kept, it serves again, it leaks no descriptor, and
everything it counted is right.

There is one exception: a read that returns wrong bytes without an error during a WAL checkpoint.
SQLite does not check them, so that the file is damaged. The damage must then be reported, by `hale
verify` and at the next start.
"""

import errno
import os
import shutil
import sqlite3
import time
from pathlib import Path

from hale import Hale, count_what_waits, envelope, read_reply, run, session

WAYS = {
    "open": (errno.EMFILE, errno.EIO, errno.ENOSPC),
    "write": (errno.ENOSPC, errno.EIO),
    "pwrite": (errno.EIO, errno.ENOSPC, errno.EINTR, "short"),
    "pread": (errno.EIO, errno.EINTR, "short", "corrupt"),
    "sync": (errno.EIO, errno.ENOSPC),
    "ftruncate": (errno.EIO, errno.ENOSPC),
    # The error of another process's lock, which SQLite reports as busy.
    "lock": (errno.EAGAIN, errno.EIO),
    "mmap": (errno.ENOMEM,),
    "accept": (errno.EMFILE, errno.ECONNABORTED, errno.EINTR, errno.ENOMEM),
    "recv": (errno.EINTR, errno.EAGAIN, errno.ECONNRESET, "short"),
    "send": (errno.EINTR, errno.EAGAIN, errno.EPIPE, "short"),
    "epoll_wait": (errno.EINTR,),
    "epoll_ctl": (errno.ENOMEM, errno.ENOSPC),
}
# The time limit for a service to serve again.
PATIENCE = 10


def name(way):
    return way if isinstance(way, str) else errno.errorcode[way]


class Scenario:
    """A service on a copy of a database, with the same requests each time."""

    def __init__(self, folder, shim, template, fault=None):
        self.folder = Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(template.data, self.folder / "data")
        for leftover in ("hale.sock", "hale.lock"):
            (self.folder / "data" / leftover).unlink(missing_ok=True)
        self.trace = self.folder / "trace"
        environment = {"LD_PRELOAD": str(shim), "HALE_SHIM_DIR": str(self.folder / "data"),
                       "HALE_SHIM_TRACE": str(self.trace)}
        if fault:
            environment["HALE_SHIM_FAULT"] = fault
        self.hale = Hale(self.folder, env=environment)
        self.hale.dsn, self.hale.token = template.dsn, template.token
        self.answered, self.sent = [], []

    @property
    def is_hit(self):
        return self.trace.with_suffix(".hit").exists()

    def starts(self):
        """Whether the service came up; if not, it must have printed the reason."""
        hale = self.hale.spawn()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status = hale.process.poll()
            if status is not None:
                assert status == 1 and "Error: " in hale.err.read_text(), (status, hale.log())
                return False
            printed = hale.printed()
            if printed:
                hale.host, port = printed["address"].split("//")[1].rsplit(":", 1)
                hale.port = int(port)
                return True
            time.sleep(0.005)
        raise AssertionError(f"neither up nor ended:\n{hale.log()}")

    def send(self):
        """Sends a session on a connection of its own; returns the status, or None."""
        payload = session("crashed", did=f"user-{len(self.sent)}", release="app@1.0")
        self.sent.append(payload["sid"])
        body = envelope(payload)
        try:
            with self.hale.connect(PATIENCE) as connection:
                connection.sendall(
                    f"POST {self.hale.envelope_path()}?sentry_key={self.hale.key} HTTP/1.1\r\n"
                    f"Host: h\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                status = read_reply(connection).status
        except (OSError, ValueError, EOFError):
            return None
        except Exception as error:
            if type(error).__module__ != "http.client":
                raise
            return None
        assert status in (200, 408, 503), status
        if status == 200:
            self.answered.append(payload["sid"])
        return status

    def query(self, path, params=()):
        try:
            return self.hale.get(path, params).status
        except OSError:
            return None
        except Exception as error:
            if type(error).__module__ != "http.client":
                raise
            return None

    def body(self):
        """The requests of each run."""
        for _ in range(4):
            self.send()
        self.query("/organizations/default/sessions/",
                 [("field", "sum(session)"), ("field", "count_unique(user)"),
                  ("statsPeriod", "24h")])
        self.query("/organizations/default/releases/", [("health", "1"), ("flatten", "1")])
        self.hale.cli("jobs", "run", "retention")
        self.send()

    def serves_again(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.send() == 200:
                return True
            time.sleep(0.02)
        return False

    def open_descriptors(self, wanted=0):
        """The open descriptors without clients; waits until they are at most `wanted`."""
        end = time.monotonic() + (2 if wanted else 0.2)
        fewest = 1 << 30
        while time.monotonic() < end and fewest > wanted:
            fewest = min(fewest, len(os.listdir(f"/proc/{self.hale.process.pid}/fd")))
            time.sleep(0.01)
        return fewest


def make_template(folder):
    hale = Hale(folder)
    hale.start()
    for number in range(30):
        hale.send(session(["ok", "crashed"][number % 2], did=f"before-{number}"))
    hale.cli("jobs", "run", "retention")
    assert hale.stop() == 0
    return hale


def count_calls(folder, shim, template):
    """The calls of a run without faults: the fewest of three runs, which differ in waits."""
    fewest = {}
    for _ in range(3):
        scenario = Scenario(folder, shim, template)
        assert scenario.starts()
        scenario.body()
        assert scenario.hale.stop() == 0
        counts = {call: int(count) for call, count in
                  (line.split() for line in scenario.trace.read_text().splitlines())}
        fewest = {call: min(count, fewest.get(call, count)) for call, count in counts.items()}
    return fewest


def points(counts):
    return [(call, number, way) for call, count in sorted(counts.items())
            for number in range(1, count + 1) for way in WAYS[call]]


def try_point(folder, shim, template, point, descriptors):
    """One run with one fault. Returns what is wrong, or None; raises if it was not hit."""
    call, number, way = point
    scenario = Scenario(folder, shim, template, f"{call}:{number}:{way}")
    hale = scenario.hale
    try:
        is_up = scenario.starts()
        if is_up:
            scenario.body()
            # Runs differ in the number of waits; this reaches calls that were not reached yet.
            end = time.monotonic() + PATIENCE
            while not scenario.is_hit and time.monotonic() < end and call != "mmap":
                scenario.send()
            if hale.process.poll() is None and scenario.serves_again():
                left = scenario.open_descriptors(descriptors)
                if left > descriptors:
                    return f"{left} descriptors, {descriptors} without the fault"
                status = hale.stop()
                if status != 0:
                    return f"ended with {status}:\n{hale.log(5)}"
            elif not refused(scenario, way):
                return f"does not serve again:\n{hale.log(5)}"
        if not scenario.is_hit:
            raise LookupError(point)
    finally:
        hale.end()
    # Without the fault everything that was answered counts once.
    checked = run("verify", "--data", hale.data)
    if checked.returncode != 0:
        again = run("serve", "--listen", "127.0.0.1:0", "--data", hale.data)
        named = again.returncode == 1 and "hale restore" in again.stderr
        return None if way == "corrupt" and named else f"verify: {checked.stderr}"
    count_what_waits(hale.data)
    with sqlite3.connect(hale.data / "hale.db") as database:
        held = [sid.hex() for sid, in database.execute("SELECT sid FROM session")]
    database.close()
    missing = [sid for sid in scenario.answered if sid.replace("-", "") not in held]
    if missing:
        return f"{len(missing)} of {len(scenario.answered)} answered sessions are lost"
    after = Hale(hale.folder / "after", data=hale.data)
    after.dsn, after.token = hale.dsn, hale.token
    try:
        after.start()
        after.dsn = template.dsn
        after.send(session())
        assert after.stop() == 0
    finally:
        after.end()
    return None


def refused(scenario, way):
    """Whether a service that does not serve printed a reason before its first response, or reported
    damage."""
    if way == "corrupt":
        return "hale restore" in scenario.hale.log()
    ended = scenario.hale.process.poll() == 1
    return ended and not scenario.answered and "Error: " in scenario.hale.log()


def try_all(folder, shim, every=1, say=lambda text: None):
    """Returns the number of points for each call, the number hit, and what is wrong."""
    folder = Path(folder)
    template = make_template(folder / "template")
    counts = count_calls(folder / "count", shim, template)
    descriptors = 0
    for _ in range(5):
        scenario = Scenario(folder / "idle", shim, template)
        assert scenario.starts()
        scenario.body()
        assert scenario.serves_again()
        descriptors = max(descriptors, scenario.open_descriptors())
        scenario.hale.stop()
    chosen = points(counts)[::every]
    wrong, hit = [], 0
    for index, point in enumerate(chosen):
        for attempt in range(3):
            try:
                problem = try_point(folder / "run", shim, template, point, descriptors)
            except LookupError:
                problem = "was not hit"
                continue
            hit += 1
            break
        if problem:
            wrong.append((point[0], point[1], name(point[2]), problem))
            say(f"{wrong[-1]}")
        if index % 100 == 99:
            say(f"{index + 1} of {len(chosen)} points, {len(wrong)} wrong")
    return counts, len(chosen), hit, wrong
