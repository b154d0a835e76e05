"""Measures Hale beside its peers, in the same run and alternating: `Scripts/bench --help`."""

import argparse
import sys
from pathlib import Path

# Services are started and asked as the tests do it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Tests" / "OutsideTests"))

import dashboard_rows  # noqa: E402
import estimate_rows  # noqa: E402
import gate_rows  # noqa: E402
import ingest_rows  # noqa: E402
import machine  # noqa: E402
import part_rows  # noqa: E402
import query_rows  # noqa: E402
import scale_rows  # noqa: E402
from report import Report  # noqa: E402
from servers import Nginx  # noqa: E402
from worlds import ROOT, Worlds  # noqa: E402

# In the order of the table. Long ones need databases of 10 to 50 million sessions.
ROWS = {
    "binary": part_rows.binary,
    "parts": part_rows.parts,
    "users": part_rows.users,
    "disk": part_rows.disk,
    "idle": part_rows.idle,
    "listener": ingest_rows.listener,
    "single": ingest_rows.single,
    "packed": ingest_rows.packed,
    "aggregates": ingest_rows.aggregates,
    "query": query_rows.query,
    "crashfree": query_rows.crashfree,
    "loaded": scale_rows.loaded,
    "maintenance": scale_rows.maintenance,
    "releases": scale_rows.releases,
    "scale": scale_rows.scale,
    "start": part_rows.start,
    "gate": gate_rows.gate,
    "estimate": estimate_rows.estimate,
    "dashboard": dashboard_rows.dashboard,
    "clickhouse": query_rows.clickhouse,
}
# The databases of each row, but for those that depend on the arguments.
WORLDS = {
    "disk": part_rows.DISK_WORLDS,
    "query": [query_rows.FORTNIGHT],
    "crashfree": [query_rows.QUARTER],
    "loaded": [query_rows.FORTNIGHT],
    "maintenance": [query_rows.FORTNIGHT],
    "releases": list(scale_rows.RELEASES.values()),
    "scale": list(scale_rows.SIZES.values()),
    "start": [scale_rows.SIZES[f"{millions} M sessions"] for millions in (1, 50)],
}
LONG = ["query", "crashfree", "loaded", "maintenance", "releases", "scale", "start", "gate", "estimate"]
# The one downloads half a gigabyte, the other needs Chromium.
ON_DEMAND = ["clickhouse", "dashboard"]


def numbers(text):
    return [int(part) for part in text.split(",")]


def parse():
    parser = argparse.ArgumentParser(
        prog="Scripts/bench", description="Measures the release build beside nginx, SQLite alone "
        "and, on demand, ClickHouse's engine, on this machine. It tells figures with the goals "
        "beside them; it never passes or fails.",
        epilog="Rows: " + ", ".join(ROWS) + ". Those that --quick leaves out: " + ", ".join(LONG)
        + ". Only when asked for: " + ", ".join(ON_DEMAND) + ".")
    parser.add_argument("--quick", action="store_true", help="in three minutes")
    parser.add_argument("--only", metavar="ROWS", help="these rows alone, with commas between")
    parser.add_argument("--prepare", action="store_true",
                        help="only build the databases that the rows need")
    parser.add_argument("--rounds", type=int, help="alternations of each pair (3; 2 if quick)")
    parser.add_argument("--seconds", type=int, help="of each run (5; 3 if quick)")
    parser.add_argument("--connections", type=numbers, default=[64, 256, 1024], metavar="N,…",
                        help="of the row single (64,256,1024)")
    parser.add_argument("--releases", type=int, default=10, metavar="N",
                        help="that the rows of ingest draw evenly from (10)")
    parser.add_argument("--environments", type=int, default=2, metavar="N",
                        help="the same (2); three quarters are of the first")
    parser.add_argument("--json", metavar="FILE", help="write everything to this file, too")
    parser.add_argument("--cache", metavar="DIR", default=ROOT / ".build-bench",
                        help="where databases are kept for the next run (.build-bench)")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 3)
    arguments.seconds = arguments.seconds or (3 if arguments.quick else 5)
    named = arguments.only.split(",") if arguments.only else None
    if named and set(named) - set(ROWS):
        parser.error("there is no row " + ", ".join(sorted(set(named) - set(ROWS))))
    return arguments, named


def chosen(arguments, named, report):
    """The rows to measure; the others are told to the report."""
    for name in ROWS:
        if named:
            if name in named:
                yield name
        elif name in ON_DEMAND:
            report.leave_out(name, f"--only {name}")
        elif arguments.quick and name in LONG:
            report.leave_out(name, "--quick")
        else:
            yield name


def measure(rows, report, worlds, arguments):
    about = report.machine
    about["fdatasync_us"] = machine.sync_seconds(worlds.work) * 1e6
    print(f"{about['date']}, {about['cores']} cores of {about['processor']}, "
          f"load {about['load']:.1f}, fdatasync of 4 KiB {about['fdatasync_us']:.0f} us")
    report.begin()
    nginx = Nginx(worlds.work / "nginx")
    try:
        for name in rows:
            ROWS[name](report, worlds, nginx, arguments)
    finally:
        nginx.end()
    report.end(arguments.json)


def main():
    arguments, named = parse()
    report = Report(machine.description())
    worlds = Worlds(arguments.cache)
    try:
        rows = list(chosen(arguments, named, report))
        if arguments.prepare:
            for world in [world for name in rows for world in WORLDS.get(name, [])]:
                print(worlds.get(world))
        else:
            measure(rows, report, worlds, arguments)
    finally:
        worlds.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
