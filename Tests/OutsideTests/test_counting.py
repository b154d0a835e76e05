"""How often things count: sessions with and without an id, session aggregates, and their users."""

import pytest

from hale import (aggregates, envelope, iso, now, row, session, sessions, sessions_by, users,
                  users_by, wait)

U32_MAX = 4294967295


def bucket(did=None, **counts):
    return {"started": iso(now()), **({"did": did} if did else {}), **counts}


def test_a_session_counts_once_with_or_without_its_start(hale):
    hale.send(session("crashed", init=None), session("ok", init=False))
    assert sessions(hale) == row(crashed=1, healthy=1)


def test_updates_only_raise(hale):
    first = session("ok", did="ada")
    steps = (("ok", 0, "healthy"), ("exited", 0, "healthy"), ("ok", 1, "errored"),
             ("exited", 0, "errored"), ("unhandled", 0, "unhandled"), ("ok", 9, "unhandled"),
             ("abnormal", 0, "abnormal"), ("unhandled", 1, "abnormal"), ("crashed", 0, "crashed"),
             ("abnormal", 0, "crashed"), ("exited", 0, "crashed"))
    for status, errors, expected in steps:
        hale.send({**first, "status": status, "errors": errors})
        assert sessions(hale) == row(**{expected: 1}), status
        assert users(hale) == row(**{expected: 1}), status


@pytest.mark.parametrize("field, other", (
    ("release", "app@2.0"), ("environment", "staging"), ("started", None)))
def test_what_makes_it_another_session(hale, field, other):
    first = session()
    second = {**first, "attrs": {**first["attrs"]}}
    if field == "started":
        second["started"] = first["started"].replace("Z", "+00:01")
    else:
        second["attrs"][field] = other
    hale.send(first, second, first, second)
    assert sessions(hale) == row(healthy=2)


def test_what_does_not(hale):
    first = session("ok")
    variants = (dict(seq=5), dict(seq=1), dict(timestamp=iso(now())), dict(init=False),
                dict(duration=5), dict(did="ada"), dict(did="bob"), dict(errors=0))
    hale.send(first, *[{**first, **fields} for fields in variants])
    assert sessions(hale) == row(healthy=1)
    # Every user of one of its updates is a user of the session.
    assert users(hale) == row(healthy=2)


def test_every_user_of_a_session_carries_its_final_severity(hale):
    first = session("ok", did="ada")
    hale.send(first, {**first, "did": "bob"})
    hale.send({**first, "did": None, "status": "crashed"})
    assert users(hale) == row(crashed=2)


def test_without_an_id_each_is_its_own(hale):
    single = session("crashed", sid=None, did="ada")
    hale.send(single, single)
    hale.send(single)
    assert sessions(hale) == row(crashed=3)
    assert users(hale) == row(crashed=1)


def test_the_nil_user_is_none(hale):
    for did in ("00000000-0000-0000-0000-000000000000", "0" * 32, None):
        hale.send(session(did=did))
    assert sessions(hale) == row(healthy=3)
    assert users(hale) == row()


def test_aggregates_add(hale):
    sums = aggregates([bucket(exited=3, errored=2), bucket(abnormal=1, unhandled=4, crashed=5),
                       bucket()])
    hale.send(sums)
    assert sessions(hale) == row(healthy=3, errored=2, unhandled=4, abnormal=1, crashed=5)
    assert users(hale) == row()
    # They have no identity, so that a second delivery adds again.
    hale.send(sums)
    assert sessions(hale) == row(healthy=6, errored=4, unhandled=8, abnormal=2, crashed=10)


def test_users_of_aggregates(hale):
    """One user for each did, under the worst of its sessions and aggregates."""
    hale.send(aggregates([bucket("ada", exited=5, crashed=1), bucket("bob", exited=2),
                          bucket("eve", errored=1, unhandled=1), bucket("eve", exited=1),
                          bucket("nobody")]),
              session("abnormal", did="bob"), session("exited", did="ada"))
    assert sessions(hale) == row(healthy=9, errored=1, unhandled=1, abnormal=1, crashed=1)
    assert users(hale) == row(crashed=1, abnormal=1, unhandled=1)


def test_large_counts(hale):
    hale.send(aggregates([bucket(exited=U32_MAX) for _ in range(50)]))
    hale.send(aggregates([bucket(crashed=U32_MAX) for _ in range(50)]))
    assert sessions(hale) == row(healthy=50 * U32_MAX, crashed=50 * U32_MAX)
    answer = hale.sessions("crash_free_rate(session)", includeSeries=0)
    assert answer["groups"][0]["totals"] == {"crash_free_rate(session)": 0.5}


def test_users_of_series_are_unions(hale):
    """Users of several releases or environments are a union, not a sum."""
    for release in ("app@1", "app@2", "app@3"):
        for environment in ("live", "test"):
            status = "crashed" if release == "app@2" else "exited"
            hale.send(session(status, release=release, environment=environment, did="ada"),
                      session("exited", release=release, environment=environment, did="bob"))
    assert users(hale) == row(crashed=1, healthy=1)
    assert users_by(hale, "release") == {
        ("app@1",): row(healthy=2), ("app@2",): row(healthy=1, crashed=1),
        ("app@3",): row(healthy=2)}
    assert users_by(hale, "environment") == {
        ("live",): row(healthy=1, crashed=1), ("test",): row(healthy=1, crashed=1)}
    assert users(hale, query="!release:app@2") == row(healthy=2)


def test_rates_of_users_count_everyone_with_such_a_session(hale):
    """A user with a crash and an ANR is in both rates."""
    for status, mechanism in (("crashed", None), ("abnormal", "anr_foreground"),
                              ("unhandled", None), ("exited", "anr_background")):
        hale.send(session(status, did="ada", abnormal_mechanism=mechanism))
    hale.send(session("abnormal", did="bob", abnormal_mechanism="anr_background"))
    hale.send(session(did="eve"), session(did="mia"))
    fields = [f"{name}_rate(user)" for name in
              ("crash", "crash_free", "errored", "unhandled", "abnormal")]
    totals = hale.sessions(*fields, "anr_rate()", "foreground_anr_rate()",
                           includeSeries=0)["groups"][0]["totals"]
    assert totals == pytest.approx({
        "crash_rate(user)": 0.25, "crash_free_rate(user)": 0.75, "errored_rate(user)": 0,
        "unhandled_rate(user)": 0.25, "abnormal_rate(user)": 0.5, "anr_rate()": 0.5,
        "foreground_anr_rate()": 0.25})


def test_two_projects_share_nothing(hale):
    """The same session and user in two projects count twice."""
    made = hale.cli_json("project", "create", "second")
    auth = {"X-Sentry-Auth": f"Sentry sentry_key={made['publicKey']}"}
    same = session(did="ada")
    hale.send(same)
    target = hale.envelope_path(made["id"])
    wait(lambda: hale.post(envelope(same), auth, auth=False, target=target).status == 200,
         "the new project")
    assert sessions_by(hale, "project") == {
        (hale.project,): row(healthy=1), (made["id"],): row(healthy=1)}
    assert users_by(hale, "project") == {
        (hale.project,): row(healthy=1), (made["id"],): row(healthy=1)}
