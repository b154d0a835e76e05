import API
@testable import Queries
import SQLiteStorage
import Service
import TestSupport
import Testing

/// Every rule of the sessions API (Sentry's page "Retrieve Release Health Session Statistics") with
/// one case: its text, a request, and what is answered.
///
/// The requests go through the whole service, to the sessions of ``RulesWorld``.
@Suite struct RulesTests {
  struct Rule: CustomTestStringConvertible, Sendable {
    var text: String
    /// As it stands in a URL, but for percent-encoding.
    var request: String
    var expected: String

    init(_ text: String, _ request: String, _ expected: String) {
      self.text = text
      self.request = request
      self.expected = expected
    }

    var testDescription: String { text }
  }

  private let world = Result { try RulesWorld() }

  // MARK: Interval rules

  /// Expected: start, end, and how many points the series have.
  static let intervals: [Rule] = [
    Rule(
      "the interval is an hour, unless another is given",
      "statsPeriod=3h", "2026-01-01T09:00:00Z 2026-01-01T12:00:00Z 3"),
    Rule(
      "it is a multiple of the smallest resolution, one minute",
      "statsPeriod=1h&interval=1m", "2026-01-01T11:00:00Z 2026-01-01T12:00:00Z 60"),
    Rule(
      "it is at most one day",
      "statsPeriod=3d&interval=1d", "2025-12-29T00:00:00Z 2026-01-02T00:00:00Z 4"),
    Rule(
      "it divides one day without a remainder",
      "statsPeriod=1d&interval=8h", "2025-12-31T08:00:00Z 2026-01-01T16:00:00Z 4"),
    Rule(
      "the start is rounded down to an interval since 1970, and the end up",
      "start=2025-12-31T07:00:00&end=2025-12-31T07:59:00&interval=90m",
      "2025-12-31T06:00:00Z 2025-12-31T09:00:00Z 2"),
    Rule(
      "so that all of the requested time is covered",
      "start=2025-12-31T08:49:00&end=2025-12-31T09:34:00",
      "2025-12-31T08:00:00Z 2025-12-31T10:00:00Z 2"),
    Rule(
      "and no more than that",
      "start=2025-12-31T08:49:00&end=2025-12-31T09:34:00&interval=15m",
      "2025-12-31T08:45:00Z 2025-12-31T09:45:00Z 4"),
    Rule(
      "an end in the future stands",
      "start=2026-01-01T11:00:00&end=2026-02-01", "2026-01-01T11:00:00Z 2026-02-01T00:00:00Z 733"),
    Rule(
      "a start in the future is now",
      "start=2026-01-05&end=2026-01-06&interval=1d",
      "2026-01-01T00:00:00Z 2026-01-06T00:00:00Z 5"),
    Rule(
      "a day by the hour has 24 points on the full hour, else 25",
      "statsPeriod=24h&interval=1h", "2025-12-31T12:00:00Z 2026-01-01T12:00:00Z 24"),
    Rule(
      "intervals under an hour reach over days",
      "statsPeriod=2d&interval=15m", "2025-12-30T12:00:00Z 2026-01-01T12:00:00Z 192"),
    Rule(
      "and as far back as minutes are kept",
      "start=2025-12-27T12:00:00&end=2025-12-27T12:59:59&interval=30m",
      "2025-12-27T12:00:00Z 2025-12-27T13:00:00Z 2"),
    Rule(
      "a series has at most 1000 points",
      "statsPeriod=1000h", "2025-11-20T20:00:00Z 2026-01-01T12:00:00Z 1000"),
    Rule(
      "statsPeriod goes before all others",
      "statsPeriod=1h&start=2025-12-01&end=2025-12-02&statsPeriodStart=5h&statsPeriodEnd=3h",
      "2026-01-01T11:00:00Z 2026-01-01T12:00:00Z 1"),
    Rule(
      "statsPeriodStart and statsPeriodEnd go before start and end",
      "start=2025-12-01&end=2025-12-02&statsPeriodStart=49h&statsPeriodEnd=25h",
      "2025-12-30T11:00:00Z 2025-12-31T11:00:00Z 24"),
    Rule(
      "periods are given in seconds, minutes, hours, days or weeks",
      "statsPeriod=1w&interval=1d", "2025-12-25T00:00:00Z 2026-01-02T00:00:00Z 8"),
    Rule(
      "without a period it is 90 days",
      "interval=1d", "2025-10-03T00:00:00Z 2026-01-02T00:00:00Z 91"),
    Rule(
      "times without a zone are UTC, others are what they say",
      "start=2025-12-31T11:00:00%2B01:00&end=2025-12-31T10:59:59",
      "2025-12-31T10:00:00Z 2025-12-31T11:00:00Z 1"),
    Rule(
      "the end is exclusive",
      "start=2025-12-31T10:00:00&end=2025-12-31T11:00:00",
      "2025-12-31T10:00:00Z 2025-12-31T11:00:00Z 1"),
  ]

  @Test(arguments: intervals)
  func interval(rule: Rule) throws {
    let request = rule.request.split(separator: "%2B").joined(separator: "+")
    let answer = try world.get().ask("field=sum(session)&" + request)
    let found = try #require(
      answer.text.firstMatch(
        of: /"start":"([^"]+)","end":"([^"]+)".*"intervals":\[(.*)\],"groups":.*\[([0-9,]+)\]/),
      "\(answer)")
    let starts = found.3.split(separator: ",")
    #expect("\(found.1) \(found.2) \(starts.count)" == rule.expected)
    // Buckets begin where `intervals` says, and every series has one number for each.
    #expect(starts.first == "\"\(found.1)\"")
    #expect(found.4.split(separator: ",").count == starts.count)
  }

  // MARK: Error messages

  /// Expected: the detail. All are answered with 400.
  private static let fields = SessionsField.allCases.map(\.rawValue).joined(separator: ", ")
  private static let keys =
    "There are release, release.package, release.version, release.build, release.stage, "
    + "environment, project, session.status."

  /// Sentry's text comes first, then what is near and what there is.
  static let errors: [Rule] = [
    Rule("a field is needed", "statsPeriod=1h", "Request is missing a \"field\""),
    Rule("of those that there are", "field=x", "Invalid field: \"x\". There are \(fields)."),
    Rule(
      "with those that are near", "field=crash_free_rate(sesion)",
      "Invalid field: \"crash_free_rate(sesion)\"; near: \"crash_free_rate(session)\". "
        + "There are \(fields)."),
    Rule(
      "groups, too", "field=sum(session)&groupBy=x",
      "Invalid groupBy: \"x\". There are project, release, environment, session.status."),
    Rule(
      "with the near ones", "field=sum(session)&groupBy=status",
      "Invalid groupBy: \"status\"; near: \"session.status\". There are project, release, "
        + "environment, session.status."),
    Rule(
      "and keys of the query", "field=sum(session)&query=x:1",
      "Invalid search filter: x. \(keys) The release \"x:1\" is found by release:\"x:1\"."),
    Rule(
      "a pasted name, too", "field=sum(session)&query=a:b@1",
      "Invalid search filter: a. \(keys) The release \"a:b@1\" is found by release:\"a:b@1\"."),
    Rule(
      "near keys, too", "field=sum(session)&query=relase:a:b@1",
      "Invalid search filter: relase; near: \"release\". \(keys)"),
    Rule(
      "keys of other searches", "field=sum(session)&query=!finalized:\"true\"",
      "Invalid search filter: finalized. \(keys) Only searches of releases have finalized."),
    Rule(
      "multiple of ten seconds", "field=sum(session)&interval=5s",
      "The interval has to be a multiple of the minimum interval of ten seconds."),
    Rule(
      "multiple of the smallest resolution", "field=sum(session)&interval=10s",
      "The interval has to be a multiple of one minute: counts are kept by the minute. "
        + "Use an interval of 1m."),
    Rule(
      "at most one day", "field=sum(session)&interval=2d",
      "The interval has to be less than one day."),
    Rule(
      "divides one day", "field=sum(session)&interval=7h",
      "The interval should divide one day without a remainder."),
    Rule(
      "periods are numbers with units", "field=sum(session)&statsPeriod=day",
      "Invalid statsPeriod: 'day'. "
        + "Give a whole number and a unit (s, m, h, d or w), for example 1h or 14d."),
    Rule(
      "a period from then to then has both", "field=sum(session)&statsPeriodEnd=1d",
      "statsPeriodStart and statsPeriodEnd are both required"),
    Rule(
      "so does a range", "field=sum(session)&start=2026-01-01", "start and end are both required"),
    Rule(
      "which does not go backwards", "field=sum(session)&start=2026-01-02&end=2026-01-01",
      "start must be before end"),
    Rule(
      "and is not empty", "field=sum(session)&start=2026-01-01&end=2026-01-01",
      "start must be before end"),
    Rule(
      "as far back as minutes are kept",
      "field=sum(session)&interval=1m&start=2025-12-20&end=2025-12-20T01:00:00",
      "Intervals that are not whole hours reach back 5 days: counts by the minute are kept for 5 "
        + "days. Use an interval of 1h, or a later start."),
    Rule(
      "a thousand points", "field=sum(session)&statsPeriod=1001h",
      "Your interval and date range would create too many results. "
        + "Use a larger interval, or a smaller date range."),
    Rule(
      "ordered by one field",
      "field=sum(session)&field=anr_rate()&orderBy=sum(session)&orderBy=anr_rate()",
      "Cannot order by multiple fields"),
    Rule(
      "not ordered within statuses",
      "field=sum(session)&groupBy=session.status&orderBy=sum(session)",
      "Cannot use 'orderBy' when grouping by sessions.status"),
    Rule(
      "ordered by what is asked for", "field=sum(session)&orderBy=x()",
      "'orderBy' must be one of the provided 'fields', not \"x()\". There is only sum(session)."),
    Rule(
      "or near to it", "field=sum(session)&orderBy=-sum(sesion)",
      "'orderBy' must be one of the provided 'fields', not \"sum(sesion)\"; near: "
        + "\"sum(session)\". There is only sum(session)."),
    Rule(
      "a time is no field", "field=sum(session)&orderBy=-release.timestamp&groupBy=release",
      "'orderBy' must be one of the provided 'fields', not \"release.timestamp\". "
        + "There is only sum(session)."),
    Rule(
      "not ordered by several statuses",
      "field=sum(session)&orderBy=sum(session)&query=session.status:[abnormal,crashed]",
      "Cannot order by sum(session) with the current filters"),
    Rule(
      "rates are not grouped by status", "field=crash_rate(session)&groupBy=session.status",
      "Cannot group field crash_rate(session) by session.status"),
    Rule(
      "nor filtered by it", "field=crash_rate(session)&query=session.status:crashed",
      "Cannot filter field crash_rate(session) by session.status"),
    Rule(
      "failure-free rates, too", "field=failure_free_rate(user)&groupBy=session.status",
      "Cannot group field failure_free_rate(user) by session.status"),
    Rule(
      "neither grouped nor filtered",
      "field=failure_free_rate(session)&query=session.status:crashed",
      "Cannot filter field failure_free_rate(session) by session.status"),
    Rule(
      "users of several statuses are no sum",
      "field=count_unique(user)&query=session.status:[abnormal,crashed]",
      "Cannot filter count_unique by multiple session.status unless it is in groupBy"),
    Rule(
      "statuses are not compared", "field=sum(session)&query=session.status:>crashed",
      "Unable to resolve session.status filter"),
    Rule(
      "nor alternatives of others", "field=sum(session)&query=session.status:crashed OR release:a",
      "Unable to parse condition with session.status"),
    Rule(
      "nor patterns", "field=sum(session)&query=session.status:c*",
      "Unable to parse condition with session.status"),
    Rule(
      "something is to be shown", "field=sum(session)&includeSeries=0&includeTotals=0",
      "Cannot omit both series and totals"),
    Rule(
      "stages are those of one environment", "field=sum(session)&query=release.stage:adopted",
      "Choose a single environment to filter by release stage."),
    Rule(
      "series of durations by whole hours", "field=p50(session.duration)&interval=30m",
      "The interval has to be a multiple of one hour for p50(session.duration): durations are kept "
        + "by the hour. Use an interval of 1h."),
    Rule(
      "and their totals, too",
      "field=p50(session.duration)&interval=30m&includeSeries=0",
      "The interval has to be a multiple of one hour for p50(session.duration): durations are kept "
        + "by the hour. Use an interval of 1h."),
  ]

  @Test(arguments: errors)
  func error(rule: Rule) throws {
    let hasPeriod = rule.request.contains("statsPeriod") || rule.request.contains("start=")
    let answer = try world.get().ask((hasPeriod ? "" : "statsPeriod=1h&") + rule.request)
    let detail = rule.expected.split(separator: "\"", omittingEmptySubsequences: false)
    #expect(answer.status == 400)
    #expect(answer.text == "{\"detail\":\"\(detail.joined(separator: "\\\""))\"}")
  }

  @Test func errorOfAnOrganizationWithoutProjects() throws {
    let answer = try world.get().ask(
      "field=sum(session)&statsPeriod=1h", organization: "empty", token: "a-token-of-nothing")
    #expect(answer.status == 400)
    #expect(answer.text == "{\"detail\":\"No projects available\"}")
  }

  /// What a service that counts by the hour alone would say.
  @Test func errorOfACoarserResolution() {
    var limits = SessionsLimits()
    limits.intervalMinutesMin = 60
    #expect(
      SessionsFixtures.refusal("field=sum(session)&statsPeriod=1h&interval=30m", limits: limits)
        == .badRequest(
          "The interval has to be a multiple of one hour: counts are kept by the hour. "
            + "Use an interval of 1h."))
  }

  // MARK: Result rules

  /// The range of the results below: from 10 o'clock to now.
  static let hours = "start=2026-01-01T10:00:00&end=2026-01-01T12:00:00&"
  static let totals = hours + "includeSeries=0&"

  /// Expected: the groups.
  static let results: [Rule] = [
    Rule(
      "groups stand by the sessions, the most first, if they are asked for",
      totals + "project=1&field=crash_rate(session)&field=sum(session)&groupBy=release",
      #"{"by":{"release":"app@1"},"totals":{"crash_rate(session)":0.25,"sum(session)":4}},"#
        + #"{"by":{"release":"app@2"},"totals":{"crash_rate(session)":0.0,"sum(session)":3}}"#),
    Rule(
      "or else by the first field",
      totals + "project=1&field=abnormal_rate(session)&field=crash_rate(session)&groupBy=release",
      #"{"by":{"release":"app@2"},"#
        + #""totals":{"abnormal_rate(session)":0.3333333333333333,"crash_rate(session)":0.0}},"#
        + #"{"by":{"release":"app@1"},"totals":{"abnormal_rate(session)":0.0,"#
        + #""crash_rate(session)":0.25}}"#),
    Rule(
      "or by orderBy, with a minus the highest first",
      totals + "project=1&field=sum(session)&orderBy=sum(session)&groupBy=release",
      #"{"by":{"release":"app@2"},"totals":{"sum(session)":3}},"#
        + #"{"by":{"release":"app@1"},"totals":{"sum(session)":4}}"#),
    Rule(
      "what has no value comes last, in either order",
      totals + "project=1&field=max(session.duration)&orderBy=max(session.duration)"
        + "&field=sum(session)&groupBy=release",
      #"{"by":{"release":"app@1"},"totals":{"max(session.duration)":2999.5,"sum(session)":4}},"#
        + #"{"by":{"release":"app@2"},"totals":{"max(session.duration)":null,"sum(session)":3}}"#),
    Rule(
      "`by` has the keys that were asked for; a project is its number, no environment is empty",
      totals + "project=shop&field=sum(session)&groupBy=project&groupBy=environment",
      #"{"by":{"project":1,"environment":"production"},"totals":{"sum(session)":6}},"#
        + #"{"by":{"project":1,"environment":""},"totals":{"sum(session)":1}}"#),
    Rule(
      "by status there are always five groups, in order, zero filled",
      totals + "project=1&field=sum(session)&groupBy=session.status&query=release:app@1",
      #"{"by":{"session.status":"abnormal"},"totals":{"sum(session)":0}},"#
        + #"{"by":{"session.status":"crashed"},"totals":{"sum(session)":1}},"#
        + #"{"by":{"session.status":"errored"},"totals":{"sum(session)":0}},"#
        + #"{"by":{"session.status":"healthy"},"totals":{"sum(session)":3}},"#
        + #"{"by":{"session.status":"unhandled"},"totals":{"sum(session)":0}}"#),
    Rule(
      "five of each combination of the other keys, and the five add up",
      totals + "project=1&field=sum(session)&groupBy=session.status&groupBy=environment"
        + "&query=release:app@2",
      #"{"by":{"environment":"production","session.status":"abnormal"},"#
        + #""totals":{"sum(session)":1}},"#
        + #"{"by":{"environment":"production","session.status":"crashed"},"#
        + #""totals":{"sum(session)":0}},"#
        + #"{"by":{"environment":"production","session.status":"errored"},"#
        + #""totals":{"sum(session)":0}},"#
        + #"{"by":{"environment":"production","session.status":"healthy"},"#
        + #""totals":{"sum(session)":0}},"#
        + #"{"by":{"environment":"production","session.status":"unhandled"},"#
        + #""totals":{"sum(session)":1}},"#
        + #"{"by":{"environment":"","session.status":"abnormal"},"totals":{"sum(session)":0}},"#
        + #"{"by":{"environment":"","session.status":"crashed"},"totals":{"sum(session)":0}},"#
        + #"{"by":{"environment":"","session.status":"errored"},"totals":{"sum(session)":1}},"#
        + #"{"by":{"environment":"","session.status":"healthy"},"totals":{"sum(session)":0}},"#
        + #"{"by":{"environment":"","session.status":"unhandled"},"totals":{"sum(session)":0}}"#),
    Rule(
      "of the five those that the query selects",
      totals + "project=1&field=sum(session)&groupBy=session.status"
        + "&query=session.status:[healthy,crashed]",
      #"{"by":{"session.status":"crashed"},"totals":{"sum(session)":1}},"#
        + #"{"by":{"session.status":"healthy"},"totals":{"sum(session)":3}}"#),
    Rule(
      "also those without data",
      totals + "project=none&field=sum(session)&groupBy=session.status"
        + "&query=!session.status:[healthy,errored,abnormal]",
      #"{"by":{"session.status":"crashed"},"totals":{"sum(session)":0}},"#
        + #"{"by":{"session.status":"unhandled"},"totals":{"sum(session)":0}}"#),
    Rule(
      "none of them by an unknown one",
      totals + "project=1&field=sum(session)&groupBy=session.status&query=session.status:bogus",
      ""),
    Rule(
      "all of them without an unknown one",
      totals + "project=1&field=sum(session)&query=!session.status:bogus",
      #"{"by":{},"totals":{"sum(session)":7}}"#),
    Rule(
      "of the five only healthy has durations",
      totals + "project=1&field=avg(session.duration)&groupBy=session.status",
      #"{"by":{"session.status":"abnormal"},"totals":{"avg(session.duration)":null}},"#
        + #"{"by":{"session.status":"crashed"},"totals":{"avg(session.duration)":null}},"#
        + #"{"by":{"session.status":"errored"},"totals":{"avg(session.duration)":null}},"#
        + #"{"by":{"session.status":"healthy"},"#
        + #""totals":{"avg(session.duration)":1366.6666666666667}},"#
        + #"{"by":{"session.status":"unhandled"},"totals":{"avg(session.duration)":null}}"#),
    Rule(
      "an unknown status finds nothing",
      totals + "project=1&field=sum(session)&query=session.status:bogus", ""),
    Rule(
      "a status selects",
      totals + "project=1&field=sum(session)&query=session.status:crashed",
      #"{"by":{},"totals":{"sum(session)":1}}"#),
    Rule(
      "several statuses are added up",
      totals + "project=1&field=sum(session)&query=session.status:[healthy, errored] release:app*",
      #"{"by":{},"totals":{"sum(session)":4}}"#),
    Rule(
      "not a status is all of the others",
      totals + "project=1&field=sum(session)&query=!session.status:healthy",
      #"{"by":{},"totals":{"sum(session)":4}}"#),
    Rule(
      "users of a status are those whose worst it is",
      totals + "project=1&field=count_unique(user)&query=session.status:healthy",
      #"{"by":{},"totals":{"count_unique(user)":1}}"#),
    Rule(
      "durations of another status are none",
      totals + "project=1&field=max(session.duration)&field=sum(session)"
        + "&query=session.status:abnormal",
      #"{"by":{},"totals":{"max(session.duration)":null,"sum(session)":1}}"#),
    Rule(
      "and where nothing else is asked for, nothing is found",
      totals + "project=1&field=max(session.duration)&query=session.status:abnormal", ""),
    Rule(
      "no data, no keys: one group of zeros and nulls",
      totals + "project=none&field=sum(session)&field=count_unique(user)&field=crash_rate(user)"
        + "&field=p50(session.duration)",
      #"{"by":{},"totals":{"sum(session)":0,"count_unique(user)":0,"crash_rate(user)":null,"#
        + #""p50(session.duration)":null}}"#),
    Rule(
      "no data by keys: no groups", totals + "project=none&field=sum(session)&groupBy=project", ""),
    Rule(
      "no data by status alone: five groups of zeros",
      totals + "project=none&field=count_unique(user)&groupBy=session.status",
      ["abnormal", "crashed", "errored", "healthy", "unhandled"].map {
        #"{"by":{"session.status":"\#($0)"},"totals":{"count_unique(user)":0}}"#
      }.joined(separator: ",")),
    Rule(
      "missing points are 0 in counts, and null in rates and durations",
      hours + "project=1&field=sum(session)&field=count_unique(user)&field=crash_rate(session)"
        + "&field=p99(session.duration)&query=release:app@2&includeTotals=0",
      #"{"by":{},"series":{"sum(session)":[0,3],"count_unique(user)":[0,3],"#
        + #""crash_rate(session)":[null,0.0],"p99(session.duration)":[null,null]}}"#),
    Rule(
      "totals of sessions are the sum of the series; a user of two hours is one",
      hours + "project=1&field=sum(session)&field=count_unique(user)&query=release:app@1",
      #"{"by":{},"totals":{"sum(session)":4,"count_unique(user)":2},"#
        + #""series":{"sum(session)":[3,1],"count_unique(user)":[2,1]}}"#),
    Rule(
      "rates are fractions, and not rounded",
      totals + "project=1&field=crash_free_rate(session)&field=unhealthy_rate(session)"
        + "&field=errored_rate(session)&field=crash_free_rate(user)&field=anr_rate()"
        + "&field=foreground_anr_rate()",
      #"{"by":{},"totals":{"crash_free_rate(session)":0.8571428571428572,"#
        + #""unhealthy_rate(session)":0.5714285714285714,"#
        + #""errored_rate(session)":0.14285714285714285,"crash_free_rate(user)":0.8,"#
        + #""anr_rate()":0.2,"foreground_anr_rate()":0.2}}"#),
    Rule(
      "failure-free is neither crashed nor unhandled",
      totals + "project=1&field=failure_free_rate(session)&field=failure_free_rate(user)"
        + "&groupBy=release&orderBy=failure_free_rate(session)",
      #"{"by":{"release":"app@2"},"totals":{"failure_free_rate(session)":0.6666666666666667,"#
        + #""failure_free_rate(user)":0.6666666666666667}},"#
        + #"{"by":{"release":"app@1"},"totals":{"failure_free_rate(session)":0.75,"#
        + #""failure_free_rate(user)":0.5}}"#),
    Rule(
      "and null where nothing began, as crash-free is",
      hours + "project=1&field=failure_free_rate(session)&field=failure_free_rate(user)"
        + "&query=release:app@2",
      #"{"by":{},"totals":{"failure_free_rate(session)":0.6666666666666667,"#
        + #""failure_free_rate(user)":0.6666666666666667},"#
        + #""series":{"failure_free_rate(session)":[null,0.6666666666666667],"#
        + #""failure_free_rate(user)":[null,0.6666666666666667]}}"#),
    Rule(
      "rates of hangs have their users in every group",
      totals + "project=1&field=anr_rate()&field=foreground_anr_rate()&groupBy=release"
        + "&groupBy=environment",
      #"{"by":{"release":"app@2","environment":"production"},"#
        + #""totals":{"anr_rate()":0.5,"foreground_anr_rate()":0.5}},"#
        + #"{"by":{"release":"app@1","environment":"production"},"#
        + #""totals":{"anr_rate()":0.0,"foreground_anr_rate()":0.0}},"#
        + #"{"by":{"release":"app@2","environment":""},"#
        + #""totals":{"anr_rate()":0.0,"foreground_anr_rate()":0.0}}"#),
    Rule(
      "durations are milliseconds: the average exact, the others interpolated and to 0.4 %",
      totals + "project=1&field=avg(session.duration)&field=p50(session.duration)"
        + "&field=p75(session.duration)&field=max(session.duration)&query=release:app@1",
      #"{"by":{},"totals":{"avg(session.duration)":1366.6666666666667,"#
        + #""p50(session.duration)":1001.5,"p75(session.duration)":2000.5,"#
        + #""max(session.duration)":2999.5}}"#),
    Rule(
      "alternatives over release and environment",
      totals + "project=1&field=sum(session)&query=release:app@1 OR environment:\"\"",
      #"{"by":{},"totals":{"sum(session)":5}}"#),
    Rule(
      "what a release's name says",
      totals + "project=many&field=sum(session)&query=release.version:>9 release.package:many",
      #"{"by":{},"totals":{"sum(session)":3}}"#),
    Rule(
      "environment= selects as a term of the query does",
      totals + "project=1&field=sum(session)&environment=",
      #"{"by":{},"totals":{"sum(session)":1}}"#),
    Rule(
      "project=-1 is all of them", totals + "project=-1&field=sum(session)",
      #"{"by":{},"totals":{"sum(session)":19}}"#),
  ]

  @Test(arguments: results)
  func result(rule: Rule) throws {
    let answer = try world.get().ask(rule.request)
    #expect(answer.status == 200)
    let groups = answer.text.split(separator: "\"groups\":", maxSplits: 1).last ?? ""
    #expect(groups == "[\(rule.expected)]}")
  }

  @Test func theAnswerSaysWhatItAnswers() throws {
    let answer = try world.get().ask(
      Self.hours + "field=sum(session)&groupBy=release&query=release:x")
    #expect(
      answer.text
        == #"{"start":"2026-01-01T10:00:00Z","end":"2026-01-01T12:00:00Z","query":"release:x","#
        + #""intervals":["2026-01-01T10:00:00Z","2026-01-01T11:00:00Z"],"#
        + #""groups":[]}"#)
  }

  /// A release that was adopted by the hourly run is found by its stage.
  @Test func stagesAreThoseOfTheHourlyRun() throws {
    _ = try world.get().fixture.store.runAdoption(at: ServiceFixture.now)
    for (query, sessions) in [
      ("release.stage:adopted", 6), ("!release.stage:adopted", 0),
      ("release.stage:adopted release:app@2", 2),
      ("release.stage:low_adoption OR release:app@1", 4),
    ] {
      let answer = try world.get().ask(
        Self.totals + "project=1&field=sum(session)&environment=production&query=\(query)")
      #expect(answer.text.hasSuffix("{\"sum(session)\":\(sessions)}}]}"), "\(query): \(answer)")
    }
  }

  // MARK: Pages

  /// Groups of a page: at most 10,000 numbers a field, where the totals count as one beside the
  /// points. That a page has at most 5000 groups is shown by `SessionsRequestTests`.
  @Test(arguments: [
    ("statsPeriod=999h", 10, true), ("statsPeriod=700h", 12, false),
    ("statsPeriod=999h&includeSeries=0", 12, false), ("statsPeriod=1h&per_page=5", 5, true),
  ])
  func pagesHaveALimit(request: String, count: Int, hasMore: Bool) throws {
    let answer = try world.get().ask("project=many&field=sum(session)&groupBy=release&" + request)
    #expect(answer.text.matches(of: /"by":/).count == count)
    #expect(answer.link.contains("rel=\"next\"; results=\"\(hasMore)\""))
  }

  /// Sentry's page "Paginating Results": both links are always there, and say whether something is
  /// on their page.
  @Test func pagesAreLinked() throws {
    let request = "project=many&field=sum(session)&groupBy=release&per_page=5&statsPeriod=1h"
    var seen: [String] = []
    for (cursor, previous, next) in [
      ("", "0:0:1\"", "0:5:0\""), ("&cursor=0:5:0", "0:0:1\"", "0:10:0\""),
      ("&cursor=0:10:0", "0:5:1\"", "0:15:0\""),
    ] {
      let answer = try world.get().ask(request + cursor)
      seen += answer.text.matches(of: /"release":"([^"]+)"/).map { String($0.1) }
      let links = answer.link.split(separator: ", ")
      #expect(links.count == 2)
      #expect(
        links[0].contains("rel=\"previous\"; results=\"\(!cursor.isEmpty)\"; cursor=\"\(previous)"))
      #expect(links[1].contains("rel=\"next\"; results=\"\(seen.count < 12)\"; cursor=\"\(next)"))
    }
    #expect(Set(seen) == Set((1...12).map { "many@\($0)" }) && seen.count == 12)
  }
}
