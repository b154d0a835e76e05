import API
import Testing

@Suite struct StatsPeriodTests {
  @Test(arguments: [
    ("0s", 0), ("90s", 90), ("5m", 300), ("1h", 3600), ("14d", 1_209_600), ("2w", 1_209_600),
    ("999999999w", 604_799_999_395_200), ("007d", 604_800),
  ])
  func readsPeriods(text: String, seconds: Int64) {
    #expect(StatsPeriod.seconds(text) == seconds)
  }

  @Test(arguments: ["", "h", "24", "-1h", "+1h", "1.5h", "1 h", "1H", "1y", "1hh", "1000000000s"])
  func refusesPeriods(text: String) {
    #expect(StatsPeriod.seconds(text) == nil)
  }
}
