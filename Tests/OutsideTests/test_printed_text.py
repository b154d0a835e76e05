"""Text of others on a terminal, in logs and on the page: what a terminal obeys, and what shows text
in another order than it has, is escaped wherever it comes from."""

import json
import re
import stat

import pytest
from playwright.sync_api import expect

from browsing import browser, page_of
from dashboard import open_page
from hale import now, run, session, wait
from test_notices import ALLOWED, NOON, MailServer, change, create, deliver, enqueue, history, webhook

# ESC, BEL, CR, a C1 control, DEL, and controls and marks of direction; the end of a line that is none.
HOSTILE = "\x1b]0;owned\x07\x1b[2J\rgone\x9b31m\x7f\u202e\u2066\u200f\u061c\u2028\u2029end"
# Names have no C0 and no DEL: these are let in.
NAME = "shop@1.0\x9b31m\u202e\u2066\u200e\u061c"
SHOWN = r"shop@1.0\x9b31m\u{202e}\u{2066}\u{200e}\u{61c}"
HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def assert_harmless(*texts):
    for text in texts:
        assert not HIDDEN.search(text), ascii(text)


def assert_prints_harmlessly(hale, *arguments, has=None):
    done = hale.cli(*arguments)
    assert_harmless(done.stdout, done.stderr)
    if has is not None:
        assert has in done.stdout + done.stderr, done
    return done


def program(folder, text):
    folder.mkdir()
    file = folder / "page"
    file.write_text(f"#!/bin/sh\nprintf '%s' '{text}'\nexit 1\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return folder


@pytest.mark.parametrize("kind", ["webhook", "email", "command"])
def test_answers_of_receivers(start, receive, tmp_path, kind):
    """What a receiver answers is kept short and clean, and is harmless wherever it is read."""
    commands = program(tmp_path / "commands", HOSTILE.replace("\r", " ").replace("\x00", ""))
    # SMTP ends its lines by CR and LF, and some servers' text is in Latin-1.
    mail = MailServer(refuse=["550 no \x1b[31m such user \x07"] * 9)
    hale = start(*ALLOWED, "--notice-commands", commands, "--smtp-from", "hale@example.com",
                 clock=NOON, env={"HALE_SMTP_URL": f"smtp://127.0.0.1:{mail.port}?tls=none"})
    try:
        body = (HOSTILE + "x" * 9000).encode()
        channel = {
            "webhook": lambda: webhook(hale, receive(*[500] * 9, body=body).url()),
            "email": lambda: create(hale, kind="email", to=["ops@example.com"]),
            "command": lambda: create(hale, kind="command", command="page"),
        }[kind]()
        enqueue(hale, channel)
        assert sum(deliver(hale)[1:]) == 1
        [entry] = history(hale)
        reason = entry["lastFailure"]
        assert_harmless(reason)
        # Of a mail server's answer the library gives the code alone.
        has = "550" if kind == "email" else r"\x1b"
        assert has in reason and len(reason) < 3000
        assert_prints_harmlessly(hale, "notices", has=has)
        assert hale.cli_list("notices")[0]["lastFailure"] == reason
        tested = assert_prints_harmlessly(hale, "channel", "test", channel["name"], has=has)
        assert tested.returncode == 1
        assert_harmless(hale.log())
        assert "notice " in hale.log()
    finally:
        mail.controller.stop()


def test_reasons_that_older_versions_stored(start, receive):
    """A reason that is in the database already is harmless when it is printed."""
    import sqlite3
    hale = start(*ALLOWED, clock=NOON)
    channel = webhook(hale, receive(500).url(), name=f"ops {NAME}")
    enqueue(hale, channel, title=f"Critical: {HOSTILE}")
    with sqlite3.connect(hale.data / "hale.db", timeout=30) as database:
        database.execute("UPDATE notice SET failure = ?", (HOSTILE,))
    printed = assert_prints_harmlessly(hale, "notices", has=r"\x1b]0;owned\x07\x1b[2J\x0dgone\x9b31m")
    # A name does not end the line of its entry, and the columns are aligned.
    header, line = printed.stdout.splitlines()
    assert line.index(r"\x1b]0;") > header.index("STATUS") or "Critical" in line
    # JSON keeps the value, in escapes.
    done = hale.cli("notices", "--json")
    assert_harmless(done.stdout)
    [entry] = [json.loads(line) for line in done.stdout.splitlines()]
    assert entry["lastFailure"] == HOSTILE and entry["channel"] == f"ops {NAME}"


def test_names_of_sdks_in_commands(hale):
    old, new = NAME, NAME.replace("1.0", "1.1")
    hale.send(*[session(release=name, environment=f"pro\x9b\u202e{n}") for n, name in
                enumerate((old, new))])
    gate = ("gate", "--release", new, "--baseline", old)
    printed = assert_prints_harmlessly(hale, *gate, has=SHOWN)
    assert printed.returncode == 2
    answer = hale.cli(*gate, "--json")
    assert_harmless(answer.stdout)
    assert json.loads(answer.stdout)["baseline"]["release"] == old
    # Errors quote what is unknown, and name what there is.
    assert_prints_harmlessly(hale, "gate", "--release", NAME + "x", has=SHOWN + "x")
    assert_prints_harmlessly(hale, *gate, "--environment", "pro\u202e", has=r"pro\u{202e}")


@pytest.mark.parametrize("arguments", [
    ("gate", "--release", "x", "--wait", HOSTILE), ("gate", f"--{HOSTILE}"), (HOSTILE,),
    ("project", "create", HOSTILE), ("serve", "--listen", HOSTILE),
    ("alert", "show", HOSTILE), ("channel", "test", HOSTILE), ("verify", "--data", HOSTILE),
])
def test_errors_quote_arguments_harmlessly(arguments, tmp_path):
    data = () if "--data" in arguments or len(arguments) < 2 else ("--data", tmp_path / "data")
    done = run(*arguments, *data)
    assert done.returncode != 0
    assert_harmless(done.stdout, done.stderr)


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_lines(start, receive, form):
    hale = start(*ALLOWED, "--log-format", form, clock=NOON)
    channel = webhook(hale, receive(*[500] * 9, body=HOSTILE.encode()).url(), name=f"ops {NAME}")
    enqueue(hale, channel)
    deliver(hale)
    wait(lambda: "notice not delivered" in hale.log(), "the line")
    assert_harmless(hale.log())
    [line] = [line for line in hale.log().splitlines() if "notice not delivered" in line]
    if form == "json":
        assert json.loads(line)["channel"] == f"ops {NAME}"
    else:
        [quoted] = re.findall(r'channel=("(?:[^"\\]|\\.)*")', line)
        assert json.loads(quoted) == f"ops {NAME}"


def test_the_page(start, browser, page_of, receive):
    hale = start(*ALLOWED)
    hale.send(*[session("crashed", release=name, environment="pro\x9b\u202e",
                        at=now()) for name in (NAME, NAME.replace("1.0", "1.1"))])
    channel = webhook(hale, receive(*[500] * 9, body=HOSTILE.encode()).url(), name=f"ops {NAME}")
    page = page_of(hale)
    link = page.locator("table.releases a.version").first
    expect(link).to_contain_text(r"\x9b31m\u{202e}\u{2066}\u{200e}\u{61c}")

    def assert_page_harmless():
        assert_harmless(page.locator("body").inner_text().replace("\t", " "), page.title())
        for name in ("title", "aria-label", "aria-valuetext"):
            for element in page.locator(f"[{name}]").all():
                assert_harmless(element.get_attribute(name))

    assert_page_harmless()
    # The address has the name itself.
    link.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(r"\u{202e}")
    wait(lambda: r"\u{202e}" in page.title(), "the title")
    expect(page.get_by_text(r"pro\x9b\u{202e}").first).to_be_attached()
    assert_page_harmless()
    # Values of choices stay what they are: the environment can be chosen.
    page.get_by_label("Environment", exact=True).select_option("pro\x9b\u202e")
    expect(page.get_by_role("heading", level=1)).to_contain_text(r"\u{202e}")
    assert_page_harmless()
    page = page_of(hale, "/settings/")
    page.get_by_role("button", name=f"Test ops {SHOWN}").click()
    expect(page.get_by_text("was not delivered")).to_contain_text(r"\x1b]0;owned\x07")
    assert_page_harmless()
    assert channel["name"] == f"ops {NAME}"
