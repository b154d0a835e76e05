/// A sum of ``DurationHistogram``s with contiguous counts, since a query over months adds hundreds
/// of thousands of histograms.
package struct DurationSum: Sendable {
  /// The counts of the buckets from ``firstBucket`` on.
  private var counts: [Int64] = []
  private var firstBucket = 0
  private var totalMilliseconds: Int64 = 0

  private static let lastBucket = DurationHistogram.bucket(of: DomainLimits.durationMillisecondsMax)

  package init() {}

  /// - Parameter totalMilliseconds: the sum of the durations whose buckets are added.
  package mutating func add(totalMilliseconds more: Int64) {
    totalMilliseconds = DurationHistogram.sum(totalMilliseconds, more)
  }

  /// Buckets outside the range of durations, as in damaged data, are ignored.
  package mutating func add(bucket: Int, count: Int64) {
    guard bucket >= 0, bucket <= Self.lastBucket else { return }
    if counts.isEmpty { firstBucket = bucket }
    if bucket < firstBucket {
      counts.insert(contentsOf: repeatElement(0, count: firstBucket - bucket), at: 0)
      firstBucket = bucket
    }
    let missing = bucket - firstBucket + 1 - counts.count
    if missing > 0 { counts.append(contentsOf: repeatElement(0, count: missing)) }
    counts[bucket - firstBucket] = DurationHistogram.sum(counts[bucket - firstBucket], count)
  }

  package mutating func add(_ other: DurationSum) {
    guard !other.counts.isEmpty else { return }
    // Extends both ends first, so that the counts move once.
    add(bucket: other.firstBucket, count: 0)
    add(bucket: other.firstBucket + other.counts.count - 1, count: 0)
    let offset = other.firstBucket - firstBucket
    for (index, count) in other.counts.enumerated() where count != 0 {
      counts[offset + index] = DurationHistogram.sum(counts[offset + index], count)
    }
    add(totalMilliseconds: other.totalMilliseconds)
  }

  /// The summary; nil without durations.
  package var summary: DurationSummary? {
    let count = counts.reduce(0) { DurationHistogram.sum($0, max(0, $1)) }
    guard count > 0 else { return nil }
    let average = Double(totalMilliseconds) / Double(count)
    let found = count == 1 ? Array(repeating: average, count: 6) : quantiles(of: count)
    return DurationSummary(
      average: average, p50: found[0], p75: found[1], p90: found[2], p95: found[3], p99: found[4],
      // The maximum is not below the average, which may be nearer than the middle of the bucket.
      longest: max(found[5], average))
  }

  /// The p50, p75, p90, p95, p99 and maximum of all durations, by the definition of
  /// ``DurationSummary``.
  private func quantiles(of count: Int64) -> [Double] {
    let (whole, rest) = (count - 1).quotientAndRemainder(dividingBy: 100)
    let percents: [Int64] = [50, 75, 90, 95, 99, 100]
    let ranks = percents.map { whole * $0 + rest * $0 / 100 + 1 }
    let (below, above) = (values(at: ranks), values(at: ranks.map { min($0, count - 1) + 1 }))
    return percents.indices.map { index in
      let share = Double(rest * percents[index] % 100) / 100
      return below[index] + (above[index] - below[index]) * share
    }
  }

  /// The durations at the given ascending ranks, from 1, in sorted order, which is the order of the
  /// buckets.
  private func values(at places: [Int64]) -> [Double] {
    var values: [Double] = []
    var reached: Int64 = 0
    for (index, count) in counts.enumerated() where count > 0 {
      reached = DurationHistogram.sum(reached, count)
      while values.count < places.count, places[values.count] <= reached {
        let range = DurationHistogram.range(ofBucket: firstBucket + index)
        values.append(Double(range.lowerBound + (range.upperBound - 1)) / 2)
      }
    }
    return values
  }
}
