/// A request that the API refuses, in the form of Sentry's: a status, and a
/// `detail` in the body.
package struct APIError: Error, Equatable, Sendable {
  /// The HTTP status.
  package var status: Int
  /// What is wrong, for the person who made the request.
  package var detail: String

  package init(status: Int, detail: String) {
    self.status = status
    self.detail = detail
  }

  /// The request cannot be understood or asks for what is not offered.
  package static func badRequest(_ detail: String) -> APIError {
    APIError(status: 400, detail: detail)
  }

  /// Sentry's answer to the name of a project outside the organization: it does not tell whether
  /// there is such a project.
  package static let forbidden = APIError(
    status: 403, detail: "You do not have permission to perform this action.")

  /// A parameter whose value has not the accepted form.
  ///
  /// - Parameter accepted: a sentence that says what would be right, with an example.
  package static func invalid(_ name: String, _ value: String, accepted: String) -> APIError {
    .badRequest("Invalid \(name): \"\(value)\". \(accepted)")
  }
}
