/// Durations as counts of log-linear buckets, as HdrHistogram has them: below 256 ms each
/// millisecond has its own; from there on each power of two is cut into 128.
///
/// A bucket with the exponent e holds the 2ᵉ whole milliseconds from its start s on, and
/// s ≥ 128 · 2ᵉ. Its middle is s + (2ᵉ − 1) / 2, so what falls into it is at most (2ᵉ − 1) / 2 away,
/// which is less than 1/256 of s, and so of the duration itself.
///
/// Counts can be taken back, so a session whose duration was raised moves exactly.
package struct DurationHistogram: Equatable, Sendable {
  /// Counts by bucket; none is zero.
  package private(set) var counts: [Int: Int64]
  /// The exact sum of the durations, in milliseconds.
  package private(set) var totalMilliseconds: Int64

  package init(counts: [Int: Int64] = [:], totalMilliseconds: Int64 = 0) {
    self.counts = counts
    self.totalMilliseconds = totalMilliseconds
  }

  /// - Parameter count: how often it occurred; negative to take back.
  package mutating func add(milliseconds: Int64, count: Int64 = 1) {
    let bucket = Self.bucket(of: milliseconds)
    let sum = (counts[bucket] ?? 0) + count
    counts[bucket] = sum == 0 ? nil : sum
    totalMilliseconds = Self.sum(totalMilliseconds, milliseconds * count)
  }

  package mutating func merge(_ other: DurationHistogram) {
    for (bucket, count) in other.counts {
      let sum = Self.sum(counts[bucket] ?? 0, count)
      counts[bucket] = sum == 0 ? nil : sum
    }
    totalMilliseconds = Self.sum(totalMilliseconds, other.totalMilliseconds)
  }

  /// Stops at the ends of what can be counted: 2²⁷ durations of the greatest length.
  static func sum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, hasOverflown) = left.addingReportingOverflow(right)
    return hasOverflown ? (left < 0 ? .min : .max) : sum
  }

  private static let linearBits = 7

  /// The bucket of a duration: below 2⁸ the value itself, above that the exponent and the seven
  /// bits after the leading one.
  package static func bucket(of milliseconds: Int64) -> Int {
    let value = UInt64(max(0, milliseconds))
    let exponent = max(0, 63 - linearBits - value.leadingZeroBitCount)
    return exponent << linearBits + Int(value >> UInt64(exponent))
  }

  /// The durations that fall into a bucket, in milliseconds.
  package static func range(ofBucket bucket: Int) -> Range<Int64> {
    let exponent = max(0, bucket >> linearBits - 1)
    let start = Int64(bucket - exponent << linearBits) << Int64(exponent)
    return start..<start + 1 << Int64(exponent)
  }
}
