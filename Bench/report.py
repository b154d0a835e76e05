"""The table on standard output, and everything as JSON."""

import json
import statistics
from pathlib import Path


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def number(value):
    if isinstance(value, str):
        return value
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 1 else f"{value:.4g}"


def spread(values):
    """The median, and the least and the most when there are several."""
    if isinstance(values, (int, float, str)):
        return number(values)
    text = number(statistics.median(values))
    if len(values) > 1:
        text += f" ({number(min(values))} to {number(max(values))})"
    return text


class Report:
    """What was measured, what went wrong, and what was left out."""

    def __init__(self, machine, settings, path):
        self.machine = machine
        self.settings = settings
        self.path = path and Path(path)
        # Of the rows that are added.
        self.row = None
        self.rows = []
        self.failures = []
        self.left_out = []
        # How many runs were held against what was counted.
        self.checks = 0
        self.write()

    def begin(self):
        print(f"\n{'measure':60} {'goal':>16}  median (range)")

    def add(self, measure, figure, goal="", detail=None):
        """A row. Several figures are those of several runs."""
        median = statistics.median(figure) if isinstance(figure, list) else figure
        self.rows.append({"row": self.row, "measure": measure.strip(), "goal": goal,
                          "median": median, "figure": figure, "detail": detail})
        print(f"{measure:60} {goal:>16}  {spread(figure)}", flush=True)

    def fail(self, text):
        self.failures.append(text)
        print(f"  failure: {text}", flush=True)

    def leave_out(self, name, reason):
        self.left_out.append({"row": name, "reason": reason})

    def write(self):
        """To the file: after each row, so that what was measured is there whatever comes."""
        if self.path:
            self.path.write_text(json.dumps(
                {"machine": self.machine, "settings": self.settings, "rows": self.rows,
                 "failures": self.failures, "leftOut": self.left_out}, indent=1, default=str) + "\n")

    def end(self):
        print()
        for entry in self.left_out:
            print(f"left out: {entry['row']} ({entry['reason']})")
        for text in self.failures:
            print(f"failure: {text}")
        if self.checks and not self.failures:
            print(f"no request failed, and all numbers were as sent ({self.checks} runs)")
        self.write()
