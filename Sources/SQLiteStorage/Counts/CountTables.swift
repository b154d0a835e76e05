internal import ReleaseHealth
internal import Storage

/// Writes the packed counts: `session_minute` and `session_day`.
///
/// Only housekeeping also writes them, so the last written rows are cached: most updates of a batch
/// belong to the same few hours and series as those of the batch before.
final class CountTables {
  private struct Counts {
    var identified = CountGrid()
    var aggregated = CountGrid()
  }

  /// One of the two tables, with a row per bucket (an hour or a day) and series.
  private struct Table {
    let select: Statement
    let upsert: Statement
    var known: [BucketKey: Counts] = [:]

    /// The maximum number of cached rows, some megabytes in all; beyond it the cache is cleared.
    private static let knownMax = 1000

    init(_ connection: Connection, name: String, bucket: String) throws(StoreError) {
      select = try connection.prepare(
        "SELECT identified, anonymous FROM \(name) WHERE \(bucket) = ? AND scope = ?")
      upsert = try connection.prepare(
        """
        INSERT INTO \(name) (\(bucket), scope, identified, anonymous) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE
        SET identified = excluded.identified, anonymous = excluded.anonymous
        """)
    }

    mutating func add(
      identified: CountGrid, aggregated: CountGrid, _ key: BucketKey
    ) throws(StoreError) {
      if identified.slots.isEmpty, aggregated.slots.isEmpty { return }
      guard var counts = try counts(key) ?? Self.begun(by: identified) else { return }
      counts.identified.add(identified)
      counts.aggregated.add(aggregated)
      upsert.bind(1, key.bucket)
      upsert.bind(2, key.seriesID)
      upsert.bind(3, blob: counts.identified.packed)
      upsert.bind(4, blob: counts.aggregated.packed)
      try upsert.run()
      if known.count >= Self.knownMax { known.removeAll() }
      known[key] = counts
    }

    /// Removes the row from the cache, so that it is changed in place and not copied.
    private mutating func counts(_ key: BucketKey) throws(StoreError) -> Counts? {
      if let counts = known.removeValue(forKey: key) { return counts }
      select.bind(1, key.bucket)
      select.bind(2, key.seriesID)
      guard try select.step() else { return nil }
      defer { select.reset() }
      return Counts(
        identified: CountGrid(packed: select.blob(0)), aggregated: CountGrid(packed: select.blob(1))
      )
    }

    /// The counts of a bucket without a row; nil when a change subtracts from it, since the session
    /// outlived its bucket's retention.
    private static func begun(by identified: CountGrid) -> Counts? {
      identified.slots.contains { $0.value.hasNegative } ? nil : Counts()
    }
  }

  private var minutes: Table
  private var days: Table

  init(_ connection: Connection) throws(StoreError) {
    minutes = try Table(connection, name: "session_minute", bucket: "hour")
    days = try Table(connection, name: "session_day", bucket: "day")
  }

  func add(_ delta: HourDelta, _ key: BucketKey) throws(StoreError) {
    try minutes.add(identified: delta.identified, aggregated: delta.aggregated, key)
    let day = key.bucket.flooredDivision(by: 24)
    var identified = CountGrid()
    identified.add(delta.identified.total, at: key.bucket - day * 24)
    var aggregated = CountGrid()
    aggregated.add(delta.aggregated.total, at: key.bucket - day * 24)
    try days.add(
      identified: identified, aggregated: aggregated, BucketKey(bucket: day, seriesID: key.seriesID)
    )
  }

  /// Clears the cache, after a rollback or after rows were dropped.
  func forget() {
    minutes.known.removeAll()
    days.known.removeAll()
  }
}
