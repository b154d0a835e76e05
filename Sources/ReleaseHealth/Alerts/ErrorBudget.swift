/// The error budget of an objective: how many sessions or users may be bad, and how many are.
/// A ratio is nil if its denominator is 0.
package struct ErrorBudget: Equatable, Sendable {
  package let target: Objective.Target
  package let counts: Counts

  /// The sessions or users of a window, and how many of them are bad (``BadStatuses``).
  package struct Counts: Equatable, Sendable {
    package var total: Int64
    package var bad: Int64

    package init(total: Int64 = 0, bad: Int64 = 0) {
      self.total = total
      self.bad = bad
    }

    package static func += (left: inout Counts, right: Counts) {
      left.total += right.total
      left.bad += right.bad
    }
  }

  package init(_ target: Objective.Target, _ counts: Counts) {
    self.target = target
    self.counts = counts
  }

  /// The number that may be bad; an exact decimal except for the last step.
  package var allowed: Double {
    Double(allowedMillionths) / Double(Objective.Target.whole)
  }

  /// The consumed share of the budget; above 1 when it is overspent.
  package var consumed: Double? {
    guard counts.total > 0 else { return nil }
    return Double(badMillionths) / Double(allowedMillionths)
  }

  /// The remaining share of the budget; negative when it is overspent.
  package var left: Double? {
    guard counts.total > 0 else { return nil }
    // Subtracts before it divides, so that an exhausted budget is exactly 0.
    return Double(allowedMillionths - badMillionths) / Double(allowedMillionths)
  }

  /// The burn rate: 1 uses the budget up in exactly the objective's window.
  package var burnRate: Double? { consumed }

  private var allowedMillionths: Int128 {
    Int128(counts.total) * Int128(target.budgetMillionths)
  }

  private var badMillionths: Int128 { Int128(counts.bad) * Int128(Objective.Target.whole) }
}

/// The windows of burn rates; the raw values are minutes.
package enum BurnWindow: Int, CaseIterable, Sendable {
  case minutes5 = 5
  case minutes30 = 30
  case hour1 = 60
  case hours2 = 120
  case hours6 = 360
  case day1 = 1440
  case days3 = 4320

  package var minutes: Int { rawValue }

  package var name: String {
    if minutes < 60 { return "\(minutes)m" }
    return minutes < 1440 ? "\(minutes / 60)h" : "\(minutes / 1440)d"
  }
}

/// A pair of windows: the long one shows that the burn matters, the short one that it continues. A
/// pair burns while both rates are above its threshold.
///
/// The pairs are those of Google's Site Reliability Workbook (2018, chapter 5, "Alerting on SLOs",
/// 6: "Multiwindow, Multi-Burn-Rate Alerts"); their thresholds at 30 days are 14.4, 6, 3 and 1.
package struct BurnPair: Equatable, Sendable {
  package let long: BurnWindow
  package let short: BurnWindow
  /// The share of the budget that the threshold consumes within the long window.
  package let share: Double

  package static let all = [
    BurnPair(long: .hour1, short: .minutes5, share: 0.02),
    BurnPair(long: .hours6, short: .minutes30, share: 0.05),
    BurnPair(long: .day1, short: .hours2, share: 0.1),
    BurnPair(long: .days3, short: .hours6, share: 0.1),
  ]

  /// The pairs that fit into an objective's window.
  package static func pairs(days: Int) -> [BurnPair] {
    all.filter { $0.long.minutes <= days * 1440 }
  }

  /// The burn rate that consumes ``share`` of the budget in the long window. It is never below 1,
  /// since a budget that lasts for the whole window is no reason for an alert.
  package func threshold(days: Int) -> Double {
    max(1, share * Double(days * 1440) / Double(long.minutes))
  }

  /// - Parameter rate: answers the burn rate of a window; nil if it is unknown.
  package func burns(days: Int, _ rate: (BurnWindow) -> Double?) -> Bool {
    let threshold = threshold(days: days)
    return [long, short].allSatisfy { (rate($0) ?? 0) > threshold }
  }
}
