/// Parses and formats date-times of RFC 3339, and the variants that SDKs send.
package enum RFC3339 {
  /// Parses a date-time such as `2026-03-01T10:00:00.123456Z`.
  ///
  /// Accepted beyond RFC 3339: a space or `t` for the `T`, offsets without the colon, and no offset
  /// at all, which means UTC. Digits beyond the millisecond are cut off. A leap second is the start
  /// of the next second, as the service counts none.
  ///
  /// - Returns: nil unless the text is a date-time with a valid date.
  package static func parse(_ text: Span<UInt8>) -> Timestamp? {
    let count = text.count
    guard count >= 19 else { return nil }
    let year = digits(text, 0) * 100 + digits(text, 2)
    let month = digits(text, 5)
    let day = digits(text, 8)
    let hour = digits(text, 11)
    let minute = digits(text, 14)
    let second = digits(text, 17)
    let separator = text[10]
    // Anything but two digits parses as a number out of range.
    guard (0...9999).contains(year), text[4] == UInt8(ascii: "-"),
      (1...12).contains(month), text[7] == UInt8(ascii: "-"),
      day >= 1, day <= daysIn(month: month, of: year),
      separator == UInt8(ascii: "T") || separator == UInt8(ascii: "t")
        || separator == UInt8(ascii: " "),
      hour < 24, text[13] == UInt8(ascii: ":"),
      minute < 60, text[16] == UInt8(ascii: ":"), second <= 60
    else { return nil }

    var index = 19
    var milliseconds = 0
    if index < count, text[index] == UInt8(ascii: ".") {
      index += 1
      var weight = 100
      let first = index
      while index < count, case let digit = text[index] &- UInt8(ascii: "0"), digit < 10 {
        milliseconds += Int(digit) * weight
        weight /= 10
        index += 1
      }
      guard index > first else { return nil }
    }
    guard let offset = offsetMinutes(text, index) else { return nil }
    if second == 60 { milliseconds = 0 }

    let minutes = (daysSince1970(year, month, day) * 24 + hour) * 60 + minute - offset
    return Timestamp(milliseconds: Int64((minutes * 60 + second) * 1000 + milliseconds))
  }

  /// Parses a string like ``parse(_:)-(Span<UInt8>)``.
  package static func parse(_ text: String) -> Timestamp? {
    parse(text.utf8.span)
  }

  /// Parses like ``parse(_:)-(String)``, and also the shorter forms of ISO 8601 that people write
  /// into URLs: a date alone, a time without seconds, and an offset in whole hours.
  package static func parseShort(_ text: String) -> Timestamp? {
    let bytes = Array(text.utf8)
    if bytes.count == 10 { return parse(text + "T00:00:00Z") }
    guard bytes.count >= 16 else { return nil }
    let hasSeconds = bytes.count > 16 && bytes[16] == UInt8(ascii: ":")
    var whole = Array(bytes[..<16]) + (hasSeconds ? [] : Array(":00".utf8)) + bytes[16...]
    let offset = whole[19...].lastIndex { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
    if let offset, whole.count - offset == 3 { whole += Array(":00".utf8) }
    return parse(whole.span)
  }

  /// Formats whole seconds as Sentry's API does: `2026-03-01T10:00:00Z`. Milliseconds are cut off.
  package static func format(_ timestamp: Timestamp) -> String {
    format(timestamp, withMilliseconds: false)
  }

  /// Formats with milliseconds: `2026-03-01T10:00:00.000Z`.
  package static func formatMilliseconds(_ timestamp: Timestamp) -> String {
    format(timestamp, withMilliseconds: true)
  }

  private static func format(_ timestamp: Timestamp, withMilliseconds: Bool) -> String {
    let (year, month, day) = date(timestamp.day)
    let remainder = Int(timestamp.milliseconds % 86_400_000)
    let milliseconds = remainder < 0 ? remainder + 86_400_000 : remainder
    let seconds = milliseconds / 1000
    var text: [UInt8] = []
    text.reserveCapacity(24)
    if year < 0 { text.append(UInt8(ascii: "-")) }
    append(abs(year), digits: 4, to: &text)
    text.append(UInt8(ascii: "-"))
    append(month, digits: 2, to: &text)
    text.append(UInt8(ascii: "-"))
    append(day, digits: 2, to: &text)
    text.append(UInt8(ascii: "T"))
    append(seconds / 3600, digits: 2, to: &text)
    text.append(UInt8(ascii: ":"))
    append(seconds / 60 % 60, digits: 2, to: &text)
    text.append(UInt8(ascii: ":"))
    append(seconds % 60, digits: 2, to: &text)
    if withMilliseconds {
      text.append(UInt8(ascii: "."))
      append(milliseconds % 1000, digits: 3, to: &text)
    }
    text.append(UInt8(ascii: "Z"))
    return String(decoding: text, as: UTF8.self)
  }

  private static func append(_ number: Int, digits: Int, to text: inout [UInt8]) {
    if digits > 1 || number > 9 { append(number / 10, digits: digits - 1, to: &text) }
    text.append(UInt8(ascii: "0") + UInt8(number % 10))
  }

  /// The value of two digits; out of every field's range if they are not digits.
  @inline(__always)
  private static func digits(_ text: Span<UInt8>, _ index: Int) -> Int {
    let tens = text[index] &- UInt8(ascii: "0")
    let ones = text[index + 1] &- UInt8(ascii: "0")
    return tens < 10 && ones < 10 ? Int(tens) * 10 + Int(ones) : 1_000_000
  }

  /// The offset at the end of `text`, in minutes; nil if it is invalid.
  @inline(__always)
  private static func offsetMinutes(_ text: Span<UInt8>, _ index: Int) -> Int? {
    let length = text.count - index
    if length == 0 { return 0 }
    if length == 1 {
      return text[index] == UInt8(ascii: "Z") || text[index] == UInt8(ascii: "z") ? 0 : nil
    }
    let sign: Int
    switch text[index] {
    case UInt8(ascii: "+"): sign = 1
    case UInt8(ascii: "-"): sign = -1
    default: return nil
    }
    guard length == 5 || (length == 6 && text[index + 3] == UInt8(ascii: ":")) else { return nil }
    let hours = digits(text, index + 1)
    let minutes = digits(text, index + length - 2)
    guard hours < 24, minutes < 60 else { return nil }
    return sign * (hours * 60 + minutes)
  }

  private static func daysIn(month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days since 1970-01-01 in the proleptic Gregorian calendar, for years from 0 on. Years are
  /// counted from March, so that the leap day is their last; the 400 years of an era are all alike.
  private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let fromMarch = (month > 2 ? year : year - 1) + 400
    let era = fromMarch / 400 - 1
    let yearOfEra = fromMarch % 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// The inverse of ``daysSince1970(_:_:_:)``.
  private static func date(_ days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = shifted.flooredDivision(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}
