"""Drives the built binary as its users do: processes, sockets, files, and the JSON API.

Nothing here depends on the inside of Hale. The output of processes goes to files, because a full
pipe would block them; it is shown when a test fails.
"""

import datetime
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("HALE_BINARY") or ROOT / ".build" / "release" / "hale")
STATUSES = ("healthy", "errored", "unhandled", "abnormal", "crashed")

# The time limit of anything that should happen at once. It is generous, because a test machine may
# be busy; a passing test never waits that long.
PATIENCE = 30


def wait(condition, what, seconds=PATIENCE):
    """Returns the condition's first true value; fails after the time limit."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.01)


# Time ------------------------------------------------------------------------------------


def utc(text):
    """An instant from RFC 3339 text."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def from_seconds(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def iso(instant):
    """RFC 3339 with milliseconds, as most SDKs write it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def ago(**span):
    return now() - datetime.timedelta(**span)


def hours(count):
    return datetime.timedelta(hours=count)


def minutes(count):
    return datetime.timedelta(minutes=count)


def seconds(count):
    return datetime.timedelta(seconds=count)


def days(count):
    return datetime.timedelta(days=count)


class Clock:
    """The clock file of a service with `--now @FILE`."""

    def __init__(self, path, instant):
        self.path = Path(path)
        self.set(instant)

    def set(self, instant):
        self.instant = instant
        # By rename, so that the service never reads half a line.
        fresh = self.path.with_suffix(".new")
        fresh.write_text(iso(instant) + "\n")
        os.replace(fresh, self.path)

    def advance(self, span):
        self.set(self.instant + span)


# Envelopes -------------------------------------------------------------------------------


def session(status="exited", release="app@1.0", environment="production", **fields):
    """The payload of a `session` item, without the fields that are None."""
    attrs = {"release": release}
    if environment is not None:
        attrs["environment"] = environment
    payload = {
        "sid": str(uuid.uuid4()),
        "init": True,
        "started": iso(fields.pop("at", None) or now()),
        "status": status,
        "errors": 0,
        "attrs": attrs,
    }
    payload.update(fields)
    return {key: value for key, value in payload.items() if value is not None}


def aggregates(buckets, release="app@1.0", environment="production"):
    """The payload of a `sessions` item."""
    attrs = {"release": release}
    if environment is not None:
        attrs["environment"] = environment
    return {"aggregates": buckets, "attrs": attrs}


def item(payload, kind=None, length=True, **header):
    """One item of an envelope with its header."""
    if kind is None:
        kind = "sessions" if "aggregates" in payload else "session"
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    header = {"type": kind, **header}
    if length:
        header["length"] = len(body)
    return json.dumps(header).encode() + b"\n" + body + b"\n"


def envelope(*payloads, **header):
    """An envelope; items may be payloads or ready-made bytes of `item`."""
    items = [part if isinstance(part, bytes) else item(part) for part in payloads]
    return json.dumps(header).encode() + b"\n" + b"".join(items)


# Replies ---------------------------------------------------------------------------------


class Reply:
    """A response, read to its end."""

    def __init__(self, response):
        self.status = response.status
        self.body = response.read()
        self.headers = response.headers
        self.closes = response.will_close

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        return self.json.get("detail")

    @property
    def causes(self):
        return self.json.get("causes", [])

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


def read_reply(connection, method="POST"):
    """Reads one response from a socket."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return Reply(response)


def read_to_end(connection):
    """All bytes until the other side closes."""
    parts = []
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


# The service -----------------------------------------------------------------------------


def environment(extra=None):
    """The environment of every process: no settings of Hale from outside, and no backtracer, which
    could outlive a killed process and keep its files open."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HALE_")}
    return {**kept, "SWIFT_BACKTRACE": "enable=no", **(extra or {})}


def run(*arguments, env=None, timeout=PATIENCE, cwd=None):
    """Runs one command of the program to its end."""
    return subprocess.run(
        [str(BINARY), *map(str, arguments)],
        env=environment(env), cwd=cwd, timeout=timeout, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def count_what_waits(data):
    """Folds pending updates, as the next start of the service would."""
    done = run("jobs", "run", "adoption", "--data", data)
    assert done.returncode == 0, done.stderr


class Hale:
    """A service on a data directory of its own; it can be killed and started again."""

    def __init__(self, folder, *arguments, env=None, data=None, listen="127.0.0.1:0"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = Path(data) if data else self.folder / "data"
        self.arguments = [str(part) for part in arguments]
        self.env = env
        self.listen = listen
        self.starts = 0
        self.process = None
        self.expected_end = False
        self.dsn = self.token = None

    # Life

    def spawn(self):
        """Starts the process without waiting for it."""
        self.starts += 1
        self.out = self.folder / f"out-{self.starts}.txt"
        self.err = self.folder / f"err-{self.starts}.txt"
        self.expected_end = False
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [str(BINARY), "serve", "--listen", self.listen, "--data", str(self.data),
                 *self.arguments],
                env=environment(self.env), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        return self

    def start(self):
        self.spawn()
        self.address = wait(self._printed, "the address on standard output")["address"]
        parts = urllib.parse.urlsplit(self.address)
        self.host, self.port = parts.hostname, parts.port
        wait(self._healthy, "/healthz answering 200")
        # A later start prints neither; those of the first start are kept.
        printed = self._printed()
        self.dsn = printed.get("DSN", self.dsn)
        self.token = printed.get("token", self.token)
        return self

    def _printed(self):
        self.assert_runs()
        return self.printed()

    def printed(self):
        """Waits for the lines that the service prints at its start, or for its end."""
        lines = re.findall(r"^(address|DSN|token)\s+(\S+)\s*$", self.out.read_text(), re.M)
        printed = dict(lines)
        return printed if "address" in printed else None

    def _healthy(self):
        self.assert_runs()
        try:
            return self.request("GET", "/healthz").status == 200
        except OSError:
            return False

    def assert_runs(self):
        status = self.process.poll()
        assert status is None, f"the service ended with {status}:\n{self.log()}"

    def kill(self):
        """Kills the process by SIGKILL."""
        self.expected_end = True
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def stop(self):
        """Stops the service by SIGTERM, and returns its exit status."""
        self.expected_end = True
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def end(self):
        """Ends the process, and returns its status if it had ended by itself."""
        if self.process is None:
            return None
        status = self.process.poll()
        if status is None:
            self.kill()
            return None
        return None if self.expected_end else status

    def log(self, lines=60):
        text = self.err.read_text(errors="replace").splitlines()
        return "\n".join(text[-lines:])

    # What the DSN says

    @property
    def key(self):
        return urllib.parse.urlsplit(self.dsn).username

    @property
    def project(self):
        return int(self.dsn.rsplit("/", 1)[1])

    @property
    def auth(self):
        return {"X-Sentry-Auth": f"Sentry sentry_key={self.key}, sentry_version=7, "
                                 "sentry_client=outside.tests/1.0"}

    def envelope_path(self, project=None):
        return f"/api/{project or self.project}/envelope/"

    # Requests

    def connect(self, timeout=PATIENCE):
        return socket.create_connection((self.host, self.port), timeout)

    def request(self, method, target, body=None, headers=None, timeout=PATIENCE):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            # http.client adds only Host, Accept-Encoding and Content-Length.
            connection.request(method, target, body=body, headers=headers or {})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def post(self, body, headers=None, auth=True, target=None):
        """Posts an envelope as an SDK with `X-Sentry-Auth` would."""
        merged = {**(self.auth if auth else {}), **(headers or {})}
        return self.request("POST", target or self.envelope_path(), body, merged)

    def send(self, *payloads, **header):
        """Posts session items; they must be answered 200."""
        reply = self.post(envelope(*payloads, **header))
        assert reply.status == 200, reply
        return reply

    def raw(self, data):
        """Sends bytes unchanged, and returns all bytes until the connection closes."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_to_end(connection)

    def get(self, path, params=(), token=None):
        """Sends a GET to the API."""
        pairs = params.items() if isinstance(params, dict) else params
        query = urllib.parse.urlencode(list(pairs), doseq=True)
        return self.request(
            "GET", f"/api/0{path}" + (f"?{query}" if query else ""),
            headers={"Authorization": f"Bearer {token or self.token}"})

    def sessions(self, *fields, group=(), org="default", **params):
        """The response of the sessions endpoint, which must be 200."""
        # A start or end replaces the period.
        period = {} if "start" in params else {"statsPeriod": "24h"}
        reply = self.get(f"/organizations/{org}/sessions/", {
            "field": list(fields), "groupBy": list(group), **period, "interval": "1h", **params})
        assert reply.status == 200, reply
        return reply.json

    # Commands

    def cli(self, *arguments, env=None):
        """A command on this service's data directory."""
        return run(*arguments, "--data", self.data, env=env)

    def cli_list(self, *arguments):
        """A command that must succeed; it prints one line of JSON for each entry."""
        done = self.cli(*arguments, "--json")
        assert done.returncode == 0, done
        return [json.loads(line) for line in done.stdout.splitlines()]

    def cli_json(self, *arguments):
        """A command that must succeed and print one line of JSON."""
        found = self.cli_list(*arguments)
        assert len(found) == 1, found
        return found[0]

    # Memory

    def peak_memory(self):
        """The largest resident set so far, in bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB", text, re.M).group(1)) * 1024


# Numbers ---------------------------------------------------------------------------------


def _by_status(hale, field, group, params):
    answer = hale.sessions(
        field, group=(*group, "session.status"), includeSeries=0, **params)
    table = {}
    for entry in answer["groups"]:
        key = tuple(entry["by"][name] for name in group)
        table.setdefault(key, {})[entry["by"]["session.status"]] = entry["totals"][field]
    totals = hale.sessions(field, group=group, includeSeries=0, **params)
    for entry in totals["groups"]:
        key = tuple(entry["by"][name] for name in group)
        row = table.setdefault(key, {})
        assert set(row) == set(STATUSES), (key, row)
        # The five statuses always add up to the total, of sessions and of users.
        assert sum(row.values()) == entry["totals"][field], (key, row, entry)
    return {key: row for key, row in table.items() if any(row.values())}


def sessions_by(hale, *group, **params):
    """{key of the group: {status: sessions}} without the groups that are empty."""
    return _by_status(hale, "sum(session)", group, params)


def users_by(hale, *group, **params):
    """{key of the group: {status: users by their worst session}}."""
    return _by_status(hale, "count_unique(user)", group, params)


def row(**counts):
    """A row of the five statuses, zero where not named."""
    return {status: counts.get(status, 0) for status in STATUSES}


def sessions(hale, **params):
    """The five counts of everything in the range."""
    return sessions_by(hale, **params).get((), row())


def users(hale, **params):
    return users_by(hale, **params).get((), row())


def total(hale, **params):
    return sum(sessions(hale, **params).values())


def series(hale, field, **params):
    """{start of the bucket: value} of the buckets that are not zero."""
    answer = hale.sessions(field, **params)
    values = answer["groups"][0]["series"][field] if answer["groups"] else []
    return {start: value for start, value in zip(answer["intervals"], values) if value}
