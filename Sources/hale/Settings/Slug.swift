/// The names by which addresses and commands call organizations and projects.
enum Slug {
  /// The accepted form, as the end of the sentence “it takes …”.
  static let rule =
    "a slug: 1 to 50 lower-case letters, digits, '-' and '_', at least one of them no digit"

  /// Whether the text keeps the rule. A slug of digits alone could be mistaken for a number.
  static func isValid(_ text: String) -> Bool {
    let isPlain = text.utf8.allSatisfy { byte in
      (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte)
        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
    let hasOther = text.utf8.contains { !(0x30...0x39).contains($0) }
    return isPlain && hasOther && text.utf8.count <= 50
  }

  /// The text itself.
  ///
  /// - Throws: wrong usage, where it breaks the rule.
  static func checked(_ text: String, naming subject: String) throws(CommandFailure) -> String {
    guard isValid(text) else { throw .usage("\(subject) is '\(text)', but it takes \(rule).") }
    return text
  }
}
