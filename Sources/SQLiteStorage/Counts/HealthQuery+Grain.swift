internal import ReleaseHealth
internal import Storage

/// Which grain answers which part of a question.
extension HealthQuery {
  /// Whether buckets begin and end at multiples of so many minutes, so that a coarser grain can
  /// answer for the whole ones among them.
  private func isAligned(to grainMinutes: Int) -> Bool {
    guard let interval = intervalMinutes else { return true }
    return interval % grainMinutes == 0 && minutes.lowerBound % grainMinutes == 0
  }

  /// The whole hours of the range that a coarser grain than minutes can answer.
  var wholeHours: Range<Int> {
    guard isAligned(to: 60) else { return 0..<0 }
    let first = (minutes.lowerBound + 59).flooredDivision(by: 60)
    let end = minutes.upperBound.flooredDivision(by: 60)
    return first..<max(first, end)
  }

  /// The whole days among the hours that the sets of days can answer.
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
    // A range in the future is empty as a whole.
    return ranges.filter { !$0.isEmpty }
  }

  /// The bucket of a minute; nil without a series.
  func bucket(ofMinute minute: Int) -> Int? {
    intervalMinutes.map { (minute - minutes.lowerBound) / $0 }
  }
}
