internal import ReleaseHealth
internal import Storage

/// Drops the states of sessions, and the minutes of hours, that no update can change any more.
extension Housekeeping {
  // MARK: States

  /// Drops states of sessions whose updates are all rejected by now.
  func dropSessions(at now: Timestamp) throws(StoreError) -> Bool {
    let kept = now.milliseconds - DomainLimits.stateMillisecondsKept
    return try dropSteady(before: kept) ? true : try dropDrifted(before: kept)
  }

  /// Drops states without drift, whose key has the start.
  private func dropSteady(before kept: Int64) throws(StoreError) -> Bool {
    // No older states are left.
    if sessions.started >= kept { return false }
    let steady = """
      FROM session WHERE (started, sid, scope) > (?1, ?2, ?3)
        AND (started, sid, scope) <= (?4, ?5, ?6) AND latest IS NULL
      """
    let next = try connection.rows(
      """
      SELECT started, sid, scope FROM session
      WHERE (started, sid, scope) > (?1, ?2, ?3) AND started < ?4
      ORDER BY started, sid, scope LIMIT 1 OFFSET ?5
      """, sessions.values + [kept, Self.statesPerStep - 1]
    ) {
      SessionSweep(started: $0.integer(0), sessionID: $0.blob(1), seriesID: $0.integer(2))
    }.first
    let reached = next ?? SessionSweep(started: kept)
    let range = sessions.values + reached.values
    try connection.transaction { () throws(StoreError) in
      let last = try connection.number(
        "SELECT started \(steady) ORDER BY started DESC LIMIT 1", range)
      guard let last else { return }
      try connection.run("DELETE \(steady)", range)
      try remember("states_dropped", last)
    }
    sessions = reached
    return next != nil
  }

  private func dropDrifted(before kept: Int64) throws(StoreError) -> Bool {
    let found = try connection.rows(
      "SELECT started, sid, scope, earliest FROM session WHERE latest < ? LIMIT ?",
      [kept, Self.statesPerStep]
    ) { row -> (key: [(any Bindable)?], earliest: Int64) in
      ([row.integer(0), row.blob(1), row.integer(2)], row.integer(3))
    }
    // Drifted sessions count at their earliest start, not at the start in their key.
    guard let last = found.map(\.earliest).max() else { return false }
    let delete = try connection.prepare(
      "DELETE FROM session WHERE started = ? AND sid = ? AND scope = ?")
    try connection.transaction { () throws(StoreError) in
      for session in found { try delete.run(session.key) }
      try remember("states_dropped", last)
    }
    return true
  }

  // MARK: Minutes

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
    var last = Int64.min
    while true {
      let next = try connection.number(
        "SELECT hour FROM \(table) WHERE hour > ? AND hour < ? ORDER BY hour LIMIT 1", [last, end])
      guard let next else { return nil }
      let isHeld = try connection.number(
        """
        SELECT EXISTS (SELECT 1 FROM user_hour_open WHERE hour = ?1) OR EXISTS (
          SELECT 1 FROM session WHERE latest IS NOT NULL
            AND earliest >= ?1 * 3600000 AND earliest < (?1 + 1) * 3600000)
        """, [next])
      if isHeld == 0 { return Int(next) }
      last = next
    }
  }

  /// Drops parts of minutes. From the first one on, the sets of the hour and series are final.
  private func dropUserMinutes(of hour: Int) throws(StoreError) -> Bool {
    let found = try connection.rows(
      """
      SELECT scope, minute, part FROM user_minute WHERE hour = ?1
      ORDER BY scope, minute, part LIMIT 1 OFFSET ?2
      """, [hour, Self.partsPerStep - 1]
    ) { row in (0..<3).map { row.integer($0) } }
    // If fewer parts are left, all of them are dropped.
    let last = found.first ?? [.max, .max, .max]
    try connection.transaction { () throws(StoreError) in
      try connection.run(
        """
        UPDATE user_hour SET final = 1 WHERE hour = ?1 AND scope IN (
          SELECT DISTINCT scope FROM user_minute WHERE hour = ?1 AND scope <= ?2)
        """, [hour, last[0]])
      try connection.run(
        "DELETE FROM user_minute WHERE hour = ?1 AND (scope, minute, part) <= (?2, ?3, ?4)",
        [hour] + last)
      try remember("minutes_dropped", Int64(hour))
    }
    users.forget()
    return true
  }
}
