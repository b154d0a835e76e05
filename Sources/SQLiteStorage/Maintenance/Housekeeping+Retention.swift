internal import ReleaseHealth
internal import Storage

/// Drops data whose retention has ended.
extension Housekeeping {
  /// Drops counts, arrivals and outcomes whose retention has ended.
  func dropExpired(at now: Timestamp) throws(StoreError) -> Bool {
    let day = now.day - retentionDays
    let step = (now.day - Self.arrivalDays) * 144
    let expired: [(table: String, key: String, condition: String)] = [
      ("session_day", "day, scope", "day < \(day)"),
      ("duration_hour", "hour, scope", "hour < \(day * 24)"),
      ("arrival", "step, scope, hour", "step < \(step)"),
      ("outcome", "hour, project, name", "hour < \(day * 24)"),
    ]
    for (table, key, condition) in expired {
      let last = try connection.transaction { () throws(StoreError) in
        let last = try dropFirst(of: table, key: key, condition)
        if let last, table == "arrival" {
          try remember("arrivals_dropped", last)
        } else if let last {
          let bucketsPerDay: Int64 = table == "session_day" ? 1 : 24
          try remember("counts_dropped", last.flooredDivision(by: bucketsPerDay))
        }
        return last
      }
      if last != nil {
        counts.forget()
        return true
      }
    }
    return false
  }

  /// Drops the first rows of a table, in the order of its key, that meet a condition.
  ///
  /// - Returns: the first column of the last dropped row's key; nil when there was none.
  private func dropFirst(
    of table: String, key: String, _ condition: String
  ) throws(StoreError) -> Int64? {
    let rows = """
      SELECT \(key) FROM \(table) WHERE \(condition) ORDER BY \(key) LIMIT \(Self.rowsPerStep)
      """
    let last = try connection.rows(rows) { $0.integer(0) }.last
    if last != nil { try connection.execute("DELETE FROM \(table) WHERE (\(key)) IN (\(rows))") }
    return last
  }

  /// Drops user sets whose retention has ended.
  func dropExpiredSets(at now: Timestamp) throws(StoreError) -> Bool {
    let day = now.day - retentionDays
    return try dropSets("user_day", "day", before: day)
      ? true : dropSets("user_hour", "hour", before: day, bucketsPerDay: 24)
  }

  /// Drops sets series by series, since the series leads their key.
  private func dropSets(
    _ table: String, _ bucket: String, before day: Int, bucketsPerDay: Int = 1
  ) throws(StoreError) -> Bool {
    let find = try connection.prepare(
      """
      SELECT scope, \(bucket), length(sets)
      FROM scope AS each CROSS JOIN \(table) ON scope = each.id AND \(bucket) < ?
      LIMIT \(Self.rowsPerStep)
      """)
    find.bind([day * bucketsPerDay])
    var expired: [(seriesID: Int64, bucket: Int64)] = []
    var last = Int64.min
    var bytes: Int64 = 0
    while bytes < Self.droppedBytesPerStep, try find.step() {
      expired.append((find.integer(0), find.integer(1)))
      last = max(last, find.integer(1))
      bytes += find.integer(2)
    }
    find.reset()
    if expired.isEmpty { return false }
    let drop = try connection.prepare("DELETE FROM \(table) WHERE scope = ? AND \(bucket) = ?")
    try connection.transaction { () throws(StoreError) in
      for key in expired { try drop.run([key.seriesID, key.bucket]) }
      try remember("counts_dropped", last.flooredDivision(by: Int64(bucketsPerDay)))
    }
    return true
  }

  /// Drops of the oldest notices those whose retention has ended, unless they wait. Those of
  /// incidents that are open stay: a channel that was notified of one is notified of its end.
  func dropNotices(at now: Timestamp) throws(StoreError) -> Bool {
    try delete(
      """
      DELETE FROM notice WHERE id IN (
        SELECT id FROM (
          SELECT id, created, next_attempt FROM notice
          -- "incident-", its number, and what follows another hyphen.
          WHERE NOT (key GLOB 'incident-*' AND CAST(substr(key, 10) AS INTEGER) IN (
            SELECT incident FROM alert_rule WHERE incident IS NOT NULL
            UNION SELECT incident FROM alert_transition))
          ORDER BY id LIMIT \(Self.rowsPerStep))
        WHERE created < \(now.milliseconds - Int64(retentionDays) * 86_400_000)
          AND next_attempt IS NULL)
      """)
  }

  /// Drops evaluations of deleted alert rules, and those whose retention has ended.
  func dropEvaluations(at now: Timestamp) throws(StoreError) -> Bool {
    let minute = (now.day - retentionDays) * 1440
    // One index lookup for each rule, instead of a scan of all rows.
    let rules = try connection.rows(
      """
      WITH RECURSIVE each (rule) AS (
        SELECT min(rule) FROM alert_evaluation
        UNION ALL
        SELECT (SELECT min(rule) FROM alert_evaluation WHERE rule > each.rule) FROM each
        WHERE each.rule IS NOT NULL)
      SELECT rule, (SELECT min(minute) FROM alert_evaluation WHERE rule = each.rule) < \(minute),
        EXISTS (SELECT 1 FROM alert_rule WHERE id = each.rule)
      FROM each WHERE rule IS NOT NULL
      """
    ) { row -> (id: Int64, end: Int)? in
      if row.integer(2) == 0 { return (row.integer(0), .max) }
      return row.integer(1) != 0 ? (row.integer(0), minute) : nil
    }
    guard let (rule, end) = rules.first else { return false }
    return try delete(
      """
      DELETE FROM alert_evaluation WHERE rule = \(rule) AND minute IN (
        SELECT minute FROM alert_evaluation WHERE rule = \(rule) AND minute < \(end)
        LIMIT \(Self.rowsPerStep))
      """)
  }

  /// Deletes, once a day, the users that no set, row or state can contain any more: their last
  /// update is older than any retention, with a week to spare.
  func dropUsers(at now: Timestamp) throws(StoreError) -> Bool {
    if sweep.lastDay == now.day { return false }
    let start = sweep.cursor ?? []
    let end = try connection.rows(
      "SELECT hash FROM user WHERE hash > ? ORDER BY hash LIMIT 1 OFFSET ?",
      [start, Self.usersPerStep - 1]
    ) { $0.blob(0) }.first
    // This is greater than any hash. SQLite would not use an optional bound for the search, and
    // each step would read on to the end of the table.
    let limit = end ?? [UInt8](repeating: 0xff, count: 17)
    try connection.run(
      "DELETE FROM user WHERE hash > ?1 AND hash <= ?2 AND seen < ?3",
      [start, limit, now.day - retentionDays - 7])
    if connection.changes > 0 { interning.forgetUsers() }
    sweep.cursor = end
    if end == nil { sweep.lastDay = now.day }
    return end != nil
  }
}
