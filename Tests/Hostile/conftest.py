"""Fixtures: those of the tests from outside, and a report of figures beside their goals."""

import importlib.util
import json
import os
import resource
import sys
from pathlib import Path

import pytest

OUTSIDE = Path(__file__).resolve().parents[1] / "OutsideTests"
sys.path.insert(0, str(OUTSIDE))
_found = importlib.util.spec_from_file_location("outside_conftest", OUTSIDE / "conftest.py")
_outside = importlib.util.module_from_spec(_found)
_found.loader.exec_module(_outside)

pytest_runtest_makereport = _outside.pytest_runtest_makereport
start = _outside.start
hale = _outside.hale


def pytest_configure(config):
    _outside.pytest_configure(config)
    # Services and attackers get all descriptors that there may be.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture
def report():
    """Notes figures beside their goals: `report(attack, recipe, [(what, goal, measured)])`."""
    def note(attack, recipe, figures):
        rows = [{"attack": attack, "recipe": recipe, "what": what, "goal": goal, "measured": value}
                for what, goal, value in figures]
        for row in rows:
            print(f"{attack}: {row['what']}: {row['measured']} (goal {row['goal']})")
        path = os.environ.get("HALE_HOSTILE_REPORT")
        if path:
            with open(path, "a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
    return note


@pytest.fixture
def limited(tmp_path):
    """Starts a service with a limit of its own on file descriptors."""
    from siege import Limited
    services = []

    def begin(descriptors, *arguments):
        services.append(Limited(tmp_path / "limited", *arguments, descriptors=descriptors))
        return services[-1].start()

    yield begin
    for service in services:
        status = service.end()
        assert status is None, f"the service ended by itself with {status}:\n{service.log()}"
