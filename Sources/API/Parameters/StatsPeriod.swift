internal import Bytes

/// Durations as Sentry's API writes them: a whole number and a unit, `90m` or `14d`.
package enum StatsPeriod {
  /// The accepted form, for error texts.
  package static let accepted =
    "Give a whole number and a unit (s, m, h, d or w), for example 1h or 14d."

  /// The length in seconds; nil if the text has another form.
  package static func seconds(_ text: String) -> Int64? {
    guard let unit = text.unicodeScalars.last, let unitSeconds = unitSeconds[unit] else {
      return nil
    }
    let digits = text.utf8.dropLast()
    // Nine digits of weeks are nineteen million years, and still far from an overflow.
    guard (1...9).contains(digits.count), digits.allSatisfy(\.isDigit) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) } * unitSeconds
  }

  private static let unitSeconds: [Unicode.Scalar: Int64] = [
    "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800,
  ]
}
