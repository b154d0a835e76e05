/// The parsed form of a JSON number.
package struct JSONDecimal {
  package internal(set) var isNegative: Bool
  /// Whether the number has neither fraction nor exponent.
  package internal(set) var isInteger: Bool
  /// The first 19 significant digits; the number is these times ten to the ``exponent``.
  package internal(set) var digits: UInt64
  package internal(set) var exponent: Int
  /// The 20th digit, which ``digits`` has no room for.
  package internal(set) var lastDigit: UInt8 = 0

  /// The number, if it is an unsigned integer of 64 bits. `-0` is not, as in Relay.
  package var unsigned: UInt64? {
    guard !isNegative, isInteger else { return nil }
    if exponent == 0 { return digits }
    // More than 19 digits: the 20th may still fit.
    guard exponent == 1 else { return nil }
    let (tens, overflow) = digits.multipliedReportingOverflow(by: 10)
    if overflow { return nil }
    let (sum, carry) = tens.addingReportingOverflow(UInt64(lastDigit))
    return carry ? nil : sum
  }

  /// Appends a digit, or counts it in `dropped` when there is no room for it.
  @inline(__always)
  mutating func append(_ digit: UInt8, _ dropped: inout Int) {
    if digits < 1_000_000_000_000_000_000 {
      digits = digits &* 10 &+ UInt64(digit)
    } else {
      dropped += 1
      if dropped == 1 { lastDigit = digit }
    }
  }
}
