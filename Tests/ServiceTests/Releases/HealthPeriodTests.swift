import ReleaseHealth
import TestSupport
import Testing

@testable import Queries
@testable import Service

@Suite struct HealthPeriodTests {
  /// A period of 24 hours is [now - 24 h, now] in whole minutes: those that began in it.
  @Test(arguments: [
    (HealthPeriod.day24, 0, -1440, 1),
    (.day24, 1, -1439, 1),
    (.day24, 59_999, -1439, 1),
    (.hour, 0, -60, 1),
    (.hour, 30_000, -59, 1),
    // Beyond the minutes, from a full hour on.
    (.week, 0, -7 * 1440, 1),
    (.week, 30_000, -7 * 1440, 1),
  ])
  func window(_ period: HealthPeriod, millisecondsAfterNoon: Int64, first: Int, end: Int) {
    let noon = ServiceFixture.now
    let window = period.window(until: noon.advanced(byMilliseconds: millisecondsAfterNoon))
    #expect(window == noon.minute + first..<noon.minute + end)
  }
}
