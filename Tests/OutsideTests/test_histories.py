"""A thousand random histories of sessions, shuffled, duplicated and spread over connections, give
the numbers of the model, also when everything is sent again."""

import datetime
import random
import threading
import uuid

import pytest

from hale import envelope, iso, item, now, read_reply, sessions_by, users_by, wait
from model import Model

SEED = 20261123
PROJECTS = 10
HISTORIES = 100
CONNECTIONS = 6


def spelled(chance, sid):
    """A session id in one of the notations of SDKs."""
    return chance.choice((str(sid), sid.hex, str(sid).upper(), sid.hex.upper()))


def written(chance, instant):
    """A time in one of the notations of SDKs, for the same millisecond."""
    text = instant.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{instant.microsecond // 1000:03d}"
    east = (instant + datetime.timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S")
    return chance.choice((
        f"{text}.{fraction}Z", f"{text}.{fraction}000Z", f"{text}.{fraction}999999Z",
        f"{text}.{fraction}+00:00", f"{east}.{fraction}1+02:00"))


def update(chance, release, environment, sid, start):
    """A random update of a session."""
    status = chance.choices(
        ("ok", "exited", "errored", "unhandled", "abnormal", "crashed", "strange", None),
        (8, 6, 1, 1, 2, 2, 1, 1))[0]
    payload = {
        "sid": spelled(chance, sid),
        "started": written(chance, start),
        "status": status,
        "init": chance.choice((True, False, None)),
        "errors": chance.choice((None, 0, 0, 0, 1, 17)),
        "did": chance.choice((None, "ada", "bob", "eve", "0" * 32, str(uuid.UUID(int=0)))),
        "seq": chance.choice((None, 0, 5, 1764000000000)),
        "duration": chance.choice((None, 0.25, 60, chance.randint(1, 10**7) / 1000)),
        "timestamp": chance.choice((None, iso(start), iso(now()))),
        "abnormal_mechanism": chance.choice((None, "anr_foreground", "anr_background")),
        "attrs": {"release": release},
    }
    if environment or chance.random() < 0.5:
        payload["attrs"]["environment"] = environment
    # A field without a value is absent; some SDKs write null.
    return {name: value for name, value in payload.items()
            if value is not None or chance.random() < 0.1}


def history(chance, release):
    """A few sessions of one release, as (update, instant, sid)."""
    found = []
    for _ in range(chance.randint(1, 4)):
        sid = uuid.UUID(int=chance.getrandbits(128))
        start = now() - datetime.timedelta(seconds=chance.randint(1, 20 * 3600))
        start = start.replace(microsecond=start.microsecond // 1000 * 1000)
        environment = chance.choice((None, "production", "staging"))
        for _ in range(chance.randint(1, 6)):
            found.append((update(chance, release, environment, sid, start), start, sid))
    return found


def deliver(hale, key, project, updates, chance):
    """Sends the updates in envelopes of random sizes over several connections."""
    queues = [[] for _ in range(CONNECTIONS)]
    at = 0
    while at < len(updates):
        size = chance.randint(1, 20)
        chance.choice(queues).append(envelope(*updates[at:at + size]))
        at += size
    failures = []

    def send(queue):
        with hale.connect() as connection:
            for body in queue:
                connection.sendall(
                    f"POST /api/{project}/envelope/?sentry_key={key} HTTP/1.1\r\nHost: h\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                reply = read_reply(connection)
                if reply.status != 200:
                    failures.append(reply)

    threads = [threading.Thread(target=send, args=(queue,)) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]


# Searches and their meanings.
SEARCHES = {
    "release:*-1* OR environment:staging":
        lambda release, environment: "-1" in release or environment == "staging",
    '!environment:"" AND (release:[history-2@1, history-3@1] OR release.version:>1)':
        lambda release, environment: environment and release in ("history-2@1", "history-3@1"),
    "release.package:HISTORY-9* !environment:prod*":
        lambda release, environment: (
            release.startswith("history-9") and environment != "production"),
}
DURATIONS = tuple(f"{name}(session.duration)" for name in (
    "avg", "p50", "p75", "p90", "p95", "p99", "max"))


def durations_by(hale, *group, **scope):
    """{group: {field: milliseconds}} of the groups that have durations."""
    answer = hale.sessions(*DURATIONS, group=group, includeSeries=0, **scope)
    return {tuple(entry["by"][name] for name in group): entry["totals"]
            for entry in answer["groups"] if entry["totals"][DURATIONS[0]] is not None}


def answers(hale, project):
    """The numbers of the service to compare."""
    fields = ("abnormal_rate(user)", "unhandled_rate(user)", "anr_rate()",
              "foreground_anr_rate()", "failure_free_rate(user)")
    scope = {"project": project, "interval": "1d", "statsPeriod": "5d"}
    rates = hale.sessions(*fields, group=("release",), includeSeries=0, **scope)
    return {
        "sessions": sessions_by(hale, "release", "environment", **scope),
        "users": users_by(hale, "release", "environment", **scope),
        "users of releases": users_by(hale, "release", **scope),
        "all users": users_by(hale, **scope),
        "rates": {(entry["by"]["release"],): entry["totals"] for entry in rates["groups"]
                  if entry["totals"]["anr_rate()"] is not None},
        "durations": durations_by(hale, "release", **scope),
        "all durations": durations_by(hale, **scope),
        **{f"sessions of {query}": sessions_by(hale, "environment", query=query, **scope)
           for query in SEARCHES},
        **{f"users of {query}": users_by(hale, query=query, **scope) for query in SEARCHES},
        **{f"durations of {query}": durations_by(hale, query=query, **scope)
           for query in SEARCHES},
    }


def expected(model):
    return {
        "sessions": model.sessions_by("release", "environment"),
        "users": model.users_by("release", "environment"),
        "users of releases": model.users_by("release"),
        "all users": model.users_by(),
        "rates": model.user_rates("release"),
        "durations": model.durations_by("release"),
        "all durations": model.durations_by(),
        **{f"sessions of {query}": model.sessions_by("environment", where=where)
           for query, where in SEARCHES.items()},
        **{f"users of {query}": model.users_by(where=where)
           for query, where in SEARCHES.items()},
        **{f"durations of {query}": model.durations_by(where=where)
           for query, where in SEARCHES.items()},
    }


def assert_same(found, wanted, model):
    """Reports the histories that differ, with what was sent."""
    for name, table in wanted.items():
        got = found[name]
        assert set(got) == set(table), (name, set(got) ^ set(table))
        for key, value in table.items():
            matches = got[key] == value
            if name == "rates":
                matches = got[key] == pytest.approx(value)
            elif "durations" in name:
                # Averages are exact; the stated error of the others is 1/256.
                matches = (got[key] == pytest.approx(value, rel=1 / 256)
                           and got[key][DURATIONS[0]] == pytest.approx(value[DURATIONS[0]]))
            if not matches:
                sent = [sent for where, sent, _ in model.updates if not key or where[0] == key[0]]
                raise AssertionError(f"{name} of {key}: got {got[key]}, expected {value} of "
                                     + "\n".join(map(str, sent[:40])))


@pytest.mark.parametrize("number", range(PROJECTS))
def test_random_histories(hale, number):
    chance = random.Random(SEED + number)
    project = hale.cli_json("project", "create", f"world-{number}")
    wait_for_key(hale, project)
    model = Model()
    updates = []
    for index in range(HISTORIES):
        for payload, start, sid in history(chance, f"history-{index}@1"):
            model.add(payload, start, sid)
            updates.append(payload)
    updates += chance.sample(updates, len(updates) // 2)
    chance.shuffle(updates)
    deliver(hale, project["publicKey"], project["id"], updates, chance)
    wanted = expected(model)
    assert_same(answers(hale, project["id"]), wanted, model)
    chance.shuffle(updates)
    deliver(hale, project["publicKey"], project["id"], updates, chance)
    assert_same(answers(hale, project["id"]), wanted, model)


def wait_for_key(hale, project):
    """Waits until the running service knows a new project."""
    auth = {"X-Sentry-Auth": f"Sentry sentry_key={project['publicKey']}"}
    target = hale.envelope_path(project["id"])
    probe = envelope(item(b"{}", "client_report"))
    wait(lambda: hale.post(probe, auth, auth=False, target=target).status == 200,
         "the new project's key")
