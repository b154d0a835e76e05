"""Two weeks of simulated devices, by seed: wrong clocks, sessions that end days later or move to
another bucket, aggregates, periodic jobs, kills. Every number is compared with
the model's, by hour and by day, while the days are open and when they are closed."""

import random
import uuid

import pytest

from hale import days, hours, iso, minutes, seconds, series, sessions_by, users_by, utc
from model import Model, corrected

BEGIN = utc("2026-03-02T00:00:00Z")
LENGTH = 14
STEP = hours(3)
# The delay of a device's clock; the correction begins at 55 minutes.
DRIFTS = [seconds(0)] * 3 + [minutes(54) + seconds(59), minutes(55), hours(3), -minutes(55),
                             -hours(2), seconds(30), -seconds(30)]


class World:
    def __init__(self, hale, seed):
        self.hale = hale
        self.chance = random.Random(seed)
        self.model = Model()
        self.open = []

    def step(self):
        """Each device sends one envelope, at its own time."""
        for _ in range(self.chance.randint(2, 5)):
            self.hale.clock.advance(seconds(self.chance.randint(1, 1500)))
            known = self.open and self.chance.random() < 0.6
            device = self.chance.choice(self.open) if known else self._new_device()
            self._send(device)
        if self.chance.random() < 0.3:
            self._send_sums()
        if self.chance.random() < 0.4:
            assert self.hale.cli("jobs", "run", "retention").returncode == 0
        if self.chance.random() < 0.05:
            self.hale.kill()
            self.hale.start()

    def _new_device(self):
        drift = self.chance.choice(DRIFTS)
        begun = self.hale.clock.instant - seconds(self.chance.randint(0, 3600))
        device = {
            "drift": drift, "start": begun - drift,
            "sid": uuid.UUID(int=self.chance.getrandbits(128)),
            "release": self.chance.choice(("app@1", "app@2")),
            "environment": self.chance.choice(("live", "test", None)),
            "people": self.chance.sample([f"user-{at}" for at in range(60)], 2),
        }
        self.open.append(device)
        return device

    def _send(self, device):
        """One to three updates in an envelope. Some devices omit `sent_at`, so that the session
        counts at the time of their own clock."""
        received = self.hale.clock.instant
        sent_at = received - device["drift"] if self.chance.random() < 0.65 else None
        updates = [self._update(device) for _ in range(self.chance.randint(1, 3))]
        header = {"sent_at": iso(sent_at)} if sent_at else {}
        self.hale.send(*updates, **header)
        begun = corrected(device["start"], received, sent_at)
        for update in updates:
            if begun is not None:
                self.model.add(update, device["start"], device["sid"], begun)

    def _update(self, device):
        attrs = {"release": device["release"]}
        if device["environment"]:
            attrs["environment"] = device["environment"]
        update = {
            "sid": str(device["sid"]), "started": iso(device["start"]), "attrs": attrs,
            "status": self.chance.choices(
                ("ok", "exited", "crashed", "abnormal", "unhandled"), (20, 20, 1, 1, 1))[0],
            "errors": int(self.chance.random() < 0.1),
        }
        who = self.chance.choice((*device["people"], None))
        if who:
            update["did"] = who
        return update

    def _send_sums(self):
        at = self.hale.clock.instant - seconds(self.chance.randint(0, 4 * 86400))
        counts = {"exited": self.chance.randint(0, 5), "crashed": self.chance.randint(0, 1)}
        did = self.chance.choice((None, "user-1", "user-2"))
        bucket = {"started": iso(at), **counts, **({"did": did} if did else {})}
        self.hale.send({"aggregates": [bucket], "attrs": {"release": "app@1",
                                                          "environment": "live"}})
        named = {"healthy": counts["exited"], "crashed": counts["crashed"]}
        self.model.add_bucket("app@1", "live", at, named, did)

    # Comparison

    def compare(self, first, last, interval):
        """Compares all numbers from the day `first` to before the day `last`."""
        within = (BEGIN + days(first), BEGIN + days(last))
        query = {"start": iso(within[0]), "end": iso(within[1] - seconds(2)),
                 "interval": interval}
        for group in ((), ("release",), ("release", "environment")):
            found = sessions_by(self.hale, *group, **query)
            assert found == self.model.sessions_by(*group, within=within), (group, query)
            found = users_by(self.hale, *group, **query)
            assert found == self.model.users_by(*group, within=within), (group, query)
        self._compare_series(within, query, days(1) if interval == "1d" else hours(1))

    def _compare_series(self, within, query, span):
        counts = series(self.hale, "sum(session)", **query)
        people = series(self.hale, "count_unique(user)", **query)
        at = within[0]
        while at < min(within[1], self.hale.clock.instant):
            bucket = (at, at + span)
            name = iso(at).replace(".000", "")
            assert counts.get(name, 0) == self._sum("sessions_by", bucket), (name, query)
            assert people.get(name, 0) == self._sum("users_by", bucket), (name, query)
            at += span

    def _sum(self, table, within):
        return sum(getattr(self.model, table)(within=within).get((), {"": 0}).values())


@pytest.mark.parametrize("seed", (1, 2, 3))
def test_two_weeks(start, seed):
    hale = start(clock=BEGIN + hours(2))
    world = World(hale, seed)
    while hale.clock.instant < BEGIN + days(LENGTH):
        opening = hale.clock.instant
        world.step()
        today = (hale.clock.instant - BEGIN).days
        if world.chance.random() < 0.15:
            first = world.chance.randint(0, today)
            world.compare(first, today + 1, "1d")
        hale.clock.set(max(hale.clock.instant, opening + STEP))
    hale.clock.set(BEGIN + days(LENGTH) + hours(1))
    world.compare(0, LENGTH, "1d")
    for day in range(0, LENGTH, 3):
        world.compare(day, day + 1, "1h")
    # Much later, when no session can change and all states are dropped.
    hale.clock.set(BEGIN + days(LENGTH + 8))
    assert hale.cli("jobs", "run", "retention").returncode == 0
    world.compare(0, LENGTH, "1d")
    hale.kill()
    hale.start()
    world.compare(3, 9, "1d")
