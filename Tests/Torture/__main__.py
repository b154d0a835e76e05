"""Kills, power loss and faults for the built program: see `Scripts/torture --help`."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "OutsideTests"))

import faults  # noqa: E402
import kills  # noqa: E402
import power  # noqa: E402


def build_shim(folder):
    source = Path(__file__).with_name("shim.c")
    target = Path(folder) / "shim.so"
    for compiler in ("cc", "clang", "gcc"):
        try:
            subprocess.run([compiler, "-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", target,
                            source, "-ldl", "-lpthread"], check=True)
            return target
        except FileNotFoundError:
            continue
    sys.exit("There is no C compiler: install gcc or clang.")


def say(text):
    print(text, flush=True)


def torture_kills(folder, _, arguments):
    sent, answered, wrong = kills.kill_often(folder, arguments.kills, arguments.seed, say)
    say(f"kills: {arguments.kills} times kill -9, {sent} sessions, {answered} answered updates, "
        f"{len(wrong)} with lost or double updates")
    return not wrong


def torture_power(folder, shim, arguments):
    fine = True
    for syncs in (True, False):
        log, sent, hale = power.record(Path(folder) / str(syncs), shim, arguments.seconds, syncs)
        wrong = power.cut_often(Path(folder) / str(syncs), log, sent, hale,
                                arguments.cuts if syncs else min(arguments.cuts, 20),
                                arguments.seed, 5 if syncs else 0, say)
        if syncs:
            for moment, problems in wrong.items():
                say(f"cut at write {moment}: {problems[0]}")
            say(f"power: {arguments.cuts} cuts, {len(sent.statuses)} sessions, "
                f"{len(sent.answered)} answered updates, {len(wrong)} with lost or double updates")
            fine = fine and not wrong
        else:
            say(f"power, without syncs: a loss is found at {len(wrong)} of "
                f"{min(arguments.cuts, 20)} cuts")
            fine = fine and bool(wrong)
    return fine


def torture_faults(folder, shim, arguments):
    counts, tried, hit, wrong = faults.try_all(folder, shim, arguments.every, say)
    calls = ", ".join(f"{call} {count}" for call, count in sorted(counts.items()))
    say(f"faults: calls {calls}")
    say(f"faults: {tried} points tried, {hit} hit, {len(wrong)} wrong")
    return tried == hit and not wrong


def main():
    parser = argparse.ArgumentParser(
        prog="Scripts/torture", description="Kills the program, simulates power loss, and makes "
        "system calls fail. Exits with 1 if something is lost or counted twice.")
    parser.add_argument("what", nargs="*", choices=["kills", "power", "faults", []],
                        help="one or more of these; all by default")
    parser.add_argument("--kills", type=int, default=300, help="number of kills (300)")
    parser.add_argument("--cuts", type=int, default=300, help="number of power cuts (300)")
    parser.add_argument("--seconds", type=float, default=3, help="seconds of load (3)")
    parser.add_argument("--every", type=int, default=1, help="only every Nth fault (1: all)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeats a run")
    arguments = parser.parse_args()
    say(f"seed {arguments.seed}")
    passed = failed = 0
    for name, work in (("kills", torture_kills), ("power", torture_power),
                       ("faults", torture_faults)):
        if arguments.what and name not in arguments.what:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            fine = work(folder, build_shim(folder), arguments)
        passed, failed = passed + fine, failed + (not fine)
        say(f"{name}: {'passed' if fine else 'FAILED'} in {time.monotonic() - began:.0f} s")
    say(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
