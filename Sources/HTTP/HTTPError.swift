/// A request that is malformed or exceeds a limit.
///
/// The start of the next request is unknown after it, so the connection is closed after the answer
/// (RFC 9112 §9.3).
package struct HTTPError: Error, Equatable {
  /// The status of the answer.
  package let status: Int

  /// The error, for the developer of the client.
  package let reason: String

  package init(status: Int, reason: String) {
    self.status = status
    self.reason = reason
  }

  static func badRequest(_ reason: String) -> HTTPError {
    HTTPError(status: 400, reason: reason)
  }

  /// The answer: a JSON object with the reason as its `detail`.
  package var response: Response {
    .failure(status, reason)
  }
}
