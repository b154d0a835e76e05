import Bytes
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

  // MARK: Verdicts on a status

  /// The verdict on each status but healthy, from mildest to crashed.
  private static func verdicts(
    _ base: SessionCounts, _ candidate: SessionCounts
  ) throws -> [ChangeVerdict] {
    func difference(_ severities: SeveritySet) throws -> ProportionDifference {
      ProportionDifference(
        of: try #require(Proportion(candidate.sum(of: severities), of: candidate.total)),
        from: try #require(Proportion(base.sum(of: severities), of: base.total)))
    }
    return try Severity.allCases.dropFirst().map { severity in
      let worse = SeveritySet.worse(than: severity)
      return ChangeVerdict(
        try difference(SeveritySet(severity)), worse: try difference(worse),
        orWorse: try difference(worse.union(SeveritySet(severity))))
    }
  }

  /// Of 1000 sessions, or users by the worst of theirs, before and after: those that are errored,
  /// unhandled, abnormal and crashed.
  @Test(
    arguments: [
      ([50, 0, 0, 10], [50, 0, 0, 10], [.chance, .chance, .chance, .chance]),
      ([50, 0, 0, 10], [10, 0, 0, 10], [.better, .chance, .chance, .chance]),
      ([10, 0, 0, 10], [50, 0, 0, 10], [.worse, .chance, .chance, .chance]),
      // Errored ones crash now.
      ([50, 0, 0, 10], [10, 0, 0, 50], [.shifted, .chance, .chance, .worse]),
      ([50, 0, 0, 10], [10, 0, 0, 400], [.shifted, .chance, .chance, .worse]),
      ([0, 50, 0, 10], [0, 10, 0, 50], [.chance, .shifted, .chance, .worse]),
      ([0, 50, 0, 10], [0, 10, 50, 10], [.chance, .shifted, .worse, .chance]),
      // Crashed ones are only errored now.
      ([10, 0, 0, 50], [50, 0, 0, 10], [.shifted, .chance, .chance, .better]),
      // Most of them are healthy now, although some crash.
      ([200, 0, 0, 10], [50, 0, 0, 40], [.better, .chance, .chance, .worse]),
      // A share that may be chance grew among the worse ones.
      ([80, 0, 0, 10], [20, 0, 0, 11], [.better, .chance, .chance, .chance]),
    ] as [([Int64], [Int64], [ChangeVerdict])])
  func statuses(_ before: [Int64], _ after: [Int64], _ expected: [ChangeVerdict]) throws {
    func counts(_ parts: [Int64]) -> SessionCounts {
      SessionCounts(
        healthy: 1000 - parts.reduce(0, +), errored: parts[0], unhandled: parts[1],
        abnormal: parts[2], crashed: parts[3])
    }
    #expect(try Self.verdicts(counts(before), counts(after)) == expected)
  }

  /// Whatever sessions move to a worse status, none is better; and none is worse the other way.
  @Test func sessionsThatGetWorseMakeNothingBetter() throws {
    var random = SplitMix64(seed: 28)
    for _ in 0..<2000 {
      var base = SessionCounts()
      for severity in Severity.allCases {
        base[severity] = Int64.random(in: 0...500, using: &random)
      }
      base.healthy += 1
      var moved = base
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let pair = Severity.allCases.shuffled(using: &random).prefix(2).sorted()
        let count = Int64.random(in: 0...moved[pair[0]], using: &random)
        moved[pair[0]] -= count
        moved[pair[1]] += count
      }
      let worse = try Self.verdicts(base, moved)
      #expect(!worse.contains(.better), "\(base), \(moved)")
      let better = try Self.verdicts(moved, base)
      #expect(!better.contains(.worse), "\(moved), \(base)")
    }
  }
}
