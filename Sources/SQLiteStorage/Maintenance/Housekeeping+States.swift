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
    let find = try connection.prepare(
      """
      SELECT started, sid, scope FROM session
      WHERE (started, sid, scope) > (?1, ?2, ?3) AND started < ?4
      ORDER BY started, sid, scope LIMIT 1 OFFSET ?5
      """)
    let steady = """
      FROM session WHERE (started, sid, scope) > (?1, ?2, ?3)
        AND (started, sid, scope) <= (?4, ?5, ?6) AND latest IS NULL
      """
    let last = try connection.prepare("SELECT started \(steady) ORDER BY started DESC LIMIT 1")
    let delete = try connection.prepare("DELETE \(steady)")
    for statement in [find, last, delete] {
      statement.bind(1, sessions.started)
      statement.bind(2, blob: sessions.sessionID)
      statement.bind(3, sessions.seriesID)
    }
    find.bind(4, kept)
    find.bind(5, Self.statesPerStep - 1)
    var reached = SessionSweep(started: kept)
    let isPart = try find.step()
    if isPart {
      reached.started = find.integer(0)
      reached.sessionID = find.blob(1)
      reached.seriesID = find.integer(2)
      find.reset()
    }
    for statement in [last, delete] {
      statement.bind(4, reached.started)
      statement.bind(5, blob: reached.sessionID)
      statement.bind(6, reached.seriesID)
    }
    try connection.transaction { () throws(StoreError) in
      if try last.step() {
        let started = last.integer(0)
        last.reset()
        try delete.run()
        try remember("states_dropped", started)
      }
    }
    sessions = reached
    return isPart
  }

  private func dropDrifted(before kept: Int64) throws(StoreError) -> Bool {
    let find = try connection.prepare(
      """
      SELECT started, sid, scope, earliest FROM session WHERE latest < ?
      LIMIT \(Self.statesPerStep)
      """)
    let delete = try connection.prepare(
      "DELETE FROM session WHERE started = ? AND sid = ? AND scope = ?")
    find.bind(1, kept)
    var keys: [(started: Int64, sessionID: [UInt8], seriesID: Int64)] = []
    // Drifted sessions count at their earliest start, not at the start in their key.
    var last = Int64.min
    while try find.step() {
      keys.append((find.integer(0), find.blob(1), find.integer(2)))
      last = max(last, find.integer(3))
    }
    if keys.isEmpty { return false }
    try connection.transaction { () throws(StoreError) in
      for key in keys {
        delete.bind(1, key.started)
        delete.bind(2, blob: key.sessionID)
        delete.bind(3, key.seriesID)
        try delete.run()
      }
      try remember("states_dropped", last)
    }
    return true
  }
}
