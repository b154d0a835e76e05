/// A string in JSON text, without its quotes.
package struct JSONString {
  /// The place of the text between its quotes.
  package let range: Range<Int>
  package let hasEscapes: Bool

  /// Calls `body` with the string's UTF-8, which is copied only if the string has escapes.
  @inlinable @inline(__always)
  package func withBytes<Result>(_ bytes: Span<UInt8>, _ body: (Span<UInt8>) -> Result) -> Result {
    if !hasEscapes { return body(bytes.extracting(range)) }
    let unescaped = unescaped(bytes)
    return body(unescaped.span)
  }

  /// The text with decoded escapes.
  package func text(_ bytes: Span<UInt8>) -> String {
    withBytes(bytes) { String(copying: $0) }
  }

  /// Decodes escapes that the reader has checked.
  @usableFromInline
  package func unescaped(_ bytes: Span<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    var index = range.lowerBound
    while index < range.upperBound {
      let byte = bytes[index]
      index += 1
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        continue
      }
      let escape = bytes[index]
      index += 1
      switch escape {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0c)
      case UInt8(ascii: "n"): result.append(0x0a)
      case UInt8(ascii: "r"): result.append(0x0d)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "u"):
        var unit = bytes.hexadecimal(at: index)
        index += 4
        if unit >> 10 == 0xd800 >> 10 {
          // RFC 8259 §7: beyond the basic plane, a pair of surrogates.
          let low = bytes.hexadecimal(at: index + 2)
          unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff)
          index += 6
        }
        guard let scalar = Unicode.Scalar(unit) else { continue }
        result.append(contentsOf: String(scalar).utf8)
      default: result.append(escape)
      }
    }
    return result
  }
}

extension Span<UInt8> {
  /// The value of four hexadecimal digits; more than 16 bits if they are invalid.
  func hexadecimal(at index: Int) -> UInt32 {
    var value: UInt32 = 0
    for offset in 0..<4 {
      let digit = self[index + offset].hexadecimalDigit
      if digit == 255 { return .max }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}
