"""Looks at the dashboard in a browser, with 200 releases and 14 days, and times what it does; JSON.

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
# Each view, and what is there once it is drawn.
VIEWS = {
    "releases": ("/", "table.releases tbody tr"),
    "release": (f"/releases/{quote('shop@5.3.5', safe='')}/", "main path.line"),
}
# Notes the frame in which it came: to look for it again and again would be late, and slow the page.
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
ASKED = """() => performance.getEntriesByType("resource").map((one) => one.name)
  .filter((name) => name.includes("/api/0/"))"""


def look(browser, hale, path, selector):
    """One load in a fresh profile: milliseconds, and what was asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(WATCH % selector)
    context.add_cookies([{"name": "hale_token", "value": hale.token, "url": hale.address}])
    page = context.new_page()
    page.goto(hale.address + path)
    expect(page.locator(selector).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    found = page.evaluate(TIMES), page.evaluate(ASKED)
    context.close()
    return found


def milliseconds(hale, urls):
    """Of each request, without the browser beside it: the median and the most."""
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
