"""Notifications to real web servers, a real mail server and real programs, with rejections,
failures and kills."""

import email
import email.policy
import hashlib
import hmac
import json
import re
import socket
import sqlite3
import ssl

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword, SMTP

from hale import ago, minutes, run, seconds, utc, wait
from receiver import make_certificates

NOON = utc("2026-03-10T12:00:00Z")
CHANNELS = "/organizations/default/notice-channels/"
NOTICES = "/organizations/default/notices/"
SECRET = "a-secret-of-some-length"
ALLOWED = ("--private-notice-hosts", "127.0.0.0/8")


def change(hale, method, path, body=None):
    return hale.request(method, f"/api/0{path}", None if body is None else json.dumps(body), {
        "Authorization": f"Bearer {hale.token}"})


def create(hale, **form):
    reply = change(hale, "POST", CHANNELS, {"name": form.get("kind"), **form})
    assert reply.status == 201, reply
    return reply.json


def webhook(hale, url, **form):
    return create(hale, kind="webhook", url=url, secret=SECRET, **form)


def enqueue(hale, channel, key="1", title="Critical: Crash-free sessions of shop", at=None,
            action="critical"):
    """Stores a notification, as alerts do."""
    now = int((at or hale.clock.instant).timestamp() * 1000)
    with sqlite3.connect(hale.data / "hale.db", timeout=30) as database:
        database.execute(
            "INSERT INTO notice (channel, key, action, title, text, web_url, subject, created, "
            "next_attempt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (int(channel["id"]), key, action, title, "97.2 % in the last hour – below 99 %.",
             "http://hale.example/alerts/1/", '{"id":"7","title":"Crash-free  sessions"}', now, now))


def deliver(hale):
    done = hale.cli("jobs", "run", "notices")
    assert done.returncode == 0, done
    return [int(number) for number in re.findall(r"\d+(?= (?:delivered|to be|given))", done.stdout)]


def history(hale, **params):
    reply = hale.get(NOTICES, params)
    assert reply.status == 200, reply
    return reply.json


def assert_signed(request, secret=SECRET):
    expected = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["Sentry-Hook-Signature"] == expected


# Webhooks --------------------------------------------------------------------------------


def test_sentrys_webhook(start, receive):
    hale, receiver = start(*ALLOWED, clock=NOON), receive()
    channel = webhook(hale, receiver.url("/hook?x=1"))
    enqueue(hale, channel, key="rule-1-open")
    assert deliver(hale) == [1, 0, 0]
    [request] = receiver.received
    assert request.path == "/hook?x=1"
    assert_signed(request)
    headers = request.headers
    assert headers["Content-Type"] == "application/json"
    assert headers["Sentry-Hook-Resource"] == "metric_alert"
    assert headers["Sentry-Hook-Timestamp"] == str(int(NOON.timestamp()))
    assert re.fullmatch("[0-9a-f]{32}", headers["Request-ID"])
    assert headers["Idempotency-Key"] == "rule-1-open"
    body = json.loads(request.body)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                        body["installation"].pop("uuid"))
    assert body == {
        "action": "critical", "installation": {},
        "actor": {"id": "hale", "name": "Hale", "type": "application"},
        "data": {
            "description_title": "Critical: Crash-free sessions of shop",
            "description_text": "97.2 % in the last hour – below 99 %.",
            "web_url": "http://hale.example/alerts/1/",
            "metric_alert": {"id": "7", "title": "Crash-free  sessions"}}}
    # The subject is sent byte for byte.
    assert b'"metric_alert":{"id":"7","title":"Crash-free  sessions"}' in request.body
    [entry] = history(hale)
    assert (entry["status"], entry["attempts"], entry["lastFailure"]) == ("delivered", 1, None)
    assert entry["dateDelivered"] == "2026-03-10T12:00:00Z" and entry["nextAttempt"] is None
    assert entry["channel"] == {"id": channel["id"], "name": "webhook", "kind": "webhook"}
    assert deliver(hale) == [0, 0, 0] and len(receiver.received) == 1


def test_failures_are_tried_again_with_the_same_key(start, receive):
    hale, receiver = start(*ALLOWED, clock=NOON), receive(500, 503, 429)
    channel = webhook(hale, receiver.url())
    enqueue(hale, channel, key="k-1")
    for attempt, pause in enumerate((10, 30, 120), 1):
        assert deliver(hale) == [0, 1, 0]
        [entry] = history(hale)
        assert (entry["status"], entry["attempts"]) == ("waiting", attempt)
        assert re.fullmatch(r"the receiver answered (500|503|429): as configured", entry["lastFailure"])
        due = utc(entry["nextAttempt"]) - hale.clock.instant
        assert seconds(pause * 0.9 - 1) <= due <= seconds(pause * 1.1)
        # Not before the time of the next attempt.
        assert deliver(hale) == [0, 0, 0]
        hale.clock.advance(seconds(pause * 1.1 + 1))
    assert deliver(hale) == [1, 0, 0]
    assert {request.headers["Idempotency-Key"] for request in receiver.received} == {"k-1"}
    assert len({request.headers["Request-ID"] for request in receiver.received}) == 4
    assert len({request.body for request in receiver.received}) == 1
    assert history(hale)[0]["attempts"] == 4


def test_retry_after_is_respected(start, receive):
    hale, receiver = start(*ALLOWED, clock=NOON), receive(429, headers={"Retry-After": "900"})
    enqueue(hale, webhook(hale, receiver.url()))
    assert deliver(hale) == [0, 1, 0]
    assert utc(history(hale)[0]["nextAttempt"]) == NOON + minutes(15)


def test_rejection_and_age_end_the_attempts(start, receive):
    hale = start(*ALLOWED, clock=NOON)
    refusing, redirecting, failing = receive(*[404] * 9), receive(*[302] * 9), receive(*[500] * 99)
    for number, receiver in enumerate((refusing, redirecting, failing)):
        enqueue(hale, webhook(hale, receiver.url(), name=f"hook {number}"))
    for _ in range(40):
        deliver(hale)
        hale.clock.advance(minutes(66))
    assert [len(receiver.received) for receiver in (refusing, redirecting)] == [4, 4]
    entries = {entry["channel"]["name"]: entry for entry in history(hale)}
    assert {entry["status"] for entry in entries.values()} == {"givenUp"}
    assert "404" in entries["hook 0"]["lastFailure"]
    assert "not followed" in entries["hook 1"]["lastFailure"]
    # About one attempt per hour for a day.
    assert 20 <= len(failing.received) <= 30 and entries["hook 2"]["attempts"] == len(failing.received)


def test_a_channel_keeps_the_order_and_delays_no_other(start, receive):
    hale = start(*ALLOWED, clock=NOON)
    failing, fine = receive(500), receive()
    channel, other = webhook(hale, failing.url(), name="a"), webhook(hale, fine.url(), name="b")
    enqueue(hale, channel, "1")
    assert deliver(hale) == [0, 1, 0]
    enqueue(hale, channel, "2", action="resolved")
    enqueue(hale, other, "1")
    # A new notification retries the older one at once, and follows it.
    assert deliver(hale) == [3, 0, 0]
    assert [r.headers["Idempotency-Key"] for r in failing.received] == ["1", "1", "2"]
    assert [r.headers["Idempotency-Key"] for r in fine.received] == ["1"]


def test_nothing_is_lost_by_a_kill(start, receive):
    """The process is killed after the request and before the delivery is stored."""
    hale = start(*ALLOWED, running=False)
    receiver = receive(on_request=lambda _: hale.kill() if len(receiver.received) == 1 else None)
    hale.start()
    channel = webhook(hale, receiver.url())
    enqueue(hale, channel, "k", at=ago(minutes=1))
    # The queue is checked once a minute; the job checks it at once.
    wait(lambda: hale.process.poll() is not None or poke(hale), "the kill")
    hale.start()
    wait(lambda: len(receiver.received) >= 2, "the second attempt")
    wait(lambda: history(hale)[0]["status"] == "delivered", "the delivery in the history")
    keys = [request.headers["Idempotency-Key"] for request in receiver.received]
    assert keys == ["k", "k"] and len({request.body for request in receiver.received}) == 1


def poke(hale):
    """Makes the service check its queue; it may be killed meanwhile."""
    hale.cli("jobs", "run", "notices")


def test_the_thread_delivers_by_itself_and_continues(start, receive):
    hale, receiver = start(*ALLOWED), receive(500, headers={"Retry-After": "0"})
    channel = webhook(hale, receiver.url())
    hale.stop()
    enqueue(hale, channel, "k", at=ago(days=2))
    enqueue(hale, channel, "l", at=ago(days=-2))
    # It is older than a day, so that it is given up after one more attempt.
    hale.start()
    wait(lambda: receiver.received, "the attempt")
    wait(lambda: history(hale)[1]["status"] == "givenUp", "the end of it")
    metrics = hale.request("GET", "/metrics").body.decode()
    assert 'hale_notice_attempts_total{outcome="given_up"} 1' in metrics
    assert hale.stop() == 0


# Forbidden addresses ----------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254"])
def test_private_addresses_are_refused(start, host):
    hale = start(clock=NOON)
    reply = change(hale, "POST", CHANNELS, {
        "name": "inside", "kind": "webhook", "url": f"http://{host}:9/"})
    assert reply.status == 400 and list(reply.json) == ["url"], reply
    assert "private address" in reply.json["url"][0] and "--private-notice-hosts" in reply.json["url"][0]


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433"])
def test_names_of_private_addresses_are_refused_at_the_socket(start, receive, host):
    receiver = receive()
    hale = start(clock=NOON, env={"http_proxy": receiver.url("")})
    channel = webhook(hale, receiver.url(host=host))
    reply = change(hale, "POST", f"{CHANNELS}{channel['id']}/test/")
    assert reply.json["status"] == "givenUp" and "a private address" in reply.json["lastFailure"]
    assert not receiver.received


def test_a_host_can_be_allowed_by_its_name(start, receive):
    receiver = receive()
    hale = start("--private-notice-hosts", "localhost", clock=NOON)
    channel = webhook(hale, receiver.url(host="localhost"))
    assert change(hale, "POST", f"{CHANNELS}{channel['id']}/test/").json["status"] == "delivered"
    assert len(receiver.received) == 1


def test_certificates_are_verified(start, receive, tmp_path):
    authority, certificate = make_certificates(tmp_path)
    receiver = receive(certificate=certificate)
    strangers, knowing = (start(*ALLOWED, *more, clock=NOON)
                          for more in ((), ("--ca-file", authority)))
    for hale, host, delivered in ((strangers, "127.0.0.1", False), (knowing, "127.0.0.1", True),
                                  # The certificate is for another name.
                                  (knowing, "localhost", False)):
        channel = webhook(hale, receiver.url(host=host), name=host)
        result = change(hale, "POST", f"{CHANNELS}{channel['id']}/test/").json
        assert (result["status"] == "delivered") == delivered, result
        if not delivered:
            assert re.search("certificate|SSL", result["lastFailure"])
    assert len(receiver.received) == 1


# Chats, mail, programs --------------------------------------------------------------------


def test_chats(start, receive):
    hale = start(*ALLOWED, clock=NOON)
    slack, discord = receive(), receive(204)
    title = "Critical: <!channel> & co"
    enqueue(hale, create(hale, kind="slack", url=slack.url("/services/T0/B0/x")), title=title)
    enqueue(hale, create(hale, kind="discord", url=discord.url("/api/webhooks/1/x")), title=title)
    assert deliver(hale) == [2, 0, 0]
    body = json.loads(slack.received[0].body)
    assert body["text"] == (
        "*Critical: &lt;!channel&gt; &amp; co*\n97.2 % in the last hour – below 99 %.\n"
        "<http://hale.example/alerts/1/|Open in Hale>")
    [block] = body["blocks"]
    assert block == {"type": "section", "text": {"type": "mrkdwn", "text": body["text"]}}
    body = json.loads(discord.received[0].body)
    assert body["allowed_mentions"] == {"parse": []}
    [embed] = body["embeds"]
    assert embed == {
        "title": title, "description": "97.2 % in the last hour – below 99 %.",
        "url": "http://hale.example/alerts/1/", "color": 0xd1242f,
        "timestamp": "2026-03-10T12:00:00Z"}


class MailServer:
    """Keeps the received mails, and rejects the recipients in `refuse`."""

    def __init__(self, certificate=None, refuse=()):
        self.mails, self.users = [], []
        self.refuse = list(refuse)
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
        server = self

        class Listening(Controller):
            def factory(self):
                return SMTP(server, tls_context=context, auth_require_tls=bool(context),
                            authenticator=server.authenticate, enable_SMTPUTF8=False)

        # The controller connects to its port, so that it must not be 0.
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.controller = Listening(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def authenticate(self, _server, session, _envelope, _mechanism, data):
        is_right = isinstance(data, LoginPassword) and data.password == b"p@ss word"
        if is_right:
            self.users.append((data.login, session.ssl is not None))
        return AuthResult(success=is_right)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if self.refuse:
            return self.refuse.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content,
                           session.ssl is not None))
        return "250 OK"


@pytest.fixture
def mail_server():
    servers = []

    def begin(**options):
        servers.append(MailServer(**options))
        return servers[-1]

    yield begin
    for server in servers:
        server.controller.stop()


def test_mail_over_starttls_with_a_password(start, mail_server, tmp_path):
    authority, certificate = make_certificates(tmp_path)
    server = mail_server(certificate=certificate)
    # Private addresses are not allowed, except for the mail server, which the operator chooses.
    hale = start("--smtp-from", "hale@example.com", "--ca-file", authority, clock=NOON, env={
        "HALE_SMTP_URL": f"smtp://us%40er:p%40ss%20word@127.0.0.1:{server.port}"})
    channel = create(hale, kind="email", to=["ops@example.com", "dev@example.org"])
    title = "Critical: Größe der Rückfälle – " + "sehr " * 30 + "lang"
    enqueue(hale, channel, key="rule 1/open", title=title)
    assert deliver(hale) == [1, 0, 0]
    assert server.users == [(b"us@er", True)]
    [(sender, recipients, content, is_encrypted)] = server.mails
    assert is_encrypted and sender == "hale@example.com"
    assert recipients == ["ops@example.com", "dev@example.org"]
    assert all(len(line) <= 78 for line in content.split(b"\r\n"))
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert mail["Subject"] == title and mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"] == "Hale <hale@example.com>" and mail["To"] == ", ".join(recipients)
    assert mail["Message-ID"] == "<rule_321_47open@example.com>"
    assert mail["Date"].datetime == NOON
    assert mail.get_content().splitlines() == [
        "97.2 % in the last hour – below 99 %.", "", "http://hale.example/alerts/1/"]
    assert not [defect for value in mail.values() for defect in getattr(value, "defects", ())]


def test_mail_without_tls_needs_tls_none(start, mail_server):
    server = mail_server()
    url = f"smtp://127.0.0.1:{server.port}"
    for number, (suffix, delivered) in enumerate((("", False), ("?tls=none", True))):
        hale = start("--smtp-from", "hale@example.com", clock=NOON,
                     env={"HALE_SMTP_URL": url + suffix})
        enqueue(hale, create(hale, kind="email", to=["ops@example.com"]))
        assert deliver(hale) == ([1, 0, 0] if delivered else [0, 1, 0]), history(hale)
        assert len(server.mails) == number


def test_mail_that_is_refused(start, mail_server):
    server = mail_server(refuse=["450 later", "550 no such user", "550 no such user"])
    hale = start(clock=NOON, env={
        "HALE_SMTP_URL": f"smtp://127.0.0.1:{server.port}?tls=none",
        "HALE_SMTP_FROM": "hale@example.com"})
    channel = create(hale, kind="email", to=["ops@example.com"])
    channel["from"] = "own@example.com"
    reply = change(hale, "PUT", f"{CHANNELS}{channel['id']}/", {"from": "own@example.com"})
    assert reply.json == channel
    enqueue(hale, channel)
    for failure in ("450", "550", "550"):
        assert deliver(hale) == [0, 1, 0]
        assert failure in history(hale)[0]["lastFailure"]
        hale.clock.advance(minutes(3))
    assert deliver(hale) == [1, 0, 0]
    assert [(mail[0], mail[1]) for mail in server.mails] == [("own@example.com", ["ops@example.com"])]


def test_a_program_of_the_operator(start, tmp_path):
    folder = tmp_path / "commands"
    folder.mkdir()
    program = folder / "page"
    program.write_text(
        "#!/bin/sh\nset -e\ncat > $(dirname $0)/body\nenv > $(dirname $0)/environment\n"
        "[ -e $(dirname $0)/works ] || { echo the pager is off >&2; exit 7; }\n")
    program.chmod(0o755)
    (tmp_path / "outside").write_text("#!/bin/sh\n")
    (tmp_path / "outside").chmod(0o755)
    hale = start("--notice-commands", folder, clock=NOON, env={
        "HALE_SMTP_URL": "smtp://u:password@127.0.0.1"})
    for name in ("../outside", "/bin/sh", "absent", "", ".", "page;id", "page x", "body"):
        reply = change(hale, "POST", CHANNELS, {"name": "x", "kind": "command", "command": name})
        assert reply.status == 400 and list(reply.json) == ["command"], (name, reply)
    channel = create(hale, kind="command", command="page")
    enqueue(hale, channel, key="k $(id)", title="Critical: `id`\nx")
    assert deliver(hale) == [0, 1, 0]
    assert history(hale)[0]["lastFailure"] == "page exited with 7: the pager is off"
    (folder / "works").touch()
    hale.clock.advance(minutes(1))
    assert deliver(hale) == [1, 0, 0]
    body = json.loads((folder / "body").read_text())
    assert body["action"] == "critical" and body["data"]["description_title"] == "Critical: `id`\nx"
    environment = (folder / "environment").read_text()
    assert "HALE_NOTICE_KEY=k $(id)\n" in environment
    assert "HALE_NOTICE_TITLE=Critical: `id`\nx\n" in environment
    assert "password" not in environment


def test_channels_without_their_setting_are_refused(start):
    hale = start(clock=NOON)
    for form, field in (({"kind": "command", "command": "x"}, "kind"),
                        ({"kind": "email", "to": ["a@example.com"]}, "kind")):
        reply = change(hale, "POST", CHANNELS, {"name": "x", **form})
        assert reply.status == 400 and list(reply.json) == [field], reply
    hale = start(clock=NOON, env={"HALE_SMTP_URL": "smtp://127.0.0.1"})
    reply = change(hale, "POST", CHANNELS, {"name": "x", "kind": "email", "to": ["a@example.com"]})
    assert reply.status == 400 and list(reply.json) == ["from"]


@pytest.mark.parametrize("flags, env, message", [
    (("--private-notice-hosts", "10.0.0.0/33"), {}, "--private-notice-hosts is '10.0.0.0/33'"),
    (("--smtp-from", "Hale <a@b>"), {}, "--smtp-from is 'Hale <a@b>'"),
    (("--ca-file", "/nowhere"), {}, "--ca-file is '/nowhere'"),
    (("--notice-commands", "/nowhere"), {}, "--notice-commands is '/nowhere'"),
    ((), {"HALE_SMTP_URL": "http://u:geheim@h"}, "HALE_SMTP_URL is a text of"),
    ((), {"HALE_SMTP_URL": "smtp://u:geheim@h?tls=maybe"}, "HALE_SMTP_URL is a text of"),
])
def test_bad_settings_are_named(tmp_path, flags, env, message):
    done = run("serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "data", *flags, env=env)
    assert done.returncode == 64 and message in done.stderr and "geheim" not in done.stderr


# Channels over the API --------------------------------------------------------------------


def test_a_channel_from_its_making_to_its_end(start, receive):
    hale, receiver = start(*ALLOWED, clock=NOON), receive()
    made = create(hale, kind="webhook", name="ops", url=receiver.url("/a?token=1"))
    secret = made.pop("secret")
    assert re.fullmatch("[0-9a-f]{48}", secret)
    assert made == {
        "id": "1", "name": "ops", "kind": "webhook", "url": receiver.url("/a?…"), "to": None,
        "from": None, "command": None, "dateCreated": "2026-03-10T12:00:00Z"}
    assert hale.get(CHANNELS).json == [made] and hale.get(f"{CHANNELS}1/").json == made
    # The secret stays unless a new one is given, and is not shown again.
    made["name"] = "on call"
    assert change(hale, "PUT", f"{CHANNELS}1/", {"name": "on call"}).json == made
    result = change(hale, "POST", f"{CHANNELS}1/test/")
    assert result.status == 200 and result.json["status"] == "delivered"
    assert receiver.received[0].path == "/a?token=1"
    assert_signed(receiver.received[0], secret)
    assert json.loads(receiver.received[0].body)["action"] == "test"
    reply = change(hale, "PUT", f"{CHANNELS}1/", {"secret": SECRET, "url": receiver.url("/b")})
    assert reply.json == {**made, "url": receiver.url("/b")}
    change(hale, "POST", f"{CHANNELS}1/test/")
    assert receiver.received[1].path == "/b"
    assert_signed(receiver.received[1])
    assert [entry["action"] for entry in history(hale)] == ["test", "test"]
    assert change(hale, "DELETE", f"{CHANNELS}1/").status == 204
    assert hale.get(CHANNELS).json == [] == history(hale)
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "test/")):
        assert change(hale, method, f"{CHANNELS}1/{path}", {}).status == 404
    assert secret not in hale.log(1000) and SECRET not in hale.log(1000)


def test_paths_of_chats_are_secrets(start):
    hale = start(clock=NOON)
    for kind in ("slack", "discord"):
        made = create(hale, kind=kind, url="https://chat.example.com:8443/services/T0/B0/geheim")
        assert made["url"] == "https://chat.example.com:8443/…" and "secret" not in made
    assert "geheim" not in json.dumps(hale.get(CHANNELS).json)


@pytest.mark.parametrize("form, fields", [
    ({}, ["name", "kind"]),
    ({"name": "x"}, ["kind"]),
    ({"name": "x", "kind": "sms"}, ["kind"]),
    ({"name": "", "kind": "slack", "url": "https://a"}, ["name"]),
    ({"name": "a\nb", "kind": "slack", "url": "https://a"}, ["name"]),
    ({"name": "x", "kind": "webhook"}, ["url"]),
    ({"name": "x", "kind": "webhook", "url": "ftp://a"}, ["url"]),
    ({"name": "x", "kind": "webhook", "url": "https://"}, ["url"]),
    ({"name": "x", "kind": "webhook", "url": "https:///x"}, ["url"]),
    ({"name": "x", "kind": "webhook", "url": "https://u:p@a"}, ["url"]),
    ({"name": "x", "kind": "webhook", "url": "https://a/ b"}, ["url"]),
    ({"name": "x", "kind": "webhook", "url": "https://a/#b"}, ["url"]),
    ({"name": "x", "kind": "webhook", "url": "https://a/\r\nX: y"}, ["url"]),
    ({"name": "x", "kind": "webhook", "url": "https://a", "secret": "short"}, ["secret"]),
    ({"name": "x", "kind": "slack", "url": "https://a", "secret": "long-enough-a-secret"}, ["secret"]),
    ({"name": "x", "kind": "email"}, ["to"]),
    ({"name": "x", "kind": "email", "to": []}, ["to"]),
    ({"name": "x", "kind": "email", "to": ["a@b.example"] * 21}, ["to"]),
    ({"name": "x", "kind": "email", "to": ["a", "b@c@d", "a@b\r\nBcc: c@d"]}, ["to"]),
    ({"name": "x", "kind": "email", "to": ["a@b.example"], "from": "A <a@b>"}, ["from"]),
    ({"name": "x", "kind": "email", "to": ["a@b.example"], "url": "https://a"}, ["url"]),
])
def test_bad_channels_are_refused_with_the_field_and_the_reason(start, form, fields):
    hale = start(clock=NOON, env={"HALE_SMTP_URL": "smtp://127.0.0.1", "HALE_SMTP_FROM": "a@b"})
    reply = change(hale, "POST", CHANNELS, form)
    assert reply.status == 400 and list(reply.json) == fields, reply
    assert all(reason.endswith(".") for reasons in reply.json.values() for reason in reasons)
    assert "short" not in str(reply.json) and hale.get(CHANNELS).json == []


def test_conflicts_and_missing_channels(start):
    hale = start(clock=NOON)
    first = create(hale, kind="slack", name="a", url="https://a.example")
    second = create(hale, kind="slack", name="b", url="https://a.example")
    for method, path, form in (("POST", "", {"name": "a", "kind": "slack", "url": "https://c"}),
                               ("PUT", f"{second['id']}/", {"name": "a"})):
        reply = change(hale, method, CHANNELS + path, form)
        assert reply.status == 400 and reply.json == {"name": ["a channel named 'a' exists already"]}
    reply = change(hale, "PUT", f"{CHANNELS}{first['id']}/", {"kind": "discord"})
    assert reply.status == 400 and list(reply.json) == ["kind"]
    reply = change(hale, "PUT", f"{CHANNELS}{first['id']}/", {"url": "nowhere"})
    assert reply.status == 400 and list(reply.json) == ["url"]


def test_scope_read_changes_nothing(start):
    hale = start(clock=NOON)
    channel = create(hale, kind="slack", url="https://a.example")
    token = change(hale, "POST", "/organizations/default/org-auth-tokens/",
                   {"name": "reader"}).json["token"]
    assert hale.get(CHANNELS, token=token).json == [channel]
    for method, path in (("POST", ""), ("PUT", "1/"), ("DELETE", "1/"), ("POST", "1/test/")):
        reply = hale.request(method, f"/api/0{CHANNELS}{path}", "{}", {
            "Authorization": f"Bearer {token}"})
        assert reply.status == 403, reply


def test_the_history_has_pages_and_a_retention(start, receive):
    hale, receiver = start(*ALLOWED, clock=NOON), receive()
    a, b = (webhook(hale, receiver.url(), name=name) for name in "ab")
    for number in range(5):
        enqueue(hale, a, f"a{number}")
    enqueue(hale, b, "b")
    assert deliver(hale) == [6, 0, 0]
    assert [entry["key"] for entry in history(hale)] == ["b", "a4", "a3", "a2", "a1", "a0"]
    reply = hale.get(NOTICES, {"per_page": 2, "cursor": "0:2:0"})
    assert [entry["key"] for entry in reply.json] == ["a3", "a2"]
    assert reply.headers["Link"].count('results="true"') == 2
    assert [entry["key"] for entry in history(hale, channel=b["id"])] == ["b"]
    assert hale.get(NOTICES, {"channel": "9"}).status == 400
    hale.clock.advance(minutes(60 * 24 * 91))
    enqueue(hale, a, "new")
    done = hale.cli("jobs", "run", "retention")
    assert done.returncode == 0, done
    assert [entry["key"] for entry in history(hale)] == ["new"]


# Commands ---------------------------------------------------------------------------------


def test_commands_with_and_without_a_service(start, receive):
    hale, receiver = start(*ALLOWED, clock=NOON), receive(200, 500)
    made = hale.cli_json("channel", "create", "ops", "--kind", "webhook", "--url", receiver.url())
    assert re.fullmatch("[0-9a-f]{48}", made["secret"]) and made["target"] == receiver.url()
    [listed] = hale.cli_list("channel", "list")
    assert "secret" not in listed and listed["name"] == "ops"
    assert [channel["name"] for channel in hale.get(CHANNELS).json] == ["ops"]
    tested = hale.cli("channel", "test", "ops")
    assert tested.returncode == 0 and receiver.url() in tested.stdout, tested
    assert_signed(receiver.received[0], made["secret"])
    hale.stop()
    # Without a service the command sends it, with its own settings.
    tested = hale.cli("channel", "test", "1", *ALLOWED, "--now", "2026-03-10T13:00:00Z")
    assert tested.returncode == 1 and "the receiver answered 500: as configured" in tested.stderr
    refused = hale.cli("channel", "test", "ops", "--now", "2026-03-10T14:00:00Z")
    assert refused.returncode == 1 and "a private address" in refused.stderr
    rows = hale.cli_list("notices")
    assert [row["status"] for row in rows] == ["givenUp", "givenUp", "delivered"]
    assert "given up" in hale.cli("notices", "--limit", "1").stdout
    done = hale.cli("jobs", "run", "notices")
    assert done.returncode == 0 and "0 delivered" in done.stdout
    assert hale.cli("channel", "delete", "ops").returncode == 0
    assert hale.cli_list("channel", "list") == [] == hale.cli_list("notices")


def test_a_job_delivers_without_a_service(start, receive):
    hale, receiver = start(clock=NOON), receive()
    channel = create(hale, kind="slack", url=receiver.url(host="localhost"))
    enqueue(hale, channel)
    hale.stop()
    done = hale.cli("jobs", "run", "notices", "--now", "2026-03-10T12:00:00Z", env={
        "HALE_PRIVATE_NOTICE_HOSTS": "localhost"})
    assert done.returncode == 0 and "1 delivered" in done.stdout, done
    assert len(receiver.received) == 1


def test_commands_that_are_wrong_say_so(start, tmp_path):
    hale = start(clock=NOON)
    for arguments, status, message in (
            (("create", "x", "--kind", "sms"), 64, "kind: It is \"sms\""),
            (("create", "x", "--kind", "slack"), 64, "url: It is missing"),
            (("create", "x", "--kind", "command", "--command", "../x"), 64, "command: It is"),
            (("test", "nobody"), 1, "There is no channel 'nobody'"),
            (("delete", "nobody"), 1, "There is no channel 'nobody'")):
        done = hale.cli("channel", *arguments)
        assert done.returncode == status and message in done.stderr, done
