import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

@Suite struct OutcomeReaderTests {
  static let start = Timestamp(milliseconds: 20_000 * 86_400_000 + 90_000)

  private func history(_ fixture: StoreFixture, hours: Int = 1) throws -> SessionHistory {
    let first = Self.start.hour * 60
    var query = HealthQuery(projects: [fixture.project], minutes: first..<first + hours * 60)
    query.intervalMinutes = 60
    return try fixture.store.history(query)
  }

  /// Repeated updates count in the bucket of the session's start, and change no other number.
  @Test func repetitionsAreToldByTheBucketOfTheStart() throws {
    let fixture = try StoreFixture()
    let later = Self.start.advanced(byMilliseconds: 3 * 3_600_000)
    // Drift moves the session back by an hour; repeated updates count there.
    let moved = Self.start.advanced(byMilliseconds: -3_600_000)
    try fixture.ingest([fixture.report(1, started: Self.start)], at: Self.start)
    try fixture.ingest([fixture.report(1, started: Self.start)], at: later)
    try fixture.ingest(
      [
        fixture.report(1, started: Self.start, corrected: moved),
        fixture.report(1, started: Self.start, corrected: moved),
      ], at: later)
    let bucket = try history(fixture).buckets[0]
    #expect(bucket.repeated == 1 && bucket.counts.isZero)
    #expect(bucket.prompt.healthy == 1)
    #expect(
      bucket.late == [
        .init(time: Timestamp(minute: later.minute / 10 * 10), change: SessionCounts(healthy: -1))
      ])
    #expect(
      try fixture.number("SELECT repeated FROM arrival WHERE hour = \(moved.hour)") == 1)
  }

  /// The arrival log has a retention of 30 days. Older changes are reported as unknown, and the
  /// parts still add up.
  @Test func explanationsReachAsFarAsTheLog() throws {
    let fixture = try StoreFixture()
    let later = Self.start.advanced(byMilliseconds: 3 * 3_600_000)
    try fixture.ingest([fixture.report(1, started: Self.start)], at: Self.start)
    try fixture.ingest([fixture.report(1, started: Self.start, status: .crashed)], at: later)
    #expect(try history(fixture).firstKnownHour == nil)
    let day: Int64 = 86_400_000
    let now = Self.start.advanced(byMilliseconds: 31 * day)
    try fixture.housekeep(at: now)
    let old = try history(fixture)
    #expect(old.firstKnownHour == later.hour + 2)
    #expect(old.buckets[0].unlogged == SessionCounts(crashed: 1))
    #expect(old.buckets[0].counts == SessionCounts(crashed: 1) && old.buckets[0].late.isEmpty)
    try fixture.ingest([fixture.report(2, started: now)], at: now)
    try fixture.housekeep(at: now.advanced(byMilliseconds: 40 * day))
    #expect(try history(fixture).buckets[0].unlogged == SessionCounts(crashed: 1))
  }

  /// With a clock that is weeks ahead for one run, all data is dropped. Data that arrives once the
  /// clock is right is explained and verified as usual.
  @Test(arguments: [60, 200])
  func aClockThatWasAheadDropsNothingToCome(days: Int64) throws {
    let fixture = try StoreFixture()
    try fixture.ingest([fixture.report(1, started: Self.start, user: 1)], at: Self.start)
    try fixture.housekeep(at: Self.start.advanced(byMilliseconds: days * 86_400_000))
    let next = Self.start.advanced(byMilliseconds: 3_600_000)
    try fixture.ingest([fixture.report(2, started: next, user: 1)], at: next)
    let found = try history(fixture, hours: 2)
    #expect(found.buckets[1].prompt == SessionCounts(healthy: 1))
    #expect(found.buckets[1].unlogged.isZero)
    let firstKnown = try #require(found.firstKnownHour)
    #expect(firstKnown <= Self.start.hour + 3)
    let day = Int64(Self.start.day)
    let dropped = "SELECT value FROM setting WHERE name"
    #expect(try fixture.number("\(dropped) = 'counts_dropped'") == (days == 60 ? nil : day))
    #expect(
      try fixture.number("\(dropped) = 'states_dropped'") == Self.start.milliseconds)
    #expect(
      try DataFile.verify(path: fixture.directory.path + "/hale.db") { _, _ in }.findings.isEmpty)
  }

  @Test func outcomesByTheHour() throws {
    let fixture = try StoreFixture()
    let key = OutcomeKey(project: fixture.project, outcome: .rejected(.tooOld))
    for hour in [0, 0, 2, 3] as [Int64] {
      var batch = IngestBatch(receivedAt: Self.start.advanced(byMilliseconds: hour * 3_600_000))
      batch.outcomes = [key: 5]
      try fixture.store.ingest(batch)
    }
    let first = Self.start.hour
    let projects: Set = [fixture.project]
    #expect(
      try fixture.store.outcomes(of: projects, hours: first..<first + 3, intervalHours: 1)
        == [[key: 10], [:], [key: 5]])
    #expect(
      try fixture.store.outcomes(of: projects, hours: first..<first + 5, intervalHours: 3)
        == [[key: 15], [key: 5]])
    #expect(
      try fixture.store.outcomes(
        of: [ProjectID(rawValue: 2)], hours: first..<first + 1, intervalHours: 1)
        == [[:]])
  }

  /// Explanations come from roll-ups, never from session states, and no statement reads rows
  /// outside the query's range.
  @Test(arguments: [
    OutcomeReader.SQL.outcomes, OutcomeReader.SQL.days,
    OutcomeReader.SQL.minutes, OutcomeReader.SQL.arrivals, OutcomeReader.SQL.floor,
    OutcomeReader.SQL.arrivalsOfSeries,
  ])
  func statementsSearchRollUps(sql: String) throws {
    let fixture = try StoreFixture()
    let plan = try fixture.store.read { (connection) throws(StoreError) -> [String] in
      let explain = try connection.prepare("EXPLAIN QUERY PLAN " + sql)
      var lines: [String] = []
      while try explain.step() { lines.append(explain.text(3)) }
      return lines
    }
    let tables = plan.filter { $0.hasPrefix("SEARCH") || $0.hasPrefix("SCAN") }
    #expect(!tables.isEmpty)
    for line in tables {
      #expect(line.hasPrefix("SEARCH"), "\(sql): \(line)")
      #expect(line.firstMatch(of: /^\w+ session( |$)/) == nil, "\(sql): \(line)")
    }
  }
}
