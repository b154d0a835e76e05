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

    /// What is to be done about the log.
    mutating func next(logPages: Int) -> Step {
      switch stage {
      case .running: return .nothing
      case .growing where logPages < pagesMax: return .nothing
      case .growing where isServed:
        stage = .running
        return .wakeThread
      case .growing, .rest:
        stage = .growing
        return .bringInRest
      }
    }
  }

  private enum Step {
    case nothing, wakeThread
    /// The writer brings in the rest: all of it where no thread is.
    case bringInRest
  }

  /// Checkpoints of 1000 pages cost a fifth more time than of 4000; from there on it is flat.
  private static let pages = 4000
  /// What the writer brings in within a millisecond.
  private static let restPages = 100
  private static let passesMax = 6

  private let path: String
  private let observer: (any StoreObserver)?
  private let state = Locked(State())
  private let wake = DispatchSemaphore(value: 0)

  init(path: String, observer: (any StoreObserver)?) {
    self.path = path
    self.observer = observer
  }

  /// Works on the calling thread until ``close()``.
  func run() throws(StoreError) {
    let connection = try Connection(path: path, mode: .writer)
    // What cannot be read now is tried again with each checkpoint.
    try? connection.openLog()
    state.withLock { $0.isServed = true }
    defer { state.withLock { $0.isServed = false } }
    while true {
      wake.wait()
      if state.withLock({ $0.isClosed }) { return }
      observer.timing(.checkpoint) { bringIn(connection) }
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

  /// To be called after commits, with the pages that are in the log. What cannot be brought in stays
  /// in the log, which is as durable: no batch fails by it.
  func advance(_ writer: Connection, logPages: Int) {
    switch state.withLock({ $0.next(logPages: logPages) }) {
    case .nothing: return
    case .wakeThread: wake.signal()
    case .bringInRest:
      let log = try? observer.timing(.checkpoint) { () throws(StoreError) in try writer.checkpoint()
      }
      let isDone = log.map { $0.pagesDone == $0.pages } ?? false
      // A reader may hold on to the log, or the disk be full: the next attempt comes when as much
      // came again.
      state.withLock { $0.pagesMax = (isDone ? 0 : logPages) + Self.pages }
    }
  }
}

extension (any StoreObserver)? {
  /// Does the work, and has it noted how long it took, also when it failed.
  func timing<Value, Failure: Error>(
    _ work: StoreWork, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    guard let self else { return try body() }
    let start = self.monotonicNanoseconds
    defer { self.note(work, seconds: Double(self.monotonicNanoseconds - start) / 1e9) }
    return try body()
  }
}
