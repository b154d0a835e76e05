/// Formats a time for the Date field (RFC 9110 §5.6.7, IMF-fixdate), without the date formatter of
/// Foundation, which has megabytes of tables.
///
/// - Parameter seconds: the seconds since 1970 in UTC, before the year 10000.
package func httpDate(_ seconds: Int64) -> String {
  let days = Int((seconds - (seconds % 86_400 + 86_400) % 86_400) / 86_400)
  let second = Int((seconds % 86_400 + 86_400) % 86_400)
  let (year, month, day) = civilDate(days)
  // 1970-01-01 was a Thursday.
  let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(days % 7 + 7) % 7]
  let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
  return "\(weekday), \(padded(day, 2)) \(months[month - 1]) \(padded(year, 4)) "
    + "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2)) GMT"
}

/// The date that many days after 1970-01-01 in the proleptic Gregorian calendar. Years are counted
/// from March, so that the leap day is the last day, and in eras of 400 years.
private func civilDate(_ days: Int) -> (year: Int, month: Int, day: Int) {
  let shifted = days + 719_468
  let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
  let dayOfEra = shifted - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shiftedMonth = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
  let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return (year, month, day)
}

private func padded(_ number: Int, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}
