"""The pinned sentry-sdk, unchanged, in separate processes, with the built binary.

The numbers are queried at once after a program's exit: the SDK waits for its responses, and a 200
means that the sessions count."""

import socket
import subprocess
import sys
import threading

import pytest

from hale import PATIENCE, environment, row, sessions, sessions_by, users, users_by

# Run before the SDK is imported, this hides the brotli package from it.
NO_BROTLI = "import sys; sys.modules['brotli'] = None\n"


def program(text, status=0, env=None):
    """Runs a Python program to its end."""
    done = subprocess.run(
        [sys.executable, "-c", text], env=environment(env), timeout=PATIENCE * 2,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == status, done.stdout
    return done.stdout


class Tap:
    """A relay between an SDK and the service that keeps what the SDK sent."""

    def __init__(self, hale):
        self.target = (hale.host, hale.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.dsn = hale.dsn.replace(f":{hale.port}/", f":{self.listener.getsockname()[1]}/")
        self.sent = bytearray()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            for pair in ((client, server, self.sent), (server, client, bytearray())):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source, sink, seen):
        try:
            while data := source.recv(65536):
                seen.extend(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def header(self, name):
        """The values of a header in all requests that went through."""
        lines = bytes(self.sent).split(b"\r\n")
        prefix = name.lower().encode() + b":"
        return {line[len(prefix):].strip().decode()
                for line in lines if line.lower().startswith(prefix)}

    def close(self):
        self.listener.close()


@pytest.fixture
def tap(hale):
    relay = Tap(hale)
    yield relay
    relay.close()


def test_crash_of_a_program_of_five_lines(hale):
    program(
        "import sentry_sdk\n"
        f"sentry_sdk.init(dsn={hale.dsn!r}, release='five@1.0.0')\n"
        "sentry_sdk.set_user({'id': 'ada'})\n"
        "sentry_sdk.get_isolation_scope().start_session()\n"
        "raise RuntimeError('boom')\n",
        status=1)
    assert sessions_by(hale, "release", "environment") == {
        ("five@1.0.0", "production"): row(crashed=1)}
    assert users(hale) == row(crashed=1)
    answer = hale.sessions("crash_free_rate(session)", "crash_free_rate(user)", includeSeries=0)
    assert answer["groups"][0]["totals"] == {
        "crash_free_rate(session)": 0, "crash_free_rate(user)": 0}


def test_healthy_sessions_with_and_without_a_user(hale):
    program(f"""
import sentry_sdk
sentry_sdk.init(dsn={hale.dsn!r}, release="shop@2.0.0", environment="staging")
scope = sentry_sdk.get_isolation_scope()
for user in (None, {{"id": 7}}, {{"id": 7}}, {{"email": "ada@example.com"}}):
    scope.set_user(user)
    scope.start_session()
    scope.end_session()
""")
    key = ("shop@2.0.0", "staging")
    assert sessions_by(hale, "release", "environment") == {key: row(healthy=4)}
    assert users_by(hale, "release", "environment") == {key: row(healthy=2)}


def test_without_a_user_there_is_no_rate_of_users(hale):
    program(f"""
import sentry_sdk
sentry_sdk.init(dsn={hale.dsn!r}, release="shop@2.0.0")
scope = sentry_sdk.get_isolation_scope()
scope.start_session()
scope.end_session()
""")
    fields = ("crash_free_rate(session)", "crash_free_rate(user)", "count_unique(user)")
    answer = hale.sessions(*fields, includeSeries=0)
    assert answer["groups"][0]["totals"] == {
        "crash_free_rate(session)": 1, "crash_free_rate(user)": None, "count_unique(user)": 0}


def test_handled_errors_make_a_session_errored(hale):
    program(f"""
import sentry_sdk
sentry_sdk.init(dsn={hale.dsn!r}, release="shop@2.0.1")
sentry_sdk.set_user({{"id": "ada"}})
sentry_sdk.get_isolation_scope().start_session()
for _ in range(3):
    try:
        1 / 0
    except ZeroDivisionError:
        sentry_sdk.capture_exception()
""")
    assert sessions(hale) == row(errored=1)
    assert users(hale) == row(errored=1)


FLASK = """
import flask, sentry_sdk
sentry_sdk.init(dsn=DSN, release="web@3.1.0", environment="live")
app = flask.Flask("web")

@app.route("/fine")
def fine():
    if USER: sentry_sdk.set_user({"id": "ada"})
    return "fine"

@app.route("/handled")
def handled():
    try:
        1 / 0
    except ZeroDivisionError:
        sentry_sdk.capture_exception()
    return "handled"

@app.route("/crash")
def crash():
    raise RuntimeError("boom")

client = app.test_client()
for path, times in (("/fine", 7), ("/handled", 2), ("/crash", 1)):
    for _ in range(times):
        client.get(path)
sentry_sdk.flush(10)
"""


@pytest.mark.parametrize("user", (False, True))
def test_a_web_application_in_request_mode(hale, user):
    program(f"DSN = {hale.dsn!r}\nUSER = {user}\n" + FLASK)
    key = ("web@3.1.0", "live")
    assert sessions_by(hale, "release", "environment") == {
        key: row(healthy=7, errored=2, crashed=1)}
    # Session aggregates of this SDK have no users.
    assert users(hale) == row()


SENDER = """
import sentry_sdk
sentry_sdk.init(dsn=DSN, release="shop@2.0.2")
sentry_sdk.set_user({"id": "ada"})
sentry_sdk.get_isolation_scope().start_session()
sentry_sdk.capture_message("x" * 4000)
"""


@pytest.mark.parametrize("encoding", ("br", "gzip"))
def test_compressed_bodies(hale, tap, encoding):
    program((NO_BROTLI if encoding == "gzip" else "") + f"DSN = {tap.dsn!r}\n" + SENDER)
    assert tap.header("Content-Encoding") == {encoding}
    assert sessions(hale) == row(healthy=1)
    assert users(hale) == row(healthy=1)


def test_uncompressed_bodies(hale, tap):
    option = '"shop@2.0.2", _experiments={"transport_compression_level": 0}'
    program(f"DSN = {tap.dsn!r}\n" + SENDER.replace('"shop@2.0.2"', option))
    assert tap.header("Content-Encoding") == set()
    assert sessions(hale) == row(healthy=1)


def test_a_dsn_with_a_path(start):
    hale = start("--public-url", "https://errors.example.com/sentry/base")
    assert hale.dsn.startswith("https://") and hale.dsn.endswith(
        f"@errors.example.com/sentry/base/{hale.project}"), hale.dsn
    # The target that a proxy which keeps the path forwards.
    dsn = f"http://{hale.key}@127.0.0.1:{hale.port}/sentry/base/{hale.project}"
    program(f"DSN = {dsn!r}\n" + SENDER)
    assert sessions(hale) == row(healthy=1)


def test_many_sessions_of_one_process(hale):
    program(f"""
import sentry_sdk
sentry_sdk.init(dsn={hale.dsn!r}, release="batch@1")
scope = sentry_sdk.get_isolation_scope()
for number in range(250):
    scope.set_user({{"id": 1 + number % 40}})
    scope.start_session()
    scope.end_session()
""")
    # The SDK sends at most 100 of them in one envelope.
    assert sessions(hale) == row(healthy=250)
    assert users(hale) == row(healthy=40)
