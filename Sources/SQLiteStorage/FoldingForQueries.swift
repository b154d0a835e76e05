internal import Dispatch
internal import Locks
internal import Storage

/// The folding that queries wait for.
///
/// All queries share one piece of work in the write queue. It goes on until the updates of the last
/// batch that any of them needs are folded, so a query whose batch was folded for another one wakes
/// nobody and waits for nobody.
final class FoldingForQueries: Sendable {
  /// @unchecked because the error is reached with the lock held only.
  final class Waiter: @unchecked Sendable {
    let batch: Int64
    let ended = DispatchSemaphore(value: 0)
    var error: StoreError?

    init(batch: Int64) { self.batch = batch }
  }

  private struct State {
    /// The last batch that a query needs.
    var needed: Int64 = 0
    /// Whether the work is in the queue.
    var isQueued = false
    var waiters: [Waiter] = []
  }

  private let state = Locked(State())

  /// The time after which a query that waits looks whether it has to end.
  private static let lookMilliseconds = 5

  /// Makes the writer fold up to that batch, and waits for that. The owner of the writes must not
  /// call this. A query waits no longer than it may run; the writer goes on all the same.
  ///
  /// - Parameter queue: called where the work is not in the queue yet.
  func wait(upTo batch: Int64, _ queue: () -> Void) throws(StoreError) {
    let waiter = Waiter(batch: batch)
    begin(waiter, queue)
    if let limit = CurrentQuery.limit {
      while waiter.ended.wait(timeout: .now() + .milliseconds(Self.lookMilliseconds)) == .timedOut {
        do throws(StoreError) {
          try limit.checkWaiting()
        } catch {
          state.withLock { state in state.waiters.removeAll { $0 === waiter } }
          throw error
        }
      }
    } else {
      waiter.ended.wait()
    }
    if let error = state.withLock({ _ in waiter.error }) { throw error }
  }

  func begin(_ waiter: Waiter, _ queue: () -> Void) {
    let mustQueue = state.withLock { state in
      state.needed = max(state.needed, waiter.batch)
      state.waiters.append(waiter)
      defer { state.isQueued = true }
      return !state.isQueued
    }
    if mustQueue { queue() }
  }

  /// The last batch that a query needs.
  var needed: Int64 { state.withLock { $0.needed } }

  /// Wakes those whose updates are folded, and after an error all. Called by the writer.
  ///
  /// - Returns: whether the work is over.
  func note(foldedUpTo batch: Int64, error: StoreError?) -> Bool {
    let (ended, isOver) = state.withLock { state in
      let ended = state.waiters.filter { error != nil || $0.batch <= batch }
      for waiter in ended { waiter.error = error }
      state.waiters.removeAll { error != nil || $0.batch <= batch }
      state.isQueued = error == nil && state.needed > batch
      return (ended, !state.isQueued)
    }
    for waiter in ended { waiter.ended.signal() }
    return isOver
  }
}
