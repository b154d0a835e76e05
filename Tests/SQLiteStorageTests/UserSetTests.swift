import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

/// Distinct users over long ranges: unions of the sets of closed hours and days.
@Suite struct UserSetTests {
  static let firstDay = 20_000
  static let dayMilliseconds: Int64 = 86_400_000

  private func noon(_ day: Int) -> Timestamp {
    Timestamp(milliseconds: Int64(Self.firstDay + day) * Self.dayMilliseconds + 12 * 3_600_000)
  }

  /// The days have the same five users each, and one of their own; they are closed one by one.
  @Test func usersOverNinetyDaysAreAUnion() throws {
    let fixture = try StoreFixture()
    for day in 0..<90 {
      let users = Array(1...5) + [1000 + UInt64(day)]
      let reports = users.enumerated().map { index, user in
        fixture.report(UInt64(day * 100 + index), started: noon(day), user: user)
      }
      try fixture.ingest(reports, at: noon(day))
      try fixture.housekeep(at: noon(day + 1))
    }
    let days = Self.firstDay..<Self.firstDay + 90
    let answer = try fixture.ask(days: days, intervalMinutes: 1440)
    #expect(answer.totals.users.total == 95)
    #expect(answer.series.map(\.users.total) == Array(repeating: 6, count: 90))
    #expect(answer.totals.sessions.total == 540)
    #expect(try fixture.ask(days: days).totals == answer.totals)
    // The results come from the sets, since their rows are gone.
    #expect(try fixture.number("SELECT count(*) FROM user_day") == 90)
    #expect(
      try fixture.number("SELECT count(*) FROM user_environment_day WHERE sets IS NOT NULL") == 90)
    #expect(try fixture.number("SELECT count(DISTINCT hour) FROM user_minute") ?? 0 <= 6)
  }

  /// A session of a closed day crashes late: its user then counts as crashed on that day.
  @Test func lateSeverityReachesAClosedDay() throws {
    let fixture = try StoreFixture()
    try fixture.ingest(
      [
        fixture.report(1, started: noon(0), user: 1),
        fixture.report(2, started: noon(0), user: 2),
      ], at: noon(0))
    try fixture.housekeep(at: noon(3))
    #expect(try fixture.number("SELECT count(*) FROM user_day") == 1)

    try fixture.ingest(
      [fixture.report(1, started: noon(0), status: .crashed, user: 1)], at: noon(4))
    let expected = SessionCounts(healthy: 1, crashed: 1)
    for step in 0..<2 {
      for interval in [1440, 60, nil] {
        let answer = try fixture.ask(
          days: Self.firstDay..<Self.firstDay + 1, intervalMinutes: interval)
        #expect(answer.totals.users.byWorst == expected, "step \(step)")
        #expect(answer.totals.sessions == expected)
      }
      // The users come from the rows of the reopened hour, then from rebuilt sets.
      try fixture.housekeep(at: noon(4))
      #expect(try fixture.number("SELECT count(*) FROM user_hour_open") == 0)
    }
  }

  /// Batches arrive between the steps of a run: a day with a reopened hour is closed only after the
  /// hour.
  @Test func aDayWaitsForAnHourThatWasOpenedDuringTheRun() throws {
    let fixture = try StoreFixture()
    // More releases than one step closes.
    let releases = (0..<120).map { "shop@1.0.\($0)" }
    for (index, release) in releases.enumerated() {
      let id = UInt64(index)
      try fixture.ingest(
        [fixture.report(id, started: noon(0), user: id, release: release)], at: noon(0))
    }
    // Runs until some days are closed and others are not.
    while try fixture.number("SELECT count(*) FROM user_day") == 0,
      try fixture.store.housekeep(at: noon(2))
    {}
    #expect(try fixture.number("SELECT count(*) FROM user_day_open") ?? 0 > 0)
    for (index, release) in releases.enumerated() {
      let id = UInt64(1000 + index)
      try fixture.ingest(
        [fixture.report(id, started: noon(0), user: id, release: release)], at: noon(2))
    }
    for minutes: Int64 in [0, 10, 20] {
      try fixture.housekeep(at: noon(2).advanced(byMilliseconds: minutes * 60_000))
      let answer = try fixture.ask(days: Self.firstDay..<Self.firstDay + 1)
      #expect(answer.totals.users.total == 240, "after \(minutes) minutes")
    }
    #expect(try fixture.number("SELECT count(*) FROM user_day_open") == 0)
    #expect(
      try DataFile.verify(path: fixture.directory.path + "/hale.db") { _, _ in }.findings.isEmpty)
  }

  /// The set of an environment's day follows its releases: a query over all of them reads it, and a
  /// change of one of them clears it.
  @Test func unionsOfReleasesFollowThem() throws {
    let fixture = try StoreFixture()
    let day = Self.firstDay * 1440..<(Self.firstDay + 1) * 1440
    func built() throws -> Int64? {
      try fixture.number("SELECT count(*) FROM user_environment_day WHERE sets IS NOT NULL")
    }
    func users(_ groupBy: Set<HealthQuery.Dimension> = []) throws -> [Int64] {
      try fixture.groups(minutes: day, by: groupBy).map(\.totals.users.total)
    }
    for user: UInt64 in 1...3 {
      let release = user < 3 ? "shop@1" : "shop@2"
      try fixture.ingest(
        [fixture.report(user, started: noon(0), user: user, release: release)], at: noon(0))
    }
    try fixture.housekeep(at: noon(2))
    #expect(try built() == 1)
    #expect(try users() == [3])
    #expect(try users([.release]) == [2, 1])

    // A release that is new on the day, and a new user of another one.
    try fixture.ingest(
      [
        fixture.report(4, started: noon(0), user: 4, release: "shop@3"),
        fixture.report(5, started: noon(0), user: 1, release: "shop@3"),
      ], at: noon(3))
    for expected: Int64 in [0, 1] {
      #expect(try built() == expected)
      #expect(try users() == [4])
      #expect(try users([.release]) == [2, 1, 2])
      try fixture.housekeep(at: noon(3))
    }
    #expect(
      try DataFile.verify(path: fixture.directory.path + "/hale.db") { _, _ in }.findings.isEmpty)
  }

  /// A correction moves the session to an earlier bucket: its user leaves the later one, unless
  /// another session of the user is there.
  @Test func aMovedSessionTakesItsUserAlong() throws {
    let fixture = try StoreFixture()
    try fixture.ingest(
      [
        fixture.report(1, started: noon(1), user: 1),
        fixture.report(2, started: noon(1), user: 2),
        fixture.report(3, started: noon(1), user: 2),
      ], at: noon(1))
    try fixture.housekeep(at: noon(3))
    try fixture.ingest(
      [
        fixture.report(1, started: noon(1), corrected: noon(0), user: 1),
        fixture.report(2, started: noon(1), corrected: noon(0), user: 2),
      ], at: noon(3))
    for _ in 0..<2 {
      let answer = try fixture.ask(
        days: Self.firstDay..<Self.firstDay + 2, intervalMinutes: 1440)
      #expect(answer.series.map(\.sessions.total) == [2, 1])
      #expect(answer.series.map(\.users.total) == [2, 1])
      #expect(answer.totals.users.total == 2)
      try fixture.housekeep(at: noon(3))
    }
  }

  @Test func packedSetsReadBack() {
    var sets = UserSets()
    for user: UInt32 in [0, 1, 7, 70_000, .max] {
      sets.insert(user, kind: UserKind.healthy.rawValue)
    }
    sets.insert(7, kind: UserKind.crashed.rawValue)
    sets.insert(7, kind: UserKind.foregroundANR.rawValue)
    var read = UserSets()
    read.formUnion(packed: sets.packed.span)
    #expect(read.counts == sets.counts)
    #expect(read.counts.byWorst == SessionCounts(healthy: 4, crashed: 1))
    #expect(read.counts.withANR == 1 && read.counts.withForegroundANR == 1)
  }

  /// A user whose worst session froze may have had an unhandled error, too.
  @Test func failuresAreAUnion() {
    var sets = UserSets()
    let kinds: [UInt32: [UserKind]] = [
      1: [.healthy], 2: [.unhandled, .abnormal], 3: [.abnormal], 4: [.crashed, .unhandled],
      5: [.crashed], 6: [.errored, .unhandled], 7: [.errored],
    ]
    for (user, kinds) in kinds {
      for kind in kinds { sets.insert(user, kind: kind.rawValue) }
    }
    #expect(sets.counts.withFailure == 4)
    #expect(sets.counts.byWorst.crashed + sets.counts.byWorst.unhandled == 3)
    for kind in [UserKind.unhandled, .crashed, .abnormal] {
      var one = UserSets()
      one.insert(9, kind: kind.rawValue)
      #expect(one.counts.withFailure == (kind == .abnormal ? 0 : 1))
    }
  }

  /// The size target for a day with 100,000 out of a million users.
  @Test func aLargeSetStaysSmall() {
    var sets = UserSets()
    var state: UInt64 = 1
    for _ in 0..<100_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      sets.insert(UInt32(state >> 33) % 1_000_000, kind: 0)
    }
    #expect(sets.packed.count < 140_000)
  }
}
