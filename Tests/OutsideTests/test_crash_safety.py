"""`kill -9` under load: what was answered 200 counts once, and nothing counts that was not sent.
What got no response may count or not; sent again, it counts once."""

import http.client
import random
import threading
import uuid

from hale import (envelope, iso, item, now, read_reply, row, session, sessions_by, total, users_by,
                  wait)

ROUNDS = 10
SENDERS = 6
# The number of responses before the process is killed.
ANSWERED_MIN = 150
# The errors of a client when the service is gone: no connection, or half a response.
GONE = (OSError, http.client.HTTPException)
STATUSES = ("exited", "crashed", "abnormal", "unhandled")


class Load:
    """Sends sessions over kept-alive connections until the service is gone."""

    def __init__(self, hale, seed):
        self.hale = hale
        self.chance = random.Random(seed)
        self.lock = threading.Lock()
        # {sid: payload} of what was sent, and the sids that were answered 200.
        self.sent = {}
        self.answered = set()
        self.sums_sent = self.sums_answered = 0
        self.refused = []

    def run(self):
        """One round: load, then a kill at a random moment in it."""
        goal = len(self.answered) + ANSWERED_MIN + self.chance.randint(0, 150)
        threads = [threading.Thread(target=self._send_sessions, args=(self.chance.random(),))
                   for _ in range(SENDERS)]
        threads.append(threading.Thread(target=self._send_sums))
        for thread in threads:
            thread.start()
        wait(lambda: len(self.answered) >= goal, "answers under load")
        self.hale.kill()
        for thread in threads:
            thread.join()
        assert not self.refused, self.refused[:3]

    def _send_sessions(self, seed):
        chance = random.Random(seed)
        try:
            with self.hale.connect() as connection:
                while True:
                    batch = [self._new(chance) for _ in range(chance.randint(1, 3))]
                    with self.lock:
                        self.sent.update({payload["sid"]: payload for payload in batch})
                    # Sometimes an answered session is sent again, as after a broken connection.
                    again = self._some_answered(chance) if chance.random() < 0.2 else []
                    if self._post(connection, envelope(*batch, *again)):
                        with self.lock:
                            self.answered.update(payload["sid"] for payload in batch)
        except GONE:
            pass

    def _send_sums(self):
        """Sends session aggregates, whose repetitions cannot be detected."""
        try:
            with self.hale.connect() as connection:
                while True:
                    with self.lock:
                        self.sums_sent += 1
                    sums = {"aggregates": [{"started": iso(now()), "exited": 1}],
                            "attrs": {"release": "sums@1"}}
                    if self._post(connection, envelope(item(sums))):
                        with self.lock:
                            self.sums_answered += 1
        except GONE:
            pass

    def _new(self, chance):
        return session(chance.choice(STATUSES), release="load@1", did=f"user-{chance.randrange(50)}",
                       sid=uuid.UUID(int=chance.getrandbits(128)).hex)

    def _some_answered(self, chance):
        with self.lock:
            known = list(self.answered)
        return [self.sent[sid] for sid in chance.sample(known, min(3, len(known)))]

    def _post(self, connection, body):
        path = f"{self.hale.envelope_path()}?sentry_key={self.hale.key}"
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body)
        reply = read_reply(connection)
        if reply.status != 200:
            self.refused.append(reply)
        return reply.status == 200

    def resend(self):
        """Sends what got no response, and some of the rest, in envelopes."""
        missing = [self.sent[sid] for sid in self.sent if sid not in self.answered]
        again = missing + self._some_answered(self.chance)
        for at in range(0, len(again), 100):
            self.hale.send(*again[at:at + 100])
        self.answered.update(self.sent)


def expected_rows(load):
    """Rows of sessions and of users of everything that was sent."""
    names = {"exited": "healthy"}
    rank = ("healthy", "unhandled", "abnormal", "crashed")
    found, worst = row(), {}
    for payload in load.sent.values():
        status = names.get(payload["status"], payload["status"])
        found[status] += 1
        did = payload["did"]
        worst[did] = max(worst.get(did, status), status, key=rank.index)
    people = row()
    for status in worst.values():
        people[status] += 1
    return found, people


def test_kill_in_the_middle_of_a_load(start):
    hale = start()
    load = Load(hale, seed=7)
    for _ in range(ROUNDS):
        load.run()
        hale.start()
        counted = total(hale, query="release:load@1")
        assert len(load.answered) <= counted <= len(load.sent)
        sums = total(hale, query="release:sums@1")
        assert load.sums_answered <= sums <= load.sums_sent
        load.resend()
        assert total(hale, query="release:load@1") == len(load.sent)
        # From here on only answered aggregates count.
        load.sums_answered, load.sums_sent = sums, sums
    found, people = expected_rows(load)
    assert sessions_by(hale, "release")[("load@1",)] == found
    assert users_by(hale, "release")[("load@1",)] == people
    assert hale.stop() == 0


def test_a_kill_right_after_the_answer(start):
    """The kill follows the response at once: a 200 is a promise."""
    hale = start()
    for number in range(1, 6):
        hale.send(session("crashed", did=f"user-{number}"))
        hale.kill()
        hale.start()
        assert sessions_by(hale) == {(): row(crashed=number)}
        assert users_by(hale) == {(): row(crashed=number)}


def test_tokens_and_keys_survive_a_kill(start):
    hale = start()
    token, key = hale.token, hale.key
    made = hale.cli_json("project", "create", "shop")
    hale.kill()
    hale.start()
    # Printed at the first start only.
    assert "token" not in hale.out.read_text()
    assert hale.token == token and hale.key == key
    auth = {"X-Sentry-Auth": f"Sentry sentry_key={made['publicKey']}"}
    reply = hale.post(envelope(session()), auth, auth=False, target=hale.envelope_path(made["id"]))
    assert reply.status == 200, reply


def test_kills_during_the_first_start(start):
    """After a kill at any moment of the first start, the next start succeeds."""
    chance = random.Random(5)
    for _ in range(8):
        hale = start(running=False)
        hale.spawn()
        threading.Event().wait(chance.random() * 0.06)
        hale.kill()
        hale.start()
        made = hale.cli_json("project", "create", "shop")
        hale.token = hale.cli_json("token", "create", "reader")["token"]
        auth = {"X-Sentry-Auth": f"Sentry sentry_key={made['publicKey']}"}
        target = hale.envelope_path(made["id"])
        wait(lambda: hale.post(envelope(session()), auth, auth=False, target=target).status == 200,
             "the new project")
        assert total(hale) == 1
        hale.kill()
