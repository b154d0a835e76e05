"""Honest clients beside an attack, in a process of their own: SDKs, small queries, probes.

    python3 honest.py SPECIFICATION      JSON: port, project, key, token, kinds, pause

Runs until its input closes, and then prints for each kind of request what was served, what was
refused or lost, and the latencies in milliseconds.
"""

import gzip
import http.client
import json
import sys
import threading
import time
import uuid

PATIENCE = 30


def envelope(count):
    """Sessions of as many releases, as relays and tunnels forward them."""
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5))
    lines = ["{}"]
    for number in range(count):
        payload = json.dumps({
            "sid": str(uuid.uuid4()), "init": True, "started": started, "status": "exited",
            "did": "ada", "errors": 0,
            "attrs": {"release": f"honest@1.0.{number}", "environment": "production"}})
        lines += [f'{{"type":"session","length":{len(payload)}}}', payload]
    return ("\n".join(lines) + "\n").encode()


class Client(threading.Thread):
    """One client, which sends one kind of request again and again."""

    def __init__(self, spec, kind, stopped):
        super().__init__(daemon=True)
        self.spec = spec
        self.kind = kind
        self.stopped = stopped
        self.connection = None
        # A new connection for each request, as scripts and many SDKs have it.
        self.is_fresh = not kind.endswith("kept")
        self.latencies = []
        self.served = 0
        self.sessions = 0
        self.lost = {}

    def request(self):
        """The method, the target, the body, the headers and the number of sessions."""
        if not self.kind.startswith("envelope"):
            if not self.kind.startswith("query"):
                return "GET", f"/{self.kind}", None, {}, 0
            target = ("/api/0/organizations/default/sessions/?field=sum(session)&statsPeriod=1h"
                      f"&interval=1h&project={self.spec['project']}")
            return "GET", target, None, {"Authorization": f"Bearer {self.spec['token']}"}, 0
        count = 30 if "30" in self.kind else 1
        headers = {"X-Sentry-Auth": f"Sentry sentry_key={self.spec['key']}, sentry_version=7"}
        body = envelope(count)
        if "gzip" in self.kind:
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        return "POST", f"/api/{self.spec['project']}/envelope/", body, headers, count

    def run(self):
        while not self.stopped.wait(self.spec.get("pause", 0.03)):
            method, target, body, headers, count = self.request()
            began = time.monotonic()
            try:
                status = self.send(method, target, body, headers)
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
            self.latencies.append((time.monotonic() - began) * 1000)
            if status == 200:
                self.served += 1
                self.sessions += count
            else:
                self.lost[str(status)] = self.lost.get(str(status), 0) + 1

    def send(self, method, target, body, headers):
        """A kept connection may have been closed meanwhile: then a new one is used, once."""
        reused = self.connection is not None
        try:
            return self.exchange(method, target, body, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.connection = None
            if not reused:
                raise
            return self.exchange(method, target, body, headers)
        except Exception:
            self.connection = None
            raise

    def exchange(self, method, target, body, headers):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.spec["port"], timeout=PATIENCE)
        self.connection.request(method, target, body=body, headers=headers)
        response = self.connection.getresponse()
        response.read()
        if self.is_fresh or response.will_close:
            self.connection.close()
            self.connection = None
        return response.status


def main():
    spec = json.loads(sys.argv[1])
    stopped = threading.Event()
    clients = [Client(spec, kind, stopped) for kind in spec["kinds"]]
    for client in clients:
        client.start()
    sys.stdin.read()
    stopped.set()
    for client in clients:
        client.join(PATIENCE + 10)
    print(json.dumps({
        client.kind: {"served": client.served, "sessions": client.sessions, "lost": client.lost,
                      "latencies": client.latencies}
        for client in clients}))


main()
