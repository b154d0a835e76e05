import ReleaseHealth
import Testing

@Suite struct QuotaTests {
  private static let noon = Timestamp(seconds: 20_000 * 86_400 + 43_200)

  struct Step: Sendable {
    var milliseconds: Int64
    var count: Int64
    var fits: Bool
  }

  /// Windows are minutes and UTC days, from their first millisecond to their last.
  @Test(
    arguments: [
      (
        "a minute ends with its last millisecond", Quotas(sessionsPerMinute: 2),
        [
          Step(milliseconds: 0, count: 1, fits: true), Step(milliseconds: 0, count: 2, fits: false),
          Step(milliseconds: 59_999, count: 1, fits: true),
          Step(milliseconds: 59_999, count: 1, fits: false),
          Step(milliseconds: 60_000, count: 2, fits: true),
          Step(milliseconds: 119_999, count: 1, fits: false),
        ]
      ),
      (
        "a day ends at midnight UTC", Quotas(sessionsPerDay: 3),
        [
          Step(milliseconds: 0, count: 3, fits: true),
          Step(milliseconds: 43_199_999, count: 1, fits: false),
          Step(milliseconds: 43_200_000, count: 3, fits: true),
        ]
      ),
      (
        "both hold", Quotas(sessionsPerMinute: 2, sessionsPerDay: 3),
        [
          Step(milliseconds: 0, count: 2, fits: true),
          Step(milliseconds: 60_000, count: 2, fits: false),
          Step(milliseconds: 60_000, count: 1, fits: true),
          Step(milliseconds: 120_000, count: 1, fits: false),
        ]
      ),
      (
        "a clock that is set back begins anew", Quotas(sessionsPerDay: 1),
        [
          Step(milliseconds: 864_000_000, count: 1, fits: true),
          Step(milliseconds: 864_000_000, count: 1, fits: false),
          Step(milliseconds: 0, count: 1, fits: true), Step(milliseconds: 1, count: 1, fits: false),
        ]
      ),
      (
        "no number overflows", Quotas(sessionsPerMinute: .max),
        [
          Step(milliseconds: 0, count: .max, fits: true),
          Step(milliseconds: 0, count: .max, fits: false),
          Step(milliseconds: 0, count: 0, fits: true),
        ]
      ),
      (
        "without a quota there is room", Quotas(),
        [
          Step(milliseconds: 0, count: .max, fits: true),
          Step(milliseconds: 0, count: .max, fits: true),
        ]
      ),
    ] as [(String, Quotas, [Step])])
  func windows(_ name: String, _ quotas: Quotas, _ steps: [Step]) {
    var use = SessionUse()
    for (index, step) in steps.enumerated() {
      use.move(to: Self.noon.advanced(byMilliseconds: step.milliseconds))
      #expect(use.hasRoom(for: step.count, of: quotas) == step.fits, "\(name), step \(index)")
      if step.fits { use.add(step.count) }
    }
  }

  /// A quota that was lowered below its use has no room, and one that was raised has some.
  @Test func aQuotaMayChangeWithinAWindow() {
    var use = SessionUse()
    use.move(to: Self.noon)
    use.add(5)
    #expect(!use.hasRoom(for: 1, of: Quotas(sessionsPerMinute: 3)))
    #expect(!use.hasRoom(for: 0, of: Quotas(sessionsPerMinute: 3)))
    #expect(use.hasRoom(for: 1, of: Quotas(sessionsPerMinute: 6)))
  }
}
