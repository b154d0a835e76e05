internal import ReleaseHealth
internal import Storage

/// Writes the duration histograms: `duration_hour`.
final class DurationTable {
  private let select: Statement
  private let upsert: Statement

  init(_ connection: Connection) throws(StoreError) {
    select = try connection.prepare(
      "SELECT histogram, total FROM duration_hour WHERE hour = ? AND scope = ?")
    upsert = try connection.prepare(
      """
      INSERT INTO duration_hour (hour, scope, histogram, total) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET histogram = excluded.histogram, total = excluded.total
      """)
  }

  func add(_ durations: DurationHistogram, _ key: BucketKey) throws(StoreError) {
    // A duration that was raised within its histogram bucket changes only the total.
    if durations == DurationHistogram() { return }
    select.bind(1, key.bucket)
    select.bind(2, key.seriesID)
    var histogram = DurationHistogram()
    let isKnown = try select.step()
    if isKnown {
      histogram = DurationHistogram(packed: select.blob(0), totalMilliseconds: select.integer(1))
      select.reset()
    }
    // An hour whose retention has ended is not changed any more.
    if !isKnown, durations.buckets.isEmpty || durations.buckets.contains(where: { $0.count < 0 }) {
      return
    }
    histogram.merge(durations)
    upsert.bind(1, key.bucket)
    upsert.bind(2, key.seriesID)
    upsert.bind(3, blob: histogram.packed)
    upsert.bind(4, histogram.totalMilliseconds)
    try upsert.run()
  }
}

extension DurationHistogram {
  /// The distance of each bucket from the one before, and its count; ascending.
  var packed: [UInt8] {
    var writer = VarintWriter()
    var previous = 0
    writer.reserve(buckets.count * 3)
    for (bucket, count) in buckets {
      writer.write(UInt64(bucket - previous))
      writer.write(UInt64(bitPattern: count))
      previous = bucket
    }
    return writer.bytes
  }

  init(packed: [UInt8], totalMilliseconds: Int64) {
    var buckets: [(bucket: Int, count: Int64)] = []
    Self.read(packed) { bucket, count in
      // Damaged bytes may have buckets in descending order.
      if bucket > buckets.last?.bucket ?? .min { buckets.append((bucket, count)) }
    }
    self.init(buckets: buckets, totalMilliseconds: totalMilliseconds)
  }

  fileprivate static func read(_ packed: [UInt8], _ take: (_ bucket: Int, _ count: Int64) -> Void) {
    var reader = VarintReader(packed)
    var bucket = 0
    while !reader.isAtEnd {
      bucket &+= Int(truncatingIfNeeded: reader.read())
      let count = Int64(bitPattern: reader.read())
      if !reader.isDamaged { take(bucket, count) }
    }
  }
}

extension DurationSum {
  /// Adds a packed ``DurationHistogram``.
  mutating func add(packed: [UInt8], totalMilliseconds: Int64) {
    DurationHistogram.read(packed) { add(bucket: $0, count: $1) }
    add(totalMilliseconds: totalMilliseconds)
  }
}
