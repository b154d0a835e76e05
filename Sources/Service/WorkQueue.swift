internal import Dispatch
internal import Locks

/// Work that may block, done in order by the threads that call ``run()``.
package final class WorkQueue: Sendable {
  private struct State {
    var waiting: [@Sendable () -> Void] = []
    var isClosed = false
  }

  private let state = Locked(State())
  private let available = DispatchSemaphore(value: 0)
  private let waitingMax: Int

  /// - Parameter waitingMax: more work than that is not taken.
  package init(waitingMax: Int = 1000) {
    self.waitingMax = waitingMax
  }

  /// How much waits.
  package var waitingCount: Int { state.withLock { $0.waiting.count } }

  /// - Returns: false when too much waits already.
  package func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
    let isTaken = state.withLock { state in
      if state.waiting.count >= waitingMax || state.isClosed { return false }
      state.waiting.append(work)
      return true
    }
    if isTaken { available.signal() }
    return isTaken
  }

  /// Works on the calling thread until the queue is closed and empty.
  package func run() {
    while true {
      available.wait()
      let work = state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
      if let work {
        work()
      } else if state.withLock({ $0.isClosed }) {
        // Wakes the next thread.
        available.signal()
        return
      }
    }
  }

  package func close() {
    state.withLock { $0.isClosed = true }
    available.signal()
  }
}
