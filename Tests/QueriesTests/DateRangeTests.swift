import HTTP
import TestSupport
import ReleaseHealth
import API
import Testing

/// Sentry's rounding, at 2026-03-15T12:34:56Z unless a case says otherwise.
struct DateRangeTests {
  struct Rounded: Equatable, Sendable {
    var start: String
    var end: String
    var points: Int

    init(_ start: String, _ end: String, _ points: Int) {
      self.start = start
      self.end = end
      self.points = points
    }
  }

  private static func rounded(_ query: String, now: Timestamp) throws -> Rounded {
    let range = try DateRange(
      QueryParameters(SessionsFixtures.items(query)), now: now, limits: SessionsLimits())
    return Rounded(
      RFC3339.format(range.start), RFC3339.format(range.end), range.bucketStarts.count)
  }

  private typealias Case = SessionsCase<Rounded>

  private static let cases: [Case] = [
    Case(
      "a day by the hour", "statsPeriod=24h&interval=1h",
      Rounded("2026-03-14T13:00:00Z", "2026-03-15T12:35:00Z", 24)),
    Case(
      "an hour is the default interval", "statsPeriod=24h",
      Rounded("2026-03-14T13:00:00Z", "2026-03-15T12:35:00Z", 24)),
    Case(
      "today", "statsPeriod=1d&interval=1d",
      Rounded("2026-03-15T00:00:00Z", "2026-03-15T12:35:00Z", 1)),
    Case(
      "two weeks by the day", "statsPeriod=2w&interval=24h",
      Rounded("2026-03-02T00:00:00Z", "2026-03-15T12:35:00Z", 14)),
    Case(
      "the last hour is the current one", "statsPeriod=1h",
      Rounded("2026-03-15T12:00:00Z", "2026-03-15T12:35:00Z", 1)),
    Case(
      "six-hour buckets stand at 0, 6, 12 and 18 o'clock", "statsPeriod=1d&interval=6h",
      Rounded("2026-03-14T18:00:00Z", "2026-03-15T12:35:00Z", 4)),
    Case(
      "sub-hour ranges cover what was asked for", "statsPeriod=45m&interval=15m",
      Rounded("2026-03-15T11:00:00Z", "2026-03-15T12:35:00Z", 7)),
    Case(
      "six hours by five minutes", "statsPeriod=6h&interval=5m",
      Rounded("2026-03-15T06:00:00Z", "2026-03-15T12:35:00Z", 79)),
    Case(
      "six hours by the minute", "statsPeriod=6h&interval=60s",
      Rounded("2026-03-15T06:00:00Z", "2026-03-15T12:35:00Z", 395)),
    Case(
      "ninety minutes round to two hours", "statsPeriod=2h&interval=90m",
      Rounded("2026-03-15T10:00:00Z", "2026-03-15T12:35:00Z", 2)),
    Case(
      "the end is inclusive", "start=2026-03-01T10:00:00&end=2026-03-01T12:00:00",
      Rounded("2026-03-01T10:00:00Z", "2026-03-01T13:00:00Z", 3)),
    Case(
      "a second before the hour", "start=2026-03-01T10:00:00Z&end=2026-03-01T11:59:59Z",
      Rounded("2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z", 2)),
    Case(
      "zones", "start=2026-03-01T11:00:00+01:00&end=2026-03-01T06:59:59-05:00",
      Rounded("2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z", 2)),
    Case(
      "an instant", "start=2026-03-01T10:00:00Z&end=2026-03-01T10:00:00Z",
      Rounded("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", 1)),
    Case(
      "dates", "start=2026-03-01&end=2026-03-02&interval=1d",
      Rounded("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z", 2)),
    Case(
      "statsPeriod goes before start and end",
      "start=nonsense&end=2026-03-02&statsPeriod=1h",
      Rounded("2026-03-15T12:00:00Z", "2026-03-15T12:35:00Z", 1)),
    Case(
      "empty parameters are none", "statsPeriod=&interval=&start=2026-03-01&end=2026-03-01",
      Rounded("2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z", 1)),
    Case(
      "the last of several stands", "statsPeriod=1d&statsPeriod=1h",
      Rounded("2026-03-15T12:00:00Z", "2026-03-15T12:35:00Z", 1)),
    Case(
      "an end in the future is the next minute",
      "start=2026-03-15T10:00:00&end=2026-03-16",
      Rounded("2026-03-15T10:00:00Z", "2026-03-15T12:35:00Z", 3)),
    Case(
      "the future has no buckets", "start=2026-04-01&end=2026-04-02",
      Rounded("2026-03-15T12:35:00Z", "2026-03-15T12:35:00Z", 0)),
    Case(
      "ninety days without a range", "interval=1d",
      Rounded("2025-12-16T00:00:00Z", "2026-03-15T12:35:00Z", 90)),
    Case(
      "longer than counts are kept", "statsPeriod=200d&interval=1d",
      Rounded("2025-08-28T00:00:00Z", "2026-03-15T12:35:00Z", 200)),
    Case(
      "a thousand points", "statsPeriod=1000h",
      Rounded("2026-02-01T21:00:00Z", "2026-03-15T12:35:00Z", 1000)),
    Case(
      "minutes from exactly five days ago",
      "start=2026-03-10T12:34:56&end=2026-03-10T13:00:00&interval=5m",
      Rounded("2026-03-10T12:00:00Z", "2026-03-10T14:00:00Z", 24)),
    Case(
      "minutes of exactly six hours",
      "start=2026-03-14T06:00:00&end=2026-03-14T11:59:59&interval=30m",
      Rounded("2026-03-14T06:00:00Z", "2026-03-14T12:00:00Z", 12)),
    Case(
      "before 1970", "start=1969-12-31T22:30:00&end=1969-12-31T23:30:00",
      Rounded("1969-12-31T22:00:00Z", "1970-01-01T00:00:00Z", 2)),
  ]

  @Test(arguments: cases)
  private func rounds(_ row: Case) throws {
    #expect(try Self.rounded(row.query, now: SessionsFixtures.now) == row.expected)
  }

  /// At a full hour the range includes the bucket that begins.
  @Test func aFullHourHasItsBucketAtOnce() throws {
    let now = Timestamp(seconds: 1_773_576_000)
    #expect(
      try Self.rounded("statsPeriod=2h", now: now)
        == Rounded("2026-03-15T10:00:00Z", "2026-03-15T12:01:00Z", 3))
    #expect(
      try Self.rounded("statsPeriod=2h", now: now.advanced(byMilliseconds: 1))
        == Rounded("2026-03-15T11:00:00Z", "2026-03-15T12:01:00Z", 2))
  }

  private static let tooMany =
    "Your interval and date range would create too many results. "
    + "Use a larger interval, or a smaller date range."
  private static let oneMinute =
    "The interval has to be a multiple of the minimum interval of one minute."
  private static let periodForm =
    "Give a whole number and a unit (s, m, h, d or w), for example 1h or 14d."
  private static let dateForm =
    "Give an ISO 8601 date or date-time, for example 2026-03-01 or 2026-03-01T10:00:00Z."
  private static let fiveDays =
    "The time-range when using one-minute resolution intervals is restricted to the last 5 days: "
    + "minute counts are kept for 5 days. Use an interval of 1h."

  private static let refusals: [SessionsCase<String>] = [
    SessionsCase("seconds", "interval=10s&statsPeriod=1h", oneMinute),
    SessionsCase("a minute and a half", "interval=90s&statsPeriod=1h", oneMinute),
    SessionsCase("no interval", "interval=0h&statsPeriod=1h", oneMinute),
    SessionsCase("two days", "interval=2d", "The interval has to be less than one day."),
    SessionsCase("a week", "interval=1w", "The interval has to be less than one day."),
    SessionsCase(
      "five hours", "interval=5h", "The interval should divide one day without a remainder."),
    SessionsCase(
      "seven minutes", "interval=7m", "The interval should divide one day without a remainder."),
    SessionsCase(
      "seven hours by the minute", "interval=1m&statsPeriod=361m",
      "The time-range when using one-minute resolution intervals is restricted to 6 hours."),
    SessionsCase(
      "the inclusive end is the seventh hour",
      "start=2026-03-14T06:00:00&end=2026-03-14T12:00:00&interval=30m",
      "The time-range when using one-minute resolution intervals is restricted to 6 hours."),
    SessionsCase(
      "ninety minutes need minutes", "interval=90m&statsPeriod=1d",
      "The time-range when using one-minute resolution intervals is restricted to 6 hours."),
    SessionsCase(
      "minutes from more than five days ago",
      "start=2026-03-10T12:34:55&end=2026-03-10T13:00:00&interval=5m", fiveDays),
    SessionsCase("the default range by the default interval", "", tooMany),
    SessionsCase("1001 points", "statsPeriod=1001h", tooMany),
    SessionsCase("1001 days", "statsPeriod=1001d&interval=1d", tooMany),
    SessionsCase("all of time", "start=0001-01-01&end=9999-12-31&interval=1d", tooMany),
    SessionsCase("the longest period", "statsPeriod=999999999w", tooMany),
    SessionsCase(
      "an interval without a unit", "interval=3600", "Invalid interval: \"3600\". " + periodForm),
    SessionsCase(
      "a period that is none", "statsPeriod=1y", "Invalid statsPeriod: \"1y\". " + periodForm),
    SessionsCase(
      "an empty period", "statsPeriod=0d", "Invalid statsPeriod: \"0d\". " + periodForm),
    SessionsCase("start alone", "start=2026-03-01", "start and end are both required"),
    SessionsCase("end alone", "end=2026-03-01", "start and end are both required"),
    SessionsCase(
      "a start that is none", "start=yesterday&end=2026-03-01",
      "Invalid start: \"yesterday\". " + dateForm),
    SessionsCase(
      "an end that is none", "start=2026-03-01&end=2026-02-29",
      "Invalid end: \"2026-02-29\". " + dateForm),
    SessionsCase(
      "start behind end", "start=2026-03-02&end=2026-03-01",
      "start must be before end, but \"2026-03-02\" is later than \"2026-03-01\"."),
  ]

  @Test(arguments: refusals)
  func refuses(_ row: SessionsCase<String>) {
    #expect(
      SessionsFixtures.refusal("field=sum(session)&" + row.query) == .badRequest(row.expected))
  }

  @Test func limitsAreParameters() {
    var limits = SessionsLimits()
    limits.intervalMinutesMin = 60
    #expect(
      SessionsFixtures.refusal(
        "field=sum(session)&statsPeriod=1h&interval=30m", limits: limits)
        == .badRequest("The interval has to be a multiple of the minimum interval of one hour."))
    limits.retentionDays = 30
    #expect(SessionsFixtures.refusal("field=sum(session)", limits: limits) == nil)
  }

  /// Every range starts on a full hour, covers all of the requested time but for the part of the
  /// first bucket that rounding to the end cuts off, and never goes past the next minute.
  @Test func rangesKeepTheirShape() throws {
    for interval: Int64 in [1, 2, 5, 15, 30, 45, 60, 90, 120, 360, 720, 1440] {
      for minutes in stride(from: Int64(1), to: 360, by: 7) {
        for shift in stride(from: Int64(0), to: 7200, by: 617) {
          let now = SessionsFixtures.now.advanced(byMilliseconds: shift * 1000)
          let range = try DateRange(
            QueryParameters([
              ("interval", "\(interval)m"), ("statsPeriod", "\(minutes)m"),
            ]), now: now, limits: SessionsLimits())
          let requested = now.advanced(byMilliseconds: -minutes * 60_000)
          let uncovered = interval % 60 == 0 ? interval * 60_000 : 0
          let isWhole = range.start.milliseconds % 3_600_000 == 0
          let isCovered = range.start.milliseconds <= requested.milliseconds + uncovered
          let isCurrent = range.end > now && range.end.milliseconds <= now.milliseconds + 60_000
          let isCut = range.bucketStarts.allSatisfy { $0 < range.end }
          if !(isWhole && isCovered && isCurrent && isCut) {
            Issue.record("\(minutes) minutes by \(interval) at \(RFC3339.format(now))")
          }
        }
      }
    }
  }
}
