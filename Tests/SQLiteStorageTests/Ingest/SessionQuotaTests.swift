import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

/// What quotas have used, and which sessions they know, is as durable as the sessions.
@Suite struct DurableQuotaTests {
  private static let start = PendingTests.start
  private static let key = String(repeating: "0", count: 32)

  private static func batch(
    _ fixture: StoreFixture, _ ids: Range<UInt64>, _ status: SessionStatus = .ok,
    at now: Timestamp = start
  ) -> IngestBatch {
    var batch = IngestBatch(receivedAt: now)
    batch.add(ids.map { fixture.report($0, started: start, status: status) })
    batch.outcomes[OutcomeKey(project: fixture.project, outcome: .accepted)] = Int64(ids.count)
    batch.limit(
      by: KeyQuotas(
        project: fixture.project, publicKey: key, ofProject: Quotas(sessionsPerDay: 20),
        ofKey: Quotas(sessionsPerMinute: 15)))
    return batch
  }

  private static func refused(
    _ store: SQLiteStore, _ batch: IngestBatch, of fixture: StoreFixture
  ) throws -> Int64 {
    try store.ingest(batch)[
      OutcomeKey(project: fixture.project, outcome: .rejected(.quota))] ?? 0
  }

  /// A kill between commit and folding, in the middle of a run, or after it, decides the same.
  @Test(arguments: 0...3)
  func aRestartDecidesTheSame(slices: Int) throws {
    let fixture = try StoreFixture(folding: PendingTests.folding)
    #expect(try Self.refused(fixture.store, Self.batch(fixture, 0..<10), of: fixture) == 0)
    for _ in 0..<slices { _ = try fixture.store.foldPending() }
    let next = try StoreFixture.open(fixture.directory, folding: PendingTests.folding)
    // Five of ten new sessions have room in the minute; then five in the day.
    #expect(try Self.refused(next, Self.batch(fixture, 10..<20), of: fixture) == 5)
    let again = try StoreFixture.open(fixture.directory, folding: PendingTests.folding)
    let later = Self.start.advanced(byMilliseconds: 60_000)
    #expect(try Self.refused(again, Self.batch(fixture, 20..<30, at: later), of: fixture) == 5)
    // All fifteen and five are known.
    let crashes = Self.batch(fixture, 0..<30, .crashed, at: later)
    #expect(try Self.refused(again, crashes, of: fixture) == 10)
    let minutes = Self.start.minute..<Self.start.minute + 1
    let query = HealthQuery(projects: [fixture.project], minutes: minutes)
    #expect(try again.health(query)[0].totals.sessions == SessionCounts(crashed: 20))
    let report = try DataFile.verify(path: fixture.directory.path + "/hale.db") { _, _ in }
    #expect(report.findings.isEmpty)
  }

  /// A batch that is not stored uses nothing.
  @Test func aBatchThatFailsUsesNothing() throws {
    let fixture = try StoreFixture(folding: PendingTests.folding)
    try fixture.store.write { (writer) throws(StoreError) in
      try writer.connection.execute(
        """
        CREATE TEMP TRIGGER fault BEFORE INSERT ON pending BEGIN
          SELECT RAISE(ABORT, 'fault');
        END
        """)
    }
    #expect(throws: StoreError.self) {
      try fixture.store.ingest(Self.batch(fixture, 0..<15))
    }
    try? fixture.store.write { (writer) throws(StoreError) in
      try writer.connection.execute("DROP TRIGGER IF EXISTS fault")
    }
    #expect(try Self.refused(fixture.store, Self.batch(fixture, 15..<30), of: fixture) == 0)
    #expect(try fixture.number("SELECT sum(minute_sessions) FROM session_use") == 30)
  }

  /// Without quotas nothing is written about them.
  @Test func withoutQuotasNothingIsWritten() throws {
    let fixture = try StoreFixture(folding: PendingTests.folding)
    try fixture.ingest([fixture.report(1, started: Self.start)], at: Self.start)
    #expect(try fixture.number("SELECT count(*) FROM session_use") == 0)
  }
}
