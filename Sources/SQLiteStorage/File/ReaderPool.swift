internal import Dispatch
internal import Glibc
internal import Locks
internal import Storage

/// A pool of idle reader connections, and the gate that all readers pass.
///
/// A reader's snapshot keeps the WAL from being reset. When the WAL is too long, ``Checkpoints``
/// makes the queries begin again, and for a moment lets none begin.
final class ReaderPool: Sendable {
  /// @unchecked because a connection is either in the pool, under its mutex, or with one caller.
  private struct State: @unchecked Sendable {
    var idle: [Connection] = []
    /// The queries of the readers at work; nil for those that are none.
    var readers: [Int: (any QueryLimit)?] = [:]
    var readerNumber = 0
    var isGateClosed = false
    var waitingCount = 0
  }

  private let path: String
  private let state = Locked(State())
  private let opened = DispatchSemaphore(value: 0)

  /// The maximum number of idle connections; others are closed after use.
  private static let idleMax = 3
  /// A reader waits for the gate, and the gate for readers, for at most this time.
  static let waitMilliseconds = 1000
  private static let lookMilliseconds = 5

  init(path: String) {
    self.path = path
  }

  /// Closes the idle connections.
  func close() {
    state.withLock { $0.idle = [] }
  }

  /// Calls `body` with a connection that sees one snapshot, so that what it reads is consistent.
  func use<Value: Sendable>(
    _ body: (Connection) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let (number, taken) = try enter()
    defer { leave(number) }
    let connection =
      if let first = taken.idle.first { first } else { try Database.openReader(path: path) }
    let value: Value
    do throws(StoreError) {
      value = try connection.transaction("DEFERRED") { () throws(StoreError) in
        try connection.limited { () throws(StoreError) in try body(connection) }
      }
    } catch {
      // Of a connection whose use failed nobody knows why; a query that was stopped is no failure.
      if case .stopped = error { give(back: connection) }
      throw error
    }
    give(back: connection)
    return value
  }

  private func give(back connection: Connection) {
    let given = State(idle: [connection])
    state.withLock { state in
      if state.idle.count < Self.idleMax { state.idle += given.idle }
    }
  }

  // MARK: The gate

  /// Waits for the gate.
  private func enter() throws(StoreError) -> (number: Int, taken: State) {
    let limit = CurrentQuery.limit
    for _ in 0..<Self.waitMilliseconds / Self.lookMilliseconds {
      let isOpen = state.withLock { state in
        if state.isGateClosed { state.waitingCount += 1 }
        return !state.isGateClosed
      }
      if isOpen { break }
      _ = opened.wait(timeout: .now() + .milliseconds(Self.lookMilliseconds))
      try limit?.checkWaiting()
    }
    return state.withLock { state in
      state.readerNumber += 1
      state.readers[state.readerNumber] = .some(limit)
      return (
        state.readerNumber, State(idle: state.idle.popLast().map { [$0] } ?? [])
      )
    }
  }

  private func leave(_ number: Int) {
    state.withLock { $0.readers[number] = nil }
  }

  /// Makes the queries at work begin again, and waits until all readers at work have left; others
  /// may come meanwhile.
  func renew() {
    let last = state.withLock { state in
      for reader in state.readers.values { reader?.restart() }
      return state.readerNumber
    }
    wait { state in state.readers.keys.allSatisfy { $0 > last } }
  }

  /// Calls `body` while no reader is at work, if those at work leave in time.
  func whileEmpty(_ body: () -> Void) {
    state.withLock { state in
      state.isGateClosed = true
      for reader in state.readers.values { reader?.restart() }
    }
    defer {
      let waitingCount = state.withLock { state in
        state.isGateClosed = false
        defer { state.waitingCount = 0 }
        return state.waitingCount
      }
      for _ in 0..<waitingCount { opened.signal() }
    }
    if wait(until: { $0.readers.isEmpty }) { body() }
  }

  @discardableResult
  private func wait(until isDone: (State) -> Bool) -> Bool {
    for _ in 0..<Self.waitMilliseconds {
      if state.withLock({ isDone($0) }) { return true }
      usleep(1000)
    }
    return false
  }
}
