internal import ReleaseHealth
internal import Storage

/// Drops session states that no update can change any more.
extension Housekeeping {
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
}
