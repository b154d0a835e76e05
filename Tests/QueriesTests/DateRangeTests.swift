import HTTP
import TestSupport
import ReleaseHealth
import API
import Testing

/// Ranges are widened as in Sentry, at 2026-03-15T12:34:56Z unless a case says otherwise.
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
      Rounded("2026-03-14T12:00:00Z", "2026-03-15T13:00:00Z", 25)),
    Case(
      "an hour is the default interval", "statsPeriod=24h",
      Rounded("2026-03-14T12:00:00Z", "2026-03-15T13:00:00Z", 25)),
    Case(
      "a day by the day is of two days", "statsPeriod=24h&interval=1d",
      Rounded("2026-03-14T00:00:00Z", "2026-03-16T00:00:00Z", 2)),
    Case(
      "two weeks by the day", "statsPeriod=2w&interval=24h",
      Rounded("2026-03-01T00:00:00Z", "2026-03-16T00:00:00Z", 15)),
    Case(
      "the last hour is of two hours", "statsPeriod=1h",
      Rounded("2026-03-15T11:00:00Z", "2026-03-15T13:00:00Z", 2)),
    Case(
      "six-hour buckets stand at 0, 6, 12 and 18 o'clock", "statsPeriod=1d&interval=6h",
      Rounded("2026-03-14T12:00:00Z", "2026-03-15T18:00:00Z", 5)),
    Case(
      "a range under an hour", "statsPeriod=45m&interval=15m",
      Rounded("2026-03-15T11:45:00Z", "2026-03-15T12:45:00Z", 4)),
    Case(
      "six hours by five minutes", "statsPeriod=6h&interval=5m",
      Rounded("2026-03-15T06:30:00Z", "2026-03-15T12:35:00Z", 73)),
    Case(
      "sixteen hours by the minute", "statsPeriod=16h&interval=60s",
      Rounded("2026-03-14T20:34:00Z", "2026-03-15T12:35:00Z", 961)),
    Case(
      "five days by the half hour", "statsPeriod=5d&interval=30m",
      Rounded("2026-03-10T12:30:00Z", "2026-03-15T13:00:00Z", 241)),
    Case(
      "ninety minutes stand where they divide the day", "statsPeriod=2h&interval=90m",
      Rounded("2026-03-15T10:30:00Z", "2026-03-15T13:30:00Z", 2)),
    Case(
      "five minutes by the minute",
      "start=2026-03-15T10:00:00&end=2026-03-15T10:05:00&interval=1m",
      Rounded("2026-03-15T10:00:00Z", "2026-03-15T10:05:00Z", 5)),
    Case(
      "the end is exclusive", "start=2026-03-01T10:00:00&end=2026-03-01T12:00:00",
      Rounded("2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z", 2)),
    Case(
      "a millisecond of an hour", "start=2026-03-01T10:00:00Z&end=2026-03-01T12:00:00.001Z",
      Rounded("2026-03-01T10:00:00Z", "2026-03-01T13:00:00Z", 3)),
    Case(
      "both ends within hours", "start=2026-03-01T08:49:00&end=2026-03-01T09:34:00",
      Rounded("2026-03-01T08:00:00Z", "2026-03-01T10:00:00Z", 2)),
    Case(
      "zones", "start=2026-03-01T11:00:00+01:00&end=2026-03-01T06:59:59-05:00",
      Rounded("2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z", 2)),
    Case(
      "a date to the next by a day is one day", "start=2026-03-08&end=2026-03-09&interval=1d",
      Rounded("2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z", 1)),
    Case(
      "back from then to then", "statsPeriodStart=49h&statsPeriodEnd=25h",
      Rounded("2026-03-13T11:00:00Z", "2026-03-14T12:00:00Z", 25)),
    Case(
      "the same by the day", "statsPeriodStart=49h&statsPeriodEnd=25h&interval=1d",
      Rounded("2026-03-13T00:00:00Z", "2026-03-15T00:00:00Z", 2)),
    Case(
      "back from then to now", "statsPeriodStart=2h&statsPeriodEnd=0h",
      Rounded("2026-03-15T10:00:00Z", "2026-03-15T13:00:00Z", 3)),
    Case(
      "statsPeriod goes before all others",
      "start=nonsense&end=2026-03-02&statsPeriodStart=x&statsPeriod=1h",
      Rounded("2026-03-15T11:00:00Z", "2026-03-15T13:00:00Z", 2)),
    Case(
      "statsPeriodStart and statsPeriodEnd go before start and end",
      "start=nonsense&statsPeriodEnd=1h&statsPeriodStart=2h",
      Rounded("2026-03-15T10:00:00Z", "2026-03-15T12:00:00Z", 2)),
    Case(
      "empty parameters are none",
      "statsPeriod=&interval=&statsPeriodStart=&start=2026-03-01&end=2026-03-01T01:00",
      Rounded("2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z", 1)),
    Case(
      "the last of several stands", "statsPeriod=1d&statsPeriod=1h",
      Rounded("2026-03-15T11:00:00Z", "2026-03-15T13:00:00Z", 2)),
    Case(
      "an end in the future stands", "start=2026-03-15T10:00:00&end=2026-03-16",
      Rounded("2026-03-15T10:00:00Z", "2026-03-16T00:00:00Z", 14)),
    Case(
      "a start in the future is now", "start=2026-04-01&end=2026-04-02&interval=1d",
      Rounded("2026-03-15T00:00:00Z", "2026-04-02T00:00:00Z", 18)),
    Case(
      "ninety days without a range", "interval=1d",
      Rounded("2025-12-15T00:00:00Z", "2026-03-16T00:00:00Z", 91)),
    Case(
      "longer than counts are kept", "statsPeriod=200d&interval=1d",
      Rounded("2025-08-27T00:00:00Z", "2026-03-16T00:00:00Z", 201)),
    Case(
      "a thousand points", "statsPeriod=999h",
      Rounded("2026-02-01T21:00:00Z", "2026-03-15T13:00:00Z", 1000)),
    Case(
      "minutes from exactly five days ago",
      "start=2026-03-10T12:34:56&end=2026-03-10T13:00:00&interval=5m",
      Rounded("2026-03-10T12:30:00Z", "2026-03-10T13:00:00Z", 6)),
    Case(
      "before 1970", "start=1969-12-31T22:30:00&end=1969-12-31T23:30:00",
      Rounded("1969-12-31T22:00:00Z", "1970-01-01T00:00:00Z", 2)),
  ]

  @Test(arguments: cases)
  private func rounds(_ row: Case) throws {
    #expect(try Self.rounded(row.query, now: SessionsFixtures.now) == row.expected)
  }

  /// At 2026-03-01T12:34:56Z.
  @Test(arguments: [
    Case(
      "a day", "statsPeriod=24h&interval=1h",
      Rounded("2026-02-28T12:00:00Z", "2026-03-01T13:00:00Z", 25)),
    Case(
      "two hours", "start=2026-03-01T10:00:00&end=2026-03-01T12:00:00&interval=1h",
      Rounded("2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z", 2)),
    Case(
      "parts of hours", "start=2026-03-01T08:49:00&end=2026-03-01T09:34:00&interval=1h",
      Rounded("2026-03-01T08:00:00Z", "2026-03-01T10:00:00Z", 2)),
    Case(
      "two weeks", "statsPeriod=14d&interval=1d",
      Rounded("2026-02-15T00:00:00Z", "2026-03-02T00:00:00Z", 15)),
  ])
  private func roundsAsSentry(_ row: Case) throws {
    #expect(
      try Self.rounded(row.query, now: Timestamp(seconds: 1_772_368_496)) == row.expected)
  }

  /// At a full hour there is no bucket that has not begun before the end.
  @Test func aFullHourIsTheEnd() throws {
    let now = Timestamp(seconds: 1_773_576_000)
    #expect(
      try Self.rounded("statsPeriod=2h", now: now)
        == Rounded("2026-03-15T10:00:00Z", "2026-03-15T12:00:00Z", 2))
    #expect(
      try Self.rounded("statsPeriod=2h", now: now.advanced(byMilliseconds: 1))
        == Rounded("2026-03-15T10:00:00Z", "2026-03-15T13:00:00Z", 3))
    // Five minutes after midnight.
    #expect(
      try Self.rounded(
        "statsPeriod=7d&interval=1d", now: now.advanced(byMilliseconds: -43_200_000 + 300_000))
        == Rounded("2026-03-08T00:00:00Z", "2026-03-16T00:00:00Z", 8))
  }

  private static let tooMany =
    "Your interval and date range would create too many results. "
    + "Use a larger interval, or a smaller date range."
  private static let tenSeconds =
    "The interval has to be a multiple of the minimum interval of ten seconds."
  private static let oneMinute =
    "The interval has to be a multiple of one minute: counts are kept by the minute. "
    + "Use an interval of 1m."
  private static let division = "The interval should divide one day without a remainder."
  private static let order = "start must be before end"
  private static let periodForm =
    "Give a whole number and a unit (s, m, h, d or w), for example 1h or 14d."
  private static let dateForm =
    "Give an ISO 8601 date or date-time, for example 2026-03-01 or 2026-03-01T10:00:00Z."
  private static let fiveDays =
    "Intervals that are not whole hours reach back 5 days: counts by the minute are kept for 5 "
    + "days. Use an interval of 1h, or a later start."

  private static let refusals: [SessionsCase<String>] = [
    SessionsCase("ten seconds", "interval=10s&statsPeriod=1h", oneMinute),
    SessionsCase("a minute and a half", "interval=90s&statsPeriod=1h", oneMinute),
    SessionsCase("five seconds", "interval=5s&statsPeriod=1h", tenSeconds),
    SessionsCase("sixty-five seconds", "interval=65s&statsPeriod=1h", tenSeconds),
    SessionsCase("no interval", "interval=0h&statsPeriod=1h", tenSeconds),
    SessionsCase("two days", "interval=2d", "The interval has to be less than one day."),
    SessionsCase("a week", "interval=1w", "The interval has to be less than one day."),
    SessionsCase("five hours", "interval=5h", division),
    SessionsCase("seven minutes", "interval=7m", division),
    SessionsCase("seventy seconds do not divide a day", "interval=70s", division),
    SessionsCase("the interval goes before the range", "interval=7h&statsPeriod=x", division),
    SessionsCase(
      "minutes from more than five days ago",
      "start=2026-03-10T12:34:55&end=2026-03-10T13:00:00&interval=5m", fiveDays),
    SessionsCase(
      "the same without a series",
      "statsPeriodStart=6d&statsPeriodEnd=5d&interval=90m&includeSeries=0", fiveDays),
    SessionsCase("a week by five minutes is too long", "statsPeriod=7d&interval=5m", tooMany),
    // The range that was taken is named where none is given.
    SessionsCase(
      "the default range by the default interval", "",
      tooMany + " Without a range in the request it is the last 90 days."),
    SessionsCase("1001 points", "statsPeriod=1000h", tooMany),
    SessionsCase("1001 days", "statsPeriod=1000d&interval=1d", tooMany),
    SessionsCase("far into the future", "start=2026-03-01&end=2027-03-01", tooMany),
    SessionsCase("all of time", "start=0001-01-01&end=9999-12-31&interval=1d", tooMany),
    SessionsCase("the longest period", "statsPeriod=999999999w", tooMany),
    SessionsCase(
      "an interval without a unit", "interval=3600", "Invalid interval: \"3600\". " + periodForm),
    SessionsCase(
      "a period that is none", "statsPeriod=1y", "Invalid statsPeriod: '1y'. " + periodForm),
    SessionsCase(
      "a start of a period that is none", "statsPeriodStart=1y&statsPeriodEnd=1d",
      "Invalid statsPeriodStart: '1y'. " + periodForm),
    SessionsCase(
      "an end of a period that is none", "statsPeriodStart=1d&statsPeriodEnd=now",
      "Invalid statsPeriodEnd: 'now'. " + periodForm),
    SessionsCase("an empty period", "statsPeriod=0d", order),
    SessionsCase(
      "statsPeriodStart alone", "statsPeriodStart=2d&start=2026-03-01&end=2026-03-02",
      "statsPeriodStart and statsPeriodEnd are both required"),
    SessionsCase(
      "statsPeriodEnd alone", "statsPeriodEnd=2d",
      "statsPeriodStart and statsPeriodEnd are both required"),
    SessionsCase("back to an earlier time", "statsPeriodStart=1d&statsPeriodEnd=25h", order),
    SessionsCase("start alone", "start=2026-03-01", "start and end are both required"),
    SessionsCase("end alone", "end=2026-03-01", "start and end are both required"),
    SessionsCase(
      "a start that is none", "start=yesterday&end=2026-03-01",
      "Invalid start: \"yesterday\". " + dateForm),
    SessionsCase(
      "an end that is none", "start=2026-03-01&end=2026-02-29",
      "Invalid end: \"2026-02-29\". " + dateForm),
    SessionsCase("start behind end", "start=2026-03-02&end=2026-03-01", order),
    SessionsCase("an instant", "start=2026-03-01T10:00:00Z&end=2026-03-01T10:00:00Z", order),
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
        == .badRequest(
          "The interval has to be a multiple of one hour: counts are kept by the hour. "
            + "Use an interval of 1h."))
    limits.retentionDays = 30
    #expect(SessionsFixtures.refusal("field=sum(session)", limits: limits) == nil)
  }

  /// Every range covers all of the requested time in whole intervals since 1970, and no interval
  /// more.
  @Test func rangesKeepTheirShape() throws {
    for interval: Int64 in [1, 2, 5, 15, 30, 45, 60, 90, 120, 360, 720, 1440] {
      for minutes in stride(from: Int64(1), to: 360, by: 7) {
        for shift in stride(from: Int64(0), to: 7200, by: 617) {
          let now = SessionsFixtures.now.advanced(byMilliseconds: shift * 1000)
          let range = try DateRange(
            QueryParameters([
              ("interval", "\(interval)m"), ("statsPeriod", "\(minutes)m"),
            ]), now: now, limits: SessionsLimits())
          let length = interval * 60_000
          let requested = now.milliseconds - minutes * 60_000
          let isWhole =
            range.start.milliseconds % length == 0 && range.end.milliseconds % length == 0
          let before = requested - range.start.milliseconds
          let after = range.end.milliseconds - now.milliseconds
          let isTight = (0..<length).contains(before) && (0..<length).contains(after)
          let starts = range.bucketStarts.map(\.milliseconds)
          let isCut =
            starts
            == Array(
              stride(from: range.start.milliseconds, to: range.end.milliseconds, by: Int(length)))
          if !(isWhole && isTight && isCut) {
            Issue.record("\(minutes) minutes by \(interval) at \(RFC3339.format(now))")
          }
        }
      }
    }
  }
}
