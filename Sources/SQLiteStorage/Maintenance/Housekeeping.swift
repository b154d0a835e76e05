internal import ReleaseHealth
internal import Storage

/// Closes hours and days, and drops expired data, in small steps on the writer's connection, so
/// that no batch waits long for it.
final class Housekeeping {
  let connection: Connection
  let interning: Interning
  let counts: CountTables
  let users: UserTables
  /// The retention of counts and users, in days.
  let retentionDays: Int
  var run = Run()
  var sessions = SessionSweep()
  var sweep = UserSweep()

  static let statesPerStep = 2000
  static let usersPerStep = 2000
  /// The limit on rows of counts, arrivals, outcomes, notices and evaluations.
  static let rowsPerStep = 500
  static let cellsPerStep = 50
  /// The limit on changes of users that are only read; exceeded if one minute has more.
  static let changesReadPerStep = 20_000
  /// The limit on parts of minutes, which have up to 2 KiB each.
  static let partsPerStep = 500
  static let setBytesPerStep = 1 << 20
  /// The limit on bytes of dropped sets. Large ones have overflow pages, and each of them is read
  /// when it is freed.
  static let droppedBytesPerStep = 1 << 18
  /// The retention of the arrival log, in days.
  static let arrivalDays = 30

  /// One run of the job: all steps for the same time.
  struct Run {
    var now: Timestamp?
    /// The first phase that may have work left.
    var phase = 0
    /// The last hour that was closed. Under load, late updates keep opening hours: those before
    /// this one are left to the next run, or the later phases would never start.
    var closed = BucketKey(bucket: .min, seriesID: .min)
    /// The hour that the last step closed in part.
    var closing: BucketKey?
  }

  /// The progress of the search for old states. Those before it are dropped, or are drifted ones,
  /// which are found by an index: it does not read them again.
  struct SessionSweep {
    var started = Int64.min
    var sessionID = [UInt8](repeating: 0, count: 16)
    var seriesID = Int64.min

    var values: [(any Bindable)?] { [started, sessionID, seriesID] }
  }

  /// The progress of the daily search for users to delete.
  struct UserSweep {
    /// The day of the last complete search.
    var lastDay: Int?
    /// The last hash that was processed; nil between searches.
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

  /// Runs one step. Returns false when there is nothing to do.
  func step(at now: Timestamp) throws(StoreError) -> Bool {
    if run.now != now { run = Run(now: now) }
    while run.phase < Self.phases.count {
      // A finished phase is not run again, since some read all series.
      if try Self.phases[run.phase](self)(now) { return true }
      run.phase += 1
    }
    run = Run()
    // The next run searches all states: a clock that was set back may have added some before the
    // place that this run reached.
    sessions = SessionSweep()
    return false
  }

  /// The phases, in the order in which one prepares the next: hours are closed before days.
  private static let phases: [@Sendable (Housekeeping) -> (Timestamp) throws(StoreError) -> Bool] =
    [
      dropSessions, closeHours, closeDays, uniteDays, dropMinutes, dropExpired, dropExpiredSets,
      dropEvaluations, dropNotices, dropUsers,
    ]

  /// Saves how far data was dropped, for explanations and verification: older counts cannot be
  /// recomputed.
  ///
  /// - Parameter value: the time of the last row that was dropped, not of the limit. With a clock
  ///   that was once ahead, the limit lies in the future, and all data until then would count as
  ///   dropped.
  func remember(_ name: String, _ value: Int64) throws(StoreError) {
    try connection.run(
      """
      INSERT INTO setting (name, value) VALUES (?, ?)
      ON CONFLICT DO UPDATE SET value = max(value, excluded.value)
      """, [name, value])
  }

  /// Runs one deletion. Returns false if it found nothing.
  func delete(_ sql: String) throws(StoreError) -> Bool {
    try connection.execute(sql)
    return connection.changes > 0
  }

  func keys(_ sql: String) throws(StoreError) -> [BucketKey] {
    try connection.rows(sql) {
      BucketKey(bucket: Int($0.integer(0)), seriesID: $0.integer(1))
    }
  }
}
