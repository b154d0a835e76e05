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
    let known: [Method] = [.get, .head, .post, .put, .delete, .patch, .options]
    self = known.first { $0.name == name } ?? .other(name)
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
