internal import Storage
internal import Locks

/// Hands the one writing connection to one caller at a time.
///
/// After an input or output error the connection is closed and the file opened anew: what the
/// page cache holds after a failed sync is not what is on disk. SQLite may call a failed read damage,
/// too, so damage is looked for in the file before anything is written again; once it is found there,
/// nothing is.
final class WriterLock: Sendable {
  /// The connection and what hangs on it, moved between threads as a whole.
  ///
  /// @unchecked because only the holder of the mutex reaches it.
  fileprivate struct Holder: @unchecked Sendable {
    var writer: SQLiteStore.Writer?
    /// How often in a row SQLite told of damage.
    var suspicions = 0
    /// Damage was found in the file: nothing is written over it.
    var damage: StoreError?

    private static let suspicionsMax = 3

    mutating func open(_ settings: SQLiteStore.Settings) throws(StoreError) -> SQLiteStore.Writer {
      if let damage { throw damage }
      if let writer { return writer }
      let opened = try SQLiteStore.Writer(settings)
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
    mutating func note(_ error: StoreError) {
      switch error {
      case .unavailable: writer = nil
      case .corrupt:
        writer = nil
        suspicions += 1
        if suspicions > Self.suspicionsMax { damage = error }
      case .full, .refused: break
      }
    }
  }

  private let settings: SQLiteStore.Settings
  fileprivate let holder = Locked(Holder())

  init(_ settings: SQLiteStore.Settings) {
    self.settings = settings
  }

  func use<Value: Sendable>(
    _ body: (borrowing SQLiteStore.Writer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try holder.withLock { (holder) throws(StoreError) -> Value in
      do throws(StoreError) {
        let writer = try holder.open(settings)
        let value = try body(writer)
        holder.suspicions = 0
        return value
      } catch {
        holder.note(error)
        throw error
      }
    }
  }
}

extension WriterLock {
  /// The next use opens the file again.
  func close() throws(StoreError) {
    if holder.withLock({ $0.damage != nil }) { return }
    try use { (writer) throws(StoreError) in
      try writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
      writer.connection.bringLogInOnClose()
    }
    holder.withLock { $0.writer = nil }
  }
}

/// Keeps connections of readers that are not in use.
final class ReaderPool: Sendable {
  /// @unchecked because a connection is either in the pool, under its mutex, or with one caller.
  private struct Idle: @unchecked Sendable {
    var connections: [Connection] = []
  }

  private let path: String
  private let idle = Locked(Idle())

  /// More than that are closed after use.
  private static let idleMax = 3

  init(path: String) {
    self.path = path
  }

  /// Closes the connections that are not in use.
  func close() {
    idle.withLock { $0.connections = [] }
  }

  func use<Value: Sendable>(
    _ body: (Connection) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let taken = idle.withLock { idle in
      Idle(connections: idle.connections.popLast().map { [$0] } ?? [])
    }
    let connection: Connection
    if let first = taken.connections.first {
      connection = first
    } else {
      connection = try Database.openReader(path: path)
    }
    // A connection that failed is not used again.
    let value = try body(connection)
    let given = Idle(connections: [connection])
    idle.withLock { idle in
      if idle.connections.count < Self.idleMax { idle.connections += given.connections }
    }
    return value
  }
}
