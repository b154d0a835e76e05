package import HTTP
package import ReleaseHealth

/// The range of a query, widened to whole intervals, and how it is cut into buckets.
package struct DateRange: Equatable, Sendable {
  /// A multiple of the interval since 1970.
  package let start: Timestamp
  /// Exclusive, and a whole number of intervals after the start. It may lie in the future.
  package let end: Timestamp
  /// The length of a bucket.
  package let intervalMinutes: Int

  /// The range in minutes since 1970; never empty.
  package var minutes: Range<Int> { start.minute..<end.minute }

  /// The starts of the buckets of a series.
  package var bucketStarts: [Timestamp] {
    stride(from: start.minute, to: end.minute, by: intervalMinutes).map(Timestamp.init(minute:))
  }

  /// The parameters that give a range.
  package static let names = ["statsPeriod", "statsPeriodStart", "statsPeriodEnd", "start", "end"]

  /// Reads `interval` and the range, and widens the range to whole intervals since 1970.
  ///
  /// It follows Sentry's `get_constrained_date_range` and `to_intervals`: an answer covers all that
  /// was requested, and answers with the same interval have the same buckets. It throws 400 in
  /// Sentry's order and words, and with a reason where counts are not kept as finely as requested.
  package init(
    _ parameters: QueryParameters, now: Timestamp, limits: SessionsLimits
  ) throws(APIError) {
    let interval = try Self.interval(parameters, limits: limits)
    let given = try Self.givenRange(parameters, now: now, limits: limits)
    // As in Sentry, a start in the future is now.
    let first = min(given.start, now)
    let start = first.milliseconds.flooredDivision(by: interval) * interval
    let points = -(start - given.end.milliseconds).flooredDivision(by: interval)
    if points > Int64(limits.pointsMax) {
      let isDefault = !Self.names.contains { parameters.one($0) != nil }
      throw .tooManyResults(defaultDays: isDefault ? Self.defaultDays(limits) : nil)
    }
    if interval % Self.hour != 0 { try Self.checkMinutesAreKept(since: first, now: now) }
    self.start = Timestamp(milliseconds: start)
    end = Timestamp(milliseconds: start + points * interval)
    intervalMinutes = Int(interval / 60_000)
  }

  private static let hour: Int64 = 3_600_000
  private static let day: Int64 = 86_400_000

  private static func interval(
    _ parameters: QueryParameters, limits: SessionsLimits
  ) throws(APIError) -> Int64 {
    let text = parameters.one("interval") ?? "1h"
    // Sentry takes an hour where it cannot read the interval; a series of other buckets than the
    // requested ones would mislead.
    guard let seconds = StatsPeriod.seconds(text) else {
      throw .invalid("interval", text, accepted: StatsPeriod.accepted)
    }
    if seconds < 10 || seconds % 10 != 0 {
      throw .badRequest(
        "The interval has to be a multiple of the minimum interval of ten seconds.")
    }
    let interval = seconds * 1000
    // Sentry's text says "less", but its check and this one take a whole day.
    if interval > day { throw .badRequest("The interval has to be less than one day.") }
    if day % interval != 0 {
      throw .badRequest("The interval should divide one day without a remainder.")
    }
    try checkGrain(seconds: seconds, minutes: limits.intervalMinutesMin)
    return interval
  }

  /// Refuses an interval that the grain of the counts, 1 or 60 minutes, does not divide.
  package static func checkGrain(seconds: Int64, minutes: Int) throws(APIError) {
    guard seconds % (Int64(minutes) * 60) != 0 else { return }
    let (grain, example) = minutes == 60 ? ("hour", "1h") : ("minute", "1m")
    throw .badRequest(
      "The interval has to be a multiple of one \(grain): counts are kept by the \(grain). "
        + "Use an interval of \(example).")
  }

  /// Refuses a range that needs the counts of minutes that are no longer kept.
  package static func checkMinutesAreKept(since start: Timestamp, now: Timestamp) throws(APIError) {
    guard now.milliseconds - start.milliseconds > DomainLimits.minuteQueriesMilliseconds else {
      return
    }
    let days = DomainLimits.minuteQueriesMilliseconds / day
    throw .badRequest(
      "Intervals that are not whole hours reach back \(days) days: counts by the minute are kept "
        + "for \(days) days. Use an interval of 1h, or a later start.")
  }

  /// The range of the request before it is widened. Of its parameters the first that are given
  /// stand: `statsPeriod`, then `statsPeriodStart` with `statsPeriodEnd`, then `start` with `end`.
  package static func givenRange(
    _ parameters: QueryParameters, now: Timestamp, limits: SessionsLimits
  ) throws(APIError) -> (start: Timestamp, end: Timestamp) {
    let range: (start: Timestamp, end: Timestamp)
    if let text = parameters.one("statsPeriod") {
      range = (try instant("statsPeriod", text, before: now), now)
    } else if let given = try pair(parameters, "statsPeriodStart", "statsPeriodEnd") {
      range = (
        try instant("statsPeriodStart", given.start, before: now),
        try instant("statsPeriodEnd", given.end, before: now)
      )
    } else if let given = try pair(parameters, "start", "end") {
      range = (try instant("start", given.start), try instant("end", given.end))
    } else {
      range = (now.advanced(byMilliseconds: -Int64(defaultDays(limits)) * day), now)
    }
    guard range.start < range.end else { throw .badRequest("start must be before end") }
    return range
  }

  private static func defaultDays(_ limits: SessionsLimits) -> Int {
    min(limits.defaultRangeDays, limits.retentionDays)
  }

  /// Two parameters that need one another; nil without both.
  private static func pair(
    _ parameters: QueryParameters, _ start: String, _ end: String
  ) throws(APIError) -> (start: String, end: String)? {
    switch (parameters.one(start), parameters.one(end)) {
    case (nil, nil): return nil
    case (let first?, let last?): return (first, last)
    default: throw .badRequest("\(start) and \(end) are both required")
    }
  }

  /// The instant that lies a period before now.
  private static func instant(
    _ name: String, _ text: String, before now: Timestamp
  ) throws(APIError) -> Timestamp {
    guard let seconds = StatsPeriod.seconds(text) else {
      throw .badRequest("Invalid \(name): '\(text)'. \(StatsPeriod.accepted)")
    }
    return now.advanced(byMilliseconds: -seconds * 1000)
  }

  private static func instant(_ name: String, _ text: String) throws(APIError) -> Timestamp {
    guard let instant = RFC3339.parseShort(text) else {
      throw .invalid(
        name, text,
        accepted: "Give an ISO 8601 date or date-time, for example 2026-03-01 or "
          + "2026-03-01T10:00:00Z.")
    }
    return instant
  }
}

extension APIError {
  /// - Parameter days: the length of the range that was taken, where the request gives none.
  package static func tooManyResults(defaultDays days: Int? = nil) -> APIError {
    .badRequest(
      "Your interval and date range would create too many results. "
        + "Use a larger interval, or a smaller date range."
        + (days.map { " Without a range in the request it is the last \($0) days." } ?? ""))
  }
}
