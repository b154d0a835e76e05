"""Databases with a history, which are built once, and requests for them."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = Path(os.environ["HALE_BENCH_BINARY"])

# The time of the service's clock when a measurement begins, so that databases do not age.
NOW = "2026-03-01T12:30:00Z"
KEY = "be0c" * 8
TOKEN = "bench-" + "0" * 32

# The sources that decide the contents of a database, besides its sizes.
SOURCES = [ROOT / "schema.sql", ROOT / "Sources/hale-bench/Traffic.swift",
           ROOT / "Sources/hale-bench/Commands/FillCommand.swift", Path(__file__),
           *sorted((ROOT / "Sources/SQLiteStorage").rglob("*.swift"))]


def bench(*arguments):
    """Runs a scenario of hale-bench and returns its figures."""
    done = subprocess.run([str(BENCH), *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                          check=True)
    return json.loads(done.stdout)


def bench_python(package):
    """A virtual environment's Python with a package, at the version of Tests/requirements.txt."""
    venv = ROOT / ".build-venv-bench"
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([python, "-m", "pip", "-q", "--disable-pip-version-check", "install",
                    "-c", ROOT / "Tests" / "requirements.txt", package], check=True)
    return python


@dataclass(frozen=True)
class World:
    """The sizes of made-up traffic, as `hale-bench` takes them."""
    sessions: int
    open: int = 0
    days: int = 4
    users: int = 100_000
    releases: int = 10
    environments: int = 2
    seed: int = 1

    @property
    def options(self):
        return [part for name, value in vars(self).items()
                for part in (f"--{name}", str(value))] + ["--now", NOW]

    @property
    def name(self):
        return "-".join(f"{name[0]}{value}" for name, value in vars(self).items())


def stored(millions, releases=200):
    """Sessions that can all still change, by the million, and 300,000 open ones."""
    return World(sessions=millions * 1_000_000, open=300_000, users=1_000_000, releases=releases)


def own_folder(parent, name):
    """A folder of this process; the folders of processes that have ended are removed."""
    for folder in Path(parent).glob(f"{name}-*-*"):
        pid = folder.name.removeprefix(f"{name}-").partition("-")[0]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{name}-{os.getpid()}-", dir=parent))


class Worlds:
    """The cache of databases, and the folder for working copies."""

    def __init__(self, cache):
        self.cache = Path(cache)
        self.cache.mkdir(parents=True, exist_ok=True)
        text = b"".join(path.read_bytes() for path in SOURCES)
        self.version = hashlib.sha256(text).hexdigest()[:12]
        # On the disk of the cache: a temporary folder may be in memory, where a sync costs nothing.
        self.work = own_folder(self.cache, "run")
        # Requests are in memory if possible, so that writing them does not disturb syncs.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
        self.requests_folder = own_folder(memory, "hale-bench")
        for old in self.cache.glob("*.world"):
            if f"-{self.version}." not in old.name:
                shutil.rmtree(old)

    def end(self):
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.rmtree(self.requests_folder, ignore_errors=True)

    def get(self, world):
        """The folder of a database, which must not be written to."""
        folder = self.cache / f"{world.name}-{self.version}.world"
        if not folder.exists():
            part = self.work / "part"
            part.mkdir()
            # At most a thousand transactions, so that millions of sessions take some minutes.
            bench("fill", *world.options, "--key", KEY, "--token", TOKEN,
                  "--path", part / "hale.db", "--batch", max(10_000, world.sessions // 1000))
            os.sync()
            part.rename(folder)
        return folder

    @contextlib.contextmanager
    def copy(self, world):
        """A data directory with a copy of the database."""
        source = self.get(world)
        folder = Path(tempfile.mkdtemp(prefix="data-", dir=self.work))
        subprocess.run(["cp", "--reflink=auto", source / "hale.db", folder / "hale.db"],
                       check=True)
        # Otherwise the copy's pages would be written to disk during the measurement.
        os.sync()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    @contextlib.contextmanager
    def requests(self, world, kind, count, first=0, items=100):
        """A file of requests for a copy of the database."""
        handle, path = tempfile.mkstemp(dir=self.requests_folder)
        os.close(handle)
        bench("requests", *world.options, "--kind", kind, "--count", count, "--first", first,
              "--items", items, "--key", KEY, "--file", path)
        try:
            yield Requests(Path(path), kind, count, 1 if kind == "single" else items)
        finally:
            Path(path).unlink()


@dataclass(frozen=True)
class Requests:
    path: Path
    kind: str
    count: int
    items: int

    def new_sessions(self, sent):
        """The number of sessions that the first `sent` requests begin."""
        if self.kind == "single":
            return (min(sent, self.count) + 1) // 2
        return min(sent, self.count) * self.items
