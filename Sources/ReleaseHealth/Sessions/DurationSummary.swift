/// A summary of the durations of a range, in milliseconds.
///
/// A quantile is interpolated between the two nearest durations: the p90 of n sorted durations is
/// at place 0.9 · (n − 1), counted from 0. So the p95 of 68 s and 80 s is 79.4 s.
///
/// The average is exact. Quantiles and the maximum are read from the histogram: their relative
/// error is below 1/256, or 0.4 %, and they are exact for a single duration and where all are below
/// 256 ms.
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
