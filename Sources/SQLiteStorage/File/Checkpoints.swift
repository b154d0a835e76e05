internal import Dispatch
internal import Storage
internal import Synchronization

/// Runs WAL checkpoints on a thread of its own, so that no batch waits for them.
///
/// A checkpoint beside an active writer never reaches the WAL's end, so the WAL would never restart
/// (sqlite.org/wal.html). The writer therefore copies the small rest itself, after its next commit.
final class Checkpoints: Sendable {
  private enum Stage: Int, AtomicRepresentable {
    /// The WAL grows.
    case growing
    /// The thread runs a checkpoint.
    case running
    /// The thread is done; the writer copies the rest.
    case rest
  }

  /// The checkpoint threshold. With 1000 pages checkpoints cost a fifth more time; above 4000 the
  /// cost is flat.
  private static let pages = 4000
  /// The number of pages that the writer copies within a millisecond.
  private static let restPages = 100
  private static let passesMax = 6

  private let path: String
  private let observer: (any StoreObserver)?
  private let stage = Atomic(Stage.growing)
  /// Whether the thread runs; otherwise the writer runs checkpoints as SQLite does by default.
  private let isServed = Atomic(false)
  private let isClosed = Atomic(false)
  /// The number of WAL pages at which a checkpoint is due. Only the writer accesses it.
  private let pagesMax = Atomic(Checkpoints.pages)
  private let wake = DispatchSemaphore(value: 0)

  init(path: String, observer: (any StoreObserver)?) {
    self.path = path
    self.observer = observer
  }

  /// Runs checkpoints on the calling thread until ``close()``.
  func run() throws(StoreError) {
    let connection = try Connection(path: path, mode: .writer)
    // If the WAL cannot be opened now, each checkpoint tries again.
    try? connection.openWAL()
    isServed.store(true, ordering: .releasing)
    defer { isServed.store(false, ordering: .releasing) }
    while true {
      wake.wait()
      if isClosed.load(ordering: .acquiring) { return }
      observer.timing(.checkpoint) { checkpoint(connection) }
      stage.store(.rest, ordering: .releasing)
    }
  }

  /// Runs passes until little is left; each copies what was written during the one before.
  private func checkpoint(_ connection: Connection) {
    var done = 0
    for _ in 0..<Self.passesMax {
      // The writer retries a failed checkpoint.
      guard let log = try? connection.checkpoint() else { return }
      if log.pagesDone - done <= Self.restPages { return }
      done = log.pagesDone
    }
  }

  func close() {
    isClosed.store(true, ordering: .releasing)
    wake.signal()
  }

  /// Advances the state after a commit of the writer, with the number of pages in the WAL. A failed
  /// checkpoint fails no batch: the pages stay in the WAL, which is as durable.
  func advance(_ writer: Connection, walPages: Int) {
    switch stage.load(ordering: .acquiring) {
    case .running: return
    case .growing:
      if walPages < pagesMax.load(ordering: .relaxed) { return }
      if isServed.load(ordering: .acquiring) {
        stage.store(.running, ordering: .relaxed)
        wake.signal()
        return
      }
    case .rest: stage.store(.growing, ordering: .relaxed)
    }
    let log = try? observer.timing(.checkpoint) { () throws(StoreError) in try writer.checkpoint() }
    let isDone = log.map { $0.pagesDone == $0.pages } ?? false
    // A reader may hold the WAL, or the disk may be full: the next attempt comes when the WAL has
    // grown by the same amount again.
    pagesMax.store((isDone ? 0 : walPages) + Self.pages, ordering: .relaxed)
  }
}

extension (any StoreObserver)? {
  /// Runs `body` and reports its duration to the observer, also when it failed.
  func timing<Value, Failure: Error>(
    _ work: StoreWork, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    guard let self else { return try body() }
    let start = self.monotonicNanoseconds
    defer { self.note(work, seconds: Double(self.monotonicNanoseconds - start) / 1e9) }
    return try body()
  }
}
