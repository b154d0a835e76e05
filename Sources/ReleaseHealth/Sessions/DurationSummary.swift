/// A summary of the durations of a range, in milliseconds.
///
/// The average is exact. Quantiles and the maximum are read from the histogram: their relative
/// error is below 1/256, or 0.4 %, and they are exact below 256 ms and for a single duration.
///
/// A quantile is a duration that occurred: the p90 of n sorted durations is the one at rank 0.9 ·
/// n, rounded up.
package struct DurationSummary: Hashable, Sendable {
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
