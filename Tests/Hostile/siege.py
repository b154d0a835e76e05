"""Drives attackers and honest clients beside each other, and measures what it costs the service.

Nothing here asserts a time: `report` notes times beside their goals, and `Scripts/hostile` prints
them as a table.
"""

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import hale as outside
from hale import PATIENCE, wait
from memory import Watch

HERE = Path(__file__).resolve().parent
# Whether attacks have the size of their recipes, or one that continuous integration has time for.
LONG = os.environ.get("HALE_HOSTILE") == "long"
# An honest client waits this long for an answer before it counts as lost.
ENVELOPES = ("envelope-1-kept", "envelope-1-gzip-fresh", "envelope-30-fresh",
             "envelope-30-gzip-kept", "envelope-30-kept", "envelope-30-gzip-fresh")
PROBES = ("metrics", "healthz", "readyz")


def sized(short, long):
    return long if LONG else short


def head(method, target, *fields):
    return "\r\n".join((f"{method} {target} HTTP/1.1", "Host: h", *fields, "", "")).encode()


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0


class Limited(outside.Hale):
    """A service with a limit of its own on file descriptors."""

    def __init__(self, *arguments, descriptors, **options):
        super().__init__(*arguments, **options)
        self.descriptors = descriptors

    def spawn(self):
        limited = self.folder / "limited"
        limited.write_text(f'#!/bin/sh\nulimit -n {self.descriptors}\nexec {outside.BINARY} "$@"\n')
        limited.chmod(0o755)
        # The harness starts what this names.
        kept, outside.BINARY = outside.BINARY, limited
        try:
            return super().spawn()
        finally:
            outside.BINARY = kept


class Attack:
    """An attacking process with its counts so far."""

    def __init__(self, service, opening=b"", **spec):
        spec = {"port": service.port, "opening": base64.b64encode(opening).decode(), **spec}
        self.spec = spec
        self.counts = {}
        self.ended = False
        self.process = subprocess.Popen(
            [sys.executable, "-B", HERE / "attacker.py"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps(spec) + "\n")
        self.process.stdin.flush()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.counts = json.loads(line)
        self.ended = True

    def stands(self, seconds=60):
        """Waits until all connections are open and nothing moves any more, or the time is over."""
        deadline = time.monotonic() + seconds
        before, since = None, time.monotonic()
        while time.monotonic() < deadline and not self.ended:
            now = {key: value for key, value in self.counts.items() if key != "seconds"}
            if now != before:
                before, since = now, time.monotonic()
            if now.get("open", 0) and time.monotonic() - since > 0.6:
                return
            time.sleep(0.05)

    def finish(self, seconds=600):
        """Waits for the end of an attack that ends by itself."""
        wait(lambda: self.ended, "the end of the attack", seconds)
        self.stop()

    def stop(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(PATIENCE)


class Honest:
    """Honest clients in a process of their own."""

    def __init__(self, service, kinds=ENVELOPES + ("query",) + PROBES, **spec):
        spec = {"port": service.port, "project": service.project, "key": service.key,
                "token": service.token, "kinds": kinds, **spec}
        self.process = subprocess.Popen(
            [sys.executable, "-B", HERE / "honest.py", json.dumps(spec)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.kinds = {}

    def stop(self):
        self.kinds = json.loads(self.process.communicate()[0])
        return self

    def latencies(self, *prefixes):
        return [value for kind, found in self.kinds.items() if kind.startswith(prefixes)
                for value in found["latencies"]]

    def total(self, name, *prefixes):
        return sum(found[name] for kind, found in self.kinds.items() if kind.startswith(prefixes))

    @property
    def lost(self):
        return {kind: found["lost"] for kind, found in self.kinds.items() if found["lost"]}


class Result:
    """What a siege did to the service and its honest clients."""

    def __init__(self, watch, honest, attacks):
        self.process, self.kernel, self.sockets = watch.process, watch.kernel, watch.sockets
        self.honest = honest
        self.attacks = attacks

    def holds(self, service, megabytes=256):
        """Asserts the promises: nothing honest is refused or lost, and memory is bounded."""
        service.assert_runs()
        assert self.honest.lost == {}, self.honest.lost
        served = self.honest.total("served", "")
        assert served > 0
        assert counted(service) >= self.honest.total("sessions", "envelope")
        assert self.process <= megabytes, f"the process took {self.process:.0f} MB"
        assert self.kernel <= 256, f"its sockets took {self.kernel:.0f} MB of the kernel"

    def figures(self):
        envelopes = self.honest.latencies("envelope")
        refused = sum(sum(lost.values()) for lost in self.honest.lost.values())
        return [
            ("process, kernel", "≤ 256, 256 MB", f"{self.process:.0f}, {self.kernel:.0f} MB"),
            ("honest requests refused or lost", "0", str(refused)),
            ("p99 of honest envelopes", "≤ 100 ms", f"{quantile(envelopes, 0.99):.0f} ms")]


def counted(service):
    """The sessions of honest clients that the service has counted."""
    answer = service.sessions("sum(session)", query="release:honest@*", includeSeries=0)
    return answer["groups"][0]["totals"]["sum(session)"] if answer["groups"] else 0


def siege(service, *openings, seconds=None, **options):
    """Attacks while honest clients go on.

    - openings: specifications for `Attack`, each in a process of its own."""
    seconds = seconds or sized(1.5, 10)
    # Keys, files and caches are there before.
    service.send(outside.session(release="first@1"))
    watch = Watch(service)
    watch.start()
    honest = Honest(service, **options)
    attacks = []
    try:
        # One after the other: what comes later takes the room that the earlier leave.
        for spec in openings:
            attacks.append(Attack(service, **spec))
            if spec.get("then", "stand") == "stand" or spec.get("deaf"):
                attacks[-1].stands(sized(2.5, 60))
        time.sleep(seconds)
    finally:
        # The honest ones are over while the attack still stands.
        honest.stop()
        for attack in attacks:
            attack.stop()
        watch.stop()
    return Result(watch, honest, attacks)


def stop_within_ten_seconds(service):
    """SIGTERM ends the service with 0; returns the seconds that it took."""
    began = time.monotonic()
    service.expected_end = True
    service.process.send_signal(signal.SIGTERM)
    status = service.process.wait(60)
    took = time.monotonic() - began
    assert status == 0, f"SIGTERM ended with {status} after {took:.1f} s:\n{service.log()}"
    return took
