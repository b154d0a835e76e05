internal import CSQLite
internal import Dispatch
internal import Storage
internal import Synchronization

/// Runs WAL checkpoints on a thread of its own, so that no batch waits for them.
///
/// A checkpoint beside a writer never reaches the WAL's end, and so would never let it begin anew
/// (sqlite.org/wal.html): what came meanwhile, a small rest, the writer checkpoints itself after its
/// next commit.
final class Checkpoints: Sendable {
  private enum Stage: Int, AtomicRepresentable {
    /// The WAL grows.
    case growing
    /// The thread runs a checkpoint.
    case running
    /// The thread is done; the rest is the writer's.
    case rest
  }

  /// Checkpoints of 1000 pages cost a fifth more time than of 4000; from there on it is flat.
  private static let pages = 4000
  /// What the writer copies within a millisecond.
  private static let restPages = 100
  private static let passesMax = 6

  private let path: String
  private let observer: (any StoreObserver)?
  private let stage = Atomic(Stage.growing)
  /// The thread is there; else the writer runs checkpoints as SQLite does by itself.
  private let isServed = Atomic(false)
  private let isClosed = Atomic(false)
  /// From so many pages in the WAL on a checkpoint is due. Only the writer reaches it.
  private let pagesMax = Atomic(Checkpoints.pages)
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
    isServed.store(true, ordering: .releasing)
    defer { isServed.store(false, ordering: .releasing) }
    while true {
      wake.wait()
      if isClosed.load(ordering: .acquiring) { return }
      observer.timing(.checkpoint) { checkpoint(connection) }
      stage.store(.rest, ordering: .releasing)
    }
  }

  /// Each pass copies what came during the one before, which is less each time.
  private func checkpoint(_ connection: Connection) {
    var done = 0
    for _ in 0..<Self.passesMax {
      // What fails here is tried again by the writer.
      guard let log = try? connection.checkpoint() else { return }
      if log.pagesDone - done <= Self.restPages { return }
      done = log.pagesDone
    }
  }

  func close() {
    isClosed.store(true, ordering: .releasing)
    wake.signal()
  }

  /// To be called by the writer after commits, with the pages that are in the WAL. What cannot be
  /// copied stays in the WAL, which is as durable: no batch fails by it.
  func advance(_ writer: Connection, logPages: Int) {
    switch stage.load(ordering: .acquiring) {
    case .running: return
    case .growing:
      if logPages < pagesMax.load(ordering: .relaxed) { return }
      if isServed.load(ordering: .acquiring) {
        stage.store(.running, ordering: .relaxed)
        wake.signal()
        return
      }
    case .rest: stage.store(.growing, ordering: .relaxed)
    }
    let log = try? observer.timing(.checkpoint) { () throws(StoreError) in try writer.checkpoint() }
    let isDone = log.map { $0.pagesDone == $0.pages } ?? false
    // A reader may hold on to the WAL, or the disk be full: the next attempt comes when as much
    // came again.
    pagesMax.store((isDone ? 0 : logPages) + Self.pages, ordering: .relaxed)
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
