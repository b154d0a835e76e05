/// A histogram of durations with log-linear buckets, as in HdrHistogram: below 256 ms each
/// millisecond has its own bucket; from there on each power of two has 128.
///
/// A bucket with the exponent e holds the 2ᵉ whole milliseconds from its start s on, and
/// s ≥ 128 · 2ᵉ. Its middle is s + (2ᵉ − 1) / 2, so its durations are at most (2ᵉ − 1) / 2 away,
/// which is less than 1/256 of s, and so of the duration itself.
///
/// Counts can be subtracted, so an update that raises a session's duration moves it exactly.
package struct DurationHistogram: Equatable, Sendable {
  /// The nonempty buckets, ascending. An hour may have a thousand; they are stored in this order,
  /// and merged without lookups.
  package private(set) var buckets: [(bucket: Int, count: Int64)]
  /// The exact sum of the durations, in milliseconds.
  package private(set) var totalMilliseconds: Int64

  /// - Parameter buckets: ascending.
  package init(buckets: [(bucket: Int, count: Int64)] = [], totalMilliseconds: Int64 = 0) {
    self.buckets = buckets
    self.totalMilliseconds = totalMilliseconds
  }

  /// Counts by bucket.
  package var counts: [Int: Int64] {
    Dictionary(buckets.map { ($0.bucket, $0.count) }) { Self.sum($0, $1) }
  }

  /// - Parameter count: the number of occurrences; negative to subtract.
  package mutating func add(milliseconds: Int64, count: Int64 = 1) {
    let bucket = Self.bucket(of: milliseconds)
    var (index, end) = (0, buckets.count)
    while index < end {
      let middle = (index + end) / 2
      if buckets[middle].bucket < bucket { index = middle + 1 } else { end = middle }
    }
    if index < buckets.count, buckets[index].bucket == bucket {
      buckets[index].count = Self.sum(buckets[index].count, count)
      if buckets[index].count == 0 { buckets.remove(at: index) }
    } else if count != 0 {
      buckets.insert((bucket, count), at: index)
    }
    totalMilliseconds = Self.sum(totalMilliseconds, milliseconds * count)
  }

  package mutating func merge(_ other: DurationHistogram) {
    var merged: [(bucket: Int, count: Int64)] = []
    merged.reserveCapacity(buckets.count + other.buckets.count)
    var rest = other.buckets[...]
    for own in buckets {
      while let first = rest.first, first.bucket < own.bucket {
        merged.append(first)
        rest.removeFirst()
      }
      guard let first = rest.first, first.bucket == own.bucket else {
        merged.append(own)
        continue
      }
      rest.removeFirst()
      let sum = Self.sum(own.count, first.count)
      if sum != 0 { merged.append((own.bucket, sum)) }
    }
    buckets = merged + rest
    totalMilliseconds = Self.sum(totalMilliseconds, other.totalMilliseconds)
  }

  package static func == (left: DurationHistogram, right: DurationHistogram) -> Bool {
    left.totalMilliseconds == right.totalMilliseconds
      && left.buckets.elementsEqual(right.buckets, by: ==)
  }

  /// Adds with saturation at 2²⁷ durations of the maximum length.
  static func sum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, hasOverflown) = left.addingReportingOverflow(right)
    return hasOverflown ? (left < 0 ? .min : .max) : sum
  }

  private static let linearBits = 7

  /// The bucket of a duration: below 2⁸ the value itself, otherwise the exponent and the seven bits
  /// after the leading one.
  package static func bucket(of milliseconds: Int64) -> Int {
    let value = UInt64(max(0, milliseconds))
    let exponent = max(0, 63 - linearBits - value.leadingZeroBitCount)
    return exponent << linearBits + Int(value >> UInt64(exponent))
  }

  /// The durations of a bucket, in milliseconds.
  package static func range(ofBucket bucket: Int) -> Range<Int64> {
    let exponent = max(0, bucket >> linearBits - 1)
    let start = Int64(bucket - exponent << linearBits) << Int64(exponent)
    return start..<start + 1 << Int64(exponent)
  }
}
