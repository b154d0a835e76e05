"""The sessions endpoint as dashboards for Sentry use it: its shape and its errors."""

import pytest

from hale import Hale, hours, iso, row, session, sessions, sessions_by, utc, Clock

NOON = utc("2026-03-10T12:30:00Z")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Two releases, two environments and no environment, in two hours."""
    folder = tmp_path_factory.mktemp("queries")
    clock = Clock(folder / "now", NOON)
    running = Hale(folder, "--now", f"@{clock.path}").start()
    yield fill(running)
    assert running.end() is None, running.log()


def fill(hale):
    hale.send(session(at=NOON, release="app@1", environment="live", did="ada"),
              session("crashed", at=NOON - hours(1), release="app@1", environment="live",
                      did="ada"),
              session(at=NOON, release="app@2", environment="live", did="bob"),
              session("abnormal", at=NOON, release="app@2", environment="test", did="eve"),
              session("exited", at=NOON, release="app@2", environment=None, errors=1))
    return hale


def query(service, **params):
    query = {"field": "sum(session)", "statsPeriod": "24h", **params}
    return service.get("/organizations/default/sessions/", query)


def test_the_shape(service):
    answer = service.sessions("sum(session)", "crash_free_rate(session)", "count_unique(user)",
                              group=("release",), statsPeriod="2h")
    assert answer["query"] == ""
    assert answer["intervals"] == [
        "2026-03-10T10:00:00Z", "2026-03-10T11:00:00Z", "2026-03-10T12:00:00Z"]
    assert answer["start"] == "2026-03-10T10:00:00Z"
    assert answer["end"] == "2026-03-10T13:00:00Z"
    assert answer["groups"] == [
        {"by": {"release": "app@2"},
         "totals": {"sum(session)": 3, "crash_free_rate(session)": 1, "count_unique(user)": 2},
         "series": {"sum(session)": [0, 0, 3], "crash_free_rate(session)": [None, None, 1],
                    "count_unique(user)": [0, 0, 2]}},
        {"by": {"release": "app@1"},
         "totals": {"sum(session)": 2, "crash_free_rate(session)": 0.5, "count_unique(user)": 1},
         "series": {"sum(session)": [0, 1, 1], "crash_free_rate(session)": [None, 0, 1],
                    "count_unique(user)": [0, 1, 1]}}]


def test_grouping(service):
    assert sessions_by(service, "release", "environment") == {
        ("app@1", "live"): row(healthy=1, crashed=1), ("app@2", "live"): row(healthy=1),
        ("app@2", "test"): row(abnormal=1), ("app@2", ""): row(errored=1)}
    assert sessions_by(service, "project") == {
        (service.project,): row(healthy=2, errored=1, abnormal=1, crashed=1)}


def test_filters(service):
    assert sessions(service, environment="test") == row(abnormal=1)
    assert sessions(service, environment=["test", "live"]) == row(
        healthy=2, abnormal=1, crashed=1)
    assert sessions(service, query="release:app@1") == row(healthy=1, crashed=1)
    assert sessions(service, query="!release:app@1") == row(healthy=1, errored=1, abnormal=1)
    assert sessions(service, query="release:[app@1,app@2] environment:live") == row(
        healthy=2, crashed=1)
    # With a filter by status, totals have the rest only.
    query = "(release:*@1 OR environment:t*) !session.status:crashed"
    assert service.sessions("sum(session)", includeSeries=0, query=query)["groups"] == [
        {"by": {}, "totals": {"sum(session)": 2}}]
    assert sessions(service, query='release.package:app AND environment:""') == row(errored=1)
    assert sessions(service, project="default") == sessions(service)
    assert sessions(service, project=service.project) == sessions(service)
    assert sessions(service, project=-1) == sessions(service)


def test_only_selected_statuses_are_groups(service):
    def statuses(query):
        answer = service.sessions("sum(session)", group=("session.status",), query=query)
        return [group["by"]["session.status"] for group in answer["groups"]]
    assert statuses("session.status:[crashed, healthy]") == ["crashed", "healthy"]
    assert statuses("!session.status:[crashed, healthy]") == ["abnormal", "errored", "unhandled"]
    assert statuses("session.status:bogus") == []


def test_parts_that_are_switched_off(service):
    bare = service.sessions("sum(session)", includeSeries=0)["groups"][0]
    assert set(bare) == {"by", "totals"}
    bare = service.sessions("sum(session)", includeTotals=0)["groups"][0]
    assert set(bare) == {"by", "series"}


def test_nothing_counted(service):
    plain = service.sessions("sum(session)", "crash_free_rate(user)", query="release:none@1")
    assert plain["groups"][0]["by"] == {}
    assert plain["groups"][0]["totals"] == {"sum(session)": 0, "crash_free_rate(user)": None}
    grouped = service.sessions("sum(session)", group=("release",), query="release:none@1")
    assert grouped["groups"] == []
    statuses = service.sessions("sum(session)", group=("session.status",), query="release:none@1")
    assert sorted(entry["by"]["session.status"] for entry in statuses["groups"]) == [
        "abnormal", "crashed", "errored", "healthy", "unhandled"]


def test_the_rates_add_up(service):
    fields = [f"{name}_rate(session)" for name in
              ("crash", "crash_free", "failure_free", "errored", "unhandled", "abnormal",
               "unhealthy")]
    totals = service.sessions(*fields, includeSeries=0)["groups"][0]["totals"]
    assert totals == pytest.approx({
        "crash_rate(session)": 0.2, "crash_free_rate(session)": 0.8,
        "failure_free_rate(session)": 0.8, "errored_rate(session)": 0.2,
        "unhandled_rate(session)": 0, "abnormal_rate(session)": 0.2,
        "unhealthy_rate(session)": 0.6})


# (parameters, how the detail begins: in Sentry's words)
REFUSED = [
    ({"field": ""}, None),
    ({"field": "sum(nothing)"}, 'Invalid field: "sum(nothing)". There are sum(session), count'),
    ({"field": "crash_free_rate"}, 'Invalid field: "crash_free_rate"; near: "crash_free_rate(user)"'),
    ({"groupBy": "nothing"}, 'Invalid groupBy: "nothing". There are project, release, '),
    ({"groupBy": "environments"}, 'Invalid groupBy: "environments"; near: "environment". '),
    ({"query": "nothing:1"}, "Invalid search filter: nothing. There are release, "),
    ({"query": "a:b@1"}, "Invalid search filter: a. There are release, release.package, "
     "release.version, release.build, release.stage, environment, project, session.status. "
     'The release "a:b@1" is found by release:"a:b@1".'),
    ({"release": "app@1"}, 'There is no parameter "release"; near: "query", as query=release:VALUE'),
    ({"env": "production"}, 'There is no parameter "env"; near: "environment"'),
    ({"query": "release:app@1 OR session.status:crashed"},
     "Unable to parse condition with session.status"),
    ({"query": "(release:app@1"}, "The query has a parenthesis that is not closed."),
    ({"field": "p95(session.duration)", "interval": "5m", "statsPeriod": "1h"},
     "The interval has to be a multiple of one hour for p95(session.duration): durations are kept "
     "by the hour. Use an interval of 1h."),
    ({"interval": "10s"}, "The interval has to be a multiple of one minute: counts are kept by "
     "the minute. Use an interval of 1m."),
    ({"statsPeriod": "", "statsPeriodStart": "2d"},
     "statsPeriodStart and statsPeriodEnd are both required"),
    ({"statsPeriod": "", "start": "2026-03-10", "end": "2026-03-10"}, "start must be before end"),
    ({"interval": "2d"}, "The interval has to be less than one day."),
    ({"interval": "7h"}, "The interval should divide one day without a remainder."),
    ({"interval": "1m", "statsPeriod": "24h"},
     "Your interval and date range would create too many results. "
     "Use a larger interval, or a smaller date range."),
    ({"interval": "1h", "statsPeriod": "90d"},
     "Your interval and date range would create too many results. "
     "Use a larger interval, or a smaller date range."),
    ({"interval": "nonsense"}, None),
    ({"statsPeriod": "nonsense"}, "Invalid statsPeriod: 'nonsense'. "
     "Give a whole number and a unit (s, m, h, d or w), for example 1h or 14d."),
    ({"statsPeriod": "", "start": "nonsense", "end": "nonsense"}, None),
    ({"statsPeriod": "", "start": iso(NOON), "end": iso(NOON - hours(3))}, None),
    ({"project": "nobody"}, None),
    ({"orderBy": "count_unique(user)"}, "'orderBy' must be one of the provided 'fields'"),
]


@pytest.mark.parametrize("params, detail", REFUSED, ids=[str(case[0]) for case in REFUSED])
def test_refusals(service, params, detail):
    reply = query(service, **params)
    assert reply.status in ((400,) if detail else (400, 403, 404)), reply
    assert reply.detail.startswith(detail or "") and reply.detail, reply


def test_no_field(service):
    reply = service.get("/organizations/default/sessions/", {"statsPeriod": "24h"})
    assert (reply.status, reply.detail) == (400, 'Request is missing a "field"'), reply


def test_rates_by_status_are_refused(service):
    reply = query(service, field="crash_rate(session)", groupBy="session.status")
    assert reply.status == 400
    assert reply.detail == "Cannot group field crash_rate(session) by session.status", reply


def test_the_slash_at_the_end(service):
    for path in ("/organizations/default/sessions", "/organizations/default/sessions/"):
        query = {"field": "sum(session)", "statsPeriod": "24h"}
        assert service.get(path, query).status == 200
