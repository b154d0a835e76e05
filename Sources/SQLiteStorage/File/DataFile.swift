package import Storage

/// Operations on a whole database file. They read one snapshot, also while a service writes. Long
/// ones end when the calling thread's ``CurrentQuery`` has to.
package enum DataFile {
  /// The progress of a long operation, as done and total units of its own.
  package typealias Progress = (_ done: Int, _ total: Int) -> Void

  /// Checks the file, and compares all counts with the data that they can be computed from again; a
  /// file with an older schema gets the file check only.
  ///
  /// - Throws: for a file that is not Hale's, or newer than this program. Damage is a finding, not
  ///   an error.
  package static func verify(
    path: String, progress: Progress
  ) throws(StoreError) -> VerificationReport {
    do throws(StoreError) {
      let connection = try open(path)
      return try connection.limited { () throws(StoreError) in
        try Verification.run(connection, progress: progress)
      }
    } catch {
      guard case .corrupt(_, let reason) = error else { throw error }
      var report = VerificationReport()
      report.findings = [Finding(check: "file", detail: reason)]
      report.findingCount = 1
      return report
    }
  }

  /// Copies a snapshot of a database into one new file and syncs it.
  ///
  /// - Parameter destination: must not exist.
  /// - Returns: the size of the file in bytes.
  package static func copy(
    from source: String, to destination: String, progress: Progress
  ) throws(StoreError) -> Int64 {
    let from = try open(source)
    let to = try Connection(path: destination, mode: .writer)
    // An unfinished copy is worthless, so only the end is synced.
    try to.execute("PRAGMA synchronous = OFF")
    // An open transaction freezes the source: the backup does not restart at each commit.
    try from.transaction("DEFERRED") { () throws(StoreError) in
      _ = try from.number("SELECT count(*) FROM sqlite_schema")
      try from.copyPages(to: to, pagesPerStep: 4096, progress: progress)
    }
    // The copy is one file without a WAL.
    try to.execute("PRAGMA synchronous = EXTRA")
    try to.execute("PRAGMA journal_mode = DELETE")
    let pages = try to.number("PRAGMA page_count") ?? 0
    let pageBytes = try to.number("PRAGMA page_size") ?? 0
    return pages * pageBytes
  }

  /// Runs a WAL checkpoint on a database that nobody uses.
  package static func checkpoint(path: String) throws(StoreError) {
    let connection = try Connection(path: path, mode: .writer)
    try Database.checkVersion(of: connection, path: path)
    try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.checkpointOnClose()
  }

  /// Whether the file has this program's schema version.
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
      // SQLITE_READONLY_RECOVERY and _ROLLBACK: a write was interrupted, and only a process with
      // write access can roll it back.
      guard case .unavailable(_, let reason) = error,
        reason.contains("(SQLite 264)") || reason.contains("(SQLite 776)")
      else { throw error }
      throw .interruptedChange(path: path)
    }
    return connection
  }
}
