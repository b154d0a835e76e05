package import ReleaseHealth
package import Storage

/// A ``SessionStore`` and ``CatalogStore`` in one SQLite file.
///
/// One connection writes; every reader has its own and sees the last commit (WAL). Writers in
/// other processes (the commands) take turns through SQLite's lock.
package final class SQLiteStore: Sendable {
  package struct Settings: Sendable {
    /// The database file; its directory exists.
    package var path: String
    /// For so many days counts and users are kept.
    package var retentionDays: Int
    /// 32 random bytes, used only when the file is new.
    package var newSecret: [UInt8]

    package init(path: String, retentionDays: Int = 90, newSecret: [UInt8]) {
      self.path = path
      self.retentionDays = retentionDays
      self.newSecret = newSecret
    }
  }

  /// What works on the writer's connection.
  struct Writer {
    let connection: Connection
    let interning: Interning
    let ingest: IngestTransaction
    let housekeeping: Housekeeping

    init(_ settings: Settings) throws(StoreError) {
      connection = try Database.openWriter(path: settings.path, newSecret: settings.newSecret)
      let counts = try CountTables(connection)
      let users = try UserTables(connection)
      interning = try Interning(connection)
      ingest = try IngestTransaction(
        connection, interning: interning, counts: counts, users: users)
      housekeeping = Housekeeping(
        connection: connection, interning: interning, counts: counts, users: users,
        retentionDays: settings.retentionDays)
    }
  }

  private let settings: Settings
  private let writer: WriterLock
  private let readers: ReaderPool

  package init(_ settings: Settings) throws(StoreError) {
    self.settings = settings
    writer = WriterLock(settings)
    readers = ReaderPool(path: settings.path)
    // Opens the file now, so that what is wrong with it is known at the start.
    try writer.use { (_) throws(StoreError) in }
  }

  /// Looks for damage before anything is written: in all of a small file, and in the catalog of a
  /// larger one, whose whole check is `hale verify`.
  package func checkFile() throws(StoreError) {
    try read { (connection) throws(StoreError) in
      let pages = try connection.number("PRAGMA page_count") ?? 0
      let pageBytes = try connection.number("PRAGMA page_size") ?? 0
      let parts = pages * pageBytes <= Self.wholeCheckBytesMax ? ["1"] : Self.catalogTables
      for part in parts { try connection.quickCheck(part, path: settings.path) }
    }
  }

  private static let catalogTables = [
    "setting", "organization", "project", "project_key", "token", "release", "scope",
  ]

  /// So much is checked in a fraction of a second.
  private static let wholeCheckBytesMax: Int64 = 256 << 20

  func write<Value: Sendable>(
    _ body: (borrowing Writer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try writer.use(body)
  }

  func read<Value: Sendable>(
    _ body: (Connection) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try readers.use(body)
  }
}

extension SQLiteStore: SessionStore {
  @discardableResult
  package func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    try write { (writer) throws(StoreError) in try writer.ingest.ingest(batch) }
  }

  package func health(_ query: HealthQuery) throws(StoreError) -> [HealthGroup] {
    try read { (connection) throws(StoreError) in
      try HealthReader.read(query, from: connection)
    }
  }

  package func checkWritable() throws(StoreError) {
    try write { (writer) throws(StoreError) in
      try writer.connection.transaction { () throws(StoreError) in
        // A value that changes each time: SQLite writes no page for one that stays.
        try writer.connection.execute(
          """
          INSERT INTO setting (name, value) VALUES ('writability_checks', 1)
          ON CONFLICT DO UPDATE SET value = value + 1
          """)
      }
    }
  }

  /// Brings what is in the log into the file and closes the connections, the writer's last: only it
  /// may remove the log.
  package func close() throws(StoreError) {
    readers.close()
    try writer.close()
  }

  package func housekeep(at now: Timestamp) throws(StoreError) -> Bool {
    try write { (writer) throws(StoreError) in try writer.housekeeping.step(at: now) }
  }
}

extension SQLiteStore: AccountStore {
  package func outcomes(
    of projects: Set<ProjectID>, hours: Range<Int>, intervalHours: Int
  ) throws(StoreError) -> [[OutcomeKey: Int64]] {
    try read { (connection) throws(StoreError) in
      try AccountReader.outcomes(
        of: projects, hours: hours, intervalHours: intervalHours, from: connection)
    }
  }

  package func history(_ query: HealthQuery) throws(StoreError) -> SessionHistory {
    try read { (connection) throws(StoreError) in
      try AccountReader.history(query, from: connection)
    }
  }
}
