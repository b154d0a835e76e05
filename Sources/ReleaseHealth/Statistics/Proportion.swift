/// A share that was observed: so many of a number.
///
/// Its intervals hold the true share with a confidence of 95 %, taking each observation for one of
/// its own. They are Wilson's: unlike the textbook's they stay within 0 and 1, and are right near
/// the ends, where crash-free rates are, and for few observations.
package struct Proportion: Equatable, Sendable {
  package let part: Int64
  package let whole: Int64

  /// - Returns: nil when there is nothing to divide by.
  package init?(_ part: Int64, of whole: Int64) {
    guard whole > 0 else { return nil }
    self.part = part
    self.whole = whole
  }

  package var value: Double { Double(part) / Double(whole) }

  /// The normal distribution has 95 % between its negative and it.
  private static let deviations = 1.959963984540054

  /// Wilson, 1927: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n).
  package var interval: ClosedRange<Double> {
    let (count, share, z) = (Double(whole), value, Self.deviations)
    let scale = 1 + z * z / count
    let middle = (share + z * z / (2 * count)) / scale
    let spread =
      z / scale * (share * (1 - share) / count + z * z / (4 * count * count)).squareRoot()
    // At the ends the formula gives 0 and 1 but for rounding.
    let low = part == 0 ? 0 : max(0, middle - spread)
    return low...(part == whole ? 1 : min(1, middle + spread))
  }
}

/// How far a share is above another one, and how far it may be.
package struct ProportionDifference: Equatable, Sendable {
  package let value: Double
  /// Holds the true difference with a confidence of 95 %.
  ///
  /// Newcombe, 1998 (his method 10), from the intervals of both, a of the one and b of the other:
  /// b − a − √((b − low b)² + (high a − a)²) to b − a + √((high b − b)² + (a − low a)²).
  package let interval: ClosedRange<Double>

  package enum Verdict: String, Sendable {
    case higher, lower
    /// The interval holds 0: there may be no difference at all.
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
