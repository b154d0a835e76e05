// Names, answers of receivers and errors of servers are other people's text. It can have what a
// terminal obeys, what ends a line of a log, what shows text in another order than it has
// (Unicode Standard Annex 9), and what shows nothing, so that two names look the same. Here is the
// one place that makes it harmless.

extension Unicode.Scalar {
  /// Whether this is a control character (C0, DEL, C1), a bidirectional control or mark, a
  /// separator of lines, or a character of no width that formats, joins, separates or tags others.
  package var isHidden: Bool {
    switch value {
    case 0..<0x20, 0x7f..<0xa0, 0x00ad, 0x061c, 0x180e, 0x200b...0x200f, 0x2028...0x202e,
      0x2060...0x206f, 0xfeff, 0xfff9...0xfffb, 0xe0000...0xe007f:
      true
    default: false
    }
  }
}

extension StringProtocol {
  /// The text with hidden characters as visible escapes: `\x1b`, `\u{202e}`.
  package var visible: String {
    escaping(\.isHidden) { value in
      value < 0x100
        ? "\\x" + digits(of: value, atLeast: 2) : "\\u{\(digits(of: value, atLeast: 1))}"
    }
  }

  /// The JSON text with hidden characters as JSON's escapes: another text of the same value.
  ///
  /// Those that JSON escapes anyway can only stand between its tokens, as line breaks.
  package var visibleJSON: String {
    escaping({ $0.value >= 0x7f && $0.isHidden }) { value in
      let units = Unicode.Scalar(value).map { UTF16.encode($0) ?? .init() } ?? .init()
      return units.map { "\\u" + digits(of: UInt32($0), atLeast: 4) }.joined()
    }
  }

  /// The beginning of the text on one line, for a reason that is kept: white space is joined to
  /// one space, and hidden characters are escaped.
  ///
  /// - Parameter count: the limit of its length in Unicode scalars, before escapes.
  package func excerpt(_ count: Int) -> String {
    var scalars = String.UnicodeScalarView()
    var (length, hasSpace) = (0, false)
    for scalar in unicodeScalars {
      if scalar.properties.isWhitespace {
        hasSpace = length > 0
        continue
      }
      length += hasSpace ? 2 : 1
      if length > count { break }
      if hasSpace { scalars.append(" ") }
      hasSpace = false
      scalars.append(scalar)
    }
    return String(scalars).visible
  }

  private func escaping(
    _ isEscaped: (Unicode.Scalar) -> Bool, _ escape: (UInt32) -> String
  ) -> String {
    if utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return String(self) }
    var text = ""
    for scalar in unicodeScalars {
      if isEscaped(scalar) {
        text += escape(scalar.value)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

private func digits(of value: UInt32, atLeast count: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: Swift.max(0, count - text.utf8.count)) + text
}
