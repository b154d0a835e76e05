internal import Storage

/// The components that use the write connection.
struct Writer {
  let connection: Connection
  let interning: Interning
  let ingest: IngestTransaction
  let housekeeping: Housekeeping

  init(
    _ settings: SQLiteStore.Settings, _ waitingBatches: WaitingBatches
  ) throws(StoreError) {
    connection = try Database.openWriter(path: settings.path, newSecret: settings.newSecret)
    let counts = try CountTables(connection)
    let users = try UserTables(connection)
    interning = try Interning(connection)
    ingest = try IngestTransaction(
      connection, interning: interning,
      changes: try CountChanges(connection, counts: counts, users: users), waitingBatches, settings)
    housekeeping = Housekeeping(
      connection: connection, interning: interning, counts: counts, users: users,
      retentionDays: settings.retentionDays)
  }
}

/// Opens the write connection, and reopens it after an error.
///
/// After an I/O error the connection is closed and the file reopened: what the page cache holds
/// after a failed sync may differ from the disk. SQLite may also report a failed read as damage, so
/// the file is checked before the next write. Once damage is confirmed, nothing more is written.
///
/// @unchecked because only the owner of the store's write queue accesses it.
final class WriterConnection: @unchecked Sendable {
  private let settings: SQLiteStore.Settings
  private let waitingBatches: WaitingBatches
  private var writer: Writer?
  /// The number of times in a row that SQLite reported damage.
  private var suspicions = 0
  /// The damage that was found in the file. While it is set, nothing is written.
  private var damage: StoreError?

  private static let suspicionsMax = 3

  init(_ settings: SQLiteStore.Settings, _ waitingBatches: WaitingBatches) {
    self.settings = settings
    self.waitingBatches = waitingBatches
  }

  func use<Value>(
    _ body: (borrowing Writer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    do throws(StoreError) {
      let value = try body(try open())
      suspicions = 0
      return value
    } catch {
      note(error)
      throw error
    }
  }

  /// Runs a WAL checkpoint and closes the connection. The next use reopens the file.
  func close() throws(StoreError) {
    if damage != nil { return }
    try use { (writer) throws(StoreError) in
      try writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
      writer.connection.checkpointOnClose()
    }
    writer = nil
  }

  private func open() throws(StoreError) -> Writer {
    if let damage { throw damage }
    if let writer { return writer }
    let opened = try Writer(settings, waitingBatches)
    if suspicions > 0 {
      do throws(StoreError) {
        try opened.connection.quickCheck()
      } catch {
        if case .corrupt = error { damage = error }
        throw error
      }
    }
    writer = opened
    return opened
  }

  /// Records an error that a use of the writer threw.
  private func note(_ error: StoreError) {
    switch error {
    case .unavailable: writer = nil
    case .corrupt:
      writer = nil
      suspicions += 1
      if suspicions > Self.suspicionsMax { damage = error }
    default: break
    }
  }
}
