import Bytes
import ReleaseHealth
import TestSupport
import Testing

/// Compares summaries of durations with the durations themselves.
@Suite struct DurationSummaryTests {
  /// Random durations of different distributions: uniform, log-uniform, all equal, within one
  /// bucket, few and many.
  static func durations(_ seed: UInt64) -> [Int64] {
    var random = SplitMix64(seed: seed)
    let count = [1, 2, 3, 10, 99, 100, 101, 1000].randomElement(using: &random)!
    let greatest = DomainLimits.durationMillisecondsMax
    let base = Int64.random(in: 0...greatest, using: &random)
    let shape = Int.random(in: 0..<5, using: &random)
    return (0..<count).map { _ in
      switch shape {
      case 0: Int64.random(in: 0...greatest, using: &random)
      case 1: Int64.random(in: 0...1 << Int64.random(in: 0...36, using: &random), using: &random)
      case 2: base
      case 3: min(greatest, base + Int64.random(in: 0...base / 100 + 1, using: &random))
      default: Int64.random(in: 0...300, using: &random)
      }
    }
  }

  /// The definition: of n sorted durations the one at place p / 100 · (n − 1), between two places
  /// in proportion.
  static func exact(_ sorted: [Int64], percent: Int) -> Double {
    let (place, rest) = ((sorted.count - 1) * percent).quotientAndRemainder(dividingBy: 100)
    let above = sorted[min(place + 1, sorted.count - 1)]
    return Double(sorted[place]) + Double(above - sorted[place]) * Double(rest) / 100
  }

  @Test(arguments: 0..<400 as Range<UInt64>)
  func errorsStayWithinTheBound(seed: UInt64) throws {
    let sorted = Self.durations(seed).sorted()
    var histogram = DurationHistogram()
    for duration in sorted { histogram.add(milliseconds: duration) }
    let summary = try #require(histogram.summary)

    #expect(summary.average == Double(sorted.reduce(0, +)) / Double(sorted.count))
    for (percent, found) in [
      (50, summary.p50), (75, summary.p75), (90, summary.p90), (95, summary.p95),
      (99, summary.p99), (100, summary.longest),
    ] {
      let wanted = Self.exact(sorted, percent: percent)
      let isExact = sorted.allSatisfy { $0 < 256 } || sorted.count == 1
      let allowed = wanted * (isExact ? 1e-12 : DurationSummary.relativeErrorMax)
      #expect(abs(found - wanted) <= allowed, "p\(percent): \(found), not \(wanted)")
    }
    // Quantiles are in order despite rounding.
    let quantiles = [
      summary.p50, summary.p75, summary.p90, summary.p95, summary.p99, summary.longest,
    ]
    #expect(quantiles == quantiles.sorted())
    #expect(summary.longest >= summary.average)
  }

  /// Between two durations a quantile is neither of them.
  @Test(
    arguments: [
      ([68_000, 80_000], [74_000, 77_000, 78_800, 79_400, 79_880, 80_000]),
      ([100, 1000, 3000], [1000, 2000, 2600, 2800, 2960, 3000]),
      ([10, 20, 30, 40, 50], [30, 40, 46, 48, 49.6, 50]),
      ([200, 200_000], [100_100, 150_050, 180_020, 190_010, 198_002, 200_000]),
    ] as [([Int64], [Double])])
  func quantilesAreInterpolated(durations: [Int64], expected: [Double]) throws {
    var histogram = DurationHistogram()
    for duration in durations { histogram.add(milliseconds: duration) }
    let summary = try #require(histogram.summary)
    let found = [
      summary.p50, summary.p75, summary.p90, summary.p95, summary.p99, summary.longest,
    ]
    for (found, wanted) in zip(found, expected) {
      #expect(abs(found - wanted) <= wanted * DurationSummary.relativeErrorMax)
    }
  }

  /// No whole number of milliseconds is farther from the middle of its bucket than the bound.
  @Test func theBoundHoldsForEveryBucket() {
    let last = DurationHistogram.bucket(of: DomainLimits.durationMillisecondsMax)
    for bucket in 0...last {
      let range = DurationHistogram.range(ofBucket: bucket)
      let half = Double(range.upperBound - 1 - range.lowerBound) / 2
      #expect(
        bucket < 256
          ? half == 0 : half < Double(range.lowerBound) * DurationSummary.relativeErrorMax)
    }
  }

  /// Merged histograms of parts, in any order, give the summary of the whole.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func partsAddUp(seed: UInt64) {
    let durations = Self.durations(seed)
    var whole = DurationHistogram()
    var parts = Array(repeating: DurationHistogram(), count: 3)
    for (index, duration) in durations.enumerated() {
      whole.add(milliseconds: duration)
      parts[index % 3].add(milliseconds: duration)
    }
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
      var merged = DurationHistogram()
      for index in order { merged.merge(parts[index]) }
      #expect(merged == whole)
      #expect(merged.summary == whole.summary)
      var sum = DurationSum()
      for index in order {
        var part = DurationSum()
        for (bucket, count) in parts[index].counts { part.add(bucket: bucket, count: count) }
        part.add(totalMilliseconds: parts[index].totalMilliseconds)
        sum.add(part)
      }
      #expect(sum.summary == whole.summary)
    }
  }

  @Test func nothingIsNoSummary() {
    #expect(DurationHistogram().summary == nil)
    var histogram = DurationHistogram()
    histogram.add(milliseconds: 70_000)
    histogram.add(milliseconds: 70_000, count: -1)
    #expect(histogram.summary == nil)
  }

  /// Impossible counts, as in damaged data, cause no crash.
  @Test func impossibleCountsAreAccepted() {
    let histogram = DurationHistogram(
      buckets: [(.min, 1), (3, .max), (9, .max), (.max, 5)], totalMilliseconds: .max)
    #expect(histogram.summary != nil)
  }
}
