import ReleaseHealth
import Storage
import Testing

@testable import SQLiteStorage

/// Durations in queries: by hour, from histograms.
@Suite struct DurationTests {
  static let day = 20_000
  static let start = Timestamp(minute: DurationTests.day * 1440 + 10 * 60)

  private func ask(
    _ fixture: StoreFixture, _ minutes: Range<Int>, _ interval: Int? = nil,
    by groups: Set<HealthQuery.Dimension> = [], release: String? = nil
  ) throws -> [HealthGroup] {
    var query = HealthQuery(projects: [fixture.project], minutes: minutes)
    query.intervalMinutes = interval
    query.measures = .durations
    query.groupBy = groups
    if let release { query.filter = .release(release) }
    return try fixture.store.health(query)
  }

  /// A store with five releases; durations of release n are n seconds in the first hour and 10 · n
  /// in the third.
  private func filled() throws -> StoreFixture {
    let fixture = try StoreFixture()
    var id: UInt64 = 0
    for release in 1...5 {
      for (hour, factor) in [(0, 1000), (2, 10_000)] {
        id += 1
        let started = Self.start.advanced(byMilliseconds: Int64(hour) * 3_600_000 + 90_000)
        try fixture.ingest(
          [
            fixture.report(
              id, started: started, status: .exited, duration: Int64(release * factor),
              release: "shop@\(release)")
          ], at: started)
      }
    }
    return fixture
  }

  @Test func bucketsAreWholeHours() throws {
    let minutes = Self.start.minute..<Self.start.minute + 180
    let group = try #require(try ask(filled(), minutes, 60).first)
    #expect(group.series.map { $0.durations?.average } == [3000, nil, 30_000])
    #expect(group.totals.durations?.average == 16_500)
    let longer = try #require(try ask(filled(), minutes, 120).first)
    #expect(longer.series.map { $0.durations?.average } == [3000, 30_000])
  }

  @Test func groupsHaveTheirOwn() throws {
    let fixture = try filled()
    let minutes = Self.start.minute..<Self.start.minute + 180
    let groups = try ask(fixture, minutes, 60, by: [.release])
    #expect(groups.map { $0.totals.durations?.average } == [5500, 11_000, 16_500, 22_000, 27_500])
    #expect(groups.allSatisfy { $0.series.count == 3 && $0.series[1].durations == nil })
    // One of five releases is read hour by hour.
    let one = try ask(fixture, minutes, 60, release: "shop@2")
    #expect(one.map(\.totals) == [groups[1].totals])
    #expect(one.map(\.series) == [groups[1].series])
  }

  /// A range that ends in the current hour has its durations so far; a range that begins within an
  /// hour has all of that hour.
  @Test func hoursAtTheEndsAreWhole() throws {
    let fixture = try filled()
    let now = Self.start.minute + 122
    #expect(
      try ask(fixture, Self.start.minute..<now, 60).first?.series.map { $0.durations?.average }
        == [3000, nil, 30_000])
    #expect(
      try ask(fixture, Self.start.minute + 5..<Self.start.minute + 60).first?.totals.durations?
        .average == 3000)
  }

  @Test func nothingIsMeasuredUnlessAsked() throws {
    var query = HealthQuery(
      projects: [ProjectID(rawValue: 1)], minutes: Self.start.minute..<Self.start.minute + 60)
    query.measures = [.sessions, .users]
    let fixture = try filled()
    #expect(try fixture.store.health(query).map(\.totals.durations) == [nil])
  }

  /// A raised duration of a session counts once, with the new value; when its start is corrected,
  /// its duration moves with it.
  @Test func durationsFollowTheirSession() throws {
    let fixture = try StoreFixture()
    let minutes = Self.start.minute..<Self.start.minute + 120
    let later = Self.start.advanced(byMilliseconds: 3_600_000)
    try fixture.ingest(
      [fixture.report(1, started: later, status: .exited, duration: 500)], at: later)
    try fixture.ingest(
      [fixture.report(1, started: later, status: .exited, duration: 70_000)], at: later)
    #expect(
      try ask(fixture, minutes, 60).first?.series.map { $0.durations?.longest } == [nil, 70_000])
    try fixture.ingest(
      [fixture.report(1, started: later, corrected: Self.start, status: .exited)], at: later)
    #expect(
      try ask(fixture, minutes, 60).first?.series.map { $0.durations?.longest } == [70_000, nil])
  }
}
