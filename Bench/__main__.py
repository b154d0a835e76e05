"""Measures Hale and its peers, alternating in one run: see `Scripts/bench --help`."""

import argparse
import signal
import sys
import traceback
from pathlib import Path

# The harness of the outside tests starts and queries services.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Tests" / "OutsideTests"))

import dashboard_rows  # noqa: E402
import estimate_rows  # noqa: E402
import gate_rows  # noqa: E402
import ingest_rows  # noqa: E402
import machine  # noqa: E402
import pairs  # noqa: E402
import part_rows  # noqa: E402
import query_rows  # noqa: E402
import scale_rows  # noqa: E402
from report import Report  # noqa: E402
from servers import Nginx, end_loads  # noqa: E402
from worlds import ROOT, Worlds  # noqa: E402

# The rows in the order of the table. Long ones need databases of 10 to 50 million sessions.
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
# The databases of each row, except those that depend on the arguments.
WORLDS = {
    "idle": list(part_rows.IDLE_WORLDS.values()),
    "disk": part_rows.DISK_WORLDS,
    "query": [query_rows.FORTNIGHT],
    "crashfree": [query_rows.QUARTER],
    "loaded": [query_rows.FORTNIGHT],
    "maintenance": [query_rows.FORTNIGHT],
    "releases": list(scale_rows.RELEASES.values()),
    "scale": list(scale_rows.SIZES.values()),
    "start": [scale_rows.SIZES[f"{millions} M sessions"] for millions in (1, 50)],
    "clickhouse": [query_rows.FORTNIGHT],
}
LONG = ["query", "crashfree", "loaded", "maintenance", "releases", "scale", "start", "gate",
        "estimate"]
# clickhouse downloads half a gigabyte, dashboard needs Chromium.
ON_DEMAND = ["clickhouse", "dashboard"]


def positive(text):
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def numbers(text):
    return [positive(part) for part in text.split(",")]


def names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def summary(row):
    """The first sentence of a row's documentation."""
    return " ".join(row.__doc__.split()).partition(". ")[0].rstrip(".")


def parse():
    parser = argparse.ArgumentParser(
        prog="Scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Compares the release build with nginx, SQLite alone and, on demand,\n"
        "ClickHouse's engine, on this machine. It prints figures and their goals; it never\n"
        "passes or fails. A full run takes about half an hour, longer the first time, and up to\n"
        "12 GB of disk; the databases (6 GB) are kept for the next run.",
        epilog="rows:\n" + "".join(f"  {name:12} {summary(row)}\n" for name, row in ROWS.items())
        + "\n--quick skips " + ", ".join(LONG)
        + ".\nRows that run only when named: " + ", ".join(ON_DEMAND) + ".")
    parser.add_argument("--quick", action="store_true", help="skip the rows that take long")
    parser.add_argument("--only", metavar="ROWS", type=names,
                        help="only these rows, separated by commas")
    parser.add_argument("--prepare", action="store_true",
                        help="only build the databases that depend on no other option")
    parser.add_argument("--rounds", type=positive,
                        help="alternations of each pair (3, quick 2; for listener 9, quick 3)")
    parser.add_argument("--seconds", type=positive,
                        help="length of each run of single, packed and aggregates (5, quick 3)")
    parser.add_argument("--connections", type=numbers, default=[64, 256, 1024], metavar="N,…",
                        help="connections of the row single (64,256,1024)")
    parser.add_argument("--releases", type=positive, default=10, metavar="N",
                        help="number of releases in the ingest rows (10)")
    parser.add_argument("--environments", type=positive, default=2, metavar="N",
                        help="number of environments (2); the first has three quarters")
    parser.add_argument("--against", metavar="DIR",
                        help="compare with the hale and hale-bench in this folder, in pairs")
    parser.add_argument("--pairs", type=positive, default=9, metavar="N",
                        help="number of alternating pairs of --against (9)")
    parser.add_argument("--json", metavar="FILE", help="write all figures to this file")
    parser.add_argument("--cache", metavar="DIR", default=ROOT / ".build-bench",
                        help="directory of the databases for later runs (.build-bench)")
    arguments = parser.parse_args()
    arguments.listener_rounds = arguments.rounds or (3 if arguments.quick else 9)
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 3)
    arguments.seconds = arguments.seconds or (3 if arguments.quick else 5)
    if arguments.only == []:
        parser.error("--only names no row; --help lists the rows")
    unknown = sorted(set(arguments.only or []) - set(ROWS))
    if unknown:
        parser.error(f"there is no row {', '.join(unknown)}; --help lists the rows")
    return parser, arguments


def chosen(arguments, report):
    """The rows to measure; the report lists the others as skipped."""
    for name in ROWS:
        if arguments.only:
            if name in arguments.only:
                yield name
        elif name in ON_DEMAND:
            report.skip(name, f"--only {name}")
        elif arguments.quick and name in LONG:
            report.skip(name, "--quick")
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
            report.row = name
            try:
                ROWS[name](report, worlds, nginx, arguments)
            except Exception as error:  # The other rows are still measured.
                traceback.print_exc()
                report.fail(f"{name}: {error}")
            report.write()
    except KeyboardInterrupt:
        report.fail(f"{report.row}: interrupted")
        raise
    finally:
        end_loads()
        nginx.end()
        report.end()


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    parser, arguments = parse()
    if arguments.against:
        return pairs.compare(arguments)
    # A signal ends the processes that this one has started.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        report = Report(machine.description(), vars(arguments), arguments.json)
    except OSError as error:
        parser.error(f"--json {arguments.json}: {error.strerror}")
    try:
        worlds = Worlds(arguments.cache)
    except OSError as error:
        parser.error(f"--cache {arguments.cache}: {error.strerror}")
    try:
        rows = list(chosen(arguments, report))
        if arguments.prepare:
            needed = [world for name in rows for world in WORLDS.get(name, [])]
            for world in needed:
                print(worlds.get(world))
            if not needed:
                print("nothing to prepare: the databases of these rows depend on other options")
        else:
            measure(rows, report, worlds, arguments)
    except KeyboardInterrupt:
        return 130
    finally:
        worlds.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
