/// Sequential evidence that a crash rate is above, or below, a limit: the one-arm counterpart of
/// ``DropEvidence``.
///
/// It is the mean likelihood ratio of many rates on one side of the limit against the limit itself
/// (Robbins, "Statistical methods related to the law of the iterated logarithm", 1970; Howard,
/// Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences",
/// 2021). Each ratio is a martingale if the rate is the limit, and falls on its other side.
package enum RateEvidence {
  /// The logarithm of the evidence; ``DropEvidence/Direction/above`` is against "the rate is at
  /// most `limit`".
  ///
  /// - Parameter sessions: the number of sessions; an effective number need not be whole.
  package static func logarithm(
    _ direction: DropEvidence.Direction, limit: Double, sessions: Double, crashes: Double
  ) -> Double {
    let limit = min(max(limit, 1e-9), 1 - 1e-9)
    let terms = ratios.map { ratio in
      let odds = limit / (1 - limit) * (direction == .above ? ratio : 1 / ratio)
      let rate = odds / (1 + odds)
      return crashes * Natural.logarithm(rate / limit)
        + (sessions - crashes) * Natural.logarithm((1 - rate) / (1 - limit))
    }
    return Natural.logarithmOfSum(terms) - Natural.logarithm(Double(ratios.count))
  }

  private static let ratios = [1.1, 1.25, 1.6, 2.2, 3.5, 7, 20, 100]
}
