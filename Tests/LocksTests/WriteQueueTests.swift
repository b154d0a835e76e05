import Foundation
import Testing

@testable import Locks

/// The order of the work on the write connection. The test is the writer: the work that is queued
/// before it begins decides everything that follows.
@Suite struct WriteQueueTests {
  /// Records the order of the work, by a clock that only work advances.
  private final class Journal: Sendable {
    private let lines = Locked<[String]>([])
    private let nanoseconds = Locked(Int64(0))

    var text: String { lines.withLock { $0.joined(separator: " ") } }
    var time: Int64 { nanoseconds.withLock { $0 } }

    func note(_ line: String, milliseconds: Int64 = 0) {
      lines.withLock { $0.append(line) }
      nanoseconds.withLock { $0 += milliseconds * 1_000_000 }
    }

    /// Makes work with this number of steps of this duration.
    func steps(_ name: String, _ count: Int, milliseconds: Int64 = 0) -> @Sendable () -> Bool {
      let done = Counter()
      return { [self] in
        let number = done.next()
        note("\(name)\(number)", milliseconds: milliseconds)
        return number == count
      }
    }
  }

  private final class Counter: Sendable {
    private let count = Locked(0)

    func next() -> Int {
      count.withLock { count in
        count += 1
        return count
      }
    }
  }

  /// Returns its list of results, turn by turn, and then closes the queue.
  private final class Script: BatchSource {
    private let turns: Locked<[BatchTurn]>
    private let slices: Locked<Int>
    private let queue: WriteQueue
    private let journal: Journal
    private let milliseconds: Int64

    init(
      _ turns: [BatchTurn], slices: Int = 0, for queue: WriteQueue, _ journal: Journal,
      milliseconds: Int64 = 0
    ) {
      self.turns = Locked(turns)
      self.slices = Locked(slices)
      self.queue = queue
      self.journal = journal
      self.milliseconds = milliseconds
    }

    func storeBatch(takesOutcomesAlone: Bool) -> BatchTurn {
      let turn = turns.withLock { turns -> BatchTurn? in
        if turns.first == .outcomesAlone, takesOutcomesAlone {
          turns.removeFirst()
          return .stored
        }
        return turns.first == .outcomesAlone || turns.isEmpty ? turns.first : turns.removeFirst()
      }
      if turn == .stored { journal.note("batch", milliseconds: milliseconds) }
      if turn == nil, slices.withLock({ $0 == 0 }) { queue.close() }
      return turn ?? .nothing
    }

    func foldSlice() -> Bool {
      journal.note("fold")
      return slices.withLock { slices in
        slices -= 1
        return slices > 0
      }
    }
  }

  @Test func betweenTwoBatchesEachLaneHasOneStep() {
    let journal = Journal()
    let queue = WriteQueue()
    queue.submit(in: .job, journal.steps("job", 2))
    queue.submit(in: .change, journal.steps("a", 1))
    queue.submit(in: .change, journal.steps("b", 1))
    queue.submit(in: .query, journal.steps("query", 3))
    queue.run(Script([.stored, .stored, .stored, .stored], for: queue, journal))
    #expect(
      journal.text == "batch query1 a1 job1 batch query2 b1 job2 batch query3 batch")
  }

  /// A query that has begun goes first, because it saves the next one work; jobs share the writer.
  @Test func aQueryGoesOnAndJobsTakeTurns() {
    let journal = Journal()
    let queue = WriteQueue()
    for name in ["a", "b"] { queue.submit(in: .query, journal.steps(name, 3)) }
    queue.run(Script(Array(repeating: .stored, count: 4), for: queue, journal))
    #expect(journal.text == "batch a1 batch a2 batch a3 batch b1 b2 b3")

    let other = Journal()
    let jobs = WriteQueue()
    for name in ["a", "b"] { jobs.submit(in: .job, other.steps(name, 2)) }
    jobs.run(Script(Array(repeating: .stored, count: 4), for: jobs, other))
    #expect(other.text == "batch a1 batch b1 batch a2 batch b2")
  }

  /// However long jobs and changes take, batches and queries wait for a step of each;
  /// however many batches come, all lanes progress.
  @Test func nothingStarves() {
    let journal = Journal()
    let queue = WriteQueue()
    for _ in 0..<50 {
      queue.submit(in: .change, journal.steps("change", 1))
      queue.submit(in: .job, journal.steps("job", 1))
      queue.submit(in: .query, journal.steps("query", 1))
    }
    queue.run(Script(Array(repeating: .stored, count: 50), for: queue, journal))
    let turns = Array(repeating: "batch query1 change1 job1", count: 50)
    #expect(journal.text == turns.joined(separator: " "))
  }

  /// While batches come, a step of a job is followed by a rest of twice its time; other lanes are
  /// not paced.
  @Test func jobsArePaced() {
    let journal = Journal()
    let queue = WriteQueue(monotonicNanoseconds: { journal.time })
    queue.submit(in: .job, journal.steps("job", 2, milliseconds: 250))
    queue.submit(in: .query, journal.steps("query", 2, milliseconds: 0))
    let source = Script(
      Array(repeating: .stored, count: 4), for: queue, journal, milliseconds: 250)
    queue.run(source)
    #expect(journal.text == "batch query1 job1 batch query2 batch job2 batch")
  }

  /// A batch of outcomes only may grow for some time, and is stored then.
  @Test func outcomesAloneAreStoredInTheEnd() {
    let journal = Journal()
    let queue = WriteQueue()
    queue.run(Script([.outcomesAlone], for: queue, journal))
    #expect(journal.text == "batch")
  }

  /// An idle writer folds, slice by slice, until nothing is left.
  @Test func theIdleWriterFolds() {
    let journal = Journal()
    let queue = WriteQueue()
    queue.run(Script([.stored], slices: 3, for: queue, journal))
    #expect(journal.text == "batch fold fold fold")
  }

  /// At shutdown every waiting caller has a result, and each job does one more step.
  @Test func theEndCutsJobsOff() {
    let journal = Journal()
    let queue = WriteQueue()
    queue.submit(in: .job, journal.steps("job", 5))
    queue.submit(in: .query, journal.steps("query", 3))
    queue.close()
    queue.run(Script([], for: queue, journal))
    #expect(journal.text == "query1 job1 query2 query3")
  }

  private struct Refusal: Error, Equatable {}

  /// Other threads wait for the writer, and get its value or its error; the writer's own work is
  /// done at once.
  @Test func whoAsksGetsTheResultOfTheWriter() {
    let queue = WriteQueue()
    queue.handOver()
    let writer = pthread_self()
    Thread.detachNewThread {
      let steps = Counter()
      let value = queue.perform(in: .change) { () -> Int? in
        #expect(pthread_self() == writer)
        let number = steps.next()
        let nested = queue.perform(in: .query) { () -> Int? in number * 10 }
        return number == 3 ? nested : nil
      }
      #expect(value == 30)
      #expect(throws: Refusal()) {
        try queue.perform(in: .query) { () throws(Refusal) -> Int? in throw Refusal() }
      }
      queue.close()
    }
    queue.run()
    // The thread that closes the store is the owner from now on.
    queue.takeOver()
    #expect(queue.perform(in: .change) { () -> Int? in 7 } == 7)
  }

  /// Without a writer thread the calling thread does the work, and submitted work waits for
  /// `doSubmitted`.
  @Test func withoutAThreadTheCallerIsTheOwner() {
    let journal = Journal()
    let queue = WriteQueue()
    queue.submit(in: .job, journal.steps("job", 2))
    let number = queue.perform(in: .change) { () -> Int? in
      #expect(queue.isOwner)
      journal.note("change")
      return queue.perform(in: .query) { () -> Int? in 5 }
    }
    #expect(number == 5 && !queue.isOwner)
    queue.doSubmitted()
    #expect(journal.text == "change job1 job2")
  }

  /// Without a writer a second thread is a programming error, and traps before it writes.
  @Test func twoThreadsWithoutAWriterAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let queue = WriteQueue()
      queue.perform(in: .change) { () -> Void? in
        let ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
          queue.perform(in: .change) { () -> Void? in () }
          ended.signal()
        }
        ended.wait()
        return ()
      }
    }
  }
}
