/// Whether a release is healthy enough, beside an older one or alone: yes, no, or cannot be told
/// yet. Valid however often it is asked.
package struct ReleaseGate: Sendable {
  package enum Verdict: String, Sendable {
    case green, red, unknown
  }

  package struct Rules: Equatable, Sendable {
    /// The highest crash rate of sessions; nil when no limit is set.
    package var crashRateMax: Double?
    /// How far the crash rate of sessions may be above the baseline's; nil when it does not matter.
    package var dropMax: Double?
    /// With fewer sessions of an arm nothing is told.
    package var sessionsMin: Int64
    /// The risk of a wrong red, and that of a wrong green.
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

    /// Either rule may turn red: together they may err as often as one alone.
    var alphaOfRed: Double {
      crashRateMax != nil && dropMax != nil ? alpha / 2 : alpha
    }
  }

  /// A release as it is known at some age.
  package struct Arm: Equatable, Sendable {
    /// By the hour of the start, from the first session on.
    package var hours: [SessionTally]
    /// What a crash weighs where users are known: so much that all of them together are as many as
    /// users who crashed. An app that crashes at each start makes many crashes of one user, and
    /// they are one observation.
    package var crashWeight: Double

    package init(hours: [SessionTally], crashWeight: Double = 1) {
      self.hours = hours
      self.crashWeight = crashWeight
    }

    package var total: SessionTally { hours.reduce(into: SessionTally()) { $0 += $1 } }
  }

  /// What a rule found. Bounds are shares of 1 and hold with the confidence asked for, each.
  package struct Finding: Equatable, Sendable {
    package var verdict: Verdict
    /// The crash rate, or the difference of two.
    package var value: Double
    package var low: Double
    package var high: Double
    /// About how many more sessions of the candidate it takes; nil when it is told, or when it
    /// takes more than ``moreSessionsMax``.
    package var moreSessions: Int64?

    package init(
      verdict: Verdict, value: Double, low: Double, high: Double, moreSessions: Int64?
    ) {
      self.verdict = verdict
      self.value = value
      self.low = low
      self.high = high
      self.moreSessions = moreSessions
    }
  }

  package static let moreSessionsMax: Int64 = 10_000_000

  package let rules: Rules
  package let candidate: Arm
  package let baseline: Arm?
  /// The share of the candidate's crashes that is known yet. What is tolerated is tolerated of all
  /// crashes: to be green, what is known has to keep within this share of it. A red needs no
  /// correction: crashes to come only confirm it.
  package let knownShare: Double
  /// How much more the crashes of an hour vary than if each came by itself: users in loops that one
  /// arm happens to have and the other has not must not make green.
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

  /// Red when one rule is, green when all are.
  package var verdict: Verdict {
    if lacksSessions { return .unknown }
    let verdicts = [rateVerdict, dropVerdict].compactMap(\.self)
    if verdicts.contains(.red) { return .red }
    return !verdicts.isEmpty && verdicts.allSatisfy { $0 == .green } ? .green : .unknown
  }

  package var lacksSessions: Bool {
    let least = min(candidate.total.sessions, baseline?.total.sessions ?? .max)
    return least < max(1, rules.sessionsMin)
  }
}

// MARK: - The crash rate against its limit

extension ReleaseGate {
  /// nil without a limit.
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

  /// The sessions of a user who crashes again and again are fewer observations than sessions: as
  /// many as if each crash stood for all of its user (the effective size of Kish, 1965).
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
    return moreSessions(
      growth: expected.logarithm(of: rate, against: edge) * candidate.crashWeight)
  }
}

// MARK: - The difference to the baseline

extension ReleaseGate {
  /// nil without a baseline, or where a difference does not matter.
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

  /// Of the crash rates, at equal age; nil where one has no session.
  package var difference: Double? {
    guard let one = candidate.total.crashRate, let other = baseline?.total.crashRate else {
      return nil
    }
    return one - other
  }

  /// Green needs both countings: that of crashed sessions, and that in which a user's crashes are
  /// one. Either may hide what the other shows.
  ///
  /// What is tolerated of sessions is less of users, by as much as their crashes are more than they.
  /// And where sessions do not crash independently of each other they are fewer observations: the
  /// evidence is divided by the square root of the dispersion. (By all of it would hold for any
  /// cluster and any rate, at the price of eight times the sessions; with the root as few wrong greens
  /// were found as is promised, `hale-bench gate`.)
  private func isBelow(_ drop: Double) -> Bool {
    let ofUsers = drop > 0 ? drop * min(candidate.crashWeight, baseline?.crashWeight ?? 1) : drop
    return refutes(.below, ofUsers, weighing: true, rules.alpha)
      && refutes(.below, drop, weighing: false, rules.alpha, share: 1 / dispersion.squareRoot())
  }

  /// - Parameter share: of the sessions that count as observations.
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

  /// Hours of like age stand together, set in advance: 24 of the first day, four a day of the first
  /// week, then one a day.
  private static func block(ofHour age: Int) -> Int {
    if age < 24 { return age }
    return age < 168 ? 24 + (age - 24) / 6 : 48 + (age - 168) / 24
  }

  /// At the rates as they look now, evidence grows by the relative entropy to the edge of the null
  /// hypothesis, and a bit more than log 1/α is needed: choosing among alternatives has its price.
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

  /// - Parameter growth: of the evidence by as many sessions as there are.
  private func moreSessions(growth: Double) -> Int64? {
    let sessions = Double(candidate.total.sessions)
    let needed = (2 - Natural.logarithm(rules.alphaOfRed)) / growth * sessions
    // At the end of what was foreseen it is chance, and takes a tenth more.
    let more = max(needed - sessions, sessions / 10)
    return more <= Double(Self.moreSessionsMax) ? max(1, Int64(more)) : nil
  }
}

// MARK: - Bounds

extension ReleaseGate {
  /// Where a test stops to hold, of one that holds for low numbers; `low` when it never does.
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

  /// Where a test begins to hold, of one that holds for high numbers.
  private static func lowest(
    from low: Double, to high: Double, where holds: (Double) -> Bool
  ) -> Double {
    -highest(from: -high, to: -low) { holds(-$0) }
  }
}
