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
