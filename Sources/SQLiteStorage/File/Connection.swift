internal import CSQLite
internal import Glibc
internal import Storage

/// The session store in SQLite.
///
/// Invariant of this module: no other one calls `sqlite3_` functions, or has SQL.

/// A connection to the database, used by one thread at a time.
@safe
final class Connection {
  enum Mode {
    /// A connection that writes, and creates the file if it does not exist.
    case writer
    /// A read-only connection.
    case reader
  }

  private let handle: OpaquePointer
  private let path: String
  /// Receives each statement that is prepared; tests read their query plans.
  var noteStatement: ((String) -> Void)?

  /// Configures SQLite once, before the first connection; later is not possible.
  private static let isConfigured = csqlite_configure() == SQLITE_OK

  init(path: String, mode: Mode) throws(StoreError) {
    self.path = path
    _ = Self.isConfigured
    var opened: OpaquePointer?
    // NOMUTEX: "a single database connection must not be used in two or more threads at the same
    // time" (sqlite.org/threadsafe.html); each of ours belongs to one thread at a time.
    let flags =
      switch mode {
      case .writer: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
      case .reader: SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
      }
    let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
    guard code == SQLITE_OK, let opened = unsafe opened else {
      let failure = unsafe Self.failure(code, opened, "open \(path)")
      unsafe sqlite3_close_v2(opened)
      throw failure
    }
    unsafe handle = opened
    unsafe sqlite3_extended_result_codes(handle, 1)
    // When the last connection closes, SQLite runs a WAL checkpoint for whatever reason. It must
    // not write to a file that may be damaged.
    unsafe csqlite_keep_log_on_close(handle, 1)
    // A command in another process may hold the write lock for a moment, and a service under load
    // releases it only between two batches. SQLite's own handler sleeps ever longer and would miss
    // those gaps; this one retries every 0.2 ms, for ten seconds.
    unsafe sqlite3_busy_handler(
      handle,
      { _, attempts in
        usleep(200)
        return attempts < 50_000 ? 1 : 0
      }, nil)
  }

  deinit {
    unsafe often.values.forEach { unsafe sqlite3_finalize($0) }
    unsafe sqlite3_close_v2(handle)
  }

  /// Runs statements that return no rows.
  func execute(_ sql: String) throws(StoreError) {
    let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw unsafe Self.failure(code, handle, "\(path): \(sql)") }
  }

  /// Runs a statement that each transaction uses; it is parsed only the first time.
  private func executeOften(_ sql: String) throws(StoreError) {
    let known = unsafe often[sql]
    let statement = if let known = unsafe known { unsafe known } else { unsafe try parse(sql) }
    unsafe often[sql] = statement
    let code = unsafe sqlite3_step(statement)
    // The reset returns the same code again.
    unsafe sqlite3_reset(statement)
    guard code == SQLITE_DONE else { throw unsafe Self.failure(code, handle, "\(path): \(sql)") }
  }

  /// Statements by their SQL. A ``Statement`` would retain its connection for ever.
  private var often: [String: OpaquePointer] = unsafe [:]

  /// Prepares a statement that is used many times.
  func prepare(_ sql: String) throws(StoreError) -> Statement {
    noteStatement?(sql)
    return unsafe Statement(try parse(sql), of: self)
  }

  private func parse(_ sql: String) throws(StoreError) -> OpaquePointer {
    var prepared: OpaquePointer?
    let code = unsafe sqlite3_prepare_v3(
      handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
    guard code == SQLITE_OK, let prepared = unsafe prepared else {
      throw unsafe Self.failure(code, handle, "\(path): prepare \(sql)")
    }
    return unsafe prepared
  }

  /// The number of rows that the last statement changed.
  var changes: Int { unsafe Int(sqlite3_changes(handle)) }

  var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

  /// Runs `body` in a transaction that is rolled back if it throws; joins a transaction that is
  /// open.
  func transaction<Value>(
    _ kind: String = "IMMEDIATE", _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    if unsafe sqlite3_get_autocommit(handle) == 0 { return try body() }
    try executeOften("BEGIN \(kind)")
    do throws(StoreError) {
      let value = try body()
      try executeOften("COMMIT")
      return value
    } catch {
      rollBack()
      throw error
    }
  }

  /// Calls `body`, whose statements end when the calling thread's query has to: SQLite looks at its
  /// ``CurrentQuery`` every some thousand instructions (sqlite.org/c3ref/progress_handler.html).
  func limited<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
    guard let limit = CurrentQuery.limit else { return try body() }
    return try limited(by: limit, body)
  }

  /// Calls `body`, whose statements end when the limit says so.
  func limited<Value>(
    by limit: any QueryLimit, _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let outer = self.limit
    self.limit = limit
    unsafe sqlite3_progress_handler(
      handle, Self.instructionsPerLook,
      { context in
        let connection = unsafe context.map {
          unsafe Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue()
        }
        return connection?.mustStop() == true ? 1 : 0
      }, Unmanaged.passUnretained(self).toOpaque())
    defer {
      self.limit = outer
      stop = nil
      if outer == nil { unsafe sqlite3_progress_handler(handle, 0, nil, nil) }
    }
    do throws(StoreError) {
      return try body()
    } catch {
      throw stop ?? error
    }
  }

  /// A look takes some 50 ns, these instructions some 20 us, and code between two rows may take
  /// longer than both.
  private static let instructionsPerLook: Int32 = 1000

  private var limit: (any QueryLimit)?
  /// Why the running statement was interrupted.
  private var stop: StoreError?

  private func mustStop() -> Bool {
    do throws(StoreError) {
      try limit?.check()
      return false
    } catch {
      stop = error
      return true
    }
  }

  /// Runs a passive WAL checkpoint, which copies as many pages as readers allow and never blocks.
  ///
  /// - Returns: the number of pages in the WAL, and how many of them are in the database file.
  func checkpoint() throws(StoreError) -> (pages: Int, pagesDone: Int) {
    try openWAL()
    var pages: Int32 = 0
    var done: Int32 = 0
    let code = unsafe sqlite3_wal_checkpoint_v2(
      handle, nil, SQLITE_CHECKPOINT_PASSIVE, &pages, &done)
    guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else {
      throw failure(code, "run a WAL checkpoint")
    }
    return (Int(pages), Int(done))
  }

  /// Opens the WAL, as SQLite does with the first read. Before that, a checkpoint copies nothing
  /// and still reports success.
  func openWAL() throws(StoreError) {
    if hasLog { return }
    _ = try number("PRAGMA schema_version")
    hasLog = true
  }

  private var hasLog = false

  /// The number of pages in the WAL after this connection's last commit.
  private(set) var walPages = 0

  /// Turns off automatic checkpoints at commits: from now on only ``checkpoint()`` runs them.
  func watchWAL() {
    unsafe sqlite3_wal_hook(
      handle,
      { context, _, _, pages in
        let connection = unsafe context.map {
          unsafe Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue()
        }
        connection?.walPages = Int(pages)
        return SQLITE_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Turns on syncing to the disk at each commit.
  func syncCommits() {
    // It fails only on a broken connection, which is closed.
    unsafe sqlite3_exec(handle, "PRAGMA synchronous = FULL", nil, nil, nil)
  }

  /// Runs `body` in a transaction that is rolled back; nothing on the disk changes.
  func rehearse<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
    try execute("PRAGMA cache_spill = OFF; BEGIN IMMEDIATE")
    defer {
      rollBack()
      unsafe sqlite3_exec(handle, "PRAGMA cache_spill = ON", nil, nil, nil)
    }
    return try body()
  }

  /// Rolls back the transaction, if one is open.
  private func rollBack() {
    // SQLite may have rolled back already, after a full disk or an I/O error.
    guard unsafe sqlite3_get_autocommit(handle) == 0 else { return }
    unsafe sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
  }

  /// The first column of the first row, as a number.
  func number(_ sql: String, _ values: [(any Bindable)?] = []) throws(StoreError) -> Int64? {
    let statement = try prepare(sql)
    statement.bind(values)
    return try statement.step() ? statement.integer(0) : nil
  }

  /// Sets a value of the table `setting`.
  func save(_ value: any Bindable, as name: String) throws(StoreError) {
    try run(
      """
      INSERT INTO setting (name, value) VALUES (?, ?)
      ON CONFLICT DO UPDATE SET value = excluded.value
      """, [name, value])
  }

  /// A number of the table `setting`; nil where it is not set.
  func setting(_ name: String) throws(StoreError) -> Int64? {
    try number("SELECT value FROM setting WHERE name = ?", [name])
  }

  /// Runs a statement without rows once.
  func run(_ sql: String, _ values: [(any Bindable)?]) throws(StoreError) {
    try prepare(sql).run(values)
  }

  /// Runs a statement once, and calls `body` at each of its rows.
  func forEachRow(
    _ sql: String, _ values: [(any Bindable)?] = [], _ body: (Statement) throws(StoreError) -> Void
  ) throws(StoreError) {
    let statement = try prepare(sql)
    statement.bind(values)
    while try statement.step() { try body(statement) }
  }

  /// What `read` makes of each row of a statement that is run once; rows of which it makes nil are
  /// omitted.
  func rows<Row>(
    _ sql: String, _ values: [(any Bindable)?] = [], _ read: (Statement) -> Row?
  ) throws(StoreError) -> [Row] {
    var rows: [Row] = []
    try forEachRow(sql, values) { (row) throws(StoreError) in
      if let row = read(row) { rows.append(row) }
      if rows.count & 0xff == 0xff { try hold(256 * (MemoryLayout<Row>.stride + Self.textBytes)) }
    }
    return rows
  }

  /// About what the texts and lists of a row take beside it.
  private static let textBytes = 64

  /// Notes memory of the query that this connection answers.
  func hold(_ bytes: Int) throws(StoreError) {
    try limit?.hold(bytes)
  }

  /// The part of a range of buckets that a table spans, by the first column of its key. A query may
  /// have a range of any length; no lookups are made outside the stored part.
  func stored(
    _ buckets: Range<Int>, _ column: String, of table: String
  ) throws(StoreError) -> Range<Int> {
    let first = try number("SELECT min(\(column)) FROM \(table)") ?? 0
    let last = try number("SELECT max(\(column)) FROM \(table)") ?? 0
    return buckets.clamped(to: Int(first)..<Int(last) + 1)
  }

  /// Enables the WAL checkpoint that SQLite runs, before it removes the WAL, when the last
  /// connection closes.
  func checkpointOnClose() {
    unsafe csqlite_keep_log_on_close(handle, 0)
  }

  /// Checks the file for damage.
  ///
  /// - Parameter part: a table, or 1 for all of them.
  func quickCheck(_ part: String = "1") throws(StoreError) {
    let check = try prepare("PRAGMA quick_check(\(part))")
    guard try check.step(), check.text(0) != "ok" else { return }
    throw .corrupt(operation: path, reason: check.text(0))
  }

  /// Copies all pages to an empty database by SQLite's backup interface (sqlite.org/backup.html).
  func copyPages(
    to destination: Connection, pagesPerStep: Int32, progress: DataFile.Progress
  ) throws(StoreError) {
    let backup = unsafe sqlite3_backup_init(destination.handle, "main", handle, "main")
    guard let backup = unsafe backup else {
      throw destination.failure(unsafe sqlite3_errcode(destination.handle), "begin a copy")
    }
    var code = SQLITE_OK
    var stop: StoreError?
    while code == SQLITE_OK {
      do throws(StoreError) {
        try CurrentQuery.check()
      } catch {
        stop = error
        break
      }
      code = unsafe sqlite3_backup_step(backup, pagesPerStep)
      let total = unsafe Int(sqlite3_backup_pagecount(backup))
      progress(unsafe total - Int(sqlite3_backup_remaining(backup)), total)
    }
    unsafe sqlite3_backup_finish(backup)
    if let stop { throw stop }
    guard code == SQLITE_DONE else { throw destination.failure(code, "copy") }
  }

  func failure(_ code: Int32, _ operation: String) -> StoreError {
    unsafe Self.failure(code, handle, "\(path): \(operation)")
  }

  private static func failure(
    _ code: Int32, _ handle: OpaquePointer?, _ operation: String
  ) -> StoreError {
    let message = unsafe handle.map { unsafe String(cString: sqlite3_errmsg($0)) } ?? "no memory"
    let reason = "\(message) (SQLite \(code))"
    return switch code & 0xff {
    case SQLITE_FULL: .full(operation: operation, reason: reason)
    case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt(operation: operation, reason: reason)
    default: .unavailable(operation: operation, reason: reason)
    }
  }
}
