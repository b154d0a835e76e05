internal import CSQLite
internal import Glibc
internal import Storage

/// Sessions in SQLite.
///
/// Invariant of this module: the only one that calls `sqlite3_` functions, and the only one with
/// SQL.

/// A connection to the database, used by one thread at a time.
@safe
final class Connection {
  enum Mode {
    /// Writes, and creates the file if it is not there.
    case writer
    /// Reads only.
    case reader
  }

  private let handle: OpaquePointer
  private let path: String
  /// Is told of every statement that is prepared: tests read the plans of those behind a question.
  var noteStatement: ((String) -> Void)?

  /// Once, before the first connection. It cannot be done later, and need not.
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
    // SQLite brings the log into the file when the last connection closes, whatever the reason is:
    // not over a file that may be damaged.
    unsafe csqlite_keep_log_on_close(handle, 1)
    // A command in another process may hold the write lock for a moment, and a service under load
    // lets go of it only between two batches. SQLite's own handler sleeps longer and longer and
    // would miss those gaps; this one looks every 0.2 ms, for ten seconds.
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

  /// Runs statements that give no rows.
  func execute(_ sql: String) throws(StoreError) {
    let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw unsafe Self.failure(code, handle, "\(path): \(sql)") }
  }

  /// Runs one of the few statements of each transaction, which is parsed the first time only.
  private func executeOften(_ sql: String) throws(StoreError) {
    let known = unsafe often[sql]
    let statement = if let known = unsafe known { unsafe known } else { unsafe try parse(sql) }
    unsafe often[sql] = statement
    let code = unsafe sqlite3_step(statement)
    // Gives the same code again.
    unsafe sqlite3_reset(statement)
    guard code == SQLITE_DONE else { throw unsafe Self.failure(code, handle, "\(path): \(sql)") }
  }

  /// By their text. A ``Statement`` would keep its connection for ever.
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

  /// Rows changed by the last statement.
  var changes: Int { unsafe Int(sqlite3_changes(handle)) }

  var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

  /// Runs `body` in a transaction that is rolled back if it throws; within a transaction, in that one.
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

  /// Brings in of the log what nobody reads; waits for nobody.
  ///
  /// - Returns: how many pages are in the log, and how many of them are in the file.
  func checkpoint() throws(StoreError) -> (pages: Int, pagesDone: Int) {
    try openLog()
    var pages: Int32 = 0
    var done: Int32 = 0
    let code = unsafe sqlite3_wal_checkpoint_v2(
      handle, nil, SQLITE_CHECKPOINT_PASSIVE, &pages, &done)
    guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else {
      throw failure(code, "bring the log in")
    }
    return (Int(pages), Int(done))
  }

  /// Opens the log, as SQLite does with the first read: before, a checkpoint brings in nothing and
  /// says that all is well.
  func openLog() throws(StoreError) {
    if hasLog { return }
    _ = try number("PRAGMA schema_version")
    hasLog = true
  }

  private var hasLog = false

  /// How many pages are in the log since the last commit of this connection.
  private(set) var logPages = 0

  /// From now on the log is brought in by ``checkpoint()`` alone, not by commits.
  func watchLog() {
    unsafe sqlite3_wal_hook(
      handle,
      { context, _, _, pages in
        let connection = unsafe context.map {
          unsafe Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue()
        }
        connection?.logPages = Int(pages)
        return SQLITE_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// From now on each commit is synced to the disk.
  func syncCommits() {
    // It fails on a broken connection only, which is closed.
    unsafe sqlite3_exec(handle, "PRAGMA synchronous = FULL", nil, nil, nil)
  }

  /// Runs `body` in a transaction that is rolled back, and changes nothing on the disk.
  func rehearse<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
    try execute("PRAGMA cache_spill = OFF; BEGIN IMMEDIATE")
    defer {
      rollBack()
      unsafe sqlite3_exec(handle, "PRAGMA cache_spill = ON", nil, nil, nil)
    }
    return try body()
  }

  /// Ends a transaction, if one is open, without its changes.
  private func rollBack() {
    // SQLite may have rolled back by itself after a full disk or an input/output error.
    guard unsafe sqlite3_get_autocommit(handle) == 0 else { return }
    unsafe sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
  }

  /// The first column of the first row, as a number.
  func number(_ sql: String) throws(StoreError) -> Int64? {
    let statement = try prepare(sql)
    return try statement.step() ? statement.integer(0) : nil
  }

  /// The part of a range of buckets that a table spans, by the first column of its key: anyone can ask
  /// for ages, and where each bucket is looked up those that are not there would be, too.
  func stored(
    _ buckets: Range<Int>, _ column: String, of table: String
  ) throws(StoreError) -> Range<Int> {
    let first = try number("SELECT min(\(column)) FROM \(table)") ?? 0
    let last = try number("SELECT max(\(column)) FROM \(table)") ?? 0
    return buckets.clamped(to: Int(first)..<Int(last) + 1)
  }

  /// When this connection closes as the last one, the log is brought into the file and removed.
  func bringLogInOnClose() {
    unsafe csqlite_keep_log_on_close(handle, 0)
  }

  /// Looks for damage in the file.
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
    while code == SQLITE_OK {
      code = unsafe sqlite3_backup_step(backup, pagesPerStep)
      let total = unsafe Int(sqlite3_backup_pagecount(backup))
      progress(unsafe total - Int(sqlite3_backup_remaining(backup)), total)
    }
    unsafe sqlite3_backup_finish(backup)
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
