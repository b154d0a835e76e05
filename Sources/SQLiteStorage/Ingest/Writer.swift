internal import Storage

/// What works on the write connection.
struct Writer {
  let connection: Connection
  let interning: Interning
  let ingest: IngestTransaction
  let housekeeping: Housekeeping

  init(_ settings: SQLiteStore.Settings) throws(StoreError) {
    connection = try Database.openWriter(path: settings.path, newSecret: settings.newSecret)
    let counts = try CountTables(connection)
    let users = try UserTables(connection)
    interning = try Interning(connection)
    ingest = try IngestTransaction(
      connection, interning: interning,
      changes: try CountChanges(connection, counts: counts, users: users), settings)
    housekeeping = Housekeeping(
      connection: connection, interning: interning, counts: counts, users: users,
      retentionDays: settings.retentionDays)
  }
}

/// Opens the write connection, and opens it anew after an error.
///
/// After an input or output error the connection is closed and the file opened anew: what the
/// page cache holds after a failed sync is not what is on disk. SQLite may call a failed read damage,
/// too, so damage is looked for in the file before anything is written again; once it is found there,
/// nothing is.
///
/// @unchecked because only the owner of the store's write queue reaches it.
final class WriterConnection: @unchecked Sendable {
  private let settings: SQLiteStore.Settings
  private var writer: Writer?
  /// How often in a row SQLite reported damage.
  private var suspicions = 0
  /// Damage was found in the file: nothing is written over it.
  private var damage: StoreError?

  private static let suspicionsMax = 3

  init(_ settings: SQLiteStore.Settings) {
    self.settings = settings
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

  /// Closes the connection, with a WAL checkpoint; the next use opens the file again.
  func close() throws(StoreError) {
    if damage != nil { return }
    try use { (writer) throws(StoreError) in
      try writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
      writer.connection.bringLogInOnClose()
    }
    writer = nil
  }

  private func open() throws(StoreError) -> Writer {
    if let damage { throw damage }
    if let writer { return writer }
    let opened = try Writer(settings)
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

  /// Takes note of what a use of the writer threw.
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
