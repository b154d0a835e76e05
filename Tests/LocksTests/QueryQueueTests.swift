import Foundation
import Synchronization
import Testing

@testable import Locks

@Suite struct QueryQueueTests {
  /// The reasons for which queries ended, in order.
  private final class Ends: Sendable {
    private let reasons = Locked<[UInt64: QueryQueue.Stop]>([:])
    let count = DispatchSemaphore(value: 0)

    var all: [UInt64: QueryQueue.Stop] { reasons.withLock { $0 } }

    func note(_ id: UInt64, _ stop: QueryQueue.Stop) {
      reasons.withLock { $0[id] = stop }
      count.signal()
    }
  }

  private let ends = Ends()

  /// A query that runs until it has to stop, and says when it has begun.
  private func endless(_ id: UInt64, begun: DispatchSemaphore? = nil) -> QueryQueue.Submission {
    QueryQueue.Submission(id: id, owner: 1) { [ends] run in
      begun?.signal()
      while true {
        guard let stop = run.stop() else { continue }
        if stop == .restarted { return false }
        ends.note(id, stop)
        return true
      }
    } ended: { [ends] stop in
      ends.note(id, stop)
    }
  }

  private func start(_ queue: QueryQueue) {
    Thread.detachNewThread { queue.run() }
  }

  /// A query ends when nobody waits for it, whether it runs or waits; others are not concerned.
  @Test func cancelledQueriesEnd() {
    let queue = QueryQueue()
    let begun = DispatchSemaphore(value: 0)
    #expect(queue.submit(endless(1, begun: begun)) == nil)
    start(queue)
    begun.wait()
    #expect(queue.submit(endless(2)) == nil)
    queue.cancel(2)
    #expect(ends.all == [2: .cancelled])
    queue.cancel(3)
    queue.cancel(1)
    for _ in 0..<2 { ends.count.wait() }
    #expect(ends.all == [1: .cancelled, 2: .cancelled])
    queue.close()
  }

  /// When the service stops, running and waiting queries end, and no other is taken.
  @Test func closingEndsAll() {
    let queue = QueryQueue()
    let begun = DispatchSemaphore(value: 0)
    #expect(queue.submit(endless(1, begun: begun)) == nil)
    start(queue)
    begun.wait()
    #expect(queue.submit(endless(2)) == nil)
    queue.close()
    for _ in 0..<2 { ends.count.wait() }
    #expect(ends.all == [1: .closed, 2: .closed])
    #expect(queue.submit(endless(3)) == .closed)
  }

  /// Running and waiting queries end at the deadline, which counts from the submission.
  @Test func queriesEndAtTheirDeadline() {
    let time = Locked(Int64(0))
    let queue = QueryQueue(timeoutSeconds: 1) { time.withLock { $0 } }
    let begun = DispatchSemaphore(value: 0)
    #expect(queue.submit(endless(1, begun: begun)) == nil)
    start(queue)
    begun.wait()
    #expect(queue.submit(endless(2)) == nil)
    time.withLock { $0 = 1_000_000_000 }
    for _ in 0..<2 { ends.count.wait() }
    #expect(ends.all == [1: .timedOut, 2: .timedOut])
    queue.close()
  }

  /// A query that is made to begin again does so, and makes room for one that waits.
  @Test func restartedQueriesBeginAgain() {
    let time = Locked(Int64(0))
    let queue = QueryQueue { time.withLock { $0 } }
    let begun = DispatchSemaphore(value: 0)
    #expect(queue.submit(endless(1, begun: begun)) == nil)
    start(queue)
    begun.wait()
    let small = QueryQueue.Submission(id: 2, owner: 2) { [ends] _ in
      ends.note(2, .none)
      return true
    } ended: { _ in
    }
    #expect(queue.submit(small) == nil)
    time.withLock { $0 = 30_000_000 }
    ends.count.wait()
    begun.wait()
    queue.cancel(1)
    ends.count.wait()
    #expect(ends.all == [2: .none, 1: .cancelled])
    queue.close()
  }
}
