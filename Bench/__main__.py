"""Measures Hale beside its peers, in the same run and alternating: `Scripts/bench --help`."""

import argparse
import signal
import sys
import traceback
from pathlib import Path

# Services are started and asked as the tests do it.
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
LONG = ["query", "crashfree", "loaded", "maintenance", "releases", "scale", "start", "gate", "estimate"]
# The one downloads half a gigabyte, the other needs Chromium.
ON_DEMAND = ["clickhouse", "dashboard"]


def positive(text):
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)


def numbers(text):
    return [positive(part) for part in text.split(",")]


def names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def summary(row):
    """The first sentence that is said of it."""
    return " ".join(row.__doc__.split()).partition(". ")[0].rstrip(".")


def parse():
    parser = argparse.ArgumentParser(
        prog="Scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures the release build beside nginx, SQLite alone and, on demand,\n"
        "ClickHouse's engine, on this machine. It tells figures with the goals beside them;\n"
        "it never passes or fails. A whole run takes about half an hour, longer the first time,\n"
        "and 12 GB of disk for a while; the databases (6 GB) stay for the next one.",
        epilog="rows:\n" + "".join(f"  {name:12} {summary(row)}\n" for name, row in ROWS.items())
        + "\n--quick leaves out " + ", ".join(LONG)
        + ".\nOnly when named: " + ", ".join(ON_DEMAND) + ".")
    parser.add_argument("--quick", action="store_true", help="without the rows that take long")
    parser.add_argument("--only", metavar="ROWS", type=names,
                        help="these rows alone, with commas between")
    parser.add_argument("--prepare", action="store_true",
                        help="only build the databases of rows that depend on no other option")
    parser.add_argument("--rounds", type=positive,
                        help="alternations of each pair (3; 2 if quick; of listener 9; 3 if quick)")
    parser.add_argument("--seconds", type=positive,
                        help="of each run of single, packed and aggregates (5; 3 if quick)")
    parser.add_argument("--connections", type=numbers, default=[64, 256, 1024], metavar="N,…",
                        help="of the row single (64,256,1024)")
    parser.add_argument("--releases", type=positive, default=10, metavar="N",
                        help="that the rows of ingest draw evenly from (10)")
    parser.add_argument("--environments", type=positive, default=2, metavar="N",
                        help="the same (2); three quarters are of the first")
    parser.add_argument("--against", metavar="DIR",
                        help="compare with the hale and hale-bench in this folder, in alternating pairs")
    parser.add_argument("--pairs", type=positive, default=9, metavar="N",
                        help="how many pairs --against measures (9)")
    parser.add_argument("--json", metavar="FILE", help="write everything to this file, too")
    parser.add_argument("--cache", metavar="DIR", default=ROOT / ".build-bench",
                        help="where databases are kept for the next run (.build-bench)")
    arguments = parser.parse_args()
    arguments.listener_rounds = arguments.rounds or (3 if arguments.quick else 9)
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 3)
    arguments.seconds = arguments.seconds or (3 if arguments.quick else 5)
    if arguments.only == []:
        parser.error("--only names no row; --help names them")
    unknown = sorted(set(arguments.only or []) - set(ROWS))
    if unknown:
        parser.error(f"there is no row {', '.join(unknown)}; --help names them")
    return parser, arguments


def chosen(arguments, report):
    """The rows to measure; the others are told to the report."""
    for name in ROWS:
        if arguments.only:
            if name in arguments.only:
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
            report.row = name
            try:
                ROWS[name](report, worlds, nginx, arguments)
            except Exception as error:  # The other rows are measured all the same.
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
    # However it is ended, it ends what it began.
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
