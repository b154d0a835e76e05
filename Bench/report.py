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
    """The median, with the minimum and maximum of several values."""
    if isinstance(values, (int, float, str)):
        return number(values)
    text = number(statistics.median(values))
    if len(values) > 1:
        text += f" ({number(min(values))} to {number(max(values))})"
    return text


class Report:
    """The measured figures, the failures and the skipped rows."""

    def __init__(self, machine, settings, path):
        self.machine = machine
        self.settings = settings
        self.path = path and Path(path)
        # The row that figures are added to.
        self.row = None
        self.rows = []
        self.failures = []
        self.skipped = []
        # The number of runs whose stored counts were checked.
        self.checks = 0
        self.write()

    def begin(self):
        print(f"\n{'measure':60} {'goal':>16}  median (range)")

    def add(self, measure, figure, goal="", detail=None):
        """Adds a line of the table. Several figures are those of several runs."""
        median = statistics.median(figure) if isinstance(figure, list) else figure
        self.rows.append({"row": self.row, "measure": measure.strip(), "goal": goal,
                          "median": median, "figure": figure, "detail": detail})
        print(f"{measure:60} {goal:>16}  {spread(figure)}", flush=True)

    def fail(self, text):
        self.failures.append(text)
        print(f"  failure: {text}", flush=True)

    def skip(self, name, reason):
        self.skipped.append({"row": name, "reason": reason})

    def write(self):
        """Writes the file, after each row, so that figures survive a later failure."""
        if self.path:
            self.path.write_text(json.dumps(
                {"machine": self.machine, "settings": self.settings, "rows": self.rows,
                 "failures": self.failures, "skipped": self.skipped}, indent=1, default=str) + "\n")

    def end(self):
        print()
        for entry in self.skipped:
            print(f"skipped: {entry['row']} ({entry['reason']})")
        for text in self.failures:
            print(f"failure: {text}")
        if self.checks and not self.failures:
            print(f"no request failed, and all counts match what was sent ({self.checks} runs)")
        self.write()
