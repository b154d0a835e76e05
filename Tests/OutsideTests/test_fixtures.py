"""Databases of every released version are opened, answer as that version did, and count on.

See `Tests/Fixtures/make.py` for how they were made and what they contain."""

import gzip
import json
import sqlite3

import pytest

from hale import ROOT, days, hours, minutes, session, sessions, utc
from test_migrations import layout

FIXTURES = ROOT / "Tests" / "Fixtures"
VERSIONS = sorted(path.parent.name for path in FIXTURES.glob("*/answers.json"))


@pytest.fixture(params=VERSIONS)
def fixture(request):
    folder = FIXTURES / request.param
    return folder, json.loads((folder / "answers.json").read_text())


def unpack(folder, name, data):
    data.mkdir()
    for path in folder.glob(f"{name}.db*.gz"):
        target = data / path.name.removesuffix(".gz").replace(name, "hale")
        target.write_bytes(gzip.decompress(path.read_bytes()))


@pytest.fixture
def opened(start, fixture):
    """Starts the current program on a copy, with the settings of the old one."""
    folder, stored = fixture

    def begin(name):
        hale = start("--public-url", "https://hale.example.com", "--private-notice-hosts",
                     "127.0.0.1", clock=utc(stored["now"]), running=False)
        unpack(folder, name, hale.data)
        hale.token, hale.dsn = stored["token"], f"https://{stored['key']}@hale.example.com/1"
        return hale.start()

    return begin


def holds(answer, old):
    """Whether a response has everything of an old one. New members are allowed, and another order
    of the objects in a list."""
    if isinstance(old, dict):
        return isinstance(answer, dict) and all(
            name in answer and holds(answer[name], value) for name, value in old.items())
    if isinstance(old, list):
        if not isinstance(answer, list) or len(answer) != len(old):
            return False
        rest = list(answer)
        for index, value in enumerate(old):
            if not isinstance(value, dict):
                found = 0 if holds(rest[0], value) else None
            else:
                found = next((at for at, each in enumerate(rest) if holds(each, value)), None)
            if found is None:
                return False
            del rest[found]
        return True
    return type(answer) is type(old) and answer == old


def in_range(query):
    """The stored answer. Until 0.2.0 a range had one second more, which gave the statistics of a
    release a point after the end, and a release had its neighbours without a project, too."""
    answer = query["answer"]
    if query["path"].endswith("/stats/"):
        end = utc(query["parameters"]["end"]).timestamp()
        answer = {**answer, "stats": [point for point in answer["stats"] if point[0] < end]}
    if "project" not in query["parameters"] and "currentProjectMeta" in answer:
        answer = {**answer, "currentProjectMeta": {}}
    return answer


def test_a_changed_answer_is_seen():
    old = {"a": [{"b": 1, "c": [1.0, None]}, {"b": 2}]}
    assert holds({"a": [{"b": 2}, {"b": 1, "c": [1.0, None], "d": 0}], "e": 1}, old)
    for answer in ({"a": [{"b": 2}, {"b": 1, "c": [None, 1.0]}]}, {"a": [{"b": 2}]}, {"b": []},
                   {"a": [{"b": 1, "c": [1.0, None]}, {"b": 3}]}, {"a": [{"b": 2}] * 2},
                   {"a": [{"b": 1, "c": [1.0, 0]}, {"b": 2}]}):
        assert not holds(answer, old), answer


def test_there_is_one():
    assert "0.1.0" in VERSIONS


@pytest.mark.parametrize("name", ("stopped", "killed"))
def test_it_answers_as_the_version_that_wrote_it(opened, fixture, name):
    stored = fixture[1][name]
    hale = opened(name)
    for query in stored:
        reply = hale.get(query["path"], query["parameters"])
        assert reply.status == 200, (query["path"], reply)
        assert holds(reply.json, in_range(query)), (
            f"{query['path']} {query['parameters']}\nwas {query['answer']}\nis  {reply.json}")
    assert hale.stop() == 0
    verified = hale.cli("verify")
    assert verified.returncode == 0, verified


def test_a_kill_left_updates_to_fold(fixture, tmp_path):
    unpack(fixture[0], "killed", tmp_path / "data")
    with sqlite3.connect(tmp_path / "data" / "hale.db") as database:
        assert database.execute("SELECT count(*) FROM pending").fetchone()[0] > 0


def test_it_counts_on(opened, fixture, start):
    """A late crash of an old session counts, and the tables are the current ones."""
    hale = opened("stopped")
    day = {"start": "2026-11-22T00:00:00Z", "end": "2026-11-22T23:59:59Z"}
    before = sessions(hale, project=1, **day)
    began = utc(fixture[1]["now"]) - days(2) - minutes(31)
    assert began.hour == 9
    hale.send(session("crashed", release="shop@1.0.0", init=None, at=began, did="user-98",
                      sid="0000000a-0000-4000-8000-000000000006"))
    after = {**before, "healthy": before["healthy"] - 1, "crashed": before["crashed"] + 1}
    assert sessions(hale, project=1, **day) == after
    hale.clock.advance(hours(24))
    assert hale.cli("jobs", "run", "retention").returncode == 0
    assert hale.stop() == 0
    hale.start()
    assert sessions(hale, project=1, **day) == after
    assert hale.stop() == 0

    fresh = start()
    assert fresh.stop() == 0
    assert layout(hale.data / "hale.db") == layout(fresh.data / "hale.db")
