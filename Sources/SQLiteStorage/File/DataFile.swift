package import Storage

/// Work on a database file as a whole. It reads one state of it, also while a service writes.
package enum DataFile {
  /// How far a long work is: done of total, in units of its own.
  package typealias Progress = (_ done: Int, _ total: Int) -> Void

  /// Compares everything that was counted with what it can be counted from again, and checks the
  /// file; of one with an older schema, the file alone.
  ///
  /// - Throws: for a file that is not Hale's, or newer than this program; what is damaged in one is a
  ///   finding.
  package static func verify(
    path: String, progress: Progress
  ) throws(StoreError) -> VerificationReport {
    do throws(StoreError) {
      let connection = try open(path)
      return try Verification.run(connection, progress: progress)
    } catch {
      guard case .corrupt(_, let reason) = error else { throw error }
      var report = VerificationReport()
      report.findings = [Finding(check: "file", detail: reason)]
      report.findingCount = 1
      return report
    }
  }

  /// Copies a database, as it is at one moment, into one new file and syncs it.
  ///
  /// - Parameter destination: must not exist.
  /// - Returns: the bytes of the file.
  package static func copy(
    from source: String, to destination: String, progress: Progress
  ) throws(StoreError) -> Int64 {
    let from = try open(source)
    let to = try Connection(path: destination, mode: .writer)
    // The copy is worth nothing before its end, and is synced then.
    try to.execute("PRAGMA synchronous = OFF")
    // With a transaction open the source stands still: steps do not begin anew at each commit.
    try from.transaction("DEFERRED") { () throws(StoreError) in
      _ = try from.number("SELECT count(*) FROM sqlite_schema")
      try from.copyPages(to: to, pagesPerStep: 4096, progress: progress)
    }
    // One file without a log beside it.
    try to.execute("PRAGMA synchronous = EXTRA")
    try to.execute("PRAGMA journal_mode = DELETE")
    let pages = try to.number("PRAGMA page_count") ?? 0
    let pageBytes = try to.number("PRAGMA page_size") ?? 0
    return pages * pageBytes
  }

  /// Brings the log of a database that nobody uses into its file.
  package static func bringLogIn(path: String) throws(StoreError) {
    let connection = try Connection(path: path, mode: .writer)
    try Database.checkVersion(of: connection, path: path)
    try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.bringLogInOnClose()
  }

  /// Whether the file has the schema of this program, and not an older one.
  package static func isCurrent(path: String) throws(StoreError) -> Bool {
    try open(path).number("PRAGMA user_version") == Database.schemaVersion
  }

  private static func open(_ path: String) throws(StoreError) -> Connection {
    let connection = try Connection(path: path, mode: .reader)
    try connection.execute("PRAGMA temp_store = MEMORY")
    do throws(StoreError) {
      try Database.checkVersion(of: connection, path: path)
      guard try connection.number("PRAGMA user_version") != 0 else {
        throw .emptyDatabase(path: path)
      }
    } catch {
      // SQLITE_READONLY_RECOVERY and _ROLLBACK: a change was cut off, and only who may write can
      // take it back.
      guard case .unavailable(_, let reason) = error,
        reason.contains("(SQLite 264)") || reason.contains("(SQLite 776)")
      else { throw error }
      throw .interruptedChange(path: path)
    }
    return connection
  }
}
