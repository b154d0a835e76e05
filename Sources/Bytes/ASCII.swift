// Classes of bytes. All of them are ASCII only.

extension UInt8 {
  /// Whether this is a decimal digit.
  @inlinable @inline(__always)
  package var isDigit: Bool { self &- 0x30 < 10 }

  /// Whether this is a letter in either case.
  @inlinable @inline(__always)
  package var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }

  /// Whether this is a letter or a decimal digit.
  @inlinable @inline(__always)
  package var isAlphanumeric: Bool { isDigit || isLetter }

  /// Whether this is visible: neither a space nor a control character.
  @inlinable @inline(__always)
  package var isVisible: Bool { (0x21...0x7e).contains(self) }

  /// Whether this is white space between JSON's tokens (RFC 8259 §2).
  @inlinable @inline(__always)
  package var isWhitespace: Bool { self == 0x20 || self == 0x0a || self == 0x0d || self == 0x09 }
}

/// Parses a number of decimal digits only, without sign and space.
///
/// - Returns: nil for an empty text, any other character, or more than 64 bits.
package func decimalNumber(_ text: some StringProtocol) -> UInt64? {
  text.utf8.allSatisfy(\.isDigit) ? UInt64(text) : nil
}
