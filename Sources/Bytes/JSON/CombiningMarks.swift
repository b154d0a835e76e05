/// The limit of combining marks in a row, in text that others send. Texts are equal in Swift if
/// their canonical forms are, and to order very many marks takes minutes.
enum CombiningMarks {
  /// That of the Stream-Safe Text Format (Unicode Standard Annex #15, section 13). No language has
  /// more.
  static let max = 30

  /// Whether JSON text has more of them in a row, written as they are or as escapes.
  static func areTooMany(_ bytes: Span<UInt8>) -> Bool {
    var (index, marks) = (0, 0)
    while index < bytes.count {
      guard let scalar = scalar(bytes, &index), isMark(scalar) else {
        marks = 0
        continue
      }
      marks += 1
      if marks > max { return true }
    }
    return false
  }

  private static func isMark(_ scalar: UInt32) -> Bool {
    // Below there is none.
    guard scalar >= 0x300, let scalar = Unicode.Scalar(scalar) else { return false }
    return scalar.properties.canonicalCombiningClass != .notReordered
  }

  /// The character at a place, which is moved behind it; nil for a byte that begins none.
  private static func scalar(_ bytes: Span<UInt8>, _ index: inout Int) -> UInt32? {
    let byte = bytes[index]
    index += 1
    if byte == UInt8(ascii: "\\") {
      guard index < bytes.count, bytes[index] == UInt8(ascii: "u"), index + 5 <= bytes.count
      else {
        index += 1
        return nil
      }
      let unit = UInt32(truncatingIfNeeded: bytes.hexadecimal(at: index + 1))
      index += 5
      guard (0xd800..<0xdc00).contains(unit), index + 6 <= bytes.count,
        bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
      else { return unit }
      let low = UInt32(truncatingIfNeeded: bytes.hexadecimal(at: index + 2))
      guard (0xdc00..<0xe000).contains(low) else { return unit }
      index += 6
      return 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
    }
    let following = byte < 0xc0 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
    guard following > 0, index + following <= bytes.count else { return nil }
    var scalar = UInt32(byte) & (0x3f >> UInt32(following))
    for _ in 0..<following {
      scalar = scalar << 6 | UInt32(bytes[index]) & 0x3f
      index += 1
    }
    return scalar
  }
}

extension JSONReader {
  /// Whether the text of a document has so many combining marks in a row that its strings must not
  /// be compared.
  package static func hasTooManyMarks(_ bytes: [UInt8]) -> Bool {
    CombiningMarks.areTooMany(bytes.span)
  }
}
