"""The pages of alert rules in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from browsing import axe_finds_nothing, browser, page_of
from hale import Clock, Hale, minutes, utc, wait
from test_alerts import NOON, ORGANIZATION, change, channel, evaluate, level, make, rule, send


def watch(hale):
    """Forty minutes: healthy, then a bad release, then healthy, then bad."""
    channel(hale)
    make(hale, channels=["team"], timeWindow=10, resolveThreshold=97, environment="production")
    make(hale, name="Vanished", aggregate="sum(session)", triggers=[{"label": "critical", "alertThreshold": 1}])
    for minute in range(0, 40, 4):
        send(hale, 20, crashed=5 if 12 <= minute < 20 or minute >= 36 else 0, release="shop@2.0.0")
        evaluate(hale, minutes(4))


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A service with rules, which tests must not change."""
    folder = tmp_path_factory.mktemp("watched")
    clock = Clock(folder / "now", NOON)
    hale = Hale(folder, "--now", f"@{clock.path}")
    hale.clock = clock
    hale.start()
    watch(hale)
    yield hale
    assert hale.end() is None, hale.log()


def test_a_rule_is_back_tested_and_created(start, page_of):
    hale = start(clock=NOON)
    send(hale, 10, crashed=2)
    page = page_of(hale, "/alerts/", allowed=["400"])
    expect(page.get_by_role("heading", name="No alert rules yet")).to_be_visible()
    page.get_by_role("button", name="New rule").click()
    form = page.get_by_role("form", name="New rule")
    expect(form.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Checkout")
    # More of these is worse, so that the direction changes.
    form.get_by_label("Watch").select_option("Errored sessions")
    expect(form.get_by_label("Fires")).to_have_value("0")
    form.get_by_label("Watch").select_option("Crash-free sessions")
    expect(form.get_by_label("Fires")).to_have_value("1")
    form.get_by_label("Critical").fill("90")
    form.get_by_label("Warning").fill("80")
    form.get_by_label("Consecutive minutes").fill("0")
    form.get_by_role("button", name="Create rule").click()
    problems = form.get_by_role("alert")
    expect(problems).to_contain_text("Critical: The alertThreshold of warning has to be reached before")
    expect(problems).to_contain_text("Consecutive minutes: 0 evaluations: give 1 to 100.")
    expect(form.get_by_label("Critical")).to_be_focused()
    axe_finds_nothing(page)
    form.get_by_label("Warning").fill("95")
    form.get_by_label("Consecutive minutes").fill("1")
    form.get_by_role("combobox", name="Release", exact=True).fill("latest")
    hale.clock.advance(minutes(30))
    form.get_by_role("button", name="Back-test on").click()
    trial = form.get_by_role("status")
    expect(trial).to_contain_text("The rule would have fired once")
    expect(trial.get_by_role("row").last).to_contain_text("80.00%10")
    form.get_by_role("button", name="Create rule").click()
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
    assert page.url == f"{hale.address}/alerts/1/"
    expect(page.get_by_text("Not evaluated yet").first).to_be_visible()
    made = rule(hale, "Checkout")
    assert (made["release"], made["projects"], made["timeWindow"]) == ("latest", ["default"], 60)
    assert [one["alertThreshold"] for one in made["triggers"]] == [90, 95]
    # The evaluations of the rule appear by themselves.
    evaluate(hale)
    expect(page.locator(".title .level")).to_have_text("Critical")
    page.get_by_role("link", name="Alerts").click()
    rules = page.get_by_role("region", name="Rules")
    expect(rules.get_by_role("row").filter(has_text="Checkout")).to_contain_text("Critical")


def test_a_new_rule_watches_what_its_projects_call_bad(start, page_of):
    hale = start(clock=NOON)
    hale.cli("project", "create", "web", "--platform", "javascript")
    wait(lambda: len(hale.get("/projects/").json) == 2, "the project")
    page = page_of(hale, "/alerts/")
    page.get_by_role("button", name="New rule").click()
    form = page.get_by_role("form", name="New rule")
    measure = form.get_by_label("Watch")
    expect(measure).to_have_value("failure_free_rate(session)")
    default, web = (form.get_by_role("checkbox", name=name) for name in ("default", "web"))
    default.check()
    expect(measure).to_have_value("crash_free_rate(session)")
    web.check()
    expect(measure).to_have_value("failure_free_rate(session)")
    web.uncheck()
    expect(measure).to_have_value("crash_free_rate(session)")
    # What somebody chose stays.
    measure.select_option("Errored sessions")
    web.check()
    expect(measure).to_have_value("errored_rate(session)")
    default.uncheck()
    form.get_by_label("Name").fill("Without")
    form.get_by_label("Critical").fill("5")
    form.get_by_label("Environment").fill('""')
    form.get_by_role("button", name="Create rule").click()
    expect(page.get_by_text("of web, without environment in the last hour")).to_be_visible()
    expect(page.get_by_text("No session without an environment has arrived yet.")).to_be_visible()
    assert rule(hale, "Without")["environment"] == ""
    shown = hale.cli("alert", "show", "Without").stdout
    assert "without environment" in shown and "matches nothing yet" in shown, shown
    page.get_by_role("button", name="Change").click()
    form = page.get_by_role("form", name="Change Without")
    expect(form.get_by_label("Environment")).to_have_value('""')
    form.get_by_role("button", name="Save rule").click()
    expect(form).to_have_count(0)
    assert rule(hale, "Without")["environment"] == ""


def test_all_rules_and_incidents(watched, page_of):
    page = page_of(watched, "/")
    expect(page.get_by_role("link", name="Alerts")).to_have_accessible_name("Alerts 1 firing")
    page.get_by_role("link", name="Alerts").click()
    expect(page.get_by_text("2 rules, 1 firing")).to_be_visible()
    rows = page.get_by_role("region", name="Rules").locator("tbody tr")
    expect(rows).to_have_count(2)
    # Rules in an incident come first.
    expect(rows.first).to_contain_text("Crash-free")
    expect(rows.first).to_contain_text("crash-free sessions of default, production in the last 10 minutes")
    value = rule(watched, "Crash-free")["state"]["value"]
    expect(rows.first).to_contain_text(f"{int(value * 100) / 100:.2f}%of 40 sessions")
    expect(rows.first).to_contain_text("Critical below 90%Warning below 95%Resolves at 97%")
    expect(rows.first).to_contain_text("team")
    expect(rows.last).to_contain_text("nobody")
    incidents = page.get_by_role("region", name="Incidents").first.locator("tbody tr")
    expect(incidents).to_have_count(2)
    expect(incidents.first).to_contain_text("still open")
    expect(incidents.last).to_contain_text("Resolved")
    incidents.last.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Crash-free", exact=True)).to_be_visible()


def test_a_rule_with_its_thresholds(watched, page_of):
    page = page_of(watched, "/alerts/1/")
    panel = page.get_by_role("region", name="Value")
    picture = panel.locator("svg[role=img]")
    expect(picture).to_have_attribute("aria-label", re.compile("Critical below 90%, Warning below 95%, Resolves at 97%"))
    for name in ("critical", "warning", "resolve"):
        expect(picture.locator(f".threshold-{name}")).to_have_count(1)
    # A threshold's line is at its value on the axis.
    lines = {name: float(picture.locator(f".threshold-{name}").get_attribute("y1")) for name in ("critical", "warning", "resolve")}
    per_point = (lines["critical"] - lines["warning"]) / 5
    assert lines["warning"] - lines["resolve"] == pytest.approx(2 * per_point, abs=0.1)
    assert picture.locator(".span-critical").count() == 2
    points = panel.get_by_role("slider")
    points.focus()
    page.keyboard.press("End")
    last = watched.get(f"{ORGANIZATION}/alert-rules/1/evaluations/", {"interval": "5m"}).json["evaluations"][-1]
    expect(points).to_have_attribute("aria-valuetext", re.compile(
        re.escape(f"Value {int(last['value'] * 100) / 100:.2f}% of {last['sessions']} sessions")))
    page.get_by_role("button", name="6 hours").click()
    expect(page).to_have_url(re.compile("range=6h"))
    expect(page.get_by_role("button", name="6 hours")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("region", name="Incidents").locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Back-test on").click()
    expect(page.get_by_role("region", name="Back-test")).to_contain_text("The rule would")


def test_a_rule_is_muted_changed_and_deleted(start, page_of):
    hale = start(clock=NOON)
    make(hale)
    page = page_of(hale, "/alerts/Crash-free/")
    page.get_by_label("Mute for").select_option("1 hour")
    expect(page.get_by_text("muted until")).to_be_visible()
    assert rule(hale, 1)["mutedUntil"] == "2026-03-10T13:30:00Z"
    page.get_by_role("button", name="Unmute").click()
    expect(page.get_by_text("muted until")).to_have_count(0)
    page.get_by_role("button", name="Change").click()
    form = page.get_by_role("form", name="Change Crash-free")
    form.get_by_label("In the last").select_option("2 hours")
    form.get_by_label("Name").fill("Crashes")
    form.get_by_role("button", name="Save rule").click()
    expect(form).to_have_count(0)
    expect(page.get_by_text("in the last 2 hours")).to_be_visible()
    expect(page.get_by_role("heading", name="Crashes")).to_be_visible()
    page.goto(f"{hale.address}/alerts/1/")
    page.get_by_role("button", name="Delete").click()
    assert rule(hale, 1)["timeWindow"] == 120
    page.get_by_role("button", name="Sure?").click()
    expect(page.get_by_role("heading", name="No alert rules yet")).to_be_visible()
    assert hale.get(f"{ORGANIZATION}/alert-rules/").json == []
    page.goto(f"{hale.address}/alerts/1/")
    expect(page.get_by_text("The rule does not exist")).to_be_visible()
    page.allowed = ["404"]


def test_scope_read_sees_rules_and_changes_none(start, page_of):
    hale = start(clock=NOON)
    make(hale)
    hale.token = hale.cli_json("token", "create", "reader", "--scope", "read")["token"]
    wait(lambda: hale.get("/").status == 200, "the new token to be known")
    page = page_of(hale, "/alerts/1/")
    expect(page.get_by_role("region", name="Rule")).to_contain_text("Critical below 90%")
    for name in ("Change", "Delete", "Unmute"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_role("combobox", name="Mute for")).to_have_count(0)
    page.get_by_role("link", name="Alerts").click()
    expect(page.get_by_role("row").filter(has_text="Crash-free")).to_be_visible()
    expect(page.get_by_role("button", name="New rule")).to_have_count(0)


def test_a_release_is_shown_with_its_thresholds(watched, page_of):
    page = page_of(watched, "/releases/shop%402.0.0/?statsPeriod=24h")
    panel = page.get_by_role("region", name="Crash-free rate")
    expect(panel.locator("svg[role=img] .threshold-warning")).to_have_count(1)
    legend = panel.get_by_role("list")
    expect(legend).to_contain_text("Critical below 90%: Crash-free")
    legend.get_by_role("link", name="Critical below 90%").click()
    expect(page.get_by_role("heading", name="Crash-free", exact=True)).to_be_visible()
    # A rule of another environment counts other sessions.
    page.goto(f"{watched.address}/releases/shop%402.0.0/?statsPeriod=24h&environment=staging")
    expect(page.locator(".view:not([aria-busy])")).to_be_visible()
    expect(panel.locator(".threshold")).to_have_count(0)


@pytest.mark.parametrize("path", ("/alerts/", "/alerts/1/"))
@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("width", (1280, 390))
def test_axe_finds_nothing(watched, page_of, path, scheme, width):
    page = page_of(watched, path, color_scheme=scheme, viewport={"width": width, "height": 900})
    expect(page.locator(".view:not([aria-busy])")).to_be_visible()
    axe_finds_nothing(page)
    if path == "/alerts/":
        page.get_by_role("button", name="New rule").click()
    else:
        page.get_by_role("button", name="Change").click()
    axe_finds_nothing(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
