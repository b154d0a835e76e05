"""Takes the pictures of the dashboard for README, with the demo's data (Scripts/pictures)."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from dashboard import open_page
from hale import Hale, iso, run, utc

NOW = utc("2026-11-20T19:30:00Z")
SHOP = "project=shop-android&environment=production"
PICTURES = {
    "releases": (f"/?{SHOP}", "light", 900),
    "release": (f"/releases/com.shop.android%402.6.0%2B2600/?{SHOP}", "dark", 980),
}


def serve(folder):
    """A service with the demo's two weeks, with its clock fixed at their end."""
    done = run("demo", "--data", folder / "data", "--now", iso(NOW), timeout=300)
    if done.returncode != 0:
        sys.exit(done.stderr)
    (folder / "now").write_text(iso(NOW))
    hale = Hale(folder, "--now", f"@{folder / 'now'}")
    # Before the start, because a running service needs up to two seconds for a new token.
    hale.token = hale.cli_json("token", "create", "pictures")["token"]
    return hale.start()


def take(browser, hale, target, path, scheme, height):
    page = open_page(browser, hale, path, color_scheme=scheme,
                     viewport={"width": 1280, "height": height})
    page.clock.set_fixed_time(NOW)
    page.reload()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=target)
    print(target)


def main(target):
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        hale = serve(Path(folder))
        try:
            for name, (path, scheme, height) in PICTURES.items():
                take(browser, hale, Path(target) / f"{name}.png", path, scheme, height)
        finally:
            hale.end()
            browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
