/// Sequential evidence that one crash rate is above, or below, another one by more than a
/// tolerance.
///
/// It is an e-process: it starts at 1, and while its null hypothesis holds, the probability that it
/// ever reaches 1/α is at most α (Ville's inequality), for any number of evaluations and any time
/// of stopping. So an evaluation every minute causes no more false alarms than a single one.
///
/// The null hypothesis is "candidate − baseline ≤ δ" (or ≥ δ). Sessions come in blocks of both
/// arms, of equal age. For an alternative (a, b) of rates the block is worth its likelihood ratio
/// against that pair (a°, b°) with a° − b° = δ that is nearest in relative entropy: the reverse
/// information projection. That is an e-variable for all rates of the null hypothesis (Turner, Ly,
/// Grünwald, "Generic E-variables for exact sequential k-sample tests that allow for optional
/// stopping", 2022; for differences Turner, Grünwald, "Exact anytime-valid confidence intervals for
/// contingency tables and beyond", 2023). For with c = (q − q°) / q°(1 − q°) of each arm the
/// projection makes n·c of the candidate equal to λ and that of the baseline to −λ, so that
///
///     E = (1 + c (p − a°))ⁿ (1 + c' (p' − b°))ⁿ' ≤ exp(λ (p − p' − δ)) ≤ 1.
///
/// Each block may have its own rates: differences between day and night, or early and late
/// adopters, do no harm if they are alike in both arms. The evidence is monotone: a late crash of
/// the candidate only adds to the evidence that it is worse.
package struct DropEvidence: Sendable {
  /// The null hypothesis that the evidence is against.
  package enum Direction: Sendable {
    /// Evidence that the candidate's rate is above the baseline's by more than the tolerance.
    case above
    /// Evidence that the candidate's rate is not above the baseline's by that much.
    case below
  }

  /// The sessions and crashes of both arms at equal age.
  package struct Block: Equatable, Sendable {
    package var candidate: SessionTally
    package var baseline: SessionTally
  }

  private struct Alternative: Sendable {
    let candidate: Double
    let baseline: Double
    let weight: Double
    var logarithm = 0.0
  }

  private let tolerance: Double
  private var alternatives: [Alternative]

  /// - Parameter tolerance: δ, a difference of shares of 1, above −1 and below 1.
  package init(_ direction: Direction, tolerance: Double) {
    self.tolerance = tolerance
    alternatives = Self.alternatives(direction, tolerance: tolerance)
  }

  /// The logarithm of the evidence, which is the mean over the alternatives.
  package var logarithm: Double {
    Natural.logarithmOfSum(alternatives.lazy.map { $0.logarithm + Natural.logarithm($0.weight) })
  }

  /// Whether the null hypothesis is rejected, with an error of at most `alpha`.
  package func refutes(alpha: Double) -> Bool {
    logarithm >= -Natural.logarithm(alpha)
  }

  /// - Parameter weight: the weight of a session; below 1 if sessions are not independent.
  package mutating func add(_ block: Block, weight: Double = 1) {
    // A block with sessions of one arm only has no evidence.
    guard block.candidate.sessions > 0, block.baseline.sessions > 0 else { return }
    for index in alternatives.indices {
      let (one, other) = (alternatives[index].candidate, alternatives[index].baseline)
      let nearest = Self.projection(
        candidate: one, Double(block.candidate.sessions), baseline: other,
        Double(block.baseline.sessions), tolerance: tolerance)
      alternatives[index].logarithm +=
        weight
        * (block.candidate.logarithm(of: one, against: nearest + tolerance)
          + block.baseline.logarithm(of: other, against: nearest))
    }
  }

  /// The baseline's rate of the nearest pair at the edge of the null hypothesis: the root of the
  /// derivative of the relative entropy, which is monotone.
  static func projection(
    candidate: Double, _ candidates: Double, baseline: Double, _ baselines: Double,
    tolerance: Double
  ) -> Double {
    let moved = candidate - tolerance
    var middle = (candidates * moved + baselines * baseline) / (candidates + baselines)
    if tolerance == 0 { return middle }
    var low = max(min(baseline, moved), 0, -tolerance)
    var high = min(max(baseline, moved), 1, 1 - tolerance)
    if middle <= low || middle >= high { middle = (low + high) / 2 }
    // Newton steps, and bisection if a step leaves the bracket.
    for _ in 0..<60 where high - low > 1e-13 {
      let other = middle + tolerance
      let (one, two) = (other * (1 - other), middle * (1 - middle))
      let (far, near) = (other - candidate, middle - baseline)
      let slope = candidates * far / one + baselines * near / two
      if slope < 0 { low = middle } else { high = middle }
      let bend =
        candidates * (1 / one - far * (1 - 2 * other) / (one * one))
        + baselines * (1 / two - near * (1 - 2 * middle) / (two * two))
      let next = middle - slope / bend
      if abs(next - middle) < 1e-13 { return next }
      middle = next > low && next < high ? next : (low + high) / 2
    }
    return middle
  }

  /// The alternatives: crash rates from one in 3,000 to a third, and changes from a quarter to
  /// twentyfold. At a tolerance of 0 the level hardly matters, since the factor of a crash depends
  /// on the ratio of the rates only.
  private static func alternatives(_ direction: Direction, tolerance: Double) -> [Alternative] {
    // One arm is at the level, the other beyond the edge that follows from it.
    let isCandidateAhead = tolerance >= 0
    let isMore = (direction == .above) == isCandidateAhead
    var found: [Alternative] = []
    func add(_ level: Double, _ other: Double, weight: Double) {
      found.append(
        Alternative(
          candidate: isCandidateAhead ? other : level, baseline: isCandidateAhead ? level : other,
          weight: weight))
    }
    for level in [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3] {
      let edge = level + abs(tolerance)
      guard edge < 1 else { continue }
      for ratio in [1.25, 1.6, 2.2, 3.5, 7, 20] {
        // The change is in odds, so that no rate leaves 0 to 1.
        let odds = edge / (1 - edge) * (isMore ? ratio : 1 / ratio)
        add(level, odds / (1 + odds), weight: 1)
      }
      // Most releases are like the previous one.
      if !isMore, tolerance != 0 { add(level, level, weight: 6) }
    }
    let sum = found.reduce(0) { $0 + $1.weight }
    return found.map {
      Alternative(candidate: $0.candidate, baseline: $0.baseline, weight: $0.weight / sum)
    }
  }
}

extension SessionTally {
  /// The logarithm of the likelihood ratio of two rates.
  func logarithm(of rate: Double, against other: Double) -> Double {
    crashes * Natural.logarithm(rate / other)
      + (Double(sessions) - crashes) * Natural.logarithm((1 - rate) / (1 - other))
  }
}
