internal import ReleaseHealth
internal import Storage

/// Closes hours and days, and drops what is no longer needed, in small steps on the writer's
/// connection, so that no batch waits long for it.
final class Housekeeping {
  private let connection: Connection
  private let interning: Interning
  private let counts: CountTables
  private let users: UserTables
  /// For so many days counts and users are kept.
  private let retentionDays: Int
  private var run = Run()
  private var sessions = SessionSweep()
  private var sweep = UserSweep()

  private static let statesPerStep = 2000
  private static let usersPerStep = 2000
  /// Rows of counts, arrivals, outcomes, notices and evaluations.
  private static let rowsPerStep = 500
  private static let cellsPerStep = 50
  /// Changes of users that are only read: some more where a minute has more.
  private static let changesReadPerStep = 20_000
  /// Parts of minutes, of up to 2 KiB.
  private static let partsPerStep = 500
  private static let setBytesPerStep = 1 << 20
  /// Of sets that are dropped. Large ones lie on pages of their own, each of which is read to be
  /// given back.
  private static let droppedBytesPerStep = 1 << 18
  /// For so many days the log of arrivals is kept.
  private static let arrivalDays = 30

  /// One run of the job: steps at the same time.
  private struct Run {
    var now: Timestamp?
    /// The first of the phases that may have something left to do.
    var phase = 0
    /// The last hour that was closed. Late updates open hours again and again under load: those behind
    /// this one are left to the next run, or all else would wait for them.
    var closed = BucketKey(bucket: .min, scope: .min)
    /// The hour that the last step closed in part.
    var closing: BucketKey?
  }

  /// How far the search for old states came. What is behind it is gone, or is kept because drift
  /// decides over it: it need not be looked at again.
  private struct SessionSweep {
    var started = Int64.min
    var sessionID = [UInt8](repeating: 0, count: 16)
    var scope = Int64.min
  }

  /// How far the daily search for forgotten users came.
  private struct UserSweep {
    /// The day of the last whole search.
    var lastDay: Int?
    /// The last hash that was looked at; nil between searches.
    var cursor: [UInt8]?
  }

  init(
    connection: Connection, interning: Interning, counts: CountTables, users: UserTables,
    retentionDays: Int
  ) {
    self.connection = connection
    self.interning = interning
    self.counts = counts
    self.users = users
    self.retentionDays = retentionDays
  }

  /// Does one step; false when there was nothing to do.
  func step(at now: Timestamp) throws(StoreError) -> Bool {
    if run.now != now { run = Run(now: now) }
    while run.phase < Self.phases.count {
      // A phase that has nothing left is not asked again: some look at each scope.
      if try Self.phases[run.phase](self)(now) { return true }
      run.phase += 1
    }
    run = Run()
    // The next run looks at all states again: a clock that was set back may have brought some behind
    // the place that this one reached.
    sessions = SessionSweep()
    return false
  }

  /// In the order in which one prepares the next: days are closed once their hours are.
  private static let phases: [@Sendable (Housekeeping) -> (Timestamp) throws(StoreError) -> Bool] =
    [
      dropSessions, closeHours, closeDays, uniteDays, dropMinutes, dropExpired, dropExpiredSets,
      dropEvaluations, dropNotices, dropUsers,
    ]

  /// States of sessions of which no update can be accepted any more.
  private func dropSessions(at now: Timestamp) throws(StoreError) -> Bool {
    let kept = now.milliseconds - DomainLimits.stateMillisecondsKept
    return try dropSteady(before: kept) ? true : try dropDrifted(before: kept)
  }

  /// Of states without drift the key holds the start.
  private func dropSteady(before kept: Int64) throws(StoreError) -> Bool {
    // Nothing is left in front of the place that was reached.
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
      statement.bind(3, sessions.scope)
    }
    find.bind(4, kept)
    find.bind(5, Self.statesPerStep - 1)
    var reached = SessionSweep(started: kept)
    let isPart = try find.step()
    if isPart {
      reached.started = find.integer(0)
      reached.sessionID = find.blob(1)
      reached.scope = find.integer(2)
      find.reset()
    }
    for statement in [last, delete] {
      statement.bind(4, reached.started)
      statement.bind(5, blob: reached.sessionID)
      statement.bind(6, reached.scope)
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
    var keys: [(started: Int64, sessionID: [UInt8], scope: Int64)] = []
    // They count where their earliest start is, whatever their keys say.
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
        delete.bind(3, key.scope)
        try delete.run()
      }
      try remember("states_dropped", last)
    }
    return true
  }

  /// Hours that ended an hour ago or longer get sets in place of their minutes.
  private func closeHours(at now: Timestamp) throws(StoreError) -> Bool {
    // An update took back what was done of a large hour.
    if let hour = run.closing, !users.isClosing(hour) { run.closed = hour }
    let open = try keys(
      """
      SELECT hour, scope FROM user_hour_open
      WHERE (hour, scope) > (\(run.closed.bucket), \(run.closed.scope)) AND hour < \(now.hour - 1)
      ORDER BY hour, scope LIMIT \(Self.cellsPerStep)
      """)
    if open.isEmpty { return false }
    do throws(StoreError) {
      var (closed, closing) = (run.closed, run.closing)
      try connection.transaction { () throws(StoreError) in
        var changesLeft = Self.changesReadPerStep
        for key in open where changesLeft > 0 {
          changesLeft -= try users.close(key, changesMax: changesLeft)
          closing = users.isClosing(key) ? key : nil
          if closing == nil { closed = key }
        }
      }
      (run.closed, run.closing) = (closed, closing)
    } catch {
      users.forget()
      throw error
    }
    return true
  }

  /// Days whose hours are all closed. A late update may have opened one again since the hours of this
  /// run were closed: its day waits for the next run.
  private func closeDays(at now: Timestamp) throws(StoreError) -> Bool {
    let end = (now.hour - 1).flooredDivision(by: 24)
    let open = try keys(
      """
      SELECT day, scope FROM user_day_open WHERE day < \(end) AND (day, scope) NOT IN (
        SELECT hour / 24, scope FROM user_hour_open WHERE hour < \(end * 24))
      ORDER BY day, scope LIMIT \(Self.cellsPerStep)
      """)
    if open.isEmpty { return false }
    try connection.transaction { () throws(StoreError) in
      var bytesLeft = Self.setBytesPerStep
      for key in open where bytesLeft > 0 {
        bytesLeft -= try users.close(day: key.bucket, scope: key.scope)
      }
    }
    return true
  }

  /// Days of environments of which all scopes are closed.
  private func uniteDays(at now: Timestamp) throws(StoreError) -> Bool {
    let find = try connection.prepare(
      """
      SELECT day, project, environment FROM user_environment_day AS each
      WHERE sets IS NULL AND day < \((now.hour - 1).flooredDivision(by: 24)) AND NOT EXISTS (
        SELECT 1 FROM user_day_open CROSS JOIN scope ON scope.id = user_day_open.scope
        WHERE day = each.day AND project = each.project AND environment = each.environment)
      ORDER BY day LIMIT \(Self.cellsPerStep)
      """)
    var days: [(day: Int, project: Int64, environment: Int64)] = []
    while try find.step() {
      days.append((Int(find.integer(0)), find.integer(1), find.integer(2)))
    }
    if days.isEmpty { return false }
    try connection.transaction { () throws(StoreError) in
      var bytesLeft = Self.setBytesPerStep
      for each in days where bytesLeft > 0 {
        bytesLeft -= try users.unite(
          day: each.day, project: each.project, environment: each.environment)
      }
    }
    return true
  }

  /// The minutes of hours that no session can reach any more.
  private func dropMinutes(at now: Timestamp) throws(StoreError) -> Bool {
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

  /// Writes down how far something was dropped, for explanations and verifications: what lies
  /// further back cannot be computed again.
  ///
  /// - Parameter value: of the last that went, not of the last that might: by a clock that was
  ///   ahead once, that lies in the future, and all until then would pass for dropped.
  private func remember(_ name: String, _ value: Int64) throws(StoreError) {
    let save = try connection.prepare(
      """
      INSERT INTO setting (name, value) VALUES (?, ?)
      ON CONFLICT DO UPDATE SET value = max(value, excluded.value)
      """)
    save.bind(1, name)
    save.bind(2, value)
    try save.run()
  }

  /// The first hour of a table whose minutes can go. An hour is held back while its users stand in
  /// its minutes alone, or while a session is remembered that drift has moved into it.
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

  /// From the first part on that goes, the sets of the hour and scope are final.
  private func dropUserMinutes(of hour: Int) throws(StoreError) -> Bool {
    let find = try connection.prepare(
      """
      SELECT scope, minute, part FROM user_minute WHERE hour = ?1
      ORDER BY scope, minute, part LIMIT 1 OFFSET ?2
      """)
    find.bind(1, hour)
    find.bind(2, Self.partsPerStep - 1)
    // Without so many parts the last scope there is, and all of it.
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

  /// Counts, arrivals and outcomes whose retention has ended.
  private func dropExpired(at now: Timestamp) throws(StoreError) -> Bool {
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

  /// Drops the first rows of a table, by its key, that meet a condition.
  ///
  /// - Returns: what the key of the last one begins with; nil when there was none.
  private func dropFirst(
    of table: String, key: String, _ condition: String
  ) throws(StoreError) -> Int64? {
    let rows = """
      SELECT \(key) FROM \(table) WHERE \(condition) ORDER BY \(key) LIMIT \(Self.rowsPerStep)
      """
    let find = try connection.prepare(rows)
    var last: Int64?
    while try find.step() { last = find.integer(0) }
    if last != nil { try connection.execute("DELETE FROM \(table) WHERE (\(key)) IN (\(rows))") }
    return last
  }

  /// Sets of users whose retention has ended.
  private func dropExpiredSets(at now: Timestamp) throws(StoreError) -> Bool {
    let day = now.day - retentionDays
    return try dropSets("user_day", "day", before: day)
      ? true : dropSets("user_hour", "hour", before: day, bucketsPerDay: 24)
  }

  /// The keys of sets lead with the scope: they are looked for scope by scope.
  private func dropSets(
    _ table: String, _ bucket: String, before day: Int, bucketsPerDay: Int = 1
  ) throws(StoreError) -> Bool {
    let find = try connection.prepare(
      """
      SELECT scope, \(bucket), length(sets)
      FROM scope AS each CROSS JOIN \(table) ON scope = each.id AND \(bucket) < ?
      LIMIT \(Self.rowsPerStep)
      """)
    find.bind(1, day * bucketsPerDay)
    var expired: [(scope: Int64, bucket: Int64)] = []
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
      for key in expired {
        drop.bind(1, key.scope)
        drop.bind(2, key.bucket)
        try drop.run()
      }
      try remember("counts_dropped", last.flooredDivision(by: Int64(bucketsPerDay)))
    }
    return true
  }

  private func dropNotices(at now: Timestamp) throws(StoreError) -> Bool {
    try NoticeTables.dropOld(
      before: now.milliseconds - Int64(retentionDays) * 86_400_000, rowsMax: Self.rowsPerStep,
      on: connection)
  }

  /// Evaluations of alert rules, by the rule: those of one that is gone, or past their retention.
  private func dropEvaluations(at now: Timestamp) throws(StoreError) -> Bool {
    let minute = (now.day - retentionDays) * 1440
    // From each rule to the next: a look into the index for each, not a walk over all rows.
    let find = try connection.prepare(
      """
      WITH RECURSIVE each (rule) AS (
        SELECT min(rule) FROM alert_evaluation
        UNION ALL
        SELECT (SELECT min(rule) FROM alert_evaluation WHERE rule > each.rule) FROM each
        WHERE each.rule IS NOT NULL)
      SELECT rule, (SELECT min(minute) FROM alert_evaluation WHERE rule = each.rule) < \(minute),
        EXISTS (SELECT 1 FROM alert_rule WHERE id = each.rule)
      FROM each WHERE rule IS NOT NULL
      """)
    var rules: [(id: Int64, end: Int)] = []
    while try find.step() {
      if find.integer(2) == 0 {
        rules.append((find.integer(0), .max))
      } else if find.integer(1) != 0 {
        rules.append((find.integer(0), minute))
      }
    }
    guard let (rule, end) = rules.first else { return false }
    return try delete(
      """
      DELETE FROM alert_evaluation WHERE rule = \(rule) AND minute IN (
        SELECT minute FROM alert_evaluation WHERE rule = \(rule) AND minute < \(end)
        LIMIT \(Self.rowsPerStep))
      """)
  }

  /// Once a day: users whom no set, row or state can name any more, because whatever came of them
  /// came longer ago than anything is kept, with a week to spare.
  private func dropUsers(at now: Timestamp) throws(StoreError) -> Bool {
    if sweep.lastDay == now.day { return false }
    let next = try connection.prepare(
      "SELECT hash FROM user WHERE hash > ? ORDER BY hash LIMIT 1 OFFSET \(Self.usersPerStep - 1)")
    let start = sweep.cursor ?? []
    next.bind(1, blob: start)
    let end = try next.step() ? next.blob(0) : nil
    next.reset()
    let delete = try connection.prepare(
      "DELETE FROM user WHERE hash > ?1 AND hash <= ?2 AND seen < ?3")
    delete.bind(1, blob: start)
    // Greater than any hash. A bound that could be absent would keep SQLite from using it: each step
    // would walk on to the end of the table.
    delete.bind(2, blob: end ?? [UInt8](repeating: 0xff, count: 17))
    delete.bind(3, now.day - retentionDays - 7)
    try delete.run()
    if connection.changes > 0 { interning.forgetUsers() }
    sweep.cursor = end
    if end == nil { sweep.lastDay = now.day }
    return end != nil
  }

  /// Runs one deletion; false if it found nothing.
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
