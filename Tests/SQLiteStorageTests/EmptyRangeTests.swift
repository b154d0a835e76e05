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
}
