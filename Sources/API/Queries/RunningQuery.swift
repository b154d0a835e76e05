internal import Locks
internal import Storage

/// The limit of a query of the API: the turns of its queue, and a bound of memory.
final class RunningQuery: QueryLimit {
  /// With two readers, twice this much and their page caches.
  static let bytesMax = 128 << 20

  private let run: QueryRun
  private let held = Locked(0)

  init(_ run: QueryRun) {
    self.run = run
  }

  func check() throws(StoreError) {
    if let stop = run.stop() { throw .stopped(QueryStop(stop)) }
  }

  func checkWaiting() throws(StoreError) {
    if let stop = run.stop(isWaiting: true) { throw .stopped(QueryStop(stop)) }
  }

  func hold(_ bytes: Int) throws(StoreError) {
    let held = held.withLock { held in
      held += bytes
      return held
    }
    if held > Self.bytesMax { throw .stopped(.outOfMemory) }
  }

  func restart() { run.restart() }
}

extension QueryStop {
  init(_ stop: QueryQueue.Stop) {
    self =
      switch stop {
      case .none, .restarted: .restarted
      case .timedOut: .timedOut
      case .cancelled: .cancelled
      case .refused: .refused
      case .closed: .closed
      }
  }
}
