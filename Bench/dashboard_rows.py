"""The load time of the dashboard."""

import json
import statistics
import subprocess
from pathlib import Path

from worlds import ROOT, bench_python

CHROMIUM = Path("/usr/bin/chromium")


def dashboard(report, worlds, nginx, settings):
    """200 releases and 14 days, in a browser on the service's machine."""
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
        report.add("  first rows or charts, ms", times["drawn"])
    medians = {url: statistics.median(times) for url, times in requests.items()}
    slowest = max(medians, key=medians.get)
    report.add("dashboard, slowest request without a browser, ms", requests[slowest], "<= 100",
               medians)
    report.add("  its path", slowest.split("?")[0])
