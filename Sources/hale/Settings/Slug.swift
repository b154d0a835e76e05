import Storage

extension Slug {
  /// The text itself.
  ///
  /// - Throws: wrong usage, where it breaks the rule.
  static func checked(_ text: String, naming subject: String) throws(CommandFailure) -> String {
    guard isValid(text) else { throw .usage("\(subject) is '\(text)', but it takes \(rule).") }
    return text
  }
}
