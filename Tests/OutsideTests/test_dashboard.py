"""The dashboard in a real browser."""

import json
import re
import subprocess
import sys
import urllib.parse

import pytest
from playwright.sync_api import expect

from browsing import axe_finds_nothing, browser, page_of
from dashboard import fresh_session, serve
from hale import ROOT, hours, minutes, now, session, wait
from test_estimate import late_crashes, report

RELEASE = "shop@5.3.5"
RELEASE_PATH = f"/releases/{urllib.parse.quote(RELEASE, safe='')}/"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A service with 200 releases and 14 days, which tests must not change."""
    hale = serve(tmp_path_factory.mktemp("dashboard"))
    yield hale
    assert hale.end() is None, hale.log()


def rows(page):
    return page.locator("table.releases tbody tr")


def wait_for_rows(page, count=None):
    expect(rows(page).first).to_be_visible()
    if count is not None:
        expect(rows(page)).to_have_count(count)


def column(page, number):
    return rows(page).evaluate_all(
        "(rows, number) => rows.map((row) => row.children[number].textContent)", number)


def parameters(page):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))


# Sign-in ---------------------------------------------------------------------------------


def test_signing_in_and_out(loaded, page_of):
    page = page_of(loaded, "/?statsPeriod=7d", token=False, allowed=["401"])
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("hale token create")
    page.get_by_label("Token").fill(loaded.token)
    page.keyboard.press("Enter")
    wait_for_rows(page)
    # The sign-in leads to the requested page, and no script can read the token.
    assert parameters(page) == {"statsPeriod": "7d"}
    assert page.evaluate("document.cookie") == ""
    [cookie] = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("hale_token", True, "Strict")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.context.cookies() == []


# Releases --------------------------------------------------------------------------------


def test_the_table_has_the_numbers_of_the_api(loaded, page_of):
    page = page_of(loaded)
    wait_for_rows(page, 200)
    newest = rows(page).first
    version = newest.locator("a.version").get_attribute("title")
    answer = loaded.get("/organizations/default/releases/", {
        "health": 1, "overview": 1, "flatten": 1, "per_page": 1, "summaryInterval": "12h"}).json[0]
    assert answer["version"] == version
    health = answer["projects"][0]["healthData"]
    text = newest.inner_text()
    assert f"{health['totalSessions24h']:,}" in text
    counts = health["sessions"]
    exact = 100 * (counts["total"] - counts["crashed"]) / counts["total"]
    shown = float(newest.locator(".rate").first.inner_text().rstrip("%"))
    # Truncated, never rounded up.
    assert 0 <= exact - shown < 0.01
    assert newest.locator(".change").first.get_attribute("title").endswith("%")


def test_sorting_by_each_column(loaded, page_of):
    page = page_of(loaded)
    wait_for_rows(page, 200)
    names = ["Release", "Adoption", "Crash-free sessions", "Crash-free users", "Sessions 24 h",
             "Crashes", "First seen", "Last seen"]
    for number, name in enumerate(names):
        heading = page.get_by_role("columnheader", name=name)
        button = heading.get_by_role("button")
        button.click()
        if heading.get_attribute("aria-sort") == "ascending":
            button.click()
        expect(heading).to_have_attribute("aria-sort", "descending")
        down = column(page, number)
        button.click()
        expect(heading).to_have_attribute("aria-sort", "ascending")
        up = column(page, number)
        assert down != up and sorted(down) == sorted(up), name
        if name == "Crashes":
            found = [int(text.replace(",", "")) for text in up]
            assert found == sorted(found)
    # 5.3.10 does not exist; 5.3.9 is above 5.3.8, and the order is in the address.
    page.get_by_role("columnheader", name="Release").get_by_role("button").click()
    expect(rows(page).first).to_contain_text("5.4.9")
    assert parameters(page)["sort"] == "-version"
    page.reload()
    wait_for_rows(page, 200)
    assert column(page, 0)[0].startswith("5.4.9")


def test_the_page_orders_versions_as_the_api_does(start, page_of):
    hale = start()
    for release in ("shop@9.4.47-2", "abc", "shop@1.0.0-rc10", "shop@1.0.0-rc.9", "shop@9.4.47-10",
                    "shop@1.0.0", "shop@1.0.0-rc9", "shop@1.0.0-rc.10", "shop@1.0.0+9",
                    "shop@1.0.0+10", "web@1.0.0-1.a", "abb"):
        hale.send(session(release=release))
    listed = hale.get("/organizations/default/releases/", {"sort": "semver"}).json
    page = page_of(hale, "/?sort=-version")
    wait_for_rows(page, 12)
    links = page.locator("table.releases a.version").all()
    order = [link.get_attribute("title") for link in links]
    assert order == [release["version"] for release in listed]
    assert order.index("shop@1.0.0-rc.10") < order.index("shop@1.0.0-rc.9")
    assert order[:2] == ["shop@9.4.47-10", "shop@9.4.47-2"]


def test_pickers_search_and_back(loaded, page_of):
    page = page_of(loaded)
    wait_for_rows(page, 200)
    page.get_by_role("searchbox").fill("release.version:>=5.4")
    expect(rows(page)).to_have_count(10)
    assert parameters(page)["query"] == "release.version:>=5.4"
    page.get_by_role("searchbox").fill("")
    expect(rows(page)).to_have_count(200)
    page.get_by_role("button", name="Users", exact=True).click()
    expect(page.get_by_role("columnheader", name="Users 24 h")).to_be_visible()
    page.get_by_label("Period").select_option("24h")
    page.get_by_label("Environment").select_option("staging")
    expect(rows(page)).not_to_have_count(200)
    assert parameters(page) == {"display": "users", "statsPeriod": "24h", "environment": "staging"}
    page.go_back()
    expect(page.get_by_label("Environment")).to_have_value("")
    expect(rows(page)).to_have_count(200)
    page.go_back()
    expect(page.get_by_label("Period")).to_have_value("14d")
    page.go_forward()
    expect(page.get_by_label("Period")).to_have_value("24h")


def test_back_from_a_release_leads_to_the_same_list(loaded, page_of):
    page = page_of(loaded, "/?query=release.version:>=5.4&sort=version&display=users")
    wait_for_rows(page, 10)
    order = column(page, 0)
    rows(page).first.get_by_role("link").click()
    page.locator("a.back").click()
    wait_for_rows(page, 10)
    assert column(page, 0) == order
    expect(page.get_by_role("columnheader", name="Users 24 h")).to_be_visible()


def test_invalid_and_empty_searches(loaded, page_of):
    page = page_of(loaded, "/?query=nothing-like-it")
    expect(page.get_by_role("heading", name="No releases found")).to_be_visible()
    page.get_by_role("button", name="Show all releases").click()
    wait_for_rows(page, 200)
    page = page_of(loaded, "/?query=release.stage:adopted", allowed=["400"])
    expect(page.get_by_role("alert")).to_contain_text("environment")
    expect(page.get_by_role("heading", name="No releases found")).to_be_visible()
    expect(page.locator("table.releases")).to_be_hidden()
    page = page_of(loaded, "/?project=nothing-like-it")
    expect(page.get_by_text("There is no project “nothing-like-it”.")).to_be_visible()
    expect(page.get_by_text("has no sessions yet")).to_be_hidden()
    page.get_by_role("button", name="Show all releases").click()
    wait_for_rows(page, 200)
    # The list, and the page of a release.
    unknown = "There is no environment “prod”; near: “production”."
    page = page_of(loaded, "/?environment=prod")
    expect(page.get_by_text(unknown)).to_be_visible()
    page = page_of(loaded, RELEASE_PATH + "?environment=prod")
    expect(page.get_by_text(unknown)).to_be_visible()
    axe_finds_nothing(page)
    page = page_of(loaded, RELEASE_PATH + "?environment=production")
    expect(page.locator(".view:not([aria-busy])")).to_be_visible()
    expect(page.get_by_text("There is no environment")).to_have_count(0)


def test_a_late_search_does_not_leave_the_view(loaded, page_of):
    page = page_of(loaded)
    wait_for_rows(page, 200)
    # Typed and clicked at once; a later timer than the page's own shows that that one is over.
    page.evaluate("""async () => {
        const search = document.querySelector("input[type=search]");
        search.value = "shop";
        search.dispatchEvent(new Event("input"));
        document.querySelector("a.version").click();
        await new Promise((done) => setTimeout(done, 300));
    }""")
    expect(page.get_by_role("heading", level=1)).to_contain_text("shop@")
    assert urllib.parse.urlsplit(page.url).path.startswith("/releases/")


def test_keyboard_alone(loaded, page_of):
    page = page_of(loaded)
    wait_for_rows(page, 200)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    link = rows(page).first.locator("a.version")
    for _ in range(30):
        page.keyboard.press("Tab")
        if link.evaluate("(link) => link === document.activeElement"):
            break
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_contain_text("shop@")


# The adoption chart and the stages -------------------------------------------------------


def test_adoption_is_for_one_application_and_stages_for_one_environment(start, page_of):
    hale = start()
    for slug, platform in (("app", "android"), ("web", "javascript")):
        made = hale.cli_json("project", "create", slug, "--platform", platform)
        key, number = re.match(r".*//(\w+)@.*/(\d+)", made["dsn"]).groups()
        for release in ("app@1.0", "app@1.1"):
            def send():
                return hale.request(
                    "POST", f"/api/{number}/envelope/?sentry_key={key}",
                    fresh_session(release=release, did="ada")).status == 200
            wait(send, "the new key to be known")
    assert hale.cli("jobs", "run", "adoption").returncode == 0
    page = page_of(hale, "/?project=app&environment=production")
    wait_for_rows(page, 2)
    chart = page.get_by_role("region", name="Adoption")
    expect(chart).to_be_visible()
    expect(rows(page).first.locator(".stage")).to_be_visible()
    # By pointer and by keyboard: the values of a point, and the link to the release.
    points = chart.get_by_role("slider")
    points.focus()
    page.keyboard.press("End")
    expect(points).to_have_attribute("aria-valuetext", re.compile(r"1\.0 50\.0%"))
    page.keyboard.press("ArrowLeft")
    expect(points).not_to_have_attribute("aria-valuetext", re.compile("50"))
    box = points.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    expect(chart.locator(".tip")).to_contain_text("1.1")
    expect(chart.locator(".tip")).to_contain_text("UTC")
    page.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    expect(page.get_by_role("heading", level=1)).to_contain_text("app@1.")
    page.go_back()
    page.get_by_label("Environment").select_option("")
    expect(rows(page).first.locator(".stage")).to_be_hidden()
    page.get_by_label("Project").select_option("web")
    expect(chart).to_be_hidden()
    page.get_by_label("Project").select_option("")
    expect(rows(page)).to_have_count(4)
    expect(chart).to_be_hidden()


# A release -------------------------------------------------------------------------------


def test_a_release(loaded, page_of):
    page = page_of(loaded, RELEASE_PATH)
    expect(page.get_by_role("heading", level=1)).to_have_text(RELEASE)
    answer = loaded.sessions(
        "sum(session)", group=["session.status"], query=f"release:{RELEASE}", statsPeriod="14d",
        interval="1d", includeSeries=0)
    sums = {group["by"]["session.status"]: group["totals"]["sum(session)"]
            for group in answer["groups"]}
    for status, count in sums.items():
        button = page.get_by_role("group", name="Sessions by status").get_by_role(
            "button", name=status.capitalize())
        expect(button).to_contain_text(f"{count:,}")
    for name in ("Crash-free rate", "Adoption", "Sessions", "Users", "Durations", "Environments",
                 "Comparison", "Data quality"):
        expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()
    panel = page.get_by_role("region", name="Sessions", exact=True)
    before = panel.locator("rect.fill-healthy").count()
    panel.get_by_role("button", name="Healthy").click()
    assert before > panel.locator("rect.fill-healthy").count()
    expect(page.get_by_role("region", name="Environments")).to_contain_text("production")
    comparison = page.get_by_role("region", name="Comparison")
    expect(comparison.get_by_label("Compare with")).to_have_value("shop@5.3.4")
    comparison.get_by_label("Compare with").select_option("shop@5.3.0")
    expect(comparison.locator("thead")).to_contain_text("shop@5.3.0")
    comparison.get_by_role("button", name="The same age").click()
    expect(comparison).to_contain_text("since its own first session")
    assert parameters(page) == {"base": "shop@5.3.0", "align": "age"}
    expect(page.get_by_role("region", name="Data quality")).to_contain_text("Items received")


@pytest.mark.parametrize("period, interval", (("24h", "1h"), ("7d", "6h"), ("14d", "12h")))
def test_the_numbers_of_a_release_are_of_the_same_time(loaded, page_of, period, interval):
    # Two days old, with sessions before and after each midnight.
    version = loaded.get("/organizations/default/releases/", {"per_page": 30}).json[-1]["version"]
    path = f"/releases/{urllib.parse.quote(version, safe='')}/?statsPeriod={period}"
    page = page_of(loaded, path)
    figure = page.locator(".figures > div").filter(has=page.get_by_text("Sessions", exact=True))
    expect(figure.locator("b")).to_have_text(re.compile(r"[1-9]"))
    shown = figure.locator("b").inner_text()
    # The numbers of the list, too.
    [project] = loaded.get(f"/organizations/default/releases/{urllib.parse.quote(version, safe='')}/", {
        "health": 1, "overview": 1, "summaryStatsPeriod": period, "summaryInterval": interval,
    }).json["projects"]
    assert f"{project['healthData']['sessions']['total']:,}" == shown
    environments = page.get_by_role("region", name="Environments")
    expect(environments.get_by_role("rowheader").first).to_be_visible()
    counts = environments.locator("tbody td:nth-child(2)").all_inner_texts()
    assert f"{sum(int(count.replace(',', '')) for count in counts):,}" == shown
    row = page.get_by_role("region", name="Comparison").get_by_role("row").filter(
        has=page.get_by_role("rowheader", name="Sessions", exact=True))
    expect(row.get_by_role("cell").nth(1)).to_have_text(shown)
    expect(page.get_by_text("numbers since")).to_be_visible()


def test_a_release_that_does_not_exist(loaded, page_of):
    page = page_of(loaded, "/releases/nothing%401/", allowed=["404"])
    expect(page.get_by_text("no release with this name")).to_be_visible()
    page.get_by_role("link", name="All releases").click()
    wait_for_rows(page)


# Set-up, and numbers that move -----------------------------------------------------------


def test_the_table_replaces_the_setup_and_keeps_its_order_under_the_pointer(start, page_of):
    hale = start()
    page = page_of(hale)
    expect(page.get_by_text("has no sessions yet")).to_be_visible()
    expect(page.locator(".dsn code")).to_have_text(hale.dsn)
    page.get_by_role("button", name="Python").click()
    expect(page.locator(".snippet pre")).to_contain_text(hale.dsn)
    expect(page.locator(".snippet pre")).to_contain_text("start_session")
    hale.send(session(release="app@1.0", did="ada"), session(release="app@2.0", did="eve"))
    wait_for_rows(page, 2)
    page.get_by_role("columnheader", name="Sessions 24 h").get_by_role("button").click()
    order = column(page, 0)
    rows(page).nth(1).hover()
    hale.send(*[session(release="app@" + order[1][:3]) for _ in range(3)])
    expect(rows(page).nth(1)).to_contain_text("80.0%", timeout=15_000)
    assert column(page, 0) == order
    # It updates when the pointer leaves.
    page.mouse.move(5, 5)
    expect(rows(page).first).to_contain_text("80.0%")
    assert column(page, 0) == order[::-1]


def test_without_a_change_polls_are_answered_304(loaded, page_of):
    page = page_of(loaded)
    wait_for_rows(page, 200)
    with page.expect_response(lambda reply: "/releases/" in reply.url and reply.status == 304,
                              timeout=20_000):
        pass


def test_the_page_reports_and_survives_an_outage(start, page_of):
    hale = start()
    hale.send(session())
    page = page_of(hale, allowed=["ERR_", "Failed to load"])
    wait_for_rows(page, 1)
    hale.stop()
    expect(page.get_by_role("status").filter(has_text="cannot be reached")).to_be_visible(timeout=15_000)
    wait_for_rows(page, 1)
    hale.listen = f"127.0.0.1:{hale.port}"
    hale.start()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".banner")).to_be_hidden()


# Settings --------------------------------------------------------------------------------


def test_projects_keys_and_tokens(start, page_of):
    hale = start()
    page = page_of(hale, "/settings/")
    form = page.get_by_role("form", name="New project")
    form.get_by_label("Name").fill("till")
    form.get_by_label("Platform").fill("android")
    form.get_by_role("button", name="Create project").click()
    till = page.get_by_role("article", name="till")
    expect(till.get_by_role("listitem")).to_have_count(1)
    till.get_by_role("button", name="Add a key").click()
    expect(till.get_by_role("listitem")).to_have_count(2)
    dsn = till.locator("code").last.inner_text()
    # What is created there is valid at once.
    key, number = re.match(r"http://(\w+)@[^/]+/(\d+)$", dsn).groups()
    target = f"/api/{number}/envelope/?sentry_key={key}"
    assert hale.request("POST", target, fresh_session(release="till@1")).status == 200
    revoke = till.get_by_role("listitem").last.get_by_role("button", name="Revoke key")
    revoke.click()
    assert hale.request("POST", target, fresh_session(release="till@1")).status == 200
    till.get_by_role("button", name="press again").click()
    expect(till.get_by_text("revoked")).to_be_visible()
    assert hale.request("POST", target, fresh_session(release="till@1")).status == 403

    form = page.get_by_role("form", name="New token")
    form.get_by_label("Name").fill("ci")
    form.get_by_role("button", name="Create token").click()
    fresh = page.locator(".fresh code")
    expect(fresh).to_be_visible()
    token = fresh.inner_text()
    assert hale.get("/", token=token).status == 200
    row = page.get_by_role("row").filter(has_text="ci")
    row.get_by_role("button").click()
    row.get_by_role("button").click()
    expect(row).to_contain_text("revoked")
    assert hale.get("/", token=token).status == 401
    axe_finds_nothing(page)


def test_channels_and_their_notifications(start, page_of, receive):
    hale, receiver = start("--private-notice-hosts", "127.0.0.1"), receive(200, 500)
    page = page_of(hale, "/settings/", allowed=("400 (Bad Request)",))
    form = page.get_by_role("form", name="New channel")
    form.get_by_label("Name").fill("ops")
    target = form.get_by_label("URL")
    target.fill("ftp://nowhere")
    form.get_by_role("button", name="Create channel").click()
    expect(page.get_by_role("alert").filter(has_text="url: It takes an address")).to_be_visible()
    target.fill(receiver.url("/hook?token=1"))
    form.get_by_role("button", name="Create channel").click()
    secret = page.get_by_role("region", name="Notifications").locator(".fresh code")
    expect(secret).to_have_text(re.compile("^[0-9a-f]{48}$"))
    row = page.get_by_role("row").filter(has_text="Webhook")
    expect(row).to_contain_text(receiver.url("/hook?…"))
    row.get_by_role("button", name="Test ops").click()
    expect(page.get_by_text("The test was delivered to ops.")).to_be_visible()
    row.get_by_role("button", name="Test ops").click()
    failure = "not delivered: the receiver answered 500: as configured"
    expect(page.get_by_text(failure)).to_be_visible()
    assert [request.path for request in receiver.received] == ["/hook?token=1"] * 2
    notifications = page.get_by_role("row").filter(has_text="Test: the channel ops works")
    expect(notifications).to_have_count(2)
    expect(notifications.first).to_contain_text("given up")
    expect(notifications.last).to_contain_text("delivered")
    axe_finds_nothing(page)
    row.get_by_role("button", name="Delete channel ops").click()
    row.get_by_role("button", name="press again").click()
    expect(row).to_have_count(0)
    expect(notifications).to_have_count(0)


def test_a_token_of_scope_read_cannot_change(start, page_of):
    hale = start()
    made = hale.cli_json("token", "create", "reader", "--scope", "read")
    hale.token = made["token"]
    wait(lambda: hale.get("/").status == 200, "the new token to be known")
    page = page_of(hale, "/settings/")
    expect(page.get_by_text("sign in with a token of scope admin")).to_be_visible()
    expect(page.get_by_role("article", name="default").get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("button", name="Create")).to_have_count(0)
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)


# Late crashes ----------------------------------------------------------------------------


def test_late_crashes_are_shown_as_an_estimate(start, page_of):
    noon = now().replace(minute=0, second=0, microsecond=0) - hours(12)
    hale = late_crashes(start, noon)
    page = page_of(hale, "/releases/app%402/?statsPeriod=48h")
    panel = page.get_by_role("region", name="Late crashes")
    words = "Estimate once all late crashes are reported"
    answer = hale.get("/organizations/default/releases/app@2/estimate/",
                      {"statsPeriod": "48h", "interval": "2h"}).json

    def shown(share):
        return f"{int(share * 10_000 + 1e-6) / 100:.2f}%"
    estimate = answer["estimate"]
    expect(panel).to_contain_text("98.00%20 of 1,000 crashed")
    expect(panel).to_contain_text(
        f"{words}{shown(estimate['value'])}{shown(estimate['low'])} to {shown(estimate['high'])}")
    expect(panel).to_contain_text("learnt from 80 crashes of the last 7 days")
    expect(panel).to_contain_text("Release gate")
    gate = hale.get("/organizations/default/releases/app@2/gate/").json
    expect(panel).to_contain_text(gate["reason"])
    # The chart shows it as a band with a legend.
    chart = page.get_by_role("region", name="Crash-free rate")
    expect(chart.locator("svg[role=img] path.band")).to_have_count(1)
    expect(chart.get_by_role("list")).to_contain_text(f"{words}, sessions")
    points = chart.get_by_role("slider")
    points.focus()
    page.keyboard.press("End")
    expect(points).to_have_attribute("aria-valuetext", re.compile(
        f"{words}, sessions {shown(estimate['low'])} to {shown(estimate['high'])}"))
    axe_finds_nothing(page)
    # Once all crashes are reported there is no estimate.
    hale.clock.set(noon + hours(6) + minutes(10))
    report(hale, hale.crashed[20:])
    hale.clock.advance(hours(2))
    page.reload()
    expect(panel).to_contain_text("96.00%40 of 1,000 crashed")
    expect(panel).not_to_contain_text("Estimate")
    expect(chart.locator("path.band")).to_have_count(0)


# The error budget ------------------------------------------------------------------------


def test_failure_free_rates_stand_beside_crash_free_ones(start, page_of):
    """Only for releases with unhandled sessions: for others they are the same."""
    hale = start()
    at = now() - hours(2)
    for release, bad in (("web@1.0.0", "exited"), ("web@1.1.0", "unhandled")):
        hale.send(*(session(bad if index < 3 else "exited", at=at, release=release,
                            did=f"user-{index % 10}") for index in range(20)))
    page = page_of(hale, "/?sort=-version")
    wait_for_rows(page, 2)
    newest, oldest = rows(page).nth(0), rows(page).nth(1)
    expect(newest.get_by_text("failure-free 85.00%")).to_be_visible()
    expect(newest.get_by_text("failure-free 70.00%")).to_be_visible()
    expect(oldest).not_to_contain_text("failure-free")
    axe_finds_nothing(page)
    newest.get_by_role("link").click()
    chart = page.locator(".panel").filter(has=page.get_by_role("heading", name="Crash-free rate"))
    expect(chart.locator(".legend")).to_contain_text("Sessions, failure-free")
    expect(chart.locator(".legend")).to_contain_text("Users, failure-free")
    expect(chart.get_by_role("img").first).to_have_attribute(
        "aria-label", re.compile("85.00% and 70.00%$"))
    axe_finds_nothing(page)
    page.get_by_role("link", name="Releases of default").click()
    rows(page).nth(1).get_by_role("link").click()
    expect(chart.locator(".legend")).to_contain_text("Sessions")
    expect(chart.locator(".legend")).not_to_contain_text("failure-free")


@pytest.fixture(scope="module")
def budgeted(tmp_path_factory):
    """The same history, with an objective of its only project."""
    hale = serve(tmp_path_factory.mktemp("budgeted"), releases=20)
    hale.cli_json("objective", "set", "default", "--crash-free-sessions", "99")
    path = "/projects/default/default/budget/"
    wait(lambda: hale.get(path).json["objective"], "the objective")
    yield hale
    assert hale.end() is None, hale.log()


def test_the_budget_has_the_numbers_of_the_api(budgeted, page_of):
    page = page_of(budgeted)
    panel = page.get_by_role("region", name="Error budget")
    expect(panel).to_be_visible()
    answer = budgeted.get("/projects/default/default/budget/").json
    assert 0 < answer["left"] < 1
    expect(panel).to_contain_text("99 % of sessions crash-free over 28 days, all environments")
    shown = float(panel.locator(".budget b").inner_text().rstrip("%"))
    assert 0 <= 100 * answer["left"] - shown < 0.1
    expect(panel).to_contain_text(f"{answer['bad']:,}")
    expect(panel).to_contain_text(f"{int(answer['allowed']):,}")
    wide = panel.locator(".bar-fill").evaluate("(bar) => bar.style.width")
    assert float(wide.rstrip("%")) == pytest.approx(100 * answer["left"], abs=0.1)
    points = panel.get_by_role("slider")
    points.focus()
    page.keyboard.press("End")
    expect(points).to_have_attribute(
        "aria-valuetext", re.compile(re.escape(f"Remaining {panel.locator('.budget b').inner_text()}")))
    # Only a single project has a budget.
    page.goto(budgeted.address + "/?project=nothing")
    expect(page.locator(".view:not([aria-busy])")).to_be_visible()
    expect(panel).to_be_hidden()


def test_a_burning_budget(start, page_of):
    hale = start()
    hale.send(*[session("crashed" if n < 5 else "exited") for n in range(50)])
    hale.cli_json("objective", "set", "default", "--days", "7")
    wait(lambda: hale.get("/projects/default/default/budget/").json["objective"], "the objective")
    page = page_of(hale)
    panel = page.get_by_role("region", name="Error budget")
    expect(panel.get_by_role("status")).to_contain_text("the burn rate of the last hour is 100×")
    expect(panel.locator(".budget b")).to_have_text("−9900.0%")
    expect(panel).to_contain_text("overspent")
    expect(panel.get_by_role("row", name="hour").first).to_contain_text("burns")
    expect(panel.get_by_role("row", name="hour").first).to_contain_text("1 hour")


def test_an_objective_in_the_settings(start, page_of):
    hale = start()
    hale.send(session())
    page = page_of(hale, "/settings/", allowed=["400"])
    project = page.get_by_role("article", name="default")
    project.get_by_text("No objective").click()
    form = project.get_by_role("form", name="Objective of default")
    expect(form.get_by_label("Percent")).to_have_value("99.9")
    form.get_by_label("Percent").fill("99.95")
    form.get_by_label("Crash-free").select_option("users")
    form.get_by_role("button", name="Set objective").click()
    expect(project).to_contain_text("99.95 % of users crash-free over 28 days")
    [objective] = hale.get("/projects/default/default/objectives/").json
    assert (objective["measure"], objective["target"]) == ("crash_free_users", 99.95)
    # The service rejects what the browser accepts, with the reason.
    project.get_by_text("Objective:").click()
    form.evaluate("(form) => { form.noValidate = true; }")
    form.get_by_label("Days").fill("91")
    form.get_by_role("button", name="Change objective").click()
    expect(page.get_by_role("alert").filter(has_text="not a whole number from 1 to 90")).to_be_visible()
    axe_finds_nothing(page)
    page.get_by_role("link", name="Releases").click()
    expect(page.get_by_role("region", name="Error budget")).to_contain_text("users crash-free")
    page.get_by_role("link", name="Settings").click()
    project.get_by_text("Objective:").click()
    form.get_by_role("button", name="Remove objective").click()
    expect(project).to_contain_text("No objective")
    reader = hale.cli_json("token", "create", "reader")["token"]
    wait(lambda: hale.get("/", token=reader).status == 200, "the token")
    hale.token = reader
    page = page_of(hale, "/settings/")
    expect(page.get_by_text("No objective")).to_be_visible()
    expect(page.get_by_role("form", name="Objective of default")).to_have_count(0)


def test_failure_free_stands_first_where_unhandled_errors_are_bad(start, page_of):
    hale = start()
    hale.send(*[session("unhandled" if n < 5 else "exited", release="web@1", did=f"user-{n % 10}")
                for n in range(50)])
    hale.cli_json("objective", "set", "default", "--crash-free-sessions", "95")
    page = page_of(hale, "/releases/web%401/")
    figures = page.locator(".figures > div:visible")
    expect(figures.first).to_have_text("Crash-free sessions100%")
    page.get_by_role("link", name="Settings").click()
    project = page.get_by_role("article", name="default")
    expect(project).to_contain_text("bad: crashed (default)")
    project.get_by_label("Bad sessions of default").select_option("crashed or unhandled")
    expect(project).to_contain_text("bad: crashed or unhandled")
    expect(project).to_contain_text("95 % of sessions failure-free over 28 days")
    axe_finds_nothing(page)
    page.get_by_role("link", name="Releases").click()
    panel = page.get_by_role("region", name="Error budget")
    expect(panel).to_contain_text("Crashed or unhandled5")
    page.goto(hale.address + "/releases/web%401/")
    expect(figures.first).to_have_text("Failure-free sessions90.00%")
    expect(figures.nth(1)).to_have_text("Failure-free users50.00%")
    expect(figures.nth(2)).to_have_text("Crash-free sessions100%")
    places = page.get_by_role("region", name="Environments").last.get_by_role("row")
    expect(places.first).to_have_text("EnvironmentSessionsFailure-free sessionsUsersFailure-free usersFailures")
    expect(places.last).to_have_text("production5090.00%1050.00%5")
    # The change in the list is that of the rate that the project goes by.
    hale.send(*[session("unhandled" if n < 1 else "exited", release="web@2", did=f"user-{n % 10}")
                for n in range(3)])
    page.goto(hale.address + "/?sort=-version")
    wait_for_rows(page, 2)
    expect(rows(page).nth(0)).to_contain_text("failure-free 66.66% −23.33")
    expect(rows(page).nth(0)).to_contain_text("failure-free 66.66% +16.67")
    page.goto(hale.address + "/releases/web%402/")
    expect(figures.first).to_contain_text("Failure-free sessions66.66%")


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("width", (1280, 390))
def test_axe_finds_nothing_wrong_with_a_budget(budgeted, page_of, scheme, width):
    page = page_of(budgeted, color_scheme=scheme, viewport={"width": width, "height": 900})
    expect(page.get_by_role("region", name="Error budget")).to_be_visible()
    expect(page.locator(".view:not([aria-busy])")).to_be_visible()
    axe_finds_nothing(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# For everybody ---------------------------------------------------------------------------

VIEWS = {"releases": "/?query=release.version:>=5.4", "release": RELEASE_PATH, "sign-in": "/sign-in/"}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("width", (1280, 390))
def test_axe_finds_nothing(loaded, page_of, view, scheme, width):
    page = page_of(loaded, VIEWS[view], color_scheme=scheme, token=view != "sign-in",
                   viewport={"width": width, "height": 900})
    expect(page.locator(".view:not([aria-busy])")).to_be_visible()
    axe_finds_nothing(page)
    # The page is not wider than the screen.
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", (1280, 390))
def test_long_names_never_scroll_sideways(start, page_of, width):
    hale = start()
    name = "com.example." + "averylongname" * 4
    releases = [f"{name}@{major}.0.0" for major in (1, 2)]
    environment = "e" * 64
    for release in releases:
        hale.send(*(session("unhandled" if index < 3 else "crashed" if index < 5 else "exited",
                            release=release, environment=environment, did=f"user-{index}")
                    for index in range(20)))
    rule = {"name": "r" * 60, "projects": ["default"], "release": releases[1],
            "environment": environment, "aggregate": "crash_free_rate(session)", "timeWindow": 60,
            "thresholdType": 1, "triggers": [{"label": "critical", "alertThreshold": 99}]}
    made = hale.request("POST", "/api/0/organizations/default/alert-rules/",
                        json.dumps(rule).encode(), {"Authorization": f"Bearer {hale.token}"})
    assert made.status == 201, made
    of_release = f"/releases/{urllib.parse.quote(releases[1], safe='')}/"
    base = urllib.parse.quote(releases[0], safe="")
    for path in ("/", f"/?environment={environment}", of_release, f"{of_release}?base={base}",
                 f"{of_release}?environment={environment}", "/releases/" + "x" * 69 + "/",
                 "/alerts/", f"/alerts/{made.json['id']}/", "/settings/"):
        page = page_of(hale, path, viewport={"width": width, "height": 900}, allowed=["404"])
        expect(page.locator(".view:not([aria-busy])")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_days_of_charts_are_days_in_utc(start, page_of):
    """Seen from Los Angeles, a day of a series begins on the evening of the day before."""
    hale = start()
    hale.send(session("crashed", release="app@1"), session("exited", release="app@1"))
    zone = {"timezone_id": "America/Los_Angeles"}
    page = page_of(hale, "/releases/app%401/?statsPeriod=30d", **zone)
    chart = page.locator(".panel").filter(has=page.get_by_role("heading", name="Sessions")).first
    today = f"{now().day} {now():%b}"
    expect(chart.get_by_role("slider")).to_have_attribute(
        "aria-valuetext", re.compile(rf"^{today} \(UTC day\): .*Crashed 1\b"))
    first = now() - hours(30 * 24)
    expect(chart.locator("svg text.tick").filter(has_text="UTC")).to_have_text(
        f"{first.day} {first:%b} UTC")
    # Shorter buckets begin at a time, which is shown as it is there.
    page = page_of(hale, "/releases/app%401/?statsPeriod=24h", **zone)
    chart = page.locator(".panel").filter(has=page.get_by_role("heading", name="Sessions")).first
    expect(chart.get_by_role("slider")).not_to_have_attribute(
        "aria-valuetext", re.compile("UTC day"))


def test_print(loaded, page_of):
    page = page_of(loaded)
    wait_for_rows(page, 200)
    page.emulate_media(media="print")
    expect(page.get_by_role("searchbox")).to_be_hidden()
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    wait_for_rows(page, 200)


def test_rounding_never_gives_0_or_100_percent(loaded, page_of):
    page = page_of(loaded)
    wait_for_rows(page)
    module = page.evaluate("document.querySelector('link[href$=\"/format.js\"]').href")
    cases = {
        "percent(24999, 25000)": "99.996%", "percent(25000, 25000)": "100%",
        "percent(9999, 10000)": "99.99%", "percent(999999999, 1000000000)": "99.9999999%",
        "percent(0, 7)": "0%", "percent(1, 1000000)": "0.0001%", "percent(0, 0)": "–",
        "percent(199, 200)": "99.50%", "percent(2, 3)": "66.66%", "percent(9996, 10000, 1)": "99.96%",
        "fraction(0.99996)": "99.996%", "fraction(1)": "100%", "fraction(null)": "–",
        "points(0.00001).text": "+0.001", "points(-0.0123).text": "−1.23", "points(0).text": "±0",
        "axisPercent(0.9985, 0.0005)": "99.85%", "axisPercent(0.75, 0.25)": "75%",
        "axisPercent(0.99975, 0.00025)": "99.975%", "duration(999)": "999 ms", "duration(61000)": "1 min 1 s", "count(1234567)": "1,234,567",
    }
    found = page.evaluate(
        "async ([url, cases]) => { const f = await import(url); const { percent, fraction, axisPercent, points, duration, count } = f;"
        " return { " + ", ".join(f"{json.dumps(case)}: {case}" for case in cases) + " }; }",
        [module, list(cases)])
    assert found == cases


# Quick -----------------------------------------------------------------------------------


def test_the_page_is_small(loaded, page_of):
    """Its size as a browser loads it; Scripts/bench measures the time."""
    page = page_of(loaded)
    wait_for_rows(page, 200)
    sizes = page.evaluate(
        "() => performance.getEntriesByType('resource').filter((one) => one.name.includes('/assets/'))"
        ".map((one) => one.encodedBodySize)")
    assert len(sizes) > 20 and 0 < sum(sizes) < 200_000


@pytest.mark.parametrize("prefix", ("/tools/hale",))
def test_under_a_path(start, page_of, prefix):
    hale = start("--public-url", f"http://127.0.0.1:1{prefix}")
    hale.send(session(release="app@1.0"))
    page = page_of(hale, prefix + "/")
    wait_for_rows(page, 1)
    rows(page).first.locator("a.version").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("app@1.0")
    assert urllib.parse.urlsplit(page.url).path == prefix + "/releases/app%401.0/"
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("app@1.0")


@pytest.mark.parametrize("path", ("Bench/browser.py", "Tests/OutsideTests/pictures.py"))
def test_benchmarks_and_pictures_need_only_playwright(path):
    """Both run in a Python without the tests' other packages."""
    program = ("import runpy, sys; sys.modules.update(pytest=None, axe_playwright_python=None); "
               "sys.path.insert(0, sys.argv[1].rpartition('/')[0]); runpy.run_path(sys.argv[1])")
    done = subprocess.run([sys.executable, "-B", "-c", program, str(ROOT / path)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
