internal import Storage
internal import Synchronization

/// Hands the one writing connection to one caller at a time.
///
/// After an input or output error the connection is closed and the file opened anew: what the
/// page cache holds after a failed sync is not what is on disk. After damage was found nothing is
/// written any more.
final class WriterLock: Sendable {
  /// The connection and what hangs on it, moved between threads as a whole.
  ///
  /// @unchecked because only the holder of the mutex reaches it.
  fileprivate struct Holder: @unchecked Sendable {
    var writer: SQLiteStore.Writer?
    /// Damage was found: nothing is written over it.
    var damage: StoreError?

    mutating func open(_ settings: SQLiteStore.Settings) throws(StoreError) -> SQLiteStore.Writer {
      if let writer { return writer }
      let opened = try SQLiteStore.Writer(settings)
      writer = opened
      return opened
    }
  }

  private let settings: SQLiteStore.Settings
  fileprivate let holder = Mutex(Holder())

  init(_ settings: SQLiteStore.Settings) {
    self.settings = settings
  }

  func use<Value: Sendable>(
    _ body: (borrowing SQLiteStore.Writer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try holder.withLock { (holder) throws(StoreError) -> Value in
      if let damage = holder.damage { throw damage }
      do throws(StoreError) {
        let writer = try holder.open(settings)
        return try body(writer)
      } catch {
        switch error {
        case .unavailable: holder.writer = nil
        case .corrupt: (holder.writer, holder.damage) = (nil, error)
        case .full, .refused: break
        }
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
  private let idle = Mutex(Idle())

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
