import Foundation
import Locks
import ReleaseHealth
import SQLiteStorage
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Ingest
@testable import Metrics

@Suite struct IngestQueueTests {
  private static let callbacks = IngestQueue.Callbacks(committed: { _, _ in }, hasRoom: {})

  /// Shutdown does not wait for a job of many steps: the job goes on after the next start.
  @Test func theEndCutsAJobOff() throws {
    let queue = IngestQueue(store: ReferenceStore())
    let steps = Atomic(0)
    let ended = DispatchSemaphore(value: 0)
    let begun = DispatchSemaphore(value: 0)
    queue.writes.submit(in: .job) {
      begun.signal()
      return steps.add(1, ordering: .relaxed).newValue == 100_000
    }
    Thread.detachNewThread {
      queue.run(Self.callbacks)
      ended.signal()
    }
    begun.wait()
    queue.writes.close()
    ended.wait()
    #expect(steps.load(ordering: .relaxed) < 100_000)
  }

  @Test func whereNobodyElseWritesAJobIsDoneToItsEnd() {
    let queue = IngestQueue(store: ReferenceStore())
    let steps = Atomic(0)
    queue.writes.submit(in: .job) { steps.add(1, ordering: .relaxed).newValue == 100 }
    queue.runUntilEmpty(Self.callbacks)
    #expect(steps.load(ordering: .relaxed) == 100)
  }

  /// The age of a failure follows a clock that is never set back, not the service's clock.
  @Test func aFailureIsRecentForThreeSeconds() throws {
    let time = Locked(Int64(0))
    let directory = try TemporaryDirectory()
    let store = FaultyStore(
      try SQLiteStore(
        .init(path: directory.path + "/hale.db", newSecret: Array(repeating: 1, count: 32))))
    let queue = IngestQueue(
      store: store, metrics: Metrics(monotonicNanoseconds: { time.withLock { $0 } }))
    func submit() {
      var submission = Submission(
        receivedAt: Timestamp(seconds: 0), project: ProjectID(rawValue: 1))
      submission.accepted = 1
      _ = queue.submit(submission, ticket: nil)
      queue.runUntilEmpty(Self.callbacks)
    }
    let full = StoreError.full(operation: "write", reason: "full")
    store.fail(with: full)
    submit()
    for (seconds, expected) in [(0, full), (3, full), (4, nil)] as [(Int64, StoreError?)] {
      time.withLock { $0 = seconds * 1_000_000_000 }
      #expect(queue.recentFailure == expected, "after \(seconds) seconds")
    }
    submit()
    #expect(queue.recentFailure == full)
    store.fail(with: nil)
    submit()
    #expect(queue.recentFailure == nil)
  }

  private static func submission(_ updates: Int, of project: Int64) -> Submission {
    let id = ProjectID(rawValue: project)
    var submission = Submission(receivedAt: Timestamp(seconds: 0), project: id)
    let series = SeriesKey(project: id, release: "app@1", environment: nil)
    for number in 0..<updates {
      var counts = SessionCounts()
      counts[.healthy] = 1
      submission.batch.add(
        AggregatedSessions(
          correctedStart: Timestamp(seconds: Int64(number)), counts: counts, user: nil),
        of: series)
    }
    return submission
  }

  /// Batches that take long get smaller, since all who wait for the next one wait for them; then
  /// they grow again.
  @Test func slowBatchesGetSmaller() throws {
    let clock = Locked((time: Int64(0), step: Int64(0)))
    let queue = IngestQueue(
      store: ReferenceStore(),
      metrics: Metrics(monotonicNanoseconds: {
        clock.withLock { clock in
          clock.time += clock.step
          return clock.time
        }
      }),
      batchUpdatesMax: 10_000)
    /// The number of envelopes of 1000 updates that a batch takes of one project.
    func fill() -> Int {
      var count = 0
      while queue.submit(Self.submission(1000, of: 1), ticket: nil) { count += 1 }
      queue.runUntilEmpty(Self.callbacks)
      return count
    }
    // One more than fit: the project's last.
    #expect(fill() == 11)
    clock.withLock { $0.step = 1_000_000_000 }
    for _ in 0..<10 { _ = fill() }
    #expect(fill() == 3)
    clock.withLock { $0.step = 1000 }
    for _ in 0..<10 { _ = fill() }
    #expect(fill() == 11)
  }

  /// A batch of very many series is full with fewer updates.
  @Test func batchesOfManySeriesAreSmaller() {
    let queue = IngestQueue(store: ReferenceStore(), batchUpdatesMax: 10_000)
    let project = ProjectID(rawValue: 1)
    var count = 0
    func submit() -> Bool {
      var submission = Submission(receivedAt: Timestamp(seconds: 0), project: project)
      for number in 0..<100 {
        submission.batch.add(
          AggregatedSessions(
            correctedStart: Timestamp(seconds: 0), counts: SessionCounts(healthy: 1), user: nil),
          of: SeriesKey(
            project: project, release: "app@\(count).\(number)", environment: nil))
      }
      count += 1
      return queue.submit(submission, ticket: nil)
    }
    while submit() {}
    // 10 are 1000 updates and 9000 of 900 series.
    #expect(count == 12)
  }

  /// A full batch takes little of each project: none waits for those that filled it.
  @Test func fullBatchesTakeAnEnvelopeOfEachProject() {
    let queue = IngestQueue(store: ReferenceStore(), batchUpdatesMax: 1600)
    #expect(queue.submit(Self.submission(1600, of: 1), ticket: nil))
    // An update and its series weigh eleven, and a project may add a hundred.
    for project in [1, 2] as [Int64] {
      for _ in 0..<10 { #expect(queue.submit(Self.submission(1, of: project), ticket: nil)) }
      #expect(!queue.submit(Self.submission(1, of: project), ticket: nil))
    }
    // All together may add as much again.
    for project in 3..<16 as Range<Int64> {
      #expect(queue.submit(Self.submission(100, of: project), ticket: nil))
    }
    #expect(!queue.submit(Self.submission(1, of: 16), ticket: nil))
  }

  @Test func smallFullBatchesTakeOneMoreOfEachProject() {
    let queue = IngestQueue(store: ReferenceStore(), batchUpdatesMax: 100)
    #expect(queue.submit(Self.submission(100, of: 1), ticket: nil))
    for project in [1, 2, 3] as [Int64] {
      #expect(queue.submit(Self.submission(1, of: project), ticket: nil))
      #expect(!queue.submit(Self.submission(1, of: project), ticket: nil))
    }
    queue.runUntilEmpty(Self.callbacks)
    #expect(queue.submit(Self.submission(1, of: 1), ticket: nil))
  }
}
