"""How soon the dashboard is there."""

import json
import statistics
import subprocess
from pathlib import Path

from worlds import ROOT, bench_python

CHROMIUM = Path("/usr/bin/chromium")


def dashboard(report, worlds, nginx, settings):
    """200 releases and 14 days in a browser, which shares the machine with the service."""
    if not CHROMIUM.exists():
        raise RuntimeError("a browser is missing: apt-get install chromium")
    done = subprocess.run(
        [bench_python("playwright"), ROOT / "Bench" / "browser.py"], stdout=subprocess.PIPE,
        check=True, text=True)
    figures = json.loads(done.stdout)
    requests = figures.pop("requests")
    for view, times in figures.items():
        report.add(f"dashboard, {view}: first paint, ms", times["paint"],
                   "<= 300" if view == "releases" else "")
        report.add("  first rows or charts there, ms", times["drawn"])
    medians = {url: statistics.median(times) for url, times in requests.items()}
    slowest = max(medians, key=medians.get)
    report.add("dashboard, slowest request, alone, ms", requests[slowest], "<= 100", medians)
    report.add("  it is", slowest.split("?")[0])
