/// The objective of a project: the share of a measure over a rolling window that is free of what
/// the project calls bad (``BadStatuses``). The names are older than that setting.
package struct Objective: Codable, Hashable, Sendable {
  package enum Measure: String, CaseIterable, Codable, Sendable {
    case sessions = "crash_free_sessions"
    /// Distinct users of the window; a user with a bad session in it is a bad one.
    case users = "crash_free_users"
  }

  package var measure: Measure
  package var target: Target
  /// The length of the window in days, within ``daysRange``.
  package var days: Int

  package static let daysRange = 1...90
  package static let daysDefault = 28

  package init(
    measure: Measure = .sessions, target: Target = .usual, days: Int = Objective.daysDefault
  ) {
    self.measure = measure
    self.target = target
    self.days = days
  }

  /// A share above 0 and below 1, as an exact decimal number of percent.
  package struct Target: Codable, Hashable, Comparable, Sendable {
    /// The share in millionths: 999,000 is 99.9 %.
    package let millionths: Int64

    package static let whole: Int64 = 1_000_000
    package static let usual = Target(unchecked: 999_000)
    /// The accepted form, as the end of the sentence “it takes …” in error texts.
    package static let rule =
      "a percentage above 1 and below 100 with at most four decimal places, for example 99.9"

    private init(unchecked millionths: Int64) {
      self.millionths = millionths
    }

    /// - Returns: nil unless the share is above 0 and below 1.
    package init?(millionths: Int64) {
      guard (1..<Self.whole).contains(millionths) else { return nil }
      self.millionths = millionths
    }

    /// Reads a decimal number, such as `99.9`. A number up to 1 is a share by mistake.
    package init?(percent text: String) {
      let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      guard let first = parts.first, Self.isNumber(first), first.utf8.count <= 3 else { return nil }
      var digits = parts.count > 1 ? String(parts[1]) : "0"
      guard Self.isNumber(digits[...]) else { return nil }
      while digits.hasSuffix("0") { digits.removeLast() }
      guard digits.utf8.count <= 4 else { return nil }
      let padded = digits + String(repeating: "0", count: 4 - digits.utf8.count)
      let millionths = (Int64(first) ?? 0) * 10_000 + (Int64(padded) ?? 0)
      guard millionths > 10_000 else { return nil }
      self.init(millionths: millionths)
    }

    private static func isNumber(_ text: Substring) -> Bool {
      !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    package var percent: Double { Double(millionths) / 10_000 }

    package var percentText: String {
      var digits = String(millionths % 10_000 + 10_000).dropFirst()
      while digits.hasSuffix("0") { digits.removeLast() }
      return "\(millionths / 10_000)" + (digits.isEmpty ? "" : "." + digits)
    }

    /// The share that may be bad, in parts of ``whole``.
    package var budgetMillionths: Int64 { Self.whole - millionths }

    package static func < (left: Target, right: Target) -> Bool {
      left.millionths < right.millionths
    }
  }
}
