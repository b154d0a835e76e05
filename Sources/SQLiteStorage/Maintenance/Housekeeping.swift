internal import ReleaseHealth
internal import Storage

/// Closes hours and days, and drops what is no longer needed, in small steps on the writer's
/// connection, so that no batch waits long for it.
final class Housekeeping {
  let connection: Connection
  let interning: Interning
  let counts: CountTables
  let users: UserTables
  /// For so many days counts and users are kept.
  let retentionDays: Int
  var run = Run()
  var sessions = SessionSweep()
  var sweep = UserSweep()

  static let statesPerStep = 2000
  static let usersPerStep = 2000
  /// Rows of counts, arrivals, outcomes, notices and evaluations.
  static let rowsPerStep = 500
  static let cellsPerStep = 50
  /// Changes of users that are only read: some more where a minute has more.
  static let changesReadPerStep = 20_000
  /// Parts of minutes, of up to 2 KiB.
  static let partsPerStep = 500
  static let setBytesPerStep = 1 << 20
  /// Of sets that are dropped. Large ones lie on pages of their own, each of which is read to be
  /// given back.
  static let droppedBytesPerStep = 1 << 18
  /// For so many days the log of arrivals is kept.
  static let arrivalDays = 30

  /// One run of the job: steps at the same time.
  struct Run {
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
  struct SessionSweep {
    var started = Int64.min
    var sessionID = [UInt8](repeating: 0, count: 16)
    var scope = Int64.min
  }

  /// How far the daily search for forgotten users came.
  struct UserSweep {
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

  /// Writes down how far something was dropped, for explanations and verifications: what lies
  /// further back cannot be computed again.
  ///
  /// - Parameter value: of the last that went, not of the last that might: by a clock that was
  ///   ahead once, that lies in the future, and all until then would pass for dropped.
  func remember(_ name: String, _ value: Int64) throws(StoreError) {
    let save = try connection.prepare(
      """
      INSERT INTO setting (name, value) VALUES (?, ?)
      ON CONFLICT DO UPDATE SET value = max(value, excluded.value)
      """)
    save.bind(1, name)
    save.bind(2, value)
    try save.run()
  }

  /// Runs one deletion; false if it found nothing.
  func delete(_ sql: String) throws(StoreError) -> Bool {
    try connection.execute(sql)
    return connection.changes > 0
  }

  func keys(_ sql: String) throws(StoreError) -> [BucketKey] {
    let statement = try connection.prepare(sql)
    var keys: [BucketKey] = []
    while try statement.step() {
      keys.append(BucketKey(bucket: Int(statement.integer(0)), scope: statement.integer(1)))
    }
    return keys
  }
}
