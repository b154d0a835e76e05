import Storage

extension Slug {
  /// The text, if it is a valid slug.
  ///
  /// - Throws: a usage error where it is not.
  static func checked(_ text: String, naming subject: String) throws(CommandFailure) -> String {
    guard isValid(text) else { throw .usage("\(subject) is '\(text)', but it takes \(rule).") }
    return text
  }
}
