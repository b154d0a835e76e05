import Foundation
import Locks
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

/// Queries that wait for the writer to fold.
@Suite struct FoldingForQueriesTests {
  private static let start = PendingTests.start
  private static let queries = 4

  /// A store with pending updates of so many sessions, which are folded seven at a time.
  private static func store(
    sessions: UInt64, _ observer: (any StoreObserver)? = nil
  ) throws -> StoreFixture {
    let fixture = try StoreFixture(folding: PendingTests.folding, observer: observer)
    for number in 0..<sessions / 20 {
      var batch = IngestBatch(receivedAt: start)
      batch.add((number * 20..<number * 20 + 20).map { fixture.report($0, started: start) })
      try fixture.store.ingest(batch)
    }
    return fixture
  }

  /// Runs a writer while several threads query at once: the number of sessions, -1 for an error.
  private static func totals(_ fixture: StoreFixture) -> [Int64] {
    let writes = fixture.store.writes
    let totals = Locked<[Int64]>([])
    writes.handOver()
    let ended = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      writes.run()
      ended.signal()
    }
    DispatchQueue.concurrentPerform(iterations: queries) { _ in
      let total = (try? fixture.ask(days: PendingTests.days).totals.sessions.total) ?? -1
      totals.withLock { $0.append(total) }
    }
    writes.close()
    ended.wait()
    writes.takeOver()
    return totals.withLock { $0 }
  }

  /// However many queries wait, each slice is folded once, and all see every update.
  @Test func queriesShareTheFolding() throws {
    let slices = Locked(0)
    let fixture = try Self.store(sessions: 60, Observer { _, _ in slices.withLock { $0 += 1 } })
    #expect(Self.totals(fixture) == Array(repeating: 60, count: Self.queries))
    #expect(slices.withLock { $0 } == 9)
    #expect(fixture.store.pendingUpdates == 0)
  }

  /// Where the writer cannot fold, no query waits for ever: each has an error. Nothing is lost.
  @Test func whereFoldingFailsAllQueriesEnd() throws {
    let fixture = try Self.store(sessions: 900)
    func limit(_ pages: Int64?) throws {
      try fixture.store.ingesting { (writer) throws(StoreError) in
        let count = try writer.connection.number("PRAGMA page_count") ?? 0
        let pages = pages ?? count
        _ = try writer.connection.number("PRAGMA max_page_count = \(pages)")
      }
    }
    try limit(nil)
    #expect(throws: StoreError.self) { while try fixture.store.foldPending() != nil {} }
    #expect(Self.totals(fixture) == Array(repeating: -1, count: Self.queries))
    try limit(1_000_000)
    #expect(try fixture.ask(days: PendingTests.days).totals.sessions.total == 900)
  }

  /// Work is queued once, ends when nobody needs more, and is queued again after that.
  @Test func theWorkIsQueuedOnce() {
    let folding = FoldingForQueries()
    let queued = Locked(0)
    func begin(upTo batch: Int64) {
      folding.begin(FoldingForQueries.Waiter(batch: batch)) { queued.withLock { $0 += 1 } }
    }
    for batch in [3, 7, 5] as [Int64] { begin(upTo: batch) }
    #expect(folding.needed == 7)
    #expect(queued.withLock { $0 } == 1)
    #expect(!folding.note(foldedUpTo: 6, error: nil))
    #expect(folding.note(foldedUpTo: 7, error: nil))
    begin(upTo: 8)
    #expect(queued.withLock { $0 } == 2)
    #expect(folding.note(foldedUpTo: 7, error: .full(operation: "fold", reason: "full")))
    begin(upTo: 8)
    #expect(queued.withLock { $0 } == 3)
  }
}
