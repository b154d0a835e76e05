/// Something in a database that is not as it should be.
package struct Finding: Equatable, Sendable {
  /// What was looked at, for example `counts`.
  package var check: String
  /// Where, what is there, and what should be.
  package var detail: String

  package init(check: String, detail: String) {
    self.check = check
    self.detail = detail
  }
}

/// What a verification looked at, and found.
package struct VerificationReport: Sendable {
  /// How much was compared, by check, in the order of the checks.
  package var compared: [(check: String, count: Int)] = []
  /// The first of what is wrong.
  package var findings: [Finding] = []
  /// How much is wrong in all.
  package var findingCount = 0

  package init() {}
}
