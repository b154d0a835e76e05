import ReleaseHealth
import Testing

@Suite struct ProportionTests {
  /// Newcombe's own examples, "Interval estimation for the difference between independent
  /// proportions" (1998), table II, method 10, and Wilson intervals of their shares.
  @Test(arguments: [
    (56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062), (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775), (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0), (10, 10, 0, 10, 0.6075, 1.0),
  ])
  func differencesOfNewcombesTable(
    part: Int64, whole: Int64, basePart: Int64, baseWhole: Int64, low: Double, high: Double
  ) throws {
    let difference = ProportionDifference(
      of: try #require(Proportion(part, of: whole)),
      from: try #require(Proportion(basePart, of: baseWhole)))
    #expect(abs(difference.interval.lowerBound - low) < 0.000_051)
    #expect(abs(difference.interval.upperBound - high) < 0.000_051)
    #expect(difference.verdict == (low > 0 ? .higher : .chance))
  }

  @Test(
    arguments: [
      (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
      (1, 29, 0.0061, 0.1718),
      (20, 20, 0.8389, 1),
    ] as [(Int64, Int64, Double, Double)])
  func wilsonsIntervals(part: Int64, whole: Int64, low: Double, high: Double) throws {
    let interval = try #require(Proportion(part, of: whole)).interval
    #expect(abs(interval.lowerBound - low) < 0.000_051)
    #expect(abs(interval.upperBound - high) < 0.000_051)
  }

  @Test func aZeroDenominatorGivesNoShare() {
    #expect(Proportion(0, of: 0) == nil)
  }

  /// A reversed difference is the negative, and every interval contains its value.
  @Test func differencesAreSymmetric() throws {
    for whole in [1, 2, 30, 1000] as [Int64] {
      for part in [0, 1, whole / 2, whole] {
        let one = try #require(Proportion(part, of: whole))
        let two = try #require(Proportion(7, of: 9))
        let (there, back) = (
          ProportionDifference(of: two, from: one), ProportionDifference(of: one, from: two)
        )
        #expect(abs(there.interval.lowerBound + back.interval.upperBound) < 1e-12)
        #expect(there.interval.contains(there.value) && one.interval.contains(one.value))
        if there.verdict == .higher { #expect(back.verdict == .lower) }
      }
    }
  }

  /// Counts saturate at 2⁶⁰, and their shares stay finite.
  @Test func theGreatestCounts() throws {
    let share = try #require(Proportion(1 << 60, of: 5 << 60))
    #expect(share.value == 0.2 && share.interval.contains(0.2))
  }
}
