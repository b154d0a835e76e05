import ReleaseHealth
import Testing

@Suite struct ErrorBudgetTests {
  private func target(_ text: String) throws -> Objective.Target {
    try #require(Objective.Target(percent: text))
  }

  @Test func targetsAreExactDecimals() throws {
    for (text, millionths) in [
      ("99.9", 999_000), ("99.99", 999_900), ("99.9999", 999_999), ("99.950", 999_500),
      ("50", 500_000), ("1.0001", 10_001), ("099", 990_000), ("99.0", 990_000),
    ] as [(String, Int64)] {
      let target = try target(text)
      #expect(target.millionths == millionths)
      #expect(Objective.Target(percent: target.percentText) == target)
      // The formats of the API.
      #expect(Objective.Target(percent: target.percent.description) == target)
    }
    #expect(try target("99.950").percentText == "99.95" && target("90").percentText == "90")
    for text in [
      "", "100", "0", "0.0", "99.99999", "-1", "1e1", "99,9", "99.", ".5", " 99", "1000", "+99",
      "99.9.9", "９９", "0.0001", "0.999", "1",
    ] {
      #expect(Objective.Target(percent: text) == nil, "\(text)")
    }
    #expect(Objective() == Objective(measure: .sessions, target: try target("99.9"), days: 28))
  }

  /// Ten of ten thousand sessions may crash.
  @Test func theRemainingBudget() throws {
    for (bad, left, consumed) in [
      (0, 1, 0), (4, 0.6, 0.4), (10, 0, 1), (25, -1.5, 2.5), (10_000, -999, 1000),
    ] as [(Int64, Double, Double)] {
      let budget = ErrorBudget(try target("99.9"), .init(total: 10_000, bad: bad))
      #expect(budget.allowed == 10)
      #expect(budget.left == left && budget.consumed == consumed && budget.burnRate == consumed)
    }
  }

  /// Results such as 0.07 % of 10,000 are exact despite floating point numbers.
  @Test func anExhaustedBudgetIsExactlyZero() throws {
    for hundredths in Int64(1)..<1000 {
      let target = try #require(Objective.Target(millionths: 1_000_000 - hundredths * 100))
      for factor in [1, 7, 1_000_003] as [Int64] {
        let counts = ErrorBudget.Counts(total: 10_000 * factor, bad: hundredths * factor)
        let budget = ErrorBudget(target, counts)
        #expect(budget.left == 0 && budget.consumed == 1)
        #expect(budget.allowed == Double(hundredths * factor))
      }
    }
  }

  @Test func withoutSessionsRatiosAreNil() throws {
    let budget = ErrorBudget(.usual, .init())
    #expect(budget.allowed == 0)
    #expect(budget.left == nil && budget.consumed == nil && budget.burnRate == nil)
  }

  /// Counts stop at 2⁶⁰ each: nothing overflows.
  @Test func theLargestCountsDoNotOverflow() throws {
    let most: Int64 = 5 << 60
    let budget = ErrorBudget(try target("1.0001"), .init(total: most, bad: most))
    #expect(try #require(budget.left) < 0 && budget.allowed < Double(most))
  }

  /// The thresholds are the workbook's at 30 days, in proportion for other windows, and never below
  /// 1.
  @Test func thresholds() {
    #expect(BurnPair.all.map { $0.threshold(days: 30) } == [14.4, 6, 3, 1])
    let at28 = BurnPair.all.map { $0.threshold(days: 28) }
    for (found, wanted) in zip(at28, [13.44, 5.6, 2.8, 1]) { #expect(abs(found - wanted) < 1e-9) }
    #expect(BurnPair.pairs(days: 1).map(\.long) == [.hour1, .hours6, .day1])
    #expect(BurnPair.pairs(days: 1).allSatisfy { $0.threshold(days: 1) == 1 })
    #expect(BurnPair.pairs(days: 3).count == 4)
    #expect(BurnWindow.allCases.map(\.name) == ["5m", "30m", "1h", "2h", "6h", "1d", "3d"])
  }

  /// Both windows have to be above the threshold; without sessions nothing burns.
  @Test func aPairBurnsWhileBothDo() {
    let pair = BurnPair.all[0]
    for (long, short, burns) in [
      (15.0, 15.0, true), (15, 14.4, false), (14.4, 15, false), (15, nil, false), (nil, 15, false),
      (nil, nil, false),
    ] as [(Double?, Double?, Bool)] {
      #expect(pair.burns(days: 30) { $0 == .hour1 ? long : short } == burns)
    }
  }
}
