internal import ReleaseHealth
internal import Storage

extension Range<Int> {
  /// The buckets of a length that the range touches, of which the first and the last may have more.
  func buckets(of length: Int) -> Range<Int> {
    lowerBound.flooredDivision(by: length)..<(upperBound + length - 1).flooredDivision(by: length)
  }
}

/// The parts of a query by the grain (day, hour, minute) that answers them.
extension HealthQuery {
  /// Whether buckets begin and end at multiples of the grain, in minutes, so that it can answer the
  /// whole ones among them.
  private func isAligned(to grainMinutes: Int) -> Bool {
    guard let interval = intervalMinutes else { return true }
    return interval % grainMinutes == 0 && minutes.lowerBound % grainMinutes == 0
  }

  /// The whole hours of the range, which a coarser grain than minutes can answer.
  var wholeHours: Range<Int> {
    guard isAligned(to: 60) else { return 0..<0 }
    let first = (minutes.lowerBound + 59).flooredDivision(by: 60)
    let end = minutes.upperBound.flooredDivision(by: 60)
    return first..<max(first, end)
  }

  /// The whole days of the range, which the sets of days can answer.
  var wholeDays: Range<Int> {
    guard isAligned(to: 1440) else { return 0..<0 }
    let hours = wholeHours
    let first = (hours.lowerBound + 23).flooredDivision(by: 24)
    let end = hours.upperBound.flooredDivision(by: 24)
    return first..<max(first, end)
  }

  /// The parts of the range that only minutes can answer.
  var minuteRanges: [Range<Int>] {
    let hours = wholeHours
    let ranges =
      hours.isEmpty
      ? [minutes]
      : [
        minutes.lowerBound..<hours.lowerBound * 60,
        hours.upperBound * 60..<minutes.upperBound,
      ]
    // The parts of a range in the future are all empty.
    return ranges.filter { !$0.isEmpty }
  }

  /// The bucket of a minute; nil for a query without a time series.
  func bucket(ofMinute minute: Int) -> Int? {
    intervalMinutes.map { (minute - minutes.lowerBound) / $0 }
  }
}
