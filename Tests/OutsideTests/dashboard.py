"""A service with a history for a browser, and its pages.

The benchmarks and the pictures use it too, in a Python that has only Playwright."""

import random
import uuid

from playwright.sync_api import expect

from hale import Clock, Hale, aggregates, days, envelope, hours, iso, minutes, now, session

RELEASES = 200
DAYS = 14
# The page polls every five seconds, which is Playwright's default time limit.
expect.set_options(timeout=30_000)


def history_envelopes(day, releases, rng):
    """A day of an application with a new release every few hours."""
    per_day = releases / DAYS
    for number in range(releases):
        age = day - number / per_day
        # A release loses users from its first day on; the last releases do not.
        if not -1 < age < 5:
            continue
        begin = max(0, int(-age * 24))
        sessions = int(900 * 0.45 ** max(age, 0)) + 6
        yield f"shop@{2 + number // 50}.{number // 10 % 5}.{number % 10}", [
            (hour, max(1, sessions // 24 + rng.randint(-2, 3))) for hour in range(begin, 24)]


def load(hale, releases=RELEASES, seed=1):
    """Fills the project `default`, and sets the clock to the present at the end."""
    rng = random.Random(seed)
    end = now()
    start_of_first = end - days(DAYS)
    for day in range(DAYS):
        begun = start_of_first + days(day)
        # The sessions of a day arrive at its end.
        hale.clock.set(begun + days(1))
        items = []
        for release, counts in history_envelopes(day, releases, rng):
            buckets = []
            for hour, count in counts:
                at = iso(begun + hours(hour) + minutes(1))
                crashed = 1 if rng.random() < 0.12 else 0
                for part in range(3):
                    buckets.append({"started": at, "did": f"user-{rng.randint(1, 4000)}",
                                    "exited": count // 3 + 1, "errored": part})
                buckets.append({"started": at, "did": f"user-{rng.randint(1, 4000)}",
                                "exited": 1, "crashed": crashed, "abnormal": crashed})
            items.append(aggregates(buckets, release=release,
                                    environment="staging" if rng.random() < 0.15 else "production"))
        singles = [session(at=begun + hours(23), release=f"shop@2.0.{n}", did=f"user-{n}",
                           duration=rng.uniform(1, 900)) for n in range(5)]
        for at in range(0, len(items), 50):
            hale.send(*items[at:at + 50])
        hale.send(*singles)
        hale.cli("jobs", "run", "adoption")
    hale.clock.set(end)


def serve(folder, *arguments, releases=RELEASES):
    """A running service with a history, with its clock fixed at the present."""
    clock = Clock(folder / "now", now() - days(DAYS))
    hale = Hale(folder, "--now", f"@{clock.path}", *arguments)
    hale.clock = clock
    hale.start()
    load(hale, releases)
    return hale


def open_page(browser, hale, path="/", token=True, **options):
    """A page in a new browser profile; records its logs, failures and foreign requests."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    if token:
        context.add_cookies([{"name": "hale_token", "value": hale.token, "url": hale.address,
                              "httpOnly": True, "sameSite": "Strict"}])
    page = context.new_page()
    page.messages, page.strangers = [], []
    page.on("console", lambda message: page.messages.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: page.messages.append(f"error: {error}"))
    page.on("request", lambda request: request.url.startswith((hale.address, "data:", "blob:"))
            or page.strangers.append(request.url))
    page.goto(hale.address + path)
    return page


def fresh_session(**fields):
    return envelope(session(sid=str(uuid.uuid4()), **fields))
