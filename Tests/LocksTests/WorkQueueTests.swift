import Foundation
import Synchronization
import Testing

@testable import Locks

@Suite struct WorkQueueTests {
  /// Closing waits for the current work only.
  @Test func queuedWorkIsDroppedAtTheEnd() {
    let queue = WorkQueue()
    let done = Atomic(0)
    let begun = DispatchSemaphore(value: 0)
    let release = DispatchSemaphore(value: 0)
    let ended = DispatchSemaphore(value: 0)
    var isTaken = queue.submit {
      begun.signal()
      release.wait()
    }
    #expect(isTaken)
    for _ in 0..<3 {
      isTaken = queue.submit { done.add(1, ordering: .relaxed) }
      #expect(isTaken)
    }
    func work() {
      Thread.detachNewThread {
        queue.run()
        ended.signal()
      }
    }
    work()
    begun.wait()
    queue.close()
    #expect(queue.waitingCount == 0)
    isTaken = queue.submit {}
    #expect(!isTaken)
    release.signal()
    ended.wait()
    // Wakes each other thread, so that it ends as well.
    work()
    ended.wait()
    #expect(done.load(ordering: .relaxed) == 0)
  }
}
