"""Guesses of tokens are slowed, logged and counted, and printed text of others is harmless."""

import http.server
import json
import re
import threading

from hale import ago, run, session, wait
from siege import Attack, head, sized

SAME = "Sec-Fetch-Site: same-origin"
# What a terminal would obey or hide: controls but the line feed, C1, and marks of direction.
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def figure(service, pattern):
    """The sum of the samples in /metrics whose name and labels match."""
    text = service.request("GET", "/metrics").body.decode()
    return sum(float(value) for name, value in re.findall(r"^(\S+) (\S+)$", text, re.M)
               if re.search(pattern, name))


def guesses(service, request, report, what):
    attack = Attack(service, opening=request, connections=64, then="flood", again=True)
    wait(lambda: attack.counts.get("seconds", 0) > sized(3, 20), "some seconds of guesses")
    attack.stop()
    answers = attack.counts["answers"]
    # 429 says: slower. An answer of 401 is a guess that was checked.
    rate = answers.get("401", 0) / attack.counts["seconds"]
    report("v", f"wrong {what}, as many as 64 connections can", [
        ("guesses that are checked, a second", "≤ 100", f"{rate:,.0f}")])
    return rate


def test_wrong_sign_ins_are_slowed_logged_and_counted(hale, report):
    body = b"token=" + b"0" * 40
    rate = guesses(hale, head(
        "POST", "/sign-in/", SAME, f"Content-Length: {len(body)}") + body, report, "sign-ins")
    assert rate <= 100, rate
    log = hale.log(2000)
    lines = [line for line in log.splitlines() if "authentication failed" in line]
    assert lines, log
    assert len(lines) < 200, "as many log lines as guesses"
    assert figure(hale, "^hale_authentication_failures_total"), "no count in /metrics"
    # The right token is still taken, and so is every honest envelope.
    hale.send(session())
    good = hale.request("POST", "/sign-in/", f"token={hale.token}",
                        {"Sec-Fetch-Site": "same-origin"})
    assert good.status in (204, 429), good


def test_wrong_bearers_are_slowed(hale, report):
    rate = guesses(hale, head(
        "GET", "/api/0/organizations/default/", "Authorization: Bearer " + "0" * 40), report,
        "bearer tokens")
    assert rate <= 100, rate
    assert hale.get("/organizations/default/").status in (200, 429)


class Escaping(http.server.BaseHTTPRequestHandler):
    """A receiver whose answer would rewrite a terminal."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = "\x1b[2J\x1b]0;owned\x07\u202egnp.exe\x9b31m\r\n".encode() * 2000
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_answers_of_receivers_are_harmless(start):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Escaping)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hale = start("--private-notice-hosts", "127.0.0.0/8")
    reply = hale.request(
        "POST", "/api/0/organizations/default/notice-channels/", json.dumps({
            "name": "hook", "kind": "webhook", "secret": "a-secret-of-some-length",
            "url": f"http://127.0.0.1:{server.server_port}/"}),
        {"Authorization": f"Bearer {hale.token}"})
    assert reply.status == 201, reply
    tested = hale.cli("channel", "test", "hook")
    printed = [tested.stdout, tested.stderr, hale.log(), hale.cli("notices").stdout]
    server.shutdown()
    for text in printed:
        assert not HARMFUL.search(text), repr(text[:500])
        assert len(text) < 10_000, "the answer is not cut"


def test_names_of_releases_are_harmless_on_a_terminal(hale):
    """C1 and marks of direction are valid in names."""
    hale.send(session(release="a\x9b31m\u202e@1", at=ago(minutes=1)))
    found = run("gate", "--release", "a\x9b31m\u202e@1", "--url", hale.address,
                "--project", "default", env={"HALE_TOKEN": hale.token})
    assert not HARMFUL.search(found.stdout + found.stderr), repr(found.stdout + found.stderr)
