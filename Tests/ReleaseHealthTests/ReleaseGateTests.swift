import Testing

@testable import ReleaseHealth

@Suite struct ReleaseGateTests {
  private typealias Arm = ReleaseGate.Arm

  /// Sessions and crashes, distributed evenly over four hours.
  private func arm(_ crashes: Double, of sessions: Int64, weight: Double = 1) -> Arm {
    Arm(
      hours: Array(
        repeating: SessionTally(sessions: sessions / 4, crashes: crashes / 4), count: 4),
      crashWeight: weight)
  }

  private func gate(
    _ candidate: Arm, _ baseline: Arm?, limit: Double? = nil, drop: Double? = 0.002,
    sessionsMin: Int64 = 100, knownShare: Double = 1, dispersion: Double = 1
  ) -> ReleaseGate {
    ReleaseGate(
      rules: ReleaseGate.Rules(crashRateMax: limit, dropMax: drop, sessionsMin: sessionsMin),
      candidate: candidate, baseline: baseline, knownShare: knownShare,
      dispersion: dispersion)
  }

  @Test func verdicts() {
    let fine = arm(40, of: 40_000)
    #expect(gate(arm(40, of: 40_000), fine).verdict == .green)
    #expect(gate(arm(400, of: 40_000), fine).verdict == .red)
    #expect(gate(arm(2, of: 1000), fine).verdict == .unknown)
    #expect(gate(arm(0, of: 80), fine).verdict == .unknown)
    #expect(gate(arm(60, of: 80), fine).verdict == .unknown)
    #expect(gate(arm(60, of: 80), fine, sessionsMin: 0).verdict == .red)
    #expect(gate(Arm(hours: []), fine, sessionsMin: 0).verdict == .unknown)
  }

  @Test func aLimitAlone() {
    #expect(gate(arm(40, of: 40_000), nil, limit: 0.005).verdict == .green)
    #expect(gate(arm(400, of: 40_000), nil, limit: 0.005).verdict == .red)
    #expect(gate(arm(6, of: 1000), nil, limit: 0.005).verdict == .unknown)
    // Without a rule the verdict is unknown.
    #expect(gate(arm(400, of: 40_000), nil).verdict == .unknown)
  }

  /// The verdict is red if one rule is, and green if both are.
  @Test func rulesTogether() {
    let fine = arm(40, of: 40_000)
    #expect(gate(arm(40, of: 40_000), fine, limit: 0.005).verdict == .green)
    #expect(gate(arm(40, of: 40_000), fine, limit: 0.0001).verdict == .red)
    #expect(gate(arm(40, of: 40_000), fine, limit: 0.001).verdict == .unknown)
    #expect(gate(arm(800, of: 40_000), fine, limit: 0.3).verdict == .red)
    // A baseline of few sessions does not hide a limit that the candidate breaks.
    let few = arm(0, of: 12)
    #expect(gate(arm(400, of: 40_000), few, limit: 0.005).verdict == .red)
    #expect(gate(arm(40, of: 40_000), few, limit: 0.005).verdict == .unknown)
    #expect(gate(arm(400, of: 40_000), few, limit: 0.3).verdict == .unknown)
    #expect(gate(arm(60, of: 80), few, limit: 0.005).verdict == .unknown)
  }

  /// If half of the crashes are reported, they must stay within half of the limit for green. Red
  /// needs no correction.
  @Test func unreportedCrashesDelayGreen() {
    let (one, other) = (arm(15, of: 15_000), arm(15, of: 15_000))
    #expect(gate(one, other).verdict == .green)
    #expect(gate(one, other, knownShare: 0.3).verdict == .unknown)
    #expect(gate(arm(400, of: 40_000), other, knownShare: 0.3).verdict == .red)
    #expect(gate(arm(20, of: 20_000), nil, limit: 0.002).verdict == .green)
    #expect(gate(arm(20, of: 20_000), nil, limit: 0.002, knownShare: 0.5).verdict == .unknown)
  }

  /// 60 crashes of 3 users are three observations: the verdict is neither red nor green.
  @Test func crashesOfOneUserAreOneObservation() {
    let fine = arm(4, of: 4000)
    #expect(gate(arm(60, of: 4000), fine).verdict == .red)
    #expect(gate(arm(60, of: 4000, weight: 0.05), fine).verdict == .unknown)
    #expect(gate(arm(600, of: 400_000, weight: 0.01), arm(40, of: 400_000)).verdict != .red)
  }

  /// If crash loops increase the dispersion, green needs more sessions, and red does not.
  @Test func dependentCrashesDelayGreen() {
    let (one, other) = (arm(6, of: 6000), arm(6, of: 6000))
    #expect(gate(one, other).verdict == .green)
    #expect(gate(one, other, dispersion: 16).verdict == .unknown)
    #expect(gate(arm(24, of: 24_000), arm(24, of: 24_000), dispersion: 16).verdict == .green)
    #expect(gate(arm(60, of: 4000), arm(4, of: 4000), dispersion: 16).verdict == .red)
  }

  /// If there are three crashes per crashed user, the limit for users is a third.
  @Test func theLimitForUsersIsLower() {
    let (one, other) = (arm(15, of: 10_000), arm(15, of: 10_000))
    #expect(gate(one, other).verdict == .green)
    let weighed = (arm(15, of: 10_000, weight: 1.0 / 3), arm(15, of: 10_000, weight: 1.0 / 3))
    #expect(gate(weighed.0, weighed.1).verdict == .unknown)
  }

  @Test func boundsContainTheValueAndAgreeWithTheVerdict() throws {
    for crashes in [0.0, 4, 20, 60, 200, 800] {
      let gate = gate(arm(crashes, of: 20_000), arm(20, of: 20_000), limit: 0.004)
      for (finding, limit) in [
        (try #require(gate.rateFinding), 0.004), (try #require(gate.dropFinding), 0.002),
      ] {
        #expect(finding.low <= finding.value && finding.value <= finding.high)
        if finding.verdict == .red { #expect(finding.low > limit - 1e-5) }
        if finding.verdict == .green { #expect(finding.high < limit + 1e-5) }
        if finding.verdict == .unknown {
          #expect(finding.low < limit + 1e-5 && finding.high > limit - 1e-5)
        }
        #expect(finding.verdict == .unknown || finding.moreSessions == nil)
      }
    }
  }

  /// The predicted number of further sessions gives a verdict at the current rates.
  @Test func moreSessionsArePredicted() throws {
    let early = gate(arm(12, of: 4000), arm(8, of: 8000))
    #expect(early.verdict == .unknown)
    let calm = gate(arm(2, of: 2000), arm(2, of: 2000))
    let more = Double(try #require(calm.dropFinding?.moreSessions))
    let factor = (2000 + more) / 2000
    let later = gate(
      arm(2 * factor, of: Int64(2000 * factor)), arm(2 * factor, of: Int64(2000 * factor)))
    #expect(later.verdict == .green)
    #expect(factor < 10)
  }

  @Test func aClearRateIsJudgedEarly() {
    #expect(RateEvidence.logarithm(.above, limit: 0.005, sessions: 1000, crashes: 30) > 3)
    #expect(RateEvidence.logarithm(.below, limit: 0.005, sessions: 3000, crashes: 1) > 3)
    #expect(RateEvidence.logarithm(.above, limit: 0.005, sessions: 0, crashes: 0).magnitude < 1e-9)
  }
}
