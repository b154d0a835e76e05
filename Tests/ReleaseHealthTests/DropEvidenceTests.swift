import Foundation
import Testing

@testable import ReleaseHealth

@Suite struct DropEvidenceTests {
  typealias Block = DropEvidence.Block

  private func block(_ crashes: Int, _ sessions: Int, _ base: Int, _ baseSessions: Int) -> Block {
    Block(
      candidate: SessionTally(sessions: Int64(sessions), crashes: Double(crashes)),
      baseline: SessionTally(sessions: Int64(baseSessions), crashes: Double(base)))
  }

  /// The binomial probability of a number of crashes among sessions.
  private func chance(_ crashes: Int, _ sessions: Int, _ rate: Double) -> Double {
    let ways = lgamma(Double(sessions + 1)) - lgamma(Double(crashes + 1))
    let all = exp(ways - lgamma(Double(sessions - crashes + 1)))
    return all * pow(rate, Double(crashes)) * pow(1 - rate, Double(sessions - crashes))
  }

  /// The validity: while the null hypothesis holds, the expectation is at most 1, for each pair of
  /// rates and arms of any size.
  @Test(
    arguments: [
      (.above, 0, 0.1, 0.1), (.above, 0, 0.1, 0.3), (.above, 0.05, 0.15, 0.1),
      (.above, 0.05, 0.05, 0.001), (.above, -0.1, 0.05, 0.2), (.below, 0, 0.2, 0.2),
      (.below, 0.05, 0.15, 0.1), (.below, 0.02, 0.4, 0.1), (.below, -0.1, 0.1, 0.2),
    ] as [(DropEvidence.Direction, Double, Double, Double)],
    [(9, 9), (4, 14), (15, 3)])
  func itsMeanIsAtMostOneUnderTheNullHypothesis(
    _ hypothesis: (DropEvidence.Direction, Double, Double, Double), _ sizes: (Int, Int)
  ) {
    let (direction, tolerance, rate, base) = hypothesis
    var mean = 0.0
    for crashes in 0...sizes.0 {
      for baseCrashes in 0...sizes.1 {
        var evidence = DropEvidence(direction, tolerance: tolerance)
        evidence.add(block(crashes, sizes.0, baseCrashes, sizes.1))
        mean +=
          exp(evidence.logarithm) * chance(crashes, sizes.0, rate)
          * chance(baseCrashes, sizes.1, base)
      }
    }
    #expect(mean <= 1 + 1e-9 && mean > 0)
  }

  /// A late crash never reduces the evidence for red.
  @Test func aCrashMoreIsNeverLessEvidence() {
    for crashes in 0..<30 {
      func evidence(_ count: Int) -> Double {
        var evidence = DropEvidence(.above, tolerance: 0.002)
        evidence.add(block(3, 700, 2, 900))
        evidence.add(block(count, 1000, 4, 400))
        return evidence.logarithm
      }
      #expect(evidence(crashes + 1) > evidence(crashes))
    }
  }

  @Test func oneArmAloneHasNoEvidence() {
    var evidence = DropEvidence(.above, tolerance: 0.002)
    evidence.add(block(50, 100, 0, 0))
    evidence.add(block(0, 0, 0, 100))
    #expect(abs(evidence.logarithm) < 1e-12)
  }

  @Test(arguments: [
    (0.005, 0.001, 0.0, DropEvidence.Direction.above), (0.02, 0.001, 0.002, .above),
    (0.001, 0.001, 0.005, .below),
  ])
  func whatIsPlainIsFound(
    rate: Double, base: Double, tolerance: Double, direction: DropEvidence.Direction
  ) {
    var evidence = DropEvidence(direction, tolerance: tolerance)
    evidence.add(block(Int(20_000 * rate), 20_000, Int(20_000 * base), 20_000))
    #expect(evidence.refutes(alpha: 0.05))
    let other: DropEvidence.Direction = direction == .above ? .below : .above
    var opposite = DropEvidence(other, tolerance: tolerance)
    opposite.add(block(Int(20_000 * rate), 20_000, Int(20_000 * base), 20_000))
    #expect(!opposite.refutes(alpha: 0.05))
  }

  /// The derivative of the relative entropy is 0 there: n·c of one arm is the negative of the
  /// other's.
  @Test func theProjectionIsNearest() {
    for (one, other, tolerance) in [
      (0.005, 0.001, 0.002), (0.3, 0.01, 0.1), (0.001, 0.001, 0.002), (0.1, 0.3, -0.05),
    ] {
      for (sessions, others) in [(100.0, 100.0), (5, 9000), (9000, 5)] {
        let nearest = DropEvidence.projection(
          candidate: one, sessions, baseline: other, others, tolerance: tolerance)
        let moved = nearest + tolerance
        let sum =
          sessions * (moved - one) / (moved * (1 - moved))
          + others * (nearest - other) / (nearest * (1 - nearest))
        #expect(nearest > 0 && nearest < 1 && abs(sum) < 1e-4 * (sessions + others))
      }
    }
  }

  @Test func logarithmsAndExponentials() {
    for power in stride(from: -690.0, through: 690, by: 0.37) {
      #expect(abs(Natural.exponential(power) / exp(power) - 1) < 1e-12)
      let value = exp(power)
      #expect(abs(Natural.logarithm(value) - log(value)) <= 1e-14 * max(1, abs(power)))
    }
    #expect(Natural.logarithm(0) == -.infinity && Natural.logarithm(1) == 0)
  }

  /// Evaluated after each of many sessions, it is wrongly red at most as often as allowed.
  @Test func repeatedEvaluationDoesNotRaiseTheErrorRate() {
    for direction in [DropEvidence.Direction.above, .below] {
      var random = SystemOfSeeds(7)
      var wrong = 0
      for _ in 0..<150 {
        var evidence = DropEvidence(direction, tolerance: 0)
        var isRefuted = false
        for _ in 0..<40 where !isRefuted {
          let (one, other) = (
            random.crashes(of: 40, rate: 0.02), random.crashes(of: 25, rate: 0.02)
          )
          evidence.add(block(one, 40, other, 25))
          isRefuted = evidence.refutes(alpha: 0.05)
        }
        if isRefuted { wrong += 1 }
      }
      #expect(wrong <= 8)
    }
  }
}

/// Random crashes, the same for the same seed.
struct SystemOfSeeds {
  private var state: UInt64

  init(_ seed: UInt64) {
    state = seed
  }

  mutating func unit() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) * 0x1p-53
  }

  mutating func crashes(of sessions: Int, rate: Double) -> Int {
    (0..<sessions).count { _ in unit() < rate }
  }
}
