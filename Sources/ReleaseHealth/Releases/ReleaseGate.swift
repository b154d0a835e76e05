/// The gate: the verdict whether a release is healthy enough, alone or against a baseline. It stays
/// valid when it is evaluated again and again.
package struct ReleaseGate: Sendable {
  package enum Verdict: String, Sendable {
    case green, red, unknown
  }

  package struct Rules: Equatable, Sendable {
    /// The highest crash rate of sessions; nil when no limit is set.
    package var crashRateMax: Double?
    /// The tolerated rise of the crash rate of sessions above the baseline's; nil for any.
    package var dropMax: Double?
    /// The minimum sessions of each arm; with fewer the verdict is unknown, except that a candidate
    /// which breaks its own limit is red.
    package var sessionsMin: Int64
    /// The probability of a wrong red, and that of a wrong green.
    package var alpha: Double

    package init(
      crashRateMax: Double? = nil, dropMax: Double? = nil, sessionsMin: Int64 = 0,
      alpha: Double = 0.05
    ) {
      self.crashRateMax = crashRateMax
      self.dropMax = dropMax
      self.sessionsMin = sessionsMin
      self.alpha = alpha
    }

    /// The error level of each rule's red: the rules share ``alpha``, since either may turn red.
    var alphaOfRed: Double {
      crashRateMax != nil && dropMax != nil ? alpha / 2 : alpha
    }
  }

  /// A release with what is known of it at some age.
  package struct Arm: Equatable, Sendable {
    /// The tallies by start hour, from the first session on.
    package var hours: [SessionTally]
    /// The weight of a crash if users are known: the number of crashed users divided by that of
    /// crashed sessions. An app that crashes at each start causes many crashes of one user, which
    /// are one observation.
    package var crashWeight: Double

    package init(hours: [SessionTally], crashWeight: Double = 1) {
      self.hours = hours
      self.crashWeight = crashWeight
    }

    package var total: SessionTally { hours.reduce(into: SessionTally()) { $0 += $1 } }
  }

  /// The result of a rule. Its bounds are shares of 1, each with a confidence of 1 − α.
  package struct Finding: Equatable, Sendable {
    package var verdict: Verdict
    /// The crash rate, or the difference of two crash rates.
    package var value: Double
    package var low: Double
    package var high: Double
    /// The approximate number of further sessions of the candidate that a verdict needs; nil if
    /// there is one, or if it needs more than ``moreSessionsMax``.
    package var moreSessions: Int64?

    /// The same about crash-free sessions.
    package var ofCrashFree: Finding {
      Finding(
        verdict: verdict, value: 1 - value, low: 1 - high, high: 1 - low, moreSessions: moreSessions
      )
    }
  }

  package static let moreSessionsMax: Int64 = 10_000_000

  package let rules: Rules
  package let candidate: Arm
  package let baseline: Arm?
  /// The share of the candidate's crashes that is reported. Limits are about all crashes, so for
  /// green the reported ones must stay within this share of the limit. Red needs no correction:
  /// crashes still to come only confirm it.
  package let knownShare: Double
  /// The factor by which the variance of an hour's crashes exceeds that of independent ones: a user
  /// in a crash loop in one arm only must not cause a green verdict.
  package let dispersion: Double

  package init(
    rules: Rules, candidate: Arm, baseline: Arm?, knownShare: Double = 1, dispersion: Double = 1
  ) {
    self.rules = rules
    self.candidate = candidate
    self.baseline = baseline
    self.knownShare = knownShare
    self.dispersion = dispersion
  }

  /// The verdict: red if any rule is red, green if all are green.
  package var verdict: Verdict {
    if lacksSessions { return .unknown }
    let verdicts = [rateVerdict, dropVerdict].compactMap(\.self)
    if verdicts.contains(.red) { return .red }
    return !verdicts.isEmpty && verdicts.allSatisfy { $0 == .green } ? .green : .unknown
  }

  /// Whether an arm has too few sessions for a verdict. The limit needs no baseline: a candidate
  /// that breaks it is red without one.
  package var lacksSessions: Bool {
    let needed = max(1, rules.sessionsMin)
    if candidate.total.sessions < needed { return true }
    return (baseline?.total.sessions ?? .max) < needed && rateVerdict != .red
  }
}

// MARK: - The crash rate against its limit

extension ReleaseGate {
  /// The verdict on the crash rate; nil without a limit.
  package var rateVerdict: Verdict? {
    guard let limit = rules.crashRateMax else { return nil }
    if rateLogarithm(.above, limit) >= -Natural.logarithm(rules.alphaOfRed) { return .red }
    return rateLogarithm(.below, limit * knownShare) >= -Natural.logarithm(rules.alpha)
      ? .green : .unknown
  }

  package var rateFinding: Finding? {
    guard let verdict = rateVerdict, let rate = candidate.total.crashRate else { return nil }
    let low = Self.highest(from: 0, to: rate) {
      rateLogarithm(.above, $0) >= -Natural.logarithm(rules.alphaOfRed)
    }
    let high = Self.lowest(from: rate, to: 1) {
      rateLogarithm(.below, $0) >= -Natural.logarithm(rules.alpha)
    }
    return Finding(
      verdict: verdict, value: rate, low: low, high: min(1, high / max(knownShare, 1e-3)),
      moreSessions: verdict == .unknown ? moreSessionsForRate : nil)
  }

  /// The logarithm of the evidence. Sessions of a user with repeated crashes are not independent,
  /// so sessions and crashes are weighted to their effective number (Kish, 1965).
  private func rateLogarithm(_ direction: DropEvidence.Direction, _ limit: Double) -> Double {
    let total = candidate.total
    return RateEvidence.logarithm(
      direction, limit: limit, sessions: Double(total.sessions) * candidate.crashWeight,
      crashes: total.crashes * candidate.crashWeight)
  }

  private var moreSessionsForRate: Int64? {
    guard let limit = rules.crashRateMax else { return nil }
    let total = candidate.total
    let rate = (total.crashes + 0.5) / (Double(total.sessions) + 1)
    let edge = rate > limit ? limit : limit * knownShare
    let expected = SessionTally(sessions: total.sessions, crashes: rate * Double(total.sessions))
    return moreSessions(growth: expected.logarithm(of: rate, against: edge) * candidate.crashWeight)
  }
}

// MARK: - The difference to the baseline

extension ReleaseGate {
  /// The verdict on the difference; nil without a baseline or a limit.
  package var dropVerdict: Verdict? {
    guard let drop = rules.dropMax, baseline != nil else { return nil }
    if refutes(.above, drop, weighing: true, rules.alphaOfRed) { return .red }
    return isBelow(drop * knownShare) ? .green : .unknown
  }

  package var dropFinding: Finding? {
    guard let verdict = dropVerdict, let value = difference else { return nil }
    let low = Self.highest(from: -0.99, to: value) {
      refutes(.above, $0, weighing: true, rules.alphaOfRed)
    }
    let high = Self.lowest(from: value, to: 0.99, where: isBelow)
    return Finding(
      verdict: verdict, value: value, low: low,
      high: high > 0 ? min(1, high / max(knownShare, 1e-3)) : high,
      moreSessions: verdict == .unknown ? moreSessions : nil)
  }

  /// The difference of the crash rates at equal age; nil if an arm has no sessions.
  package var difference: Double? {
    guard let one = candidate.total.crashRate, let other = baseline?.total.crashRate else {
      return nil
    }
    return one - other
  }

  /// Whether the difference is surely below `drop`. Green needs evidence from both counts, that of
  /// crashed sessions and that of crashed users, since each may hide what the other shows.
  ///
  /// The limit for users is lower, by the ratio of crashed users to crashed sessions. Sessions that
  /// do not crash independently are fewer observations, so their evidence is divided by the square
  /// root of the dispersion. (Division by the full dispersion is safe for any cluster and any rate,
  /// but takes eight times the sessions; with the square root `hale-bench gate` finds no more wrong
  /// greens than α.)
  private func isBelow(_ drop: Double) -> Bool {
    let ofUsers = drop > 0 ? drop * min(candidate.crashWeight, baseline?.crashWeight ?? 1) : drop
    return refutes(.below, ofUsers, weighing: true, rules.alpha)
      && refutes(.below, drop, weighing: false, rules.alpha, share: 1 / dispersion.squareRoot())
  }

  /// - Parameter share: the share of the sessions that count as independent observations.
  private func refutes(
    _ direction: DropEvidence.Direction, _ drop: Double, weighing: Bool, _ alpha: Double,
    share: Double = 1
  ) -> Bool {
    var evidence = DropEvidence(direction, tolerance: drop)
    for block in blocks(weighing: weighing) { evidence.add(block, weight: share) }
    return evidence.refutes(alpha: alpha)
  }

  private func blocks(weighing: Bool) -> [DropEvidence.Block] {
    guard let baseline else { return [] }
    var blocks: [DropEvidence.Block] = []
    for (age, (one, other)) in zip(candidate.hours, baseline.hours).enumerated() {
      let index = Self.block(ofHour: age)
      if index == blocks.count {
        blocks.append(DropEvidence.Block(candidate: SessionTally(), baseline: SessionTally()))
      }
      let last = blocks.count - 1
      blocks[last].candidate += one.weighing(crashes: weighing ? candidate.crashWeight : 1)
      blocks[last].baseline += other.weighing(crashes: weighing ? baseline.crashWeight : 1)
    }
    return blocks
  }

  /// The block of an hour, fixed in advance: 24 on the first day, four a day in the first week,
  /// then one a day.
  private static func block(ofHour age: Int) -> Int {
    if age < 24 { return age }
    return age < 168 ? 24 + (age - 24) / 6 : 48 + (age - 168) / 24
  }

  /// The further sessions needed: at the current rates evidence grows by the relative entropy to
  /// the edge of the null hypothesis. A bit more than log 1/α is needed, since the evidence is a
  /// mean over alternatives.
  private var moreSessions: Int64? {
    guard let baseline, let drop = rules.dropMax else { return nil }
    let (one, other) = (candidate.total, baseline.total)
    let (sessions, others) = (Double(one.sessions), Double(other.sessions))
    guard sessions > 0, others > 0 else { return nil }
    var (rate, base) = (
      (one.crashes * candidate.crashWeight + 0.5) / (sessions + 1),
      (other.crashes * baseline.crashWeight + 0.5) / (others + 1)
    )
    let isRed = rate - base > drop
    if !isRed {
      rate = (one.crashes + 0.5) / (sessions + 1)
      base = (other.crashes + 0.5) / (others + 1)
    }
    let edge = isRed ? drop : drop * knownShare
    let nearest = DropEvidence.projection(
      candidate: rate, sessions, baseline: base, others, tolerance: edge)
    let growth =
      SessionTally(sessions: one.sessions, crashes: rate * sessions)
      .logarithm(of: rate, against: nearest + edge)
      + SessionTally(sessions: other.sessions, crashes: base * others)
      .logarithm(of: base, against: nearest)
    return moreSessions(growth: isRed ? growth : growth / dispersion.squareRoot())
  }

  /// - Parameter growth: the growth of the evidence per the current number of sessions.
  private func moreSessions(growth: Double) -> Int64? {
    let sessions = Double(candidate.total.sessions)
    let needed = (2 - Natural.logarithm(rules.alphaOfRed)) / growth * sessions
    // Past the expected number chance decides; assume a tenth more.
    let more = max(needed - sessions, sessions / 10)
    return more <= Double(Self.moreSessionsMax) ? max(1, Int64(more)) : nil
  }
}

// MARK: - Bounds

extension ReleaseGate {
  /// The upper end of the numbers for which a test holds, if it holds for low ones; `low` if none.
  private static func highest(
    from low: Double, to high: Double, where holds: (Double) -> Bool
  ) -> Double {
    var (low, high) = (low, high)
    for _ in 0..<18 {
      let middle = (low + high) / 2
      if holds(middle) { low = middle } else { high = middle }
    }
    return low
  }

  /// The lower end of the numbers for which a test holds, if it holds for high ones.
  private static func lowest(
    from low: Double, to high: Double, where holds: (Double) -> Bool
  ) -> Double {
    -highest(from: -high, to: -low) { holds(-$0) }
  }
}
