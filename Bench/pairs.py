"""Compares two builds in alternating pairs: each pair measures every row with both builds."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from report import number, spread

BENCH = Path(__file__).resolve().parent


def compare(arguments):
    """Measures the rows with this build and with the one in `arguments.against`, in turn, and prints
    for each measure the ratio of this build to the other: its median and its range over the pairs."""
    others = {"HALE_BINARY": "hale", "HALE_BENCH_BINARY": "hale-bench"}
    other = {name: str(Path(arguments.against, program).resolve())
             for name, program in others.items()}
    for path in other.values():
        if not os.access(path, os.X_OK):
            print(f"--against {arguments.against}: {path} is not a program", file=sys.stderr)
            return 2
    ratios, failures = {}, []
    for index in range(arguments.pairs):
        order = ["this", "other"] if index % 2 == 0 else ["other", "this"]
        print(f"pair {index + 1} of {arguments.pairs}", flush=True)
        figures = {name: measure(arguments, other if name == "other" else {}, name, failures)
                   for name in order}
        for key, value in figures["this"].items():
            beside = figures["other"].get(key)
            if isinstance(value, (int, float)) and isinstance(beside, (int, float)) and beside:
                ratios.setdefault(key, []).append((value / beside, value, beside))
    print(f"\n{'this build ÷ the other, over ' + str(arguments.pairs) + ' pairs':72} median (range)")
    for (row, measure_name), pairs in ratios.items():
        medians = [number(statistics.median(pair[place] for pair in pairs)) for place in (1, 2)]
        name = f"{row}: {measure_name}  [{medians[0]} ÷ {medians[1]}]"
        print(f"{name:72} {spread([pair[0] for pair in pairs])}")
    for text in failures:
        print(f"failure: {text}")
    return 1 if failures else 0


def measure(arguments, environment, name, failures):
    """One run of the rows with one round; each build has its own databases."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "figures.json")
        command = [sys.executable, "-B", str(BENCH), "--rounds", "1", "--json", str(path),
                   "--seconds", str(arguments.seconds),
                   "--connections", ",".join(map(str, arguments.connections)),
                   "--cache", f"{arguments.cache}{'-other' if name == 'other' else ''}"]
        if arguments.only:
            command += ["--only", ",".join(arguments.only)]
        subprocess.run(command, env={**os.environ, **environment}, check=True,
                       stdout=subprocess.DEVNULL)
        report = json.loads(path.read_text())
    failures += [f"{name} build: {text}" for text in report["failures"]]
    figures, head = {}, ""
    for row in report["rows"]:
        # Figures below different heads, such as latencies, have the same names.
        head = row["measure"] if row["goal"] or not figures else head
        label = row["measure"] if row["measure"] == head else f"{head}, {row['measure']}"
        figures[row["row"], label] = row["median"]
    return figures
