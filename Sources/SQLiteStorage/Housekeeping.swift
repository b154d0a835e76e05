internal import ReleaseHealth
internal import Storage

/// Closes hours and days, and drops what is no longer needed, in small steps on the writer's
/// connection, so that no batch waits long for it.
final class Housekeeping {
  private let connection: Connection
  private let interning: Interning
  private let users: UserTables
  /// For so many days counts and users are kept.
  private let retentionDays: Int
  private var sweep = UserSweep()

  private static let rowsPerStep = 2000
  private static let cellsPerStep = 50
  /// For so many days the log of arrivals is kept.
  private static let arrivalDays = 30

  /// How far the daily search for forgotten users came.
  private struct UserSweep {
    /// The day of the last whole search.
    var lastDay: Int?
    /// The last hash that was looked at; nil between searches.
    var cursor: [UInt8]?
  }

  init(
    connection: Connection, interning: Interning, users: UserTables, retentionDays: Int
  ) {
    self.connection = connection
    self.interning = interning
    self.users = users
    self.retentionDays = retentionDays
  }

  /// Does one step; false when there was nothing to do.
  func step(at now: Timestamp) throws(StoreError) -> Bool {
    if try dropSessions(at: now) { return true }
    if try closeHours(at: now) { return true }
    if try closeDays(at: now) { return true }
    if try dropMinutes(at: now) { return true }
    if try dropExpired(at: now) { return true }
    return try dropUsers(at: now)
  }

  /// States of sessions of which no update can be accepted any more.
  private func dropSessions(at now: Timestamp) throws(StoreError) -> Bool {
    let kept = now.milliseconds - DomainLimits.stateMillisecondsKept
    let conditions = [
      // The key holds what the device's clock claimed; without drift that is the start.
      "started < \(kept) AND latest IS NULL",
      "latest < \(kept)",
    ]
    for condition in conditions {
      let dropped = try delete(
        """
        DELETE FROM session WHERE (started, sid, scope) IN (
          SELECT started, sid, scope FROM session WHERE \(condition) LIMIT \(Self.rowsPerStep))
        """)
      if dropped { return true }
    }
    return false
  }

  /// Hours that ended an hour ago or longer get sets in place of their rows.
  private func closeHours(at now: Timestamp) throws(StoreError) -> Bool {
    let open = try keys(
      """
      SELECT hour, scope FROM user_hour_open WHERE hour < \(now.hour - 1)
      ORDER BY hour, scope LIMIT \(Self.cellsPerStep)
      """)
    if open.isEmpty { return false }
    try connection.transaction { () throws(StoreError) in
      for key in open { try users.close(key) }
    }
    return true
  }

  private func closeDays(at now: Timestamp) throws(StoreError) -> Bool {
    let open = try keys(
      """
      SELECT day, scope FROM user_day_open AS open
      WHERE day < \((now.hour - 1).flooredDivision(by: 24)) AND NOT EXISTS (
        SELECT 1 FROM user_hour_open
        WHERE hour >= open.day * 24 AND hour < open.day * 24 + 24 AND scope = open.scope)
      ORDER BY day, scope LIMIT \(Self.cellsPerStep)
      """)
    if open.isEmpty { return false }
    try connection.transaction { () throws(StoreError) in
      for key in open { try users.close(day: key.bucket, scope: key.scope) }
    }
    return true
  }

  /// The minutes of hours that no session can reach any more.
  private func dropMinutes(at now: Timestamp) throws(StoreError) -> Bool {
    let end = Timestamp(milliseconds: now.milliseconds - DomainLimits.minutesMillisecondsKept).hour
    for table in ["user_minute", "session_minute"] {
      // An hour is held back while its users stand in its rows alone, or while a session is
      // remembered that drift has moved into it.
      let hour = try connection.number(
        """
        SELECT hour FROM (SELECT DISTINCT hour FROM \(table) WHERE hour < \(end)) AS old
        WHERE NOT EXISTS (SELECT 1 FROM user_hour_open WHERE hour = old.hour)
          AND NOT EXISTS (
            SELECT 1 FROM session WHERE latest IS NOT NULL
              AND earliest >= old.hour * 3600000 AND earliest < (old.hour + 1) * 3600000)
        LIMIT 1
        """)
      guard let hour else { continue }
      let key = table == "user_minute" ? "hour, scope, minute, kind, user" : "hour, scope"
      return try delete(
        """
        DELETE FROM \(table) WHERE (\(key)) IN (
          SELECT \(key) FROM \(table) WHERE hour = \(hour) LIMIT \(Self.rowsPerStep))
        """)
    }
    return false
  }

  /// Counts, users, arrivals and outcomes whose retention has ended.
  private func dropExpired(at now: Timestamp) throws(StoreError) -> Bool {
    let day = now.day - retentionDays
    let step = (now.day - Self.arrivalDays) * 144
    let expired: [(table: String, key: String, rows: String)] = [
      ("session_day", "day, scope", "session_day WHERE day < \(day)"),
      ("duration_hour", "hour, scope", "duration_hour WHERE hour < \(day * 24)"),
      ("arrival", "step, scope, hour", "arrival WHERE step < \(step)"),
      ("outcome", "hour, project, name", "outcome WHERE hour < \(day * 24)"),
      // The keys of sets lead with the scope: they are looked for scope by scope.
      (
        "user_day", "scope, day",
        "scope AS each CROSS JOIN user_day ON scope = each.id AND day < \(day)"
      ),
      (
        "user_hour", "scope, hour",
        "scope AS each CROSS JOIN user_hour ON scope = each.id AND hour < \(day * 24)"
      ),
    ]
    for (table, key, rows) in expired {
      let dropped = try delete(
        """
        DELETE FROM \(table) WHERE (\(key)) IN (
          SELECT \(key) FROM \(rows) LIMIT \(Self.rowsPerStep))
        """)
      if dropped { return true }
    }
    return false
  }

  /// Once a day: users whom no set, row or state can name any more, because whatever came of them
  /// came longer ago than anything is kept, with a week to spare.
  private func dropUsers(at now: Timestamp) throws(StoreError) -> Bool {
    if sweep.lastDay == now.day { return false }
    let next = try connection.prepare(
      "SELECT hash FROM user WHERE hash > ? ORDER BY hash LIMIT 1 OFFSET \(Self.rowsPerStep - 1)")
    let start = sweep.cursor ?? []
    next.bind(1, blob: start)
    let end = try next.step() ? next.blob(0) : nil
    next.reset()
    let delete = try connection.prepare(
      "DELETE FROM user WHERE hash > ?1 AND (?2 IS NULL OR hash <= ?2) AND seen < ?3")
    delete.bind(1, blob: start)
    delete.bind(2, blob: end)
    delete.bind(3, now.day - retentionDays - 7)
    try delete.run()
    if connection.changes > 0 { try interning.forget() }
    sweep.cursor = end
    if end == nil { sweep.lastDay = now.day }
    return end != nil
  }

  /// Runs one deletion in a transaction of its own; false if it found nothing.
  private func delete(_ sql: String) throws(StoreError) -> Bool {
    try connection.execute(sql)
    return connection.changes > 0
  }

  private func keys(_ sql: String) throws(StoreError) -> [BucketKey] {
    let statement = try connection.prepare(sql)
    var keys: [BucketKey] = []
    while try statement.step() {
      keys.append(BucketKey(bucket: Int(statement.integer(0)), scope: statement.integer(1)))
    }
    return keys
  }
}
