internal import Locks
internal import Storage

/// A pool of idle reader connections.
final class ReaderPool: Sendable {
  /// @unchecked because a connection is either in the pool, under its mutex, or with one caller.
  private struct Idle: @unchecked Sendable {
    var connections: [Connection] = []
  }

  private let path: String
  private let idle = Locked(Idle())

  /// The maximum number of idle connections; others are closed after use.
  private static let idleMax = 3

  init(path: String) {
    self.path = path
  }

  /// Closes the idle connections.
  func close() {
    idle.withLock { $0.connections = [] }
  }

  /// Calls `body` with a connection that sees one snapshot, so that what it reads is consistent.
  func use<Value: Sendable>(
    _ body: (Connection) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let taken = idle.withLock { idle in
      Idle(connections: idle.connections.popLast().map { [$0] } ?? [])
    }
    let first = taken.connections.first
    let connection = if let first { first } else { try Database.openReader(path: path) }
    // A connection whose use threw is not reused.
    let value = try connection.transaction("DEFERRED") { () throws(StoreError) in
      try body(connection)
    }
    let given = Idle(connections: [connection])
    idle.withLock { idle in
      if idle.connections.count < Self.idleMax { idle.connections += given.connections }
    }
    return value
  }
}
