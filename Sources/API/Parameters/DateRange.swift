package import HTTP
package import ReleaseHealth

/// The range of a query after Sentry's rounding, and how it is cut into buckets.
package struct DateRange: Equatable, Sendable {
  /// On a full hour, unless the range lies in the future and is empty.
  package let start: Timestamp
  /// Exclusive. On a full hour, or the next full minute after now.
  package let end: Timestamp
  /// The length of a bucket; the last one may be shorter.
  package let intervalMinutes: Int

  /// The range in minutes since 1970.
  package var minutes: Range<Int> { start.minute..<end.minute }

  /// The starts of the buckets of a series.
  package var bucketStarts: [Timestamp] {
    stride(from: start.minute, to: end.minute, by: intervalMinutes).map(Timestamp.init(minute:))
  }

  /// The parameters that give a range.
  package static let names = ["statsPeriod", "start", "end"]

  /// Reads `interval`, `statsPeriod`, `start` and `end`.
  package init(
    _ parameters: QueryParameters, now: Timestamp, limits: SessionsLimits
  ) throws(APIError) {
    let interval = try Self.interval(parameters, limits: limits)
    let given = try Self.givenRange(parameters, now: now, limits: limits)
    try self.init(
      start: given.start, end: given.end, intervalMilliseconds: interval, now: now, limits: limits)
  }

  /// Rounds a range as Sentry's `get_constrained_date_range` does, step by step, since clients
  /// compare buckets of several answers.
  private init(
    start: Timestamp, end: Timestamp, intervalMilliseconds: Int64, now: Timestamp,
    limits: SessionsLimits
  ) throws(APIError) {
    // Sentry does not widen ranges with intervals under a minute; Hale has no such intervals.
    let rounding = intervalMilliseconds.roundedUp(toMultipleOf: Self.hour)
    var length = (end.milliseconds - start.milliseconds).roundedUp(toMultipleOf: rounding)
    if intervalMilliseconds % Self.hour != 0 {
      try Self.checkMinuteGrain(start: start, length: length, now: now, limits: limits)
    }
    if length > Int64(limits.pointsMax) * intervalMilliseconds {
      throw .badRequest(
        "Your interval and date range would create too many results. "
          + "Use a larger interval, or a smaller date range.")
    }
    var roundedEnd = Timestamp(milliseconds: end.milliseconds.roundedUp(toMultipleOf: rounding))
    // Moving the end must not cut off a part of the given range: 45 minutes from 8:49 to 9:34
    // become the two hours from 8:00 to 10:00.
    if rounding > intervalMilliseconds, roundedEnd.advanced(byMilliseconds: -length) > start {
      length += rounding
    }
    let roundedStart = roundedEnd.advanced(byMilliseconds: -length)
    // On a full hour, too, the bucket that has just begun is in the answer.
    if roundedEnd >= now { roundedEnd = Timestamp(minute: now.minute + 1) }
    // A range in the future has no buckets.
    self.start = min(roundedStart, roundedEnd)
    self.end = roundedEnd
    self.intervalMinutes = Int(intervalMilliseconds / 60_000)
  }

  private static let hour: Int64 = 3_600_000
  private static let day: Int64 = 86_400_000

  private static func interval(
    _ parameters: QueryParameters, limits: SessionsLimits
  ) throws(APIError) -> Int64 {
    let text = parameters.one("interval") ?? "1h"
    guard let seconds = StatsPeriod.seconds(text) else {
      throw .invalid("interval", text, accepted: StatsPeriod.accepted)
    }
    let interval = seconds * 1000
    let finest = Int64(limits.intervalMinutesMin) * 60_000
    if interval < finest || interval % finest != 0 {
      throw .badRequest(
        "The interval has to be a multiple of the minimum interval of "
          + (limits.intervalMinutesMin == 60 ? "one hour." : "one minute."))
    }
    // Sentry's text says "less", but its check and this one take a whole day.
    if interval > day { throw .badRequest("The interval has to be less than one day.") }
    if day % interval != 0 {
      throw .badRequest("The interval should divide one day without a remainder.")
    }
    return interval
  }

  /// The range of the request before any rounding. `statsPeriod` takes precedence over `start` and
  /// `end`.
  package static func givenRange(
    _ parameters: QueryParameters, now: Timestamp, limits: SessionsLimits
  ) throws(APIError) -> (start: Timestamp, end: Timestamp) {
    if let text = parameters.one("statsPeriod") {
      guard let seconds = StatsPeriod.seconds(text), seconds > 0 else {
        throw .invalid("statsPeriod", text, accepted: StatsPeriod.accepted)
      }
      return (now.advanced(byMilliseconds: -seconds * 1000), now)
    }
    let startText = parameters.one("start")
    let endText = parameters.one("end")
    if startText == nil && endText == nil {
      let days = min(limits.defaultRangeDays, limits.retentionDays)
      return (now.advanced(byMilliseconds: -Int64(days) * day), now)
    }
    guard let startText, let endText else {
      throw .badRequest("start and end are both required")
    }
    let start = try instant("start", startText)
    let end = try instant("end", endText)
    if start > end {
      throw .badRequest(
        "start must be before end, but \"\(startText)\" is later than \"\(endText)\".")
    }
    // Sentry adds a second to make the given end inclusive.
    return (start, end.advanced(byMilliseconds: 1000))
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

  private static func checkMinuteGrain(
    start: Timestamp, length: Int64, now: Timestamp, limits: SessionsLimits
  ) throws(APIError) {
    if length > Int64(limits.minuteRangeHoursMax) * hour {
      throw .badRequest(
        "The time-range when using one-minute resolution intervals is restricted to "
          + "\(limits.minuteRangeHoursMax) hours.")
    }
    if now.milliseconds - start.milliseconds > DomainLimits.minuteQueriesMilliseconds {
      let days = DomainLimits.minuteQueriesMilliseconds / day
      throw .badRequest(
        "The time-range when using one-minute resolution intervals is restricted to the last "
          + "\(days) days: minute counts are kept for \(days) days. Use an interval of 1h.")
    }
  }
}

extension Int64 {
  /// The least multiple that is not smaller.
  fileprivate func roundedUp(toMultipleOf step: Int64) -> Int64 {
    (self + step - 1).flooredDivision(by: step) * step
  }
}
