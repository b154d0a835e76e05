internal import ReleaseHealth
internal import Storage

/// Writes the packed counts: `session_minute` and `session_day`.
final class CountTables {
  /// One of the two tables: rows of a bucket (an hour, a day) and a scope.
  private struct Table {
    let select: Statement
    let upsert: Statement

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

    func add(
      identified: CountGrid, anonymous: CountGrid, bucket: Int, scope: Int64
    ) throws(StoreError) {
      if identified.slots.isEmpty, anonymous.slots.isEmpty { return }
      select.bind(1, bucket)
      select.bind(2, scope)
      var known = (identified: CountGrid(), anonymous: CountGrid())
      if try select.step() {
        known = (CountGrid(packed: select.blob(0)), CountGrid(packed: select.blob(1)))
        select.reset()
      } else if identified.slots.values.contains(where: \.hasNegative) {
        // The session outlived its bucket's retention: nothing is there to take away from.
        return
      }
      known.identified.add(identified)
      known.anonymous.add(anonymous)
      upsert.bind(1, bucket)
      upsert.bind(2, scope)
      upsert.bind(3, blob: known.identified.packed)
      upsert.bind(4, blob: known.anonymous.packed)
      try upsert.run()
    }
  }

  private let minutes: Table
  private let days: Table

  init(_ connection: Connection) throws(StoreError) {
    minutes = try Table(connection, name: "session_minute", bucket: "hour")
    days = try Table(connection, name: "session_day", bucket: "day")
  }

  func add(_ delta: HourDelta, _ key: BucketKey) throws(StoreError) {
    try minutes.add(
      identified: delta.identified, anonymous: delta.anonymous, bucket: key.bucket, scope: key.scope
    )
    let day = key.bucket.flooredDivision(by: 24)
    var identified = CountGrid()
    identified.add(delta.identified.total, at: key.bucket - day * 24)
    var anonymous = CountGrid()
    anonymous.add(delta.anonymous.total, at: key.bucket - day * 24)
    try days.add(identified: identified, anonymous: anonymous, bucket: day, scope: key.scope)
  }
}
