/// A number of a version or build, of any length: Semantic Versioning has no limit.
package struct VersionNumber: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral {
  /// The number; the highest one where it does not fit.
  private let low: UInt64
  /// The digits of a number that does not fit into 64 bits, without leading zeros; empty otherwise.
  private let digits: String

  package init(integerLiteral value: UInt64) {
    low = value
    digits = ""
  }

  /// - Parameter text: decimal digits, which may begin with zeros; nil is returned for others.
  package init?(_ text: some Collection<UInt8>) {
    guard !text.isEmpty, text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    var number: UInt64 = 0
    for byte in text {
      let (tens, isOver) = number.multipliedReportingOverflow(by: 10)
      let (sum, isOverflow) = tens.addingReportingOverflow(UInt64(byte - 0x30))
      if isOver || isOverflow {
        low = .max
        digits = String(decoding: Array(text.drop { $0 == 0x30 }), as: UTF8.self)
        return
      }
      number = sum
    }
    low = number
    digits = ""
  }

  /// The value; nil where it does not fit into 64 bits.
  package var value: UInt64? { digits.isEmpty ? low : nil }

  package static func < (left: VersionNumber, right: VersionNumber) -> Bool {
    if left.low != right.low { return left.low < right.low }
    return (left.digits.utf8.count, left.digits) < (right.digits.utf8.count, right.digits)
  }
}
