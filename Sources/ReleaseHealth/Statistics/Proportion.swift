/// An observed share with its confidence interval.
///
/// Its interval has a confidence of 95 %, if observations are independent. It is Wilson's: unlike
/// the normal interval it stays within 0 and 1, and holds near the ends, where crash-free rates
/// are, and for few observations.
package struct Proportion: Equatable, Sendable {
  package let part: Int64
  package let whole: Int64

  /// - Returns: nil if the total is 0.
  package init?(_ part: Int64, of whole: Int64) {
    guard whole > 0 else { return nil }
    self.part = part
    self.whole = whole
  }

  package var value: Double { Double(part) / Double(whole) }

  /// The standard normal distribution has 95 % of its mass between −z and z.
  private static let deviations = 1.959963984540054

  /// The interval (Wilson, 1927): (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n).
  package var interval: ClosedRange<Double> {
    let (count, share, z) = (Double(whole), value, Self.deviations)
    let scale = 1 + z * z / count
    let middle = (share + z * z / (2 * count)) / scale
    let spread =
      z / scale * (share * (1 - share) / count + z * z / (4 * count * count)).squareRoot()
    // At the ends the formula gives 0 and 1 except for rounding.
    let low = part == 0 ? 0 : max(0, middle - spread)
    return low...(part == whole ? 1 : min(1, middle + spread))
  }
}

/// The difference of two shares with its confidence interval.
package struct ProportionDifference: Equatable, Sendable {
  package let value: Double
  /// The interval of the difference with a confidence of 95 %.
  ///
  /// It is computed from the intervals of both shares a and b (Newcombe, 1998, method 10):
  /// b − a − √((b − low b)² + (high a − a)²) to b − a + √((high b − b)² + (a − low a)²).
  package let interval: ClosedRange<Double>

  package enum Verdict: String, Sendable {
    case higher, lower
    /// Whether the interval contains 0: the difference may be chance.
    case chance
  }

  package init(of other: Proportion, from base: Proportion) {
    let (one, two) = (base.value, other.value)
    let (first, second) = (base.interval, other.interval)
    func length(_ left: Double, _ right: Double) -> Double {
      (left * left + right * right).squareRoot()
    }
    value = two - one
    let low = value - length(two - second.lowerBound, first.upperBound - one)
    let high = value + length(second.upperBound - two, one - first.lowerBound)
    interval = max(-1, low)...min(1, high)
  }

  package var verdict: Verdict {
    interval.lowerBound > 0 ? .higher : interval.upperBound < 0 ? .lower : .chance
  }
}
