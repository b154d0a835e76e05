/// What the durations of a range come to, in milliseconds.
///
/// The average is exact. Quantiles and the longest one are read from the histogram: they are less
/// than ``relativeErrorMax`` away from the durations that they stand for, and exact below 256 ms
/// and where there is just one duration.
///
/// A quantile is a duration that occurred: the p90 of n durations is the one at place 0.9 · n,
/// rounded up, when they are put in order.
package struct DurationSummary: Hashable, Sendable {
  /// So much of a duration, 0.4 %, is the error of what is read from a histogram below
  /// (``DurationHistogram``).
  package static let relativeErrorMax = 1.0 / 256

  package let average: Double
  package let p50: Double
  package let p75: Double
  package let p90: Double
  package let p95: Double
  package let p99: Double
  package let longest: Double

  package init(
    average: Double, p50: Double, p75: Double, p90: Double, p95: Double, p99: Double,
    longest: Double
  ) {
    self.average = average
    self.p50 = p50
    self.p75 = p75
    self.p90 = p90
    self.p95 = p95
    self.p99 = p99
    self.longest = longest
  }
}

extension DurationHistogram {
  /// nil when there are no durations.
  package var summary: DurationSummary? {
    let ordered = counts.sorted { $0.key < $1.key }.filter { $0.value > 0 }
    let count = ordered.reduce(0) { Self.sum($0, $1.value) }
    guard count > 0 else { return nil }
    let average = Double(totalMilliseconds) / Double(count)
    // The buckets tell where the one at a place is: in order of the durations they are in order,
    // too.
    func quantile(percent: Int64) -> Double {
      if count == 1 { return average }
      let (whole, rest) = count.quotientAndRemainder(dividingBy: 100)
      var place = whole * percent + (rest * percent + 99) / 100
      for (bucket, count) in ordered {
        place -= count
        if place <= 0 { return Self.middle(ofBucket: bucket) }
      }
      return 0
    }
    return DurationSummary(
      average: average, p50: quantile(percent: 50), p75: quantile(percent: 75),
      p90: quantile(percent: 90), p95: quantile(percent: 95), p99: quantile(percent: 99),
      // None is shorter than the average; where that is above the middle, it is nearer.
      longest: max(quantile(percent: 100), average))
  }

  private static func middle(ofBucket bucket: Int) -> Double {
    let range = range(ofBucket: bucket)
    return Double(range.lowerBound + (range.upperBound - 1)) / 2
  }
}
