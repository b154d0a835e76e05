import API
import Access
@testable import Queries
import HTTP
import ReleaseHealth
import SQLiteStorage
import Service
import Storage
import TestSupport
import Testing

/// Every rule of the sessions API (Sentry's page "Retrieve Release Health Session Statistics") with
/// one case: its text, a request, and what is answered.
///
/// The requests go through the whole service. Its clock stands at 2026-01-01T12:00:00Z. In project
/// 1,
/// `shop`, these sessions began, of the users a to e; all but the crashed one exited:
///
/// | | 10 o'clock | 11 o'clock |
/// |---|---|---|
/// | `app@1`, production | a: healthy, 1 s · b: healthy, 3 s · a: crashed | a: healthy, 0.1 s |
/// | `app@2`, production | | d: hung in the foreground · e: unhandled |
/// | `app@2`, no environment | | c: errored |
///
/// Project 2, `many`, has a session of each of twelve releases, and project 3, `none`, has none.
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

  private let fixture = Result { try Self.world() }

  private static func world() throws -> ServiceFixture {
    let fixture = try ServiceFixture { store in
      for (slug, digit) in [("many", "2"), ("none", "3")] {
        _ = try store.createProject(
          organization: OrganizationID(rawValue: 1), slug: slug, platform: nil, id: nil,
          publicKey: String(repeating: digit, count: 32), at: ServiceFixture.now)
      }
      let empty = try store.createOrganization(slug: "empty", at: ServiceFixture.now)
      _ = try store.createToken(
        organization: empty.id, name: "test", scope: .read,
        digest: TokenDigest.digest("a-token-of-nothing"), at: ServiceFixture.now)
    }
    var batch = IngestBatch(receivedAt: ServiceFixture.now)
    func add(
      _ project: Int64, _ release: String, _ environment: String?, hour: Int64,
      _ status: SessionStatus, user: Character? = nil, duration: Int64? = nil,
      hang: AbnormalMechanism = .none
    ) {
      let started = ServiceFixture.now.advanced(byMilliseconds: (hour - 12) * 3_600_000 + 900_000)
      let key = SessionKey(
        series: SeriesKey(
          project: ProjectID(rawValue: project), release: release, environment: environment),
        started: started, sessionID: SessionID(value: UInt128(batch.reports.count + 1)))
      let user = user.map { UserHash(value: UInt128($0.asciiValue ?? 0)) }
      batch.add(
        NamedReport(
          key: key, correctedStart: started, status: status, mechanism: hang,
          durationMilliseconds: duration, user: user))
    }
    add(1, "app@1", "production", hour: 10, .exited, user: "a", duration: 1000)
    add(1, "app@1", "production", hour: 10, .exited, user: "b", duration: 3000)
    add(1, "app@1", "production", hour: 10, .crashed, user: "a", duration: 9000)
    add(1, "app@1", "production", hour: 11, .exited, user: "a", duration: 100)
    add(1, "app@2", "production", hour: 11, .abnormal, user: "d", hang: .foreground)
    add(1, "app@2", "production", hour: 11, .unhandled, user: "e")
    add(1, "app@2", nil, hour: 11, .errored, user: "c")
    for number in 1...12 { add(2, "many@\(number)", nil, hour: 11, .exited) }
    try fixture.store.ingest(batch)
    return fixture
  }

  private func ask(
    _ request: String, organization: String = "default", token: String = ServiceFixture.token
  ) throws -> (status: Int, text: String, link: String) {
    let items = SessionsFixtures.items(request).map { item in
      "\(item.name)=\(item.value.map { Self.encoded($0) }.joined())"
    }
    let response = try fixture.get().send(
      .get,
      "/api/0/organizations/\(organization)/sessions/?\(items.joined(separator: "&"))",
      headers: ["Authorization": "Bearer \(token)"])
    return (
      response.status, String(decoding: response.body, as: UTF8.self),
      response.headers["Link"] ?? ""
    )
  }

  private static func encoded(_ character: Character) -> String {
    character.isLetter || character.isNumber
      ? String(character)
      : character.utf8.map { "%\(String($0 >> 4, radix: 16))\(String($0 & 15, radix: 16))" }
        .joined()
  }

  // MARK: Interval rules

  /// Expected: start, end, and how many points the series have.
  static let intervals: [Rule] = [
    Rule(
      "the interval is an hour, unless another is given",
      "statsPeriod=3h", "2026-01-01T09:00:00Z 2026-01-01T12:01:00Z 4"),
    Rule(
      "it is a multiple of the smallest resolution, one minute",
      "statsPeriod=1h&interval=1m", "2026-01-01T11:00:00Z 2026-01-01T12:01:00Z 61"),
    Rule(
      "it is at most one day",
      "statsPeriod=3d&interval=1d", "2025-12-30T00:00:00Z 2026-01-01T12:01:00Z 3"),
    Rule(
      "it divides one day without a remainder",
      "statsPeriod=1d&interval=8h", "2025-12-31T16:00:00Z 2026-01-01T12:01:00Z 3"),
    Rule(
      "ranges are rounded by the interval, rounded up to whole hours",
      "start=2025-12-31T07:00:00&end=2025-12-31T07:59:00&interval=90m",
      "2025-12-31T06:00:00Z 2025-12-31T08:00:00Z 2"),
    Rule(
      "the length is rounded up to a multiple of that",
      "statsPeriod=61m", "2026-01-01T10:00:00Z 2026-01-01T12:01:00Z 3"),
    Rule(
      "the end is rounded up to a multiple of that since 1970",
      "start=2025-12-31T09:15:00&end=2025-12-31T10:20:00",
      "2025-12-31T09:00:00Z 2025-12-31T11:00:00Z 2"),
    Rule(
      "with an interval under an hour, a window that would start too late is one hour longer",
      "start=2025-12-31T08:49:00&end=2025-12-31T09:33:59&interval=15m",
      "2025-12-31T08:00:00Z 2025-12-31T10:00:00Z 8"),
    Rule(
      "with whole hours it is not: it starts where its end and length have it",
      "start=2025-12-31T08:49:00&end=2025-12-31T09:33:59",
      "2025-12-31T09:00:00Z 2025-12-31T10:00:00Z 1"),
    Rule(
      "an end in the future is the next full minute",
      "start=2026-01-01T11:00:00&end=2026-02-01", "2026-01-01T11:00:00Z 2026-01-01T12:01:00Z 2"),
    Rule(
      "a day by the hour has 24 or 25 points: 25 on the full hour",
      "statsPeriod=24h&interval=1h", "2025-12-31T12:00:00Z 2026-01-01T12:01:00Z 25"),
    Rule(
      "intervals under an hour reach over at most six hours",
      "statsPeriod=6h&interval=5m", "2026-01-01T06:00:00Z 2026-01-01T12:01:00Z 73"),
    Rule(
      "and as far back as minutes are kept",
      "start=2025-12-27T12:00:00&end=2025-12-27T12:59:59&interval=30m",
      "2025-12-27T12:00:00Z 2025-12-27T13:00:00Z 2"),
    Rule(
      "a series has at most 1000 points, and the current one",
      "statsPeriod=1000h", "2025-11-20T20:00:00Z 2026-01-01T12:01:00Z 1001"),
    Rule(
      "statsPeriod goes before start and end",
      "statsPeriod=1h&start=2025-12-01&end=2025-12-02",
      "2026-01-01T11:00:00Z 2026-01-01T12:01:00Z 2"),
    Rule(
      "periods are given in seconds, minutes, hours, days or weeks",
      "statsPeriod=1w&interval=1d", "2025-12-26T00:00:00Z 2026-01-01T12:01:00Z 7"),
    Rule(
      "without a period it is 90 days",
      "interval=1d", "2025-10-04T00:00:00Z 2026-01-01T12:01:00Z 90"),
    Rule(
      "times without a zone are UTC, others are what they say",
      "start=2025-12-31T11:00:00%2B01:00&end=2025-12-31T10:59:59",
      "2025-12-31T10:00:00Z 2025-12-31T11:00:00Z 1"),
    Rule(
      "the end is inclusive",
      "start=2025-12-31T10:00:00&end=2025-12-31T11:00:00",
      "2025-12-31T10:00:00Z 2025-12-31T12:00:00Z 2"),
  ]

  @Test(arguments: intervals)
  func interval(rule: Rule) throws {
    let request = rule.request.split(separator: "%2B").joined(separator: "+")
    let answer = try ask("field=sum(session)&" + request)
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
  static let errors: [Rule] = [
    Rule("a field is needed", "statsPeriod=1h", "Request is missing a \"field\""),
    Rule("of those that there are", "field=x", "Invalid field: \"x\""),
    Rule(
      "groups, too", "field=sum(session)&groupBy=x", "Invalid groupBy: \"x\""),
    Rule(
      "and keys of the query", "field=sum(session)&query=x:1", "Invalid query field: \"x\""),
    Rule(
      "multiple of the smallest resolution", "field=sum(session)&interval=90s",
      "The interval has to be a multiple of the minimum interval of one minute."),
    Rule(
      "at most one day", "field=sum(session)&interval=2d",
      "The interval has to be less than one day."),
    Rule(
      "divides one day", "field=sum(session)&interval=7h",
      "The interval should divide one day without a remainder."),
    Rule(
      "six hours by the minute", "field=sum(session)&interval=1m&statsPeriod=7h",
      "The time-range when using one-minute resolution intervals is restricted to 6 hours."),
    Rule(
      "as far back as minutes are kept",
      "field=sum(session)&interval=1m&start=2025-12-20&end=2025-12-20T01:00:00",
      "The time-range when using one-minute resolution intervals is restricted to the last 5 days: "
        + "minute counts are kept for 5 days. Use an interval of 1h."),
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
      "ordered by what is asked for", "field=sum(session)&orderBy=anr_rate()",
      "'orderBy' must be one of the provided 'fields'"),
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
        + "by the hour. Use an interval of 1h, or with includeSeries=0 for the totals alone."),
  ]

  @Test(arguments: errors)
  func error(rule: Rule) throws {
    let hasPeriod = rule.request.contains("statsPeriod") || rule.request.contains("start=")
    let answer = try ask((hasPeriod ? "" : "statsPeriod=1h&") + rule.request)
    let detail = rule.expected.split(separator: "\"", omittingEmptySubsequences: false)
    #expect(answer.status == 400)
    #expect(answer.text == "{\"detail\":\"\(detail.joined(separator: "\\\""))\"}")
  }

  @Test func errorOfAnOrganizationWithoutProjects() throws {
    let answer = try ask(
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
        == .badRequest("The interval has to be a multiple of the minimum interval of one hour."))
  }

  // MARK: Result rules

  /// The range of the results below: from 10 o'clock to now, whose bucket begins at 12 o'clock.
  static let hours = "start=2026-01-01T10:00:00&end=2026-01-01T11:59:59&"
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
      #"{"by":{},"series":{"sum(session)":[0,3,0],"count_unique(user)":[0,3,0],"#
        + #""crash_rate(session)":[null,0.0,null],"p99(session.duration)":[null,null,null]}}"#),
    Rule(
      "totals of sessions are the sum of the series; a user of two hours is one",
      hours + "project=1&field=sum(session)&field=count_unique(user)&query=release:app@1",
      #"{"by":{},"totals":{"sum(session)":4,"count_unique(user)":2},"#
        + #""series":{"sum(session)":[3,1,0],"count_unique(user)":[2,1,0]}}"#),
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
      "durations are milliseconds: the average exact, the others to 0.4 %",
      totals + "project=1&field=avg(session.duration)&field=p50(session.duration)"
        + "&field=p75(session.duration)&field=max(session.duration)&query=release:app@1",
      #"{"by":{},"totals":{"avg(session.duration)":1366.6666666666667,"#
        + #""p50(session.duration)":1001.5,"p75(session.duration)":2999.5,"#
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
    let answer = try ask(rule.request)
    #expect(answer.status == 200)
    let groups = answer.text.split(separator: "\"groups\":", maxSplits: 1).last ?? ""
    #expect(groups == "[\(rule.expected)]}")
  }

  @Test func theAnswerSaysWhatItAnswers() throws {
    let answer = try ask(Self.hours + "field=sum(session)&groupBy=release&query=release:x")
    #expect(
      answer.text
        == #"{"start":"2026-01-01T10:00:00Z","end":"2026-01-01T12:01:00Z","query":"release:x","#
        + #""intervals":["2026-01-01T10:00:00Z","2026-01-01T11:00:00Z","2026-01-01T12:00:00Z"],"#
        + #""groups":[]}"#)
  }

  /// A release that was adopted by the hourly run is found by its stage.
  @Test func stagesAreThoseOfTheHourlyRun() throws {
    _ = try fixture.get().store.runAdoption(at: ServiceFixture.now)
    for (query, sessions) in [
      ("release.stage:adopted", 6), ("!release.stage:adopted", 0),
      ("release.stage:adopted release:app@2", 2),
      ("release.stage:low_adoption OR release:app@1", 4),
    ] {
      let answer = try ask(
        Self.totals + "project=1&field=sum(session)&environment=production&query=\(query)")
      #expect(answer.text.hasSuffix("{\"sum(session)\":\(sessions)}}]}"), "\(query): \(answer)")
    }
  }

  // MARK: Pages

  /// Groups of a page: at most 10,000 numbers a field, where the totals count as one beside the
  /// points.
  @Test(arguments: [
    ("statsPeriod=999h", 9, true), ("statsPeriod=700h", 12, false),
    ("statsPeriod=999h&includeSeries=0", 12, false), ("statsPeriod=1h&per_page=5", 5, true),
  ])
  func pagesHaveALimit(request: String, count: Int, hasMore: Bool) throws {
    let answer = try ask("project=many&field=sum(session)&groupBy=release&" + request)
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
      let answer = try ask(request + cursor)
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
