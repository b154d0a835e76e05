import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

@Suite struct RetentionTests {
  static let day: Int64 = 86_400_000
  static let start = Timestamp(milliseconds: 20_000 * day)

  /// States are dropped 5 days and an hour after their latest corrected start; no count changes.
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

  /// The device's time is only part of the key: how long a state is kept depends on the corrected
  /// start, also for devices that are years behind or ahead.
  @Test(arguments: [-3650, 3650])
  func driftDoesNotDecideHowLongAStateIsKept(days: Int64) throws {
    let fixture = try StoreFixture()
    let claimed = Self.start.advanced(byMilliseconds: days * Self.day)
    let first = fixture.report(1, started: claimed, corrected: Self.start, user: 1)
    try fixture.ingest([first], at: Self.start)
    try fixture.housekeep(at: Self.start.advanced(byMilliseconds: 5 * Self.day))
    // The crash arrives four and a half days late and finds its session.
    let crash = fixture.report(1, started: claimed, corrected: Self.start, status: .crashed)
    try fixture.ingest([crash], at: Self.start.advanced(byMilliseconds: 9 * Self.day / 2))
    let answer = try fixture.ask(days: 20_000..<20_001)
    #expect(answer.totals.sessions == SessionCounts(crashed: 1))
    #expect(answer.totals.users.byWorst == SessionCounts(crashed: 1))
    try fixture.housekeep(at: Self.start.advanced(byMilliseconds: 6 * Self.day))
    #expect(try fixture.number("SELECT count(*) FROM session") == 0)
    #expect(
      try DataFile.verify(path: fixture.directory.path + "/hale.db") { _, _ in }.findings.isEmpty)
  }

  /// A later corrected start in the second update keeps the session's state, and the rows of its
  /// bucket, for longer.
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

  /// Users without data are deleted, except those who came back meanwhile.
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
    // The first user returns with a new id and counts once.
    try fixture.ingest([fixture.report(4, started: late, user: 1)], at: late)
    try fixture.ingest([fixture.report(5, started: late, user: 2)], at: late)
    #expect(try fixture.ask(days: 20_010..<20_039).totals.users.total == 2)
  }

  /// If a clock is ahead for a while, minutes are dropped too early. Their sets stay, and late
  /// updates are added to them.
  @Test func aClockThatWasAheadTakesNoUsers() throws {
    let fixture = try StoreFixture()
    let hour = Self.start.hour * 60..<Self.start.hour * 60 + 60
    // Two sessions of each release in different minutes, so that each has its own part.
    try fixture.ingest(
      (UInt64(0)..<2500).map {
        let started = Self.start.advanced(byMilliseconds: Int64($0 % 2) * 60_000)
        return fixture.report($0, started: started, user: $0, release: "shop@\($0 / 2)")
      }, at: Self.start)
    let all = try #require(try fixture.number("SELECT count(*) FROM user_minute"))
    #expect(all == 2500)
    let later = Self.start.advanced(byMilliseconds: Self.day)
    try fixture.housekeep(at: later)
    let ahead = later.advanced(byMilliseconds: 10 * Self.day)
    // The run is cut short: some rows still exist when the clock is set right.
    while try fixture.store.housekeep(at: ahead),
      try fixture.number("SELECT count(*) FROM user_minute") == all
    {}
    let rows = try #require(try fixture.number("SELECT count(*) FROM user_minute"))
    #expect(0 < rows && rows < all)
    try fixture.ingest(
      [fixture.report(9000, started: Self.start, status: .crashed, user: 9000)], at: later)
    for _ in 0..<2 {
      for range in [hour, 20_000 * 1440..<20_001 * 1440] {
        let users = try fixture.ask(minutes: range).totals.users
        #expect(users.byWorst == SessionCounts(healthy: 2500, crashed: 1))
      }
      try fixture.housekeep(at: later.advanced(byMilliseconds: Self.day))
    }
    try fixture.housekeep(at: ahead)
    #expect(try fixture.number("SELECT count(*) FROM user_minute") == 0)
    try fixture.ingest(
      [fixture.report(9001, started: Self.start, status: .crashed, user: 9001)], at: later)
    try fixture.housekeep(at: later.advanced(byMilliseconds: Self.day))
    #expect(try fixture.ask(days: 20_000..<20_001).totals.users.total == 2502)
  }

  /// An hour with very many users is closed in parts; an update of it starts that again.
  @Test func anHourIsClosedInParts() throws {
    let fixture = try StoreFixture()
    let count: UInt64 = 60_000
    try fixture.ingest(
      (0..<count).map {
        let started = Self.start.advanced(byMilliseconds: Int64($0 % 3) * 60_000)
        return fixture.report($0, started: started, user: $0)
      }, at: Self.start)
    let later = Self.start.advanced(byMilliseconds: 3 * 3_600_000)
    while try fixture.store.foldPending() != nil {}
    #expect(try fixture.store.housekeep(at: later))
    #expect(try fixture.number("SELECT count(*) FROM user_hour") == 0)
    // The first user, whose changes were read already, gets another kind.
    try fixture.ingest(
      [fixture.report(0, started: Self.start, status: .crashed, user: 0)], at: later)
    let expected = SessionCounts(healthy: Int64(count) - 1, crashed: 1)
    // The current run leaves the hour to the next one.
    for closed: Int64 in [0, 1, 1] {
      #expect(try fixture.ask(days: 20_000..<20_001).totals.users.byWorst == expected)
      try fixture.housekeep(at: later)
      #expect(try fixture.number("SELECT count(*) FROM user_hour") == closed)
    }
  }

  /// An hour that is updated faster than it is closed blocks nothing else, whether it is closed in
  /// parts, minute by minute, or at once.
  @Test(arguments: [1, 4] as [UInt64])
  func anHourThatIsUpdatedAgainAndAgainHoldsNothingUp(minutes: UInt64) throws {
    let fixture = try StoreFixture(retentionDays: 7)
    let old = Self.start.advanced(byMilliseconds: -8 * Self.day)
    try fixture.ingest([fixture.report(1, started: old, user: 1)], at: old)
    try fixture.ingest(
      (0..<60_000 as Range<UInt64>).map {
        let started = Self.start.advanced(byMilliseconds: Int64($0 % minutes) * 60_000)
        return fixture.report($0, started: started, user: $0)
      }, at: Self.start)
    let later = Self.start.advanced(byMilliseconds: 3 * 3_600_000)
    var id: UInt64 = 100_000
    var steps = 0
    while try fixture.store.housekeep(at: later), steps < 200 {
      steps += 1
      id += 1
      try fixture.ingest([fixture.report(id, started: Self.start, user: id)], at: later)
    }
    #expect(steps < 200)
    #expect(try fixture.number("SELECT count(*) FROM session_day") == 1)
    #expect(try fixture.number("SELECT count(*) FROM user_hour_open") == 1)
  }

  /// Old states are dropped in parts, whether or not drift keeps others among them.
  @Test func oldStatesGoAmongThoseThatDriftKeeps() throws {
    let fixture = try StoreFixture()
    let now = Self.start.advanced(byMilliseconds: 6 * Self.day)
    try fixture.ingest(
      (0..<3000).map { fixture.report($0, started: Self.start, corrected: now) }
        + (3000..<6000).map { fixture.report($0, started: Self.start) }, at: now)
    try fixture.housekeep(at: now)
    #expect(try fixture.number("SELECT count(*) FROM session") == 3000)
    #expect(try fixture.number("SELECT count(*) FROM session WHERE latest IS NULL") == 0)
    // A clock that was set back adds states before the place that the search had reached.
    let back = Self.start.advanced(byMilliseconds: Self.day)
    try fixture.ingest([fixture.report(9000, started: Self.start)], at: back)
    try fixture.housekeep(at: back)
    try fixture.housekeep(at: now)
    #expect(try fixture.number("SELECT count(*) FROM session WHERE latest IS NULL") == 0)
    try fixture.housekeep(at: now.advanced(byMilliseconds: 6 * Self.day))
    #expect(try fixture.number("SELECT count(*) FROM session") == 0)
  }
}
