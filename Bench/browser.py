"""Times the dashboard in a browser, with 200 releases and 14 days; prints JSON.

Run by the row `dashboard` in a Python that has Playwright."""

import http.client
import json
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Tests" / "OutsideTests"))

from dashboard import serve  # noqa: E402

LOADS = 8
REQUESTS = 12
# Each view, with a selector of what it has once it is drawn.
VIEWS = {
    "releases": ("/", "table.releases tbody tr"),
    "release": (f"/releases/{quote('shop@5.3.5', safe='')}/", "main path.line"),
}
# Records the frame in which the selector first matches; polling would be late and slow the page.
WATCH = """(() => {
  const seen = new MutationObserver(() => {
    if (!document.querySelector("%s")) return;
    seen.disconnect();
    requestAnimationFrame(() => { window.drawnAt = performance.now(); });
  });
  seen.observe(document, { childList: true, subtree: true });
})()"""
TIMES = """() => ({
  paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
  drawn: window.drawnAt,
})"""
REQUESTED = """() => performance.getEntriesByType("resource").map((one) => one.name)
  .filter((name) => name.includes("/api/0/"))"""


def look(browser, hale, path, selector):
    """One load in a fresh profile: its milliseconds and the requested URLs."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(WATCH % selector)
    context.add_cookies([{"name": "hale_token", "value": hale.token, "url": hale.address}])
    page = context.new_page()
    page.goto(hale.address + path)
    expect(page.locator(selector).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    found = page.evaluate(TIMES), page.evaluate(REQUESTED)
    context.close()
    return found


def milliseconds(hale, urls):
    """The milliseconds of each request, without a browser."""
    connection = http.client.HTTPConnection(hale.host, hale.port)
    found = {}
    for url in dict.fromkeys(urls):
        times = []
        for _ in range(REQUESTS):
            began = time.perf_counter()
            connection.request("GET", url[url.index("/api/"):],
                               headers={"Authorization": f"Bearer {hale.token}"})
            connection.getresponse().read()
            times.append((time.perf_counter() - began) * 1000)
        found[url[url.index("/api/0/") + 7:]] = times
    connection.close()
    return found


def main():
    figures, urls = {}, []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        hale = serve(Path(folder))
        try:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            for name, (path, selector) in VIEWS.items():
                loads = [look(browser, hale, path, selector) for _ in range(LOADS)]
                figures[name] = {kind: [times[kind] for times, _ in loads]
                                 for kind in ("paint", "drawn")}
                urls += loads[-1][1]
            browser.close()
            figures["requests"] = milliseconds(hale, urls)
        finally:
            hale.end()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
