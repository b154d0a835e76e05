"""Attacks a service with many plain sockets, in a process of its own, so that it does not slow the
clients that are measured.

    python3 attacker.py      its first line of input is JSON; see `Attacker`

Prints what happened so far as a line of JSON four times a second, and ends when its input closes.
"""

import base64
import collections
import errno
import itertools
import json
import os
import random
import resource
import select
import socket
import sys
import time

FILLER = bytes(65536)
# Connections that may wait for their handshake at a time: the backlog of the system is short.
CONNECTING_MAX = 400


class Connection:
    __slots__ = ("socket", "connected", "out", "filler", "input", "asked")

    def __init__(self, plain):
        self.socket = plain
        self.connected = False
        self.out = b""
        self.filler = 0
        self.input = b""
        self.asked = 0


def envelope(key, releases, environments, users):
    """An endless supply of requests with envelopes of 100 sessions, each with made-up names."""
    chance = random.Random(os.getpid())
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    for number in itertools.count():
        items = []
        for each in range(number * 100, number * 100 + 100):
            payload = (
                f'{{"sid":"{chance.getrandbits(128):032x}","init":true,"started":"{started}",'
                f'"status":"exited","did":"{each % users}","attrs":{{"release":'
                f'"app@{each % releases // 1000}.{each % 1000}.0",'
                f'"environment":"e{each % environments}"}}}}')
            items.append(f'{{"type":"session","length":{len(payload)}}}\n{payload}\n')
        body = ("{}\n" + "".join(items)).encode()
        project, public = key
        yield (f"POST /api/{project}/envelope/?sentry_key={public} HTTP/1.1\r\nHost: h\r\n"
               f"Content-Length: {len(body)}\r\n\r\n").encode() + body


class Attacker:
    """What a specification has:

    - port, connections, sources (the addresses that connections come from, in turn);
    - per_second: how many are opened each second; 0 for as fast as possible;
    - opening (base64) and filler: what each sends at first; filler is a number of bytes;
    - then: "stand" (still), "pipeline" (sends the opening again and again) or "flood" (a request
      after each answer: the opening, or where `made` says so envelopes with made-up names);
    - deaf: whether it never reads; again: whether it connects again when it is closed;
    - hangs_up: whether it closes once the opening is sent;
    - answers_max: the number of answers after which it ends.
    """

    def __init__(self, spec):
        self.spec = spec
        self.opening = base64.b64decode(spec.get("opening", ""))
        self.then = spec.get("then", "stand")
        made = spec.get("made")
        self.made = made and envelope(**made)
        self.sources = itertools.cycle(spec.get("sources") or ["127.0.0.1"])
        self.poll = select.epoll()
        self.connections = {}
        self.count = collections.Counter()
        self.answers = collections.Counter()
        self.connecting = 0
        self.opened = 0
        self.began = time.monotonic()
        self.paused = 0

    def run(self):
        self.poll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        printed = 0
        while True:
            self.open_more()
            for descriptor, events in self.poll.poll(0.02, 512):
                if descriptor == sys.stdin.fileno():
                    return
                if descriptor in self.connections:
                    self.serve(self.connections[descriptor], events)
            if time.monotonic() - printed > 0.25:
                printed = time.monotonic()
                self.report()
            if sum(self.answers.values()) >= self.spec.get("answers_max", 1 << 60):
                return self.report()

    def report(self):
        print(json.dumps({
            "open": sum(each.connected for each in self.connections.values()),
            "seconds": time.monotonic() - self.began, **self.count, "answers": self.answers}),
            flush=True)

    def open_more(self):
        if time.monotonic() < self.paused:
            return
        while self.opened < self.spec["connections"] and self.connecting < CONNECTING_MAX:
            per_second = self.spec.get("per_second", 0)
            if per_second and self.opened > per_second * (time.monotonic() - self.began):
                return
            self.opened += 1
            self.connect()

    def connect(self):
        plain = socket.socket()
        plain.setblocking(False)
        # The port is chosen by both ends, so that one address has ports for each server.
        plain.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        if self.spec.get("deaf"):
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.bind((next(self.sources), 0))
        result = plain.connect_ex(("127.0.0.1", self.spec["port"]))
        if result not in (0, errno.EINPROGRESS):
            self.count["refused"] += 1
            self.opened -= 1
            self.paused = time.monotonic() + 0.05
            return plain.close()
        connection = self.connections[plain.fileno()] = Connection(plain)
        self.connecting += 1
        self.poll.register(plain.fileno(), select.EPOLLOUT)

    def serve(self, connection, events):
        try:
            if not connection.connected:
                error = connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    raise OSError(error, "connect")
                self.connecting -= 1
                connection.connected = True
                connection.out = self.request()
                connection.filler = self.spec.get("filler", 0)
                self.watch(connection)
            elif events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                self.read(connection)
            if events & select.EPOLLOUT:
                self.write(connection)
        except OSError as error:
            self.count[errno.errorcode.get(error.errno, "closed")] += 1
            self.close(connection)

    def request(self):
        return next(self.made) if self.made else self.opening

    def watch(self, connection, writes=True):
        reads = 0 if self.spec.get("deaf") else select.EPOLLIN
        self.poll.modify(connection.socket.fileno(), reads | (select.EPOLLOUT if writes else 0))

    def write(self, connection):
        while connection.out or connection.filler:
            try:
                if connection.out:
                    sent = connection.socket.send(connection.out)
                    connection.out = connection.out[sent:]
                else:
                    sent = connection.socket.send(FILLER[:connection.filler])
                    connection.filler -= sent
            except BlockingIOError:
                return
            self.count["sent"] += sent
            if self.then == "pipeline" and not connection.out:
                connection.out = self.request()
                # The others have a turn.
                return
        if self.spec.get("hangs_up"):
            self.count["hung_up"] += 1
            return self.close(connection)
        self.watch(connection, writes=False)

    def read(self, connection):
        part = connection.socket.recv(1 << 18)
        if not part:
            raise OSError(0, "closed")
        self.count["received"] += len(part)
        if self.then == "pipeline":
            self.answers["any"] += part.count(b"HTTP/1.1 ")
            return
        connection.input += part
        while b"\r\n\r\n" in connection.input:
            head, _, rest = connection.input.partition(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if head.split(b" ")[1][:1] == b"1":
                length = 0
            if len(rest) < length:
                return
            connection.input = rest[length:]
            self.answers[head.split(b" ")[1].decode()] += 1
            if self.then == "flood":
                connection.out = self.request()
                self.watch(connection)

    def close(self, connection):
        if not connection.connected:
            self.connecting -= 1
        del self.connections[connection.socket.fileno()]
        connection.socket.close()
        self.count["closed"] += connection.connected
        if self.spec.get("again"):
            self.opened -= 1


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # Attackers have machines of their own.
    os.nice(10)
    Attacker(json.loads(sys.stdin.buffer.raw.readline())).run()


main()
