internal import Bytes
internal import Storage

/// A rejected request to the API, in Sentry's form: a status, and a `detail` in the body.
package struct APIError: Error, Equatable, Sendable {
  /// The HTTP status.
  package var status: Int
  /// The error, for the user of the client.
  package var detail: String
  /// The seconds after which another attempt may succeed.
  package var retryAfter: Int?

  package init(status: Int, detail: String) {
    self.status = status
    self.detail = detail
  }

  /// The request is malformed or requests something that is not supported.
  package static func badRequest(_ detail: String) -> APIError {
    APIError(status: 400, detail: detail)
  }

  /// Sentry's answer to the name of a project outside the organization; it does not reveal whether
  /// the project exists.
  package static let forbidden = APIError(
    status: 403, detail: "You do not have permission to perform this action.")

  package static let notFound = APIError(
    status: 404, detail: "The requested resource does not exist")

  /// - Parameter known: the organizations that the client may hear of.
  static func noOrganization(_ name: String, among known: [Organization]) -> APIError {
    var error = notFound
    error.detail += ". " + NearNames.sentence("organization", name, among: known.map(\.slug))
    return error
  }

  package static let missingToken = APIError(
    status: 401, detail: "Authentication credentials were not provided.")

  /// A name that is none of those that there are.
  ///
  /// - Parameters:
  ///   - text: the error in Sentry's words, which come first: clients compare them.
  ///   - names: all names, which the error lists.
  package static func unknown(
    _ text: String, _ name: String, among names: [String]
  ) -> APIError {
    .badRequest(text + NearNames.choices(near: name, among: names, listed: names.count))
  }

  /// A parameter with an invalid value.
  ///
  /// - Parameter accepted: a sentence with the accepted form and an example.
  package static func invalid(_ name: String, _ value: String, accepted: String) -> APIError {
    .badRequest("Invalid \(name): \"\(value)\". \(accepted)")
  }
}
