/// What an objective leaves for crashes, and what of it is used. Numbers of sessions, or of users
/// where the objective is theirs. What cannot be divided is nil.
package struct ErrorBudget: Equatable, Sendable {
  package let target: Objective.Target
  package let counts: Counts

  /// Of a window, and how many of these had a crash.
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

    package static func -= (left: inout Counts, right: Counts) {
      left.total -= right.total
      left.bad -= right.bad
    }
  }

  package init(_ target: Objective.Target, _ counts: Counts) {
    self.target = target
    self.counts = counts
  }

  /// How many may be bad, as an exact decimal but for the last step.
  package var allowed: Double {
    Double(allowedMillionths) / Double(Objective.Target.whole)
  }

  /// The share of the budget that is used; above 1 there is none left.
  package var consumed: Double? {
    guard counts.total > 0 else { return nil }
    return Double(badMillionths) / Double(allowedMillionths)
  }

  /// The share of the budget that is left; negative when more was used than there is.
  package var left: Double? {
    guard counts.total > 0 else { return nil }
    // Subtracted before it is divided, so that a budget that is used up is 0 and not nearly so.
    return Double(allowedMillionths - badMillionths) / Double(allowedMillionths)
  }

  /// How fast the budget is used: at 1 it would just last for the objective's window.
  package var burnRate: Double? { consumed }

  private var allowedMillionths: Int128 {
    Int128(counts.total) * Int128(target.budgetMillionths)
  }

  private var badMillionths: Int128 { Int128(counts.bad) * Int128(Objective.Target.whole) }
}

/// The windows over which burn rates are looked at, by their minutes.
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

/// A long window, which shows that it matters, and a short one, which shows that it goes on: a pair
/// burns when both are above its threshold.
///
/// These are the recommended ones of Google's Site Reliability Workbook (2018, chapter 5, "Alerting on
/// SLOs", 6: "Multiwindow, Multi-Burn-Rate Alerts"): at 30 days 14.4, 6, 3 and 1.
package struct BurnPair: Equatable, Sendable {
  package let long: BurnWindow
  package let short: BurnWindow
  /// The share of the budget that is used within the long window at the threshold.
  package let share: Double

  package static let all = [
    BurnPair(long: .hour1, short: .minutes5, share: 0.02),
    BurnPair(long: .hours6, short: .minutes30, share: 0.05),
    BurnPair(long: .day1, short: .hours2, share: 0.1),
    BurnPair(long: .days3, short: .hours6, share: 0.1),
  ]

  /// Those that fit into an objective's window.
  package static func pairs(days: Int) -> [BurnPair] {
    all.filter { $0.long.minutes <= days * 1440 }
  }

  /// The burn rate at which ``share`` of the budget goes in the long window. One that lasts for the
  /// whole window of the objective is no reason for an alarm: never below 1.
  package func threshold(days: Int) -> Double {
    max(1, share * Double(days * 1440) / Double(long.minutes))
  }

  /// - Parameter rate: of a window; nil where there is nothing to divide by.
  package func burns(days: Int, _ rate: (BurnWindow) -> Double?) -> Bool {
    let threshold = threshold(days: days)
    return [long, short].allSatisfy { (rate($0) ?? 0) > threshold }
  }
}
