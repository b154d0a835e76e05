import ReleaseHealth
import Storage
import Testing

@testable import SQLiteStorage

@Suite struct RetentionTests {
  static let day: Int64 = 86_400_000
  static let start = Timestamp(milliseconds: 20_000 * day)

  /// States go 5 days and an hour after their latest corrected start, and no number moves.
  @Test func droppedStatesLeaveTheNumbers() throws {
    let fixture = try StoreFixture()
    let started = Self.start
    try fixture.ingest(
      [
        fixture.report(1, started: started, status: .crashed, user: 1),
        fixture.report(2, started: started, user: 2),
      ], at: started)
    let before = try fixture.ask(days: 20_000..<20_001, intervalMinutes: 60)

    let limit = started.advanced(byMilliseconds: DomainLimits.stateMillisecondsKept)
    try fixture.housekeep(at: limit)
    #expect(try fixture.number("SELECT count(*) FROM session") == 2)
    try fixture.housekeep(at: limit.advanced(byMilliseconds: 1))
    #expect(try fixture.number("SELECT count(*) FROM session") == 0)
    try fixture.housekeep(at: limit.advanced(byMilliseconds: Self.day))
    #expect(try fixture.number("SELECT count(*) FROM user_minute") == 0)
    #expect(try fixture.number("SELECT count(*) FROM session_minute") == 0)
    #expect(try fixture.ask(days: 20_000..<20_001, intervalMinutes: 60) == before)
  }

  /// What a device's clock claimed is part of the key only: how long a state is kept follows the
  /// corrected start, on devices that are years behind or ahead.
  @Test(arguments: [-3650, 3650])
  func driftDoesNotDecideHowLongAStateIsKept(days: Int64) throws {
    let fixture = try StoreFixture()
    let claimed = Self.start.advanced(byMilliseconds: days * Self.day)
    let first = fixture.report(1, started: claimed, corrected: Self.start, user: 1)
    try fixture.ingest([first], at: Self.start)
    try fixture.housekeep(at: Self.start.advanced(byMilliseconds: 5 * Self.day))
    // The crash comes four and a half days late and finds its session.
    let crash = fixture.report(1, started: claimed, corrected: Self.start, status: .crashed)
    try fixture.ingest([crash], at: Self.start.advanced(byMilliseconds: 9 * Self.day / 2))
    let answer = try fixture.ask(days: 20_000..<20_001)
    #expect(answer.totals.sessions == SessionCounts(crashed: 1))
    #expect(answer.totals.users.byWorst == SessionCounts(crashed: 1))
    try fixture.housekeep(at: Self.start.advanced(byMilliseconds: 6 * Self.day))
    #expect(try fixture.number("SELECT count(*) FROM session") == 0)
  }

  /// A session whose second update was corrected to a later start lives on by that, and its
  /// bucket's rows with it.
  @Test func theLatestCorrectedStartKeepsTheStateAndItsMinutes() throws {
    let fixture = try StoreFixture()
    let later = Self.start.advanced(byMilliseconds: 4 * Self.day)
    try fixture.ingest([fixture.report(1, started: Self.start, user: 1)], at: Self.start)
    try fixture.ingest(
      [fixture.report(1, started: Self.start, corrected: later, user: 1)], at: later)
    let now = Self.start.advanced(byMilliseconds: 8 * Self.day)
    try fixture.housekeep(at: now)
    #expect(try fixture.number("SELECT count(*) FROM session") == 1)
    try fixture.ingest(
      [fixture.report(1, started: Self.start, corrected: later, status: .crashed, user: 1)],
      at: now)
    for _ in 0..<2 {
      let answer = try fixture.ask(days: 20_000..<20_005, intervalMinutes: 1440)
      #expect(answer.series.map(\.sessions.crashed) == [1, 0, 0, 0, 0])
      #expect(answer.totals.users.byWorst == SessionCounts(crashed: 1))
      #expect(answer.totals.sessions.total == 1)
      try fixture.housekeep(at: now)
    }
  }

  @Test func countsGoAfterTheRetention() throws {
    let fixture = try StoreFixture(retentionDays: 30)
    for day in 0..<3 {
      let started = Self.start.advanced(byMilliseconds: Int64(day) * Self.day)
      try fixture.ingest([fixture.report(UInt64(day), started: started, user: 1)], at: started)
      try fixture.housekeep(at: started.advanced(byMilliseconds: 6 * Self.day))
    }
    try fixture.housekeep(at: Self.start.advanced(byMilliseconds: 32 * Self.day))
    let answer = try fixture.ask(days: 20_000..<20_003, intervalMinutes: 1440)
    #expect(answer.series.map(\.sessions.total) == [0, 0, 1])
    #expect(answer.series.map(\.users.total) == [0, 0, 1])
  }

  /// Users whom nothing names any more are forgotten; those who came back meanwhile are not.
  @Test func forgottenUsersGo() throws {
    let fixture = try StoreFixture(retentionDays: 30)
    try fixture.ingest(
      [
        fixture.report(1, started: Self.start, user: 1),
        fixture.report(2, started: Self.start, user: 2),
      ], at: Self.start)
    let back = Self.start.advanced(byMilliseconds: 20 * Self.day)
    try fixture.ingest([fixture.report(3, started: back, user: 2)], at: back)
    try fixture.housekeep(at: Self.start.advanced(byMilliseconds: 37 * Self.day))
    #expect(try fixture.number("SELECT count(*) FROM user") == 2)
    let late = Self.start.advanced(byMilliseconds: 38 * Self.day)
    try fixture.housekeep(at: late)
    #expect(try fixture.number("SELECT count(*) FROM user") == 1)
    // The first user returns as a new one and counts as one.
    try fixture.ingest([fixture.report(4, started: late, user: 1)], at: late)
    try fixture.ingest([fixture.report(5, started: late, user: 2)], at: late)
    #expect(try fixture.ask(days: 20_010..<20_039).totals.users.total == 2)
  }
}
