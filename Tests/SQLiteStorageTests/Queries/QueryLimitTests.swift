import Foundation
import Locks
import ReleaseHealth
import Storage
import Synchronization
import TestSupport
import Testing

@testable import SQLiteStorage

/// Queries that have to end, or to leave the WAL.
@Suite struct QueryLimitTests {
  /// A limit that stops a query after a number of looks, or when it has to begin again.
  private final class Limit: QueryLimit {
    let looks = Atomic(0)
    let restarts = Atomic(0)
    private let looksMax: Int
    private let mustRestart = Atomic(false)

    init(looksMax: Int) {
      self.looksMax = looksMax
    }

    func check() throws(StoreError) {
      if mustRestart.exchange(false, ordering: .relaxed) { throw .stopped(.restarted) }
      if looks.add(1, ordering: .relaxed).newValue > looksMax { throw .stopped(.timedOut) }
    }

    func checkWaiting() throws(StoreError) { try check() }

    func hold(_ bytes: Int) {}

    func restart() {
      restarts.add(1, ordering: .relaxed)
      mustRestart.store(true, ordering: .relaxed)
    }
  }

  private static let endless = """
    WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number)
    SELECT max(n) FROM number
    """

  /// A statement without end is stopped where it is, and the next query is not concerned.
  @Test func statementsEnd() throws {
    let fixture = try StoreFixture()
    let limit = Limit(looksMax: 5)
    #expect(throws: StoreError.stopped(.timedOut)) {
      try CurrentQuery.bound(to: limit) { () throws(StoreError) in
        try fixture.store.read { (connection) throws(StoreError) in
          try connection.number(Self.endless)
        }
      }
    }
    #expect(limit.looks.load(ordering: .relaxed) == 6)
    let count = try fixture.store.read { (connection) throws(StoreError) in
      try connection.number("SELECT count(*) FROM organization")
    }
    #expect(count != nil && limit.looks.load(ordering: .relaxed) == 6)
  }

  /// Without a limit nothing is stopped: jobs and changes have none.
  @Test func workWithoutLimitIsNotStopped() throws {
    let fixture = try StoreFixture()
    #expect(CurrentQuery.limit == nil)
    try CurrentQuery.check()
    let count = try fixture.store.read { (connection) throws(StoreError) in
      try connection.number(
        Self.endless.replacing("FROM number)", with: "FROM number WHERE n < 100000)"))
    }
    #expect(count == 100_000)
  }

  /// Beside readers that follow one another without a gap, the WAL keeps a bounded size.
  @Test func longReadersDoNotLetTheWALGrow() throws {
    let directory = try TemporaryDirectory()
    var settings = SQLiteStore.Settings(
      path: directory.path + "/hale.db", newSecret: [UInt8](repeating: 1, count: 32))
    settings.walPagesMax = 8000
    let store = try SQLiteStore(settings)
    store.writes.handOver()
    let ended = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      store.writes.run()
      ended.signal()
    }
    Thread.detachNewThread {
      try? store.runCheckpoints()
      ended.signal()
    }
    let isOver = Atomic(false)
    let limits = (0..<2).map { _ in Limit(looksMax: .max) }
    let begun = DispatchSemaphore(value: 0)
    for limit in limits {
      Thread.detachNewThread {
        while !isOver.load(ordering: .relaxed) {
          _ = try? CurrentQuery.bound(to: limit) { () throws(StoreError) in
            try store.readCatalog { (connection) throws(StoreError) in
              _ = try connection.number("SELECT count(*) FROM setting")
              begun.signal()
              _ = try connection.number(Self.endless)
            }
          }
        }
        ended.signal()
      }
      begun.wait()
    }
    // 96 MB in all.
    var longest: Int64 = 0
    for round in 0..<96 {
      try store.commit { (connection) throws(StoreError) in
        try connection.run(
          "INSERT OR REPLACE INTO setting (name, value) VALUES ('test', zeroblob(?))",
          [1_000_000 + round])
      }
      longest = max(longest, try directory.size(of: "hale.db-wal"))
    }
    isOver.store(true, ordering: .relaxed)
    for limit in limits { limit.restart() }
    for _ in limits { ended.wait() }
    store.writes.close()
    ended.wait()
    store.stopCheckpoints()
    ended.wait()
    #expect(longest < 64_000_000)
    #expect(limits.allSatisfy { $0.restarts.load(ordering: .relaxed) > 1 })
  }
}

extension TemporaryDirectory {
  fileprivate func size(of name: String) throws -> Int64 {
    let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
    return (attributes[.size] as? NSNumber)?.int64Value ?? 0
  }
}
