"""Every recording of real SDK traffic gives the classification in its index.

The recordings are in `Tests/Captures`, whose README.md describes them and has the index."""

import json
import re
import shutil

import pytest

from hale import ROOT, Hale, from_seconds, read_reply, row, sessions_by, users_by

CAPTURES = ROOT / "Tests" / "Captures"
INDEX = CAPTURES / "README.md"
KEY = "0123456789abcdef0123456789abcdef"
PROJECT = 42


class Request:
    def __init__(self, path):
        self.about = json.loads(path.read_text())
        self.body = path.with_suffix(".bin").read_bytes()
        self.chunked = path.with_suffix(".chunked")
        self.received = from_seconds(self.about["received_at"])
        self.items = self.about["items"]

    def bytes(self):
        """The request as it was on the wire."""
        head = f"{self.about['method']} {self.about['target']} {self.about['http_version']}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self.about["headers"])
        return head.encode() + b"\r\n" + self._framed()

    def _framed(self):
        if self.about["framing"] != "chunked":
            return self.body
        if self.chunked.exists():
            return self.chunked.read_bytes()
        # If the chunks were not recorded, one chunk is used.
        return b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.body), self.body)


def requests(label):
    """The requests of a recording that were answered 200, in order."""
    found = [Request(path) for path in sorted(CAPTURES.glob(f"{label}--*.json"))]
    return [request for request in found if request.about["replied"] == "200"]


def index():
    """{label: {(release, environment): (row of the five statuses, users)}}."""
    table = {}
    for line in INDEX.read_text().splitlines():
        if not line.startswith("| `"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        table[cells[0].strip("| `")] = classification(cells[5])
    return table


def classification(text):
    found = {}
    pattern = (r"(\S+) \[(\S+)\]: total (\d+) = healthy (\d+), errored (\d+), crashed (\d+), "
               r"abnormal (\d+); users (\d+)")
    for match in re.finditer(pattern, text):
        release, environment = match.group(1), match.group(2)
        total, healthy, errored, crashed, abnormal, users = map(int, match.groups()[2:])
        assert total == healthy + errored + crashed + abnormal
        # A null environment is no environment; Sentry's API has it as "".
        key = (release, "" if environment == "None" else environment)
        found[key] = (
            row(healthy=healthy, errored=errored, crashed=crashed, abnormal=abnormal), users)
    assert found or text.startswith("nothing counted"), text
    return found


EXPECTED = index()
LABELS = sorted(EXPECTED)
# Session aggregates have no identity: sent again, they count again.
IDENTIFIED = [label for label in LABELS
              if not any("sessions" in request.items for request in requests(label))]


def test_the_recordings_are_there():
    """Every row of the index has its files, and every file its row."""
    assert len(LABELS) >= 95
    for label in LABELS:
        assert requests(label), label
    assert {path.name.split("--")[0] for path in CAPTURES.glob("*.json")} == set(LABELS)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A data directory with the project and the key of the recordings."""
    hale = Hale(tmp_path_factory.mktemp("prepared")).start()
    made = hale.cli_json("project", "create", "recorded", "--id", PROJECT, "--public-key", KEY)
    assert (made["id"], made["publicKey"]) == (PROJECT, KEY)
    assert hale.stop() == 0
    return hale.data, hale.token


@pytest.fixture
def recorder(start, prepared, tmp_path):
    """Starts a service with that project, at the time of the recording."""
    data, token = prepared
    count = 0

    def begin(label):
        nonlocal count
        count += 1
        copy = tmp_path / f"copy-{count}"
        shutil.copytree(data, copy)
        # A DSN with a path was recorded through a proxy that keeps the path.
        arguments = (["--public-url", "http://127.0.0.1:9000/sentry/base"]
                     if label.endswith("__dsn-path") else [])
        hale = start(*arguments, data=copy, clock=requests(label)[0].received)
        hale.token = token
        return hale

    return begin


def replay(hale, request, connections):
    """Sends a request over the connection of its number; it must be answered 200."""
    hale.clock.set(request.received)
    number = request.about["connection"]
    if number not in connections:
        connections[number] = hale.connect()
    connection = connections[number]
    connection.sendall(request.bytes())
    reply = read_reply(connection)
    assert reply.status == 200, (request.about["target"], reply)
    if reply.closes:
        connections.pop(number).close()


def counted(hale, label):
    """The numbers of the service, in the form of the index."""
    latest = max(request.received for request in requests(label))
    hale.clock.set(latest)
    day = {"start": f"{latest:%Y-%m-%d}T00:00:00Z", "end": f"{latest:%Y-%m-%d}T23:59:59Z"}
    counts = sessions_by(hale, "release", "environment", project=PROJECT, **day)
    users = users_by(hale, "release", "environment", project=PROJECT, **day)
    return {key: (found, sum(users.get(key, row()).values())) for key, found in counts.items()}


@pytest.mark.parametrize("label", LABELS)
def test_as_recorded(recorder, label):
    hale = recorder(label)
    connections = {}
    for request in requests(label):
        replay(hale, request, connections)
    assert counted(hale, label) == EXPECTED[label]


@pytest.mark.parametrize("label", IDENTIFIED)
def test_backwards_and_every_request_twice(recorder, label):
    hale = recorder(label)
    for request in reversed(requests(label)):
        for _ in range(2):
            replay(hale, request, {})
    assert counted(hale, label) == EXPECTED[label]
