internal import Dispatch
internal import Storage
internal import Synchronization

/// Runs WAL checkpoints on a thread of its own, so that no batch waits for them.
///
/// A checkpoint beside an active writer never reaches the WAL's end, so the WAL would never restart
/// (sqlite.org/wal.html). The writer therefore copies the small rest itself, after its next commit.
///
/// Nor does the WAL restart while readers follow one another without a gap. Beyond a length, the
/// store's own readers are therefore made to leave it for a moment. Those of other processes (a
/// backup, `hale verify`) are not, and stop themselves before the disk is full.
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
  /// 192 MiB in pages: several seconds of the highest load, so that most queries end before, and a
  /// size that any disk of a service has, with what is written until the readers have left.
  static let walPagesMax = 49_152

  private let path: String
  private let observer: (any StoreObserver)?
  private let stage = Atomic(Stage.growing)
  /// Whether the thread runs; otherwise the writer runs checkpoints as SQLite does by default.
  private let isServed = Atomic(false)
  private let isClosed = Atomic(false)
  /// The number of WAL pages at which a checkpoint is due. Only the writer accesses it.
  private let pagesMax = Atomic(Checkpoints.pages)
  private let wake = DispatchSemaphore(value: 0)
  /// The length of the WAL at which readers have to leave it, in pages.
  private let walPagesMax: Int
  /// Signalled by the writer after ``finish(_:)``, which notes whether it reached the WAL's end.
  private let finished = DispatchSemaphore(value: 0)
  private let isWhole = Atomic(false)

  init(path: String, walPagesMax: Int, observer: (any StoreObserver)?) {
    self.path = path
    self.walPagesMax = walPagesMax
    self.observer = observer
  }

  /// Runs checkpoints on the calling thread until ``close()``.
  ///
  /// - Parameter submit: gives work to the writer, which calls ``finish(_:)``.
  func run(_ readers: ReaderPool, submit: () -> Void) throws(StoreError) {
    let connection = try Connection(path: path, mode: .writer)
    // If the WAL cannot be opened now, each checkpoint tries again.
    try? connection.openWAL()
    isServed.store(true, ordering: .releasing)
    defer { isServed.store(false, ordering: .releasing) }
    var pagesMax = walPagesMax
    while true {
      wake.wait()
      if isClosed.load(ordering: .acquiring) { return }
      let pages = observer.timing(.checkpoint) { checkpoint(connection) }
      if pages < walPagesMax {
        pagesMax = walPagesMax
      } else if pages >= pagesMax {
        // The queries that begin now do not keep what was written before.
        readers.renew()
        let pages = observer.timing(.checkpoint) { checkpoint(connection) }
        var isDone = false
        readers.whileEmpty { isDone = finishByWriter(submit) }
        // Another process reads: the queries are left alone until as much has been written again.
        pagesMax = isDone ? walPagesMax : pages + walPagesMax
      }
      stage.store(.rest, ordering: .releasing)
    }
  }

  /// Runs passes until little is left; each copies what was written during the one before.
  ///
  /// - Returns: the number of pages in the WAL.
  private func checkpoint(_ connection: Connection) -> Int {
    var (pages, done) = (0, 0)
    for _ in 0..<Self.passesMax {
      // The writer retries a failed checkpoint.
      guard let log = try? connection.checkpoint() else { break }
      pages = log.pages
      if log.pagesDone - done <= Self.restPages { break }
      done = log.pagesDone
    }
    return pages
  }

  /// Waits for a checkpoint of the writer, but not for long.
  ///
  /// - Returns: whether it reached the end of the WAL, which the next commit then resets.
  private func finishByWriter(_ submit: () -> Void) -> Bool {
    // An earlier one may have come too late.
    while finished.wait(timeout: .now()) == .success {}
    isWhole.store(false, ordering: .relaxed)
    submit()
    let time = DispatchTime.now() + .milliseconds(ReaderPool.waitMilliseconds)
    return finished.wait(timeout: time) == .success && isWhole.load(ordering: .acquiring)
  }

  /// Runs a checkpoint on the writer's thread for ``run(_:submit:)``.
  func finish(_ writer: Connection) {
    // A failed one is tried again when the WAL has grown.
    let log = try? writer.checkpoint()
    isWhole.store(log.map { $0.pagesDone == $0.pages } ?? false, ordering: .releasing)
    finished.signal()
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
