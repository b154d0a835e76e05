/// Logarithm and exponential. This module imports nothing, so its results are the same on every
/// system.
enum Natural {
  private static let logarithmOfTwo = 0.6931471805599453

  /// The natural logarithm of a positive, normal number, to a few units in the last place.
  static func logarithm(_ value: Double) -> Double {
    guard value > 0 else { return -.infinity }
    var (significand, exponent) = (value.significand, Double(value.exponent))
    if significand > 1.4142135623730951 {
      (significand, exponent) = (significand / 2, exponent + 1)
    }
    // ln m = 2 artanh((m − 1) / (m + 1)), and the argument is below 0.172.
    let ratio = (significand - 1) / (significand + 1)
    let square = ratio * ratio
    var (sum, odd) = (1.0 / 19, 17)
    while odd > 0 {
      sum = sum * square + 1 / Double(odd)
      odd -= 2
    }
    return exponent * logarithmOfTwo + 2 * ratio * sum
  }

  /// e to the power of a number; 0 and infinity beyond what a `Double` holds.
  static func exponential(_ power: Double) -> Double {
    if power < -700 { return 0 }
    if power > 700 { return .infinity }
    let twos = Int(power / logarithmOfTwo)
    let rest = power - Double(twos) * logarithmOfTwo
    var (sum, term) = (1.0, 18)
    while term > 0 {
      sum = 1 + sum * rest / Double(term)
      term -= 1
    }
    return sum * Double(sign: .plus, exponent: twos, significand: 1)
  }

  /// The logarithm of a sum of numbers, given by their logarithms.
  static func logarithmOfSum(_ logarithms: some Sequence<Double>) -> Double {
    let highest = logarithms.reduce(-Double.infinity, max)
    guard highest > -.infinity else { return highest }
    return highest + logarithm(logarithms.reduce(0) { $0 + exponential($1 - highest) })
  }
}
