/// A request that cannot be understood or is not allowed by the limits.
///
/// After it, nothing can be said about where the next request begins, so that the connection is
/// closed behind the answer (RFC 9112 §9.3).
package struct HTTPError: Error, Equatable {
  /// The status to answer with.
  package let status: Int

  /// What is wrong, for the one who wrote the client.
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
    var body = Array(#"{"detail":""#.utf8)
    for byte in reason.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        body.append(UInt8(ascii: "\\"))
        body.append(byte)
      case 0..<0x20:
        body.append(UInt8(ascii: " "))
      default:
        body.append(byte)
      }
    }
    body.append(contentsOf: #""}"#.utf8)
    return Response(status: status, headers: ["Content-Type": "application/json"], body: body)
  }
}
