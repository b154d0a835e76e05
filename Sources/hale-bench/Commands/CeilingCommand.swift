import ArgumentParser
import ReleaseHealth

/// Measures how fast SQLite alone writes the rows of sessions: no HTTP, no JSON, no reads, and all
/// values known before the clock starts.
struct CeilingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ceiling",
    abstract: "Upsert the rows of `requests --kind packed` through SQLite's C API.",
    discussion: """
      Writes the state of each session, a new user for one in twenty, and for each batch the \
      packed users of its minutes and the counts, durations and arrivals of its hours. Changes the \
      database, which `fill` must have made with the same options.
      """)

  @OptionGroup var options: TrafficOptions

  @Option(help: "The database file.")
  var path: String

  @Option(help: "Sessions to write.")
  var count: Int

  @Option(help: "Sessions per transaction.")
  var batch = 10_000

  func run() throws {
    let traffic = options.traffic
    let batches = stride(from: 0, to: count, by: batch).map { start in
      RowBatch(start..<min(start + batch, count), traffic)
    }
    let connection = try RawSQLite(path)
    // The settings of the service, which however runs WAL checkpoints on another thread.
    for pragma in [
      "synchronous = FULL", "temp_store = MEMORY", "cache_size = -16384",
      "wal_autocheckpoint = 4000",
    ] { try connection.execute("PRAGMA \(pragma)") }
    let writer = try RowWriter(connection)
    let watch = Stopwatch()
    for batch in batches { try writer.write(batch) }
    let seconds = watch.seconds
    printFigures([
      ("sessions", Double(count)), ("seconds", seconds), ("rate", Double(count) / seconds),
      ("processor_us", watch.processorSeconds / Double(count) * 1e6),
    ])
  }
}

/// The rows of a batch of sessions, in key order, as the service writes them.
private struct RowBatch {
  struct SessionRow {
    var started: Int64
    var id: UInt128
    var seriesIndex: Int64
    var flags: Int64
    var duration: Int64
    /// The id of the user, as the session's row stores it.
    var user: [UInt8]
    /// The hash and the id of a new user.
    var newUser: (hash: UInt128, id: Int64)?
  }

  /// The packed users of a minute.
  struct UserPart {
    var hour: Int64
    var seriesIndex: Int64
    var minute: Int64
    var bytes: Int
  }

  struct Bucket: Hashable {
    var hour: Int64
    var seriesIndex: Int64
  }

  var sessions: [SessionRow] = []
  var userParts: [UserPart] = []
  var buckets: [Bucket] = []

  init(_ range: Range<Int>, _ traffic: Traffic) {
    var touched: Set<Bucket> = []
    var parts: [[Int64]: Int] = [:]
    for index in range {
      let session = traffic.packed(index)
      let seriesIndex = Int64(traffic.seriesIndex(of: session) + 1)
      let user = Int64(session.user + 1)
      let severity = Int64(Severity(status: session.status, errors: 0).rawValue)
      sessions.append(
        SessionRow(
          started: session.started.milliseconds, id: session.id, seriesIndex: seriesIndex,
          flags: severity + 96, duration: session.durationMilliseconds,
          user: (0..<4).map { UInt8(truncatingIfNeeded: user >> ($0 * 8)) },
          newUser: session.user >= traffic.users ? (session.id &* 3, user) : nil))
      let hour = Int64(session.started.hour)
      parts[[hour, seriesIndex, Int64(session.started.minute) - hour * 60], default: 0] += 1
      touched.insert(Bucket(hour: hour, seriesIndex: seriesIndex))
    }
    userParts = parts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { key, users in
      UserPart(hour: key[0], seriesIndex: key[1], minute: key[2], bytes: users * 3)
    }
    // The service folds updates in this order.
    sessions.sort { ($0.started, $0.id, $0.seriesIndex) < ($1.started, $1.id, $1.seriesIndex) }
    buckets = touched.sorted { ($0.hour, $0.seriesIndex) < ($1.hour, $1.seriesIndex) }
  }
}

/// The prepared statements.
private struct RowWriter {
  private let connection: RawSQLite
  private let session: RawStatement
  private let user: RawStatement
  private let userMinute: RawStatement
  private let minutes: RawStatement
  private let days: RawStatement
  private let durations: RawStatement
  private let arrivals: RawStatement
  /// Blobs of the size of the packed counts of an hour by minute, and of a day by hour.
  private let grid = [UInt8](repeating: 1, count: 300)
  private let day = [UInt8](repeating: 1, count: 200)

  init(_ connection: RawSQLite) throws {
    self.connection = connection
    session = try connection.prepare(
      """
      INSERT INTO session (started, sid, scope, flags, duration, users) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING
      """)
    user = try connection.prepare(
      "INSERT INTO user (hash, id, seen) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
    userMinute = try connection.prepare(
      """
      INSERT INTO user_minute (hour, scope, minute, part, changes) VALUES (?, ?, ?, 0, ?)
      ON CONFLICT DO UPDATE SET changes = excluded.changes
      """)
    let counts = "ON CONFLICT DO UPDATE SET identified = excluded.identified"
    minutes = try connection.prepare(
      """
      INSERT INTO session_minute (hour, scope, identified, anonymous) VALUES (?, ?, ?, x'') \(counts)
      """)
    days = try connection.prepare(
      """
      INSERT INTO session_day (day, scope, identified, anonymous) VALUES (?, ?, ?, x'') \(counts)
      """)
    durations = try connection.prepare(
      """
      INSERT INTO duration_hour (hour, scope, histogram, total) VALUES (?, ?, ?, 0)
      ON CONFLICT DO UPDATE SET histogram = excluded.histogram
      """)
    arrivals = try connection.prepare(
      """
      INSERT INTO arrival (step, scope, hour, healthy, errored, unhandled, abnormal, crashed)
      VALUES (?, ?, ?, 1, 0, 0, 0, 0) ON CONFLICT DO UPDATE SET healthy = healthy + 1
      """)
  }

  func write(_ batch: RowBatch) throws {
    try connection.execute("BEGIN IMMEDIATE")
    for row in batch.sessions { try write(row) }
    for part in batch.userParts {
      userMinute.bind(1, part.hour)
      userMinute.bind(2, part.seriesIndex)
      userMinute.bind(3, part.minute)
      userMinute.bind(4, [UInt8](repeating: 1, count: part.bytes))
      try userMinute.run()
    }
    for bucket in batch.buckets { try write(bucket) }
    try connection.execute("COMMIT")
  }

  private func write(_ row: RowBatch.SessionRow) throws {
    session.bind(1, row.started)
    session.bind(2, row.id)
    session.bind(3, row.seriesIndex)
    session.bind(4, row.flags)
    session.bind(5, row.duration)
    session.bind(6, row.user)
    try session.run()
    guard let newUser = row.newUser else { return }
    user.bind(1, newUser.hash)
    user.bind(2, newUser.id)
    user.bind(3, row.started / 86_400_000)
    try user.run()
  }

  private func write(_ bucket: RowBatch.Bucket) throws {
    let rows = [
      (minutes, bucket.hour, grid), (days, bucket.hour / 24, day), (durations, bucket.hour, grid),
    ]
    for (statement, first, blob) in rows {
      statement.bind(1, first)
      statement.bind(2, bucket.seriesIndex)
      statement.bind(3, blob)
      try statement.run()
    }
    arrivals.bind(1, bucket.hour * 6)
    arrivals.bind(2, bucket.seriesIndex)
    arrivals.bind(3, bucket.hour)
    try arrivals.run()
  }
}
