/// Hexadecimal digits: lower case when written, either case when read.
package enum Hexadecimal {
  static let digits = Array("0123456789abcdef".utf8)

  /// Two digits per byte.
  package static func text(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    for byte in bytes { text.append(hexadecimal: byte) }
    return String(decoding: text, as: UTF8.self)
  }

  /// All 32 digits of a number.
  package static func text(_ number: UInt128) -> String {
    text((0..<16).map { UInt8(truncatingIfNeeded: number >> UInt128(120 - 8 * $0)) })
  }

  /// The number of 32 digits, or of the 36 characters of a UUID with its hyphens.
  ///
  /// - Returns: nil if the text has another form.
  package static func number(_ text: Span<UInt8>) -> UInt128? {
    let hasHyphens: Bool
    switch text.count {
    case 32: hasHyphens = false
    case 36: hasHyphens = true
    default: return nil
    }
    var halves: (UInt64, UInt64) = (0, 0)
    var index = 0
    for digit in 0..<32 {
      if hasHyphens, digit == 8 || digit == 12 || digit == 16 || digit == 20 {
        guard text[index] == UInt8(ascii: "-") else { return nil }
        index += 1
      }
      let value = text[index].hexadecimalDigit
      guard value < 16 else { return nil }
      halves = (halves.0 << 4 | halves.1 >> 60, halves.1 << 4 | UInt64(value))
      index += 1
    }
    return UInt128(halves.0) << 64 | UInt128(halves.1)
  }
}

extension [UInt8] {
  /// Appends the two digits of a byte.
  package mutating func append(hexadecimal byte: UInt8) {
    append(Hexadecimal.digits[Int(byte >> 4)])
    append(Hexadecimal.digits[Int(byte & 15)])
  }
}

extension UInt8 {
  /// The value of a hexadecimal digit; 255 for any other byte.
  @inlinable @inline(__always)
  package var hexadecimalDigit: UInt8 {
    let digit = self &- UInt8(ascii: "0")
    if digit < 10 { return digit }
    let letter = (self | 0x20) &- UInt8(ascii: "a")
    return letter < 6 ? letter + 10 : 255
  }
}
