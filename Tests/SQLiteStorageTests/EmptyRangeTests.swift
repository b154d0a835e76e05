import ReleaseHealth
import SQLiteStorage
import Storage
import Testing

/// A range in the future has no minutes: nothing is counted, whatever the grain.
@Suite struct EmptyRangeTests {
  @Test(arguments: [nil, 1, 60, 1440])
  func nothingIsCounted(interval: Int?) throws {
    let fixture = try StoreFixture()
    for first in [0, 59, 60, 61, 1440, 29_453_760] {
      var query = HealthQuery(projects: [ProjectID(rawValue: 1)], minutes: first..<first)
      query.intervalMinutes = interval
      query.measures = [.sessions, .users]
      #expect(try fixture.store.health(query).isEmpty)
    }
  }

  /// The cost of a query depends on the stored data, not on the length of the range; for one of
  /// many releases, each bucket is looked up by itself.
  @Test(.timeLimit(.minutes(1)), arguments: [nil, 1 << 40])
  func agesCostWhatIsStored(interval: Int?) throws {
    let fixture = try StoreFixture()
    let start = Timestamp(milliseconds: 20_000 * 86_400_000)
    for id: UInt64 in 0..<20 {
      let report = fixture.report(
        id, started: start, status: .exited, duration: 1000, user: id, release: "shop@\(id)")
      try fixture.ingest([report], at: start)
    }
    var query = HealthQuery(projects: [fixture.project], minutes: 0..<1 << 40)
    query.intervalMinutes = interval
    query.measures = [.sessions, .users, .durations]
    query.filter = .release("shop@7")
    let found = try fixture.store.health(query)
    #expect(found.map(\.totals.sessions.total) == [1] && found[0].totals.users.total == 1)
  }
}
