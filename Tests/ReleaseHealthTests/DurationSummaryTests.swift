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

  /// The definition: the duration at rank p · n / 100, rounded up, of n sorted durations.
  static func exact(_ sorted: [Int64], percent: Int) -> Double {
    Double(sorted[(sorted.count * percent + 99) / 100 - 1])
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
      let isExact = wanted < 256 || sorted.count == 1
      let allowed = isExact ? 0 : wanted * DurationSummary.relativeErrorMax
      #expect(abs(found - wanted) <= allowed, "p\(percent): \(found), not \(wanted)")
    }
    // Quantiles are in order despite rounding.
    let quantiles = [
      summary.p50, summary.p75, summary.p90, summary.p95, summary.p99, summary.longest,
    ]
    #expect(quantiles == quantiles.sorted())
    #expect(summary.longest >= summary.average)
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
