internal import ReleaseHealth
internal import Storage

/// Drops the minutes of hours that no update can change any more.
extension Housekeeping {
  /// Drops the minutes of hours that no update can change any more.
  func dropMinutes(at now: Timestamp) throws(StoreError) -> Bool {
    let end = Timestamp(milliseconds: now.milliseconds - DomainLimits.minutesMillisecondsKept).hour
    if let hour = try oldHour(of: "user_minute", before: end) {
      return try dropUserMinutes(of: hour)
    }
    guard let hour = try oldHour(of: "session_minute", before: end) else { return false }
    try connection.transaction { () throws(StoreError) in
      try connection.execute(
        """
        DELETE FROM session_minute WHERE hour = \(hour) AND scope IN (
          SELECT scope FROM session_minute WHERE hour = \(hour) LIMIT \(Self.rowsPerStep))
        """)
      try remember("minutes_dropped", Int64(hour))
    }
    counts.forget()
    return true
  }

  /// The first hour of a table whose minutes can be dropped. An hour is kept while only its minutes
  /// have its users, or while a state exists that drift has moved into it.
  private func oldHour(of table: String, before end: Int) throws(StoreError) -> Int? {
    let next = try connection.prepare("SELECT min(hour) FROM \(table) WHERE hour > ? AND hour < ?")
    let isHeld = try connection.prepare(
      """
      SELECT EXISTS (SELECT 1 FROM user_hour_open WHERE hour = ?1) OR EXISTS (
        SELECT 1 FROM session WHERE latest IS NOT NULL
          AND earliest >= ?1 * 3600000 AND earliest < (?1 + 1) * 3600000)
      """)
    var hour = Int.min
    while true {
      next.bind(1, hour)
      next.bind(2, end)
      guard try next.step(), let found = next.optionalInteger(0) else { return nil }
      next.reset()
      hour = Int(found)
      isHeld.bind(1, hour)
      guard try isHeld.step() else { return nil }
      let mayGo = isHeld.integer(0) == 0
      isHeld.reset()
      if mayGo { return hour }
    }
  }

  /// Drops parts of minutes. From the first one on, the sets of the hour and series are final.
  private func dropUserMinutes(of hour: Int) throws(StoreError) -> Bool {
    let find = try connection.prepare(
      """
      SELECT scope, minute, part FROM user_minute WHERE hour = ?1
      ORDER BY scope, minute, part LIMIT 1 OFFSET ?2
      """)
    find.bind(1, hour)
    find.bind(2, Self.partsPerStep - 1)
    // If fewer parts are left, all of them are dropped.
    let last = try find.step() ? (0..<3).map { find.integer($0) } : [.max, .max, .max]
    find.reset()
    let finish = try connection.prepare(
      """
      UPDATE user_hour SET final = 1 WHERE hour = ?1 AND scope IN (
        SELECT DISTINCT scope FROM user_minute WHERE hour = ?1 AND scope <= ?2)
      """)
    finish.bind(1, hour)
    finish.bind(2, last[0])
    let drop = try connection.prepare(
      "DELETE FROM user_minute WHERE hour = ?1 AND (scope, minute, part) <= (?2, ?3, ?4)")
    drop.bind(1, hour)
    for (index, value) in zip(Int32(2)..., last) { drop.bind(index, value) }
    try connection.transaction { () throws(StoreError) in
      try finish.run()
      try drop.run()
      try remember("minutes_dropped", Int64(hour))
    }
    users.forget()
    return true
  }
}
