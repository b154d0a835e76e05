"""The browser of the dashboard's tests, and checks for every page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from dashboard import open_page

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page_of(browser):
    """Opens pages, which must not log anything or send requests to other servers."""
    pages = []

    def begin(hale, path="/", allowed=(), **options):
        page = open_page(browser, hale, path, **options)
        page.allowed = allowed
        pages.append(page)
        return page

    yield begin
    for page in pages:
        messages = [text for text in page.messages if not any(part in text for part in page.allowed)]
        strangers = page.strangers
        page.context.close()
        assert messages == [] and strangers == []


def axe_finds_nothing(page):
    found = Axe().run(page).response["violations"]
    wrong = [(each["id"], each["nodes"][0]["html"]) for each in found]
    assert wrong == [], wrong
