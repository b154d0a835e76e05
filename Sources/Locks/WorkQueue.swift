internal import Dispatch

/// A bounded queue of work that may block, done in order by the threads that call ``run()``.
package final class WorkQueue: Sendable {
  private struct State {
    var waiting: [@Sendable () -> Void] = []
    var isClosed = false
  }

  private let state = Locked(State())
  private let available = DispatchSemaphore(value: 0)
  private let waitingMax: Int

  /// - Parameter waitingMax: the maximum length of the queue.
  package init(waitingMax: Int = 1000) {
    self.waitingMax = waitingMax
  }

  /// The length of the queue.
  package var waitingCount: Int { state.withLock { $0.waiting.count } }

  /// - Returns: false if the queue is full or closed.
  package func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
    let isTaken = state.withLock { state in
      if state.waiting.count >= waitingMax || state.isClosed { return false }
      state.waiting.append(work)
      return true
    }
    if isTaken { available.signal() }
    return isTaken
  }

  /// Works on the calling thread until the queue is closed.
  package func run() {
    while true {
      available.wait()
      let (work, isClosed) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
        (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), state.isClosed)
      }
      if isClosed {
        // Wakes the next thread.
        available.signal()
        return
      }
      work?()
    }
  }

  /// Lets ``run()`` return after the current work. Queued work is dropped: no client is left to
  /// answer, and shutdown does not wait for a thousand queries.
  package func close() {
    state.withLock { state in
      state.isClosed = true
      state.waiting = []
    }
    available.signal()
  }
}
