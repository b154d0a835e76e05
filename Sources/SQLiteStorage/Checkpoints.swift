internal import CSQLite
internal import Dispatch
internal import Locks
internal import Storage

/// Brings SQLite's log into the database file on a thread of its own, so that no batch waits for it.
///
/// A checkpoint beside a writer never reaches the log's end, and so would never let it begin anew
/// (sqlite.org/wal.html): what came meanwhile, a small rest, the writer brings in itself between two
/// batches.
final class Checkpoints: Sendable {
  private enum Stage {
    /// The log grows.
    case growing
    /// The thread brings it in.
    case running
    /// The thread is done; the rest is the writer's.
    case rest
  }

  private struct State {
    /// The thread is there; else the writer checkpoints as SQLite does by itself.
    var isServed = false
    var isClosed = false
    var stage = Stage.growing
    /// From so many pages in the log on it is brought in.
    var pagesMax = Checkpoints.pages
  }

  /// Checkpoints of 1000 pages cost a fifth more time than of 4000; from there on it is flat.
  private static let pages = 4000
  /// What the writer brings in within a millisecond.
  private static let restPages = 100
  private static let passesMax = 6

  private let path: String
  private let state = Locked(State())
  private let wake = DispatchSemaphore(value: 0)

  init(path: String) {
    self.path = path
  }

  /// Works on the calling thread until ``close()``.
  func run() throws(StoreError) {
    let connection = try Connection(path: path, mode: .writer)
    state.withLock { $0.isServed = true }
    defer { state.withLock { $0.isServed = false } }
    while true {
      wake.wait()
      if state.withLock({ $0.isClosed }) { return }
      bringIn(connection)
      state.withLock { $0.stage = .rest }
    }
  }

  /// Each pass brings in what came during the one before, which is less each time.
  private func bringIn(_ connection: Connection) {
    var done = 0
    for _ in 0..<Self.passesMax {
      // What fails here is tried again by the writer, which tells of it.
      guard let log = try? connection.checkpoint() else { return }
      if log.pagesDone - done <= Self.restPages { return }
      done = log.pagesDone
    }
  }

  func close() {
    state.withLock { $0.isClosed = true }
    wake.signal()
  }

  /// To be called after commits, with the pages that are in the log.
  func advance(_ writer: Connection, logPages: Int) throws(StoreError) {
    let (isDue, isServed) = state.withLock { state in
      let isRest = state.stage == .rest
      guard isRest || (state.stage == .growing && logPages >= state.pagesMax) else {
        return (false, state.isServed)
      }
      if state.isServed, !isRest {
        state.stage = .running
        return (true, true)
      }
      state.stage = .growing
      return (true, false)
    }
    guard isDue else { return }
    if isServed {
      wake.signal()
    } else {
      let log = try writer.checkpoint()
      // A reader may hold on to the log: the next attempt comes when as much came again.
      let left = log.pagesDone == log.pages ? 0 : log.pages
      state.withLock { $0.pagesMax = left + Self.pages }
    }
  }
}
