internal import ReleaseHealth
internal import Storage

extension Range<Int> {
  /// The buckets of a length that the range touches, of which the first and the last may have more.
  func buckets(of length: Int) -> Range<Int> {
    lowerBound.flooredDivision(by: length)..<(upperBound + length - 1).flooredDivision(by: length)
  }

  /// The buckets of a length that lie within the range.
  func wholeBuckets(of length: Int) -> Range<Int> {
    let first = (lowerBound + length - 1).flooredDivision(by: length)
    return first..<Swift.max(first, upperBound.flooredDivision(by: length))
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
    isAligned(to: 60) ? minutes.wholeBuckets(of: 60) : 0..<0
  }

  /// The whole days of the range, which the sets of days can answer.
  var wholeDays: Range<Int> {
    isAligned(to: 1440) ? wholeHours.wholeBuckets(of: 24) : 0..<0
  }

  /// The parts of the range that only minutes can answer.
  var minuteRanges: [Range<Int>] {
    let hours = wholeHours
    let (first, end) = (hours.lowerBound * 60, hours.upperBound * 60)
    let ranges = hours.isEmpty ? [minutes] : [minutes.lowerBound..<first, end..<minutes.upperBound]
    // The parts of a range in the future are all empty.
    return ranges.filter { !$0.isEmpty }
  }

  /// The bucket of a minute; nil for a query without a time series.
  func bucket(ofMinute minute: Int) -> Int? {
    intervalMinutes.map { (minute - minutes.lowerBound) / $0 }
  }
}
