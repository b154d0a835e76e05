import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

@Suite struct IngestTests {
  static let start = Timestamp(milliseconds: 20_000 * 86_400_000 + 90_000)

  @Test func durationsFollowTheLongestOfASessionThatExited() throws {
    let fixture = try StoreFixture()
    func histogram() throws -> DurationHistogram {
      try fixture.store.read { (connection) throws(StoreError) in
        let select = try connection.prepare("SELECT histogram, total FROM duration_hour")
        guard try select.step() else { return DurationHistogram() }
        return DurationHistogram(packed: select.blob(0), totalMilliseconds: select.integer(1))
      }
    }
    try fixture.ingest([fixture.report(1, started: Self.start, duration: 900)], at: Self.start)
    #expect(try histogram() == DurationHistogram())
    try fixture.ingest(
      [fixture.report(1, started: Self.start, status: .exited, duration: 500)], at: Self.start)
    var expected = DurationHistogram()
    expected.add(milliseconds: 900)
    #expect(try histogram() == expected)
    // The duration is raised: the old one is subtracted.
    try fixture.ingest(
      [fixture.report(1, started: Self.start, status: .exited, duration: 70_000)], at: Self.start)
    expected = DurationHistogram()
    expected.add(milliseconds: 70_000)
    #expect(try histogram() == expected)
  }

  /// A duration that is raised within its histogram bucket still changes the average, in one batch
  /// and in two.
  @Test(arguments: [[9_295_877, 9_303_153], [9_303_153, 9_295_877]] as [[Int64]])
  func durationsAreRaisedWithinTheirBucket(durations: [Int64]) throws {
    for isOneBatch in [true, false] {
      let fixture = try StoreFixture()
      let reports = durations.map {
        fixture.report(1, started: Self.start, status: .exited, duration: $0)
      }
      if isOneBatch {
        try fixture.ingest([fixture.report(2, started: Self.start)], at: Self.start)
        try fixture.ingest(reports, at: Self.start)
      } else {
        for report in reports { try fixture.ingest([report], at: Self.start) }
      }
      #expect(try fixture.number("SELECT total FROM duration_hour") == 9_303_153)
    }
  }

  /// The arrival log has each change and its time: a late crash subtracts a healthy session.
  @Test func arrivalsAreLoggedByStepAndStartHour() throws {
    let fixture = try StoreFixture()
    let later = Self.start.advanced(byMilliseconds: 3 * 3_600_000)
    try fixture.ingest([fixture.report(1, started: Self.start)], at: Self.start)
    try fixture.ingest([fixture.report(1, started: Self.start)], at: later)
    try fixture.ingest(
      [fixture.report(1, started: Self.start, status: .crashed)], at: later)
    let rows = try fixture.store.read { (connection) throws(StoreError) -> [[Int64]] in
      let select = try connection.prepare(
        "SELECT step, hour, healthy, errored, unhandled, abnormal, crashed FROM arrival")
      var rows: [[Int64]] = []
      while try select.step() { rows.append((0..<7).map { select.integer($0) }) }
      return rows
    }
    let step = Int64(Self.start.minute / 10)
    let hour = Int64(Self.start.hour)
    #expect(rows == [[step, hour, 1, 0, 0, 0, 0], [step + 18, hour, -1, 0, 0, 0, 1]])
    #expect(try fixture.number("SELECT repeated FROM arrival WHERE step = \(step + 18)") == 1)
  }

  @Test func outcomesAddUpWithRepetitionsAmongThem() throws {
    let fixture = try StoreFixture()
    let key = OutcomeKey(project: fixture.project, outcome: .accepted)
    let rejected = OutcomeKey(project: fixture.project, outcome: .rejected(.tooOld))
    for _ in 0..<3 {
      var batch = IngestBatch(receivedAt: Self.start)
      batch.add(fixture.report(1, started: Self.start))
      batch.outcomes = [key: 1, rejected: 2]
      try fixture.store.ingest(batch)
    }
    for (name, quantity) in [("accepted", 3), ("repeated", 2), ("too_old", 6)] {
      #expect(
        try fixture.number("SELECT quantity FROM outcome WHERE name = '\(name)'")
          == Int64(quantity))
    }
  }

  /// Session aggregates have columns of their own, beside the counts of sessions with a state.
  @Test func aggregatesStandApart() throws {
    let fixture = try StoreFixture()
    var batch = IngestBatch(receivedAt: Self.start)
    let report = fixture.report(1, started: Self.start)
    batch.add(report)
    batch.add(
      AggregatedSessions(
        correctedStart: Self.start, counts: SessionCounts(healthy: 7, crashed: 2)),
      of: report.key.series)
    try fixture.store.ingest(batch)
    let grids = try fixture.store.read { (connection) throws(StoreError) -> [CountGrid] in
      let select = try connection.prepare("SELECT identified, anonymous FROM session_day")
      _ = try select.step()
      return [CountGrid(packed: select.blob(0)), CountGrid(packed: select.blob(1))]
    }
    #expect(
      grids.map { $0[0] } == [SessionCounts(healthy: 1), SessionCounts(healthy: 7, crashed: 2)])
    #expect(grids.map(\.slots.count) == [1, 1])
    #expect(try fixture.ask(days: 20_000..<20_001).totals.sessions.total == 10)
  }

  /// A batch that does not fit leaves nothing behind, and the next one that fits counts.
  @Test func aFullDatabaseTakesNothingOfABatch() throws {
    let fixture = try StoreFixture()
    try fixture.ingest([fixture.report(1, started: Self.start, user: 1)], at: Self.start)
    try fixture.store.write { (writer) throws(StoreError) in
      let pages = try writer.connection.number("PRAGMA page_count") ?? 0
      _ = try writer.connection.number("PRAGMA max_page_count = \(pages + 2)")
    }
    let many = (2..<20_000).map {
      fixture.report(UInt64($0), started: Self.start, user: UInt64($0))
    }
    #expect {
      try fixture.ingest(many, at: Self.start)
    } throws: { error in
      if case StoreError.full = error { true } else { false }
    }
    #expect(try fixture.ask(days: 20_000..<20_001).totals.users.total == 1)
    try fixture.store.write { (writer) throws(StoreError) in
      _ = try writer.connection.number("PRAGMA max_page_count = 1000000")
    }
    try fixture.ingest(many, at: Self.start)
    let totals = try fixture.ask(days: 20_000..<20_001).totals
    #expect(totals.sessions.total == 19_999 && totals.users.total == 19_999)
  }

  /// The counts of a range in the future are empty, also on a full hour.
  @Test func anEmptyRangeHasNoCounts() throws {
    let fixture = try StoreFixture()
    try fixture.ingest([fixture.report(1, started: Self.start, user: 1)], at: Self.start)
    let hour = Self.start.hour * 60
    for minute in [hour, hour + 7, hour + 60] {
      #expect(try fixture.ask(minutes: minute..<minute, 60).totals == HealthCell())
    }
  }

  /// Huge numbers of a client saturate and crash nothing.
  @Test func hugeAggregatesSaturate() throws {
    var counts = SessionCounts()
    for _ in 0..<20 {
      counts += SessionCounts(
        healthy: 1 << 60, errored: 1 << 60, unhandled: 1 << 60, abnormal: 1 << 60,
        crashed: 1 << 60)
    }
    #expect(counts.total == 5 << 60 && counts.crashFreeRate == 0.8)
    let series = SeriesKey(project: ProjectID(rawValue: 1), release: "r", environment: "e")
    #expect(
      Adoption.run(sessions: [series: 1 << 60], known: [:], at: Self.start).count == 1)
  }

  @Test func packedCountsReadBack() {
    var grid = CountGrid()
    grid.add(SessionCounts(healthy: 300, crashed: 1), at: 23)
    grid.add(SessionCounts(errored: 1, unhandled: 2, abnormal: 3), at: 0)
    grid.add(SessionCounts(healthy: 1), at: 5)
    grid.add(SessionCounts(healthy: -1), at: 5)
    #expect(CountGrid(packed: grid.packed) == grid)
    #expect(grid.slots.map(\.key) == [0, 23])
  }

  /// The sum of packed slots equals the sum of the slots as read.
  @Test func packedCountsAddUp() {
    let most: Int64 = 1 << 60
    let slots = [
      (0, SessionCounts(errored: 1, unhandled: 2, abnormal: 3)), (5, SessionCounts(healthy: 300)),
      (22, SessionCounts(healthy: most, crashed: -most)),
      (23, SessionCounts(healthy: most, errored: 7, crashed: -most)),
    ]
    var grid = CountGrid()
    for (slot, counts) in slots { grid.add(counts, at: slot) }
    let packed = grid.packed
    func sum(_ packed: [UInt8], _ slots: Range<Int>) -> SessionCounts {
      CountGrid.sum(packed.span, slots: slots)
    }
    for first in [0, 1, 5, 22, 24] {
      for end in [0, 1, 6, 23, 24] where first <= end {
        var expected = SessionCounts()
        for (slot, counts) in slots where (first..<end).contains(slot) { expected += counts }
        #expect(sum(packed, first..<end) == expected, "\(first)..<\(end)")
      }
    }
    // Truncated bytes are read as far as possible.
    #expect(sum(Array(packed.prefix(4)), 0..<24) == SessionCounts())
    #expect(sum([], 0..<24) == SessionCounts())
  }

  /// Two spellings of one accented letter are two releases, before and after a restart.
  @Test func namesAreToldApartByTheirBytes() throws {
    let fixture = try StoreFixture()
    let names = ["caf\u{e9}@1", "cafe\u{301}@1"]
    for _ in 0..<2 {
      for (index, name) in names.enumerated() {
        try fixture.ingest(
          [fixture.report(UInt64(index), started: Self.start, release: name)], at: Self.start)
      }
      var query = HealthQuery(
        projects: [fixture.project], minutes: 20_000 * 1440..<20_001 * 1440)
      query.groupBy = [.release]
      let groups = try fixture.store.health(query)
      #expect(groups.map { Name($0.key.release ?? "") } == names.reversed().map { Name($0) })
      #expect(groups.map(\.totals.sessions.total) == [1, 1])
      try fixture.store.close()
    }
  }

  /// Huge numbers of a client saturate instead of crashing the service.
  @Test func madeUpNumbersStopSomewhere() throws {
    let fixture = try StoreFixture()
    let made = Int64(1) << 60
    for _ in 0..<20 {
      var batch = IngestBatch(receivedAt: Self.start)
      var sessions = AggregatedSessions(
        correctedStart: Self.start, counts: SessionCounts(healthy: made, crashed: made),
        user: UserHash(value: 1))
      sessions.durationMilliseconds = DomainLimits.durationMillisecondsMax
      for _ in 0..<3 {
        batch.add(
          sessions, of: SeriesKey(project: fixture.project, release: "shop@1.0.0", environment: nil)
        )
      }
      try fixture.store.ingest(batch)
    }
    let answer = try fixture.ask(days: 20_000..<20_001)
    #expect(answer.totals.sessions == SessionCounts(healthy: made, crashed: made))
    #expect(answer.totals.users.byWorst == SessionCounts(crashed: 1))
    #expect(try fixture.number("SELECT max(crashed) FROM arrival") == made)
    var histogram = DurationHistogram(buckets: [(0, 1)], totalMilliseconds: .max - 1)
    histogram.add(milliseconds: 7)
    #expect(histogram.totalMilliseconds == .max)
  }

  /// A session that reports ever new users keeps a limited number of them.
  @Test func usersOfASessionAreBounded() throws {
    let fixture = try StoreFixture()
    let limit = UInt64(DomainLimits.usersPerSessionMax)
    let reports = (0..<limit + 5).map { fixture.report(1, started: Self.start, user: $0) }
    for _ in 0..<2 { try fixture.ingest(reports, at: Self.start) }
    let answer = try fixture.ask(days: 20_000..<20_001)
    #expect(answer.totals.sessions.total == 1)
    #expect(answer.totals.users.total == Int64(limit))
    let outcomes = try fixture.store.outcomes(
      of: [fixture.project], hours: Self.start.hour..<Self.start.hour + 1, intervalHours: 1)
    #expect(
      outcomes == [
        [
          OutcomeKey(project: fixture.project, outcome: .userOmitted): 10,
          OutcomeKey(project: fixture.project, outcome: .repeated): Int64(limit),
        ]
      ])
  }
}
