internal import Bytes

/// Durations as Sentry's API writes them: a whole number and a unit, `90m` or `14d`.
package enum StatsPeriod {
  /// The accepted form, for error texts.
  package static let accepted =
    "Give a whole number and a unit (s, m, h, d or w), for example 1h or 14d."

  /// The length in seconds; nil if the text has another form.
  package static func seconds(_ text: String) -> Int64? {
    guard let unit = text.utf8.last, let unitSeconds = unitSeconds(unit) else { return nil }
    let digits = text.utf8.dropLast()
    // Nine digits of weeks are nineteen million years, and still far from an overflow.
    guard (1...9).contains(digits.count), digits.allSatisfy(\.isDigit) else {
      return nil
    }
    return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) } * unitSeconds
  }

  private static func unitSeconds(_ unit: UInt8) -> Int64? {
    switch unit {
    case UInt8(ascii: "s"): 1
    case UInt8(ascii: "m"): 60
    case UInt8(ascii: "h"): 3600
    case UInt8(ascii: "d"): 86_400
    case UInt8(ascii: "w"): 604_800
    default: nil
    }
  }
}
