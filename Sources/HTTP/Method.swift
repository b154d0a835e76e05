/// The method of a request (RFC 9110 §9). Names are case-sensitive.
package enum Method: Hashable, Sendable {
  case get
  case head
  case post
  case put
  case delete
  case patch
  case options
  /// An unknown method, as it was sent.
  case other(String)

  /// - Parameter name: the method on the wire.
  package init(name: String) {
    self =
      switch name {
      case "GET": .get
      case "HEAD": .head
      case "POST": .post
      case "PUT": .put
      case "DELETE": .delete
      case "PATCH": .patch
      case "OPTIONS": .options
      default: .other(name)
      }
  }

  /// The name on the wire.
  package var name: String {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .delete: "DELETE"
    case .patch: "PATCH"
    case .options: "OPTIONS"
    case .other(let name): name
    }
  }
}
