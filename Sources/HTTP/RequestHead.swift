/// A request but for its body.
package struct RequestHead: Sendable {
  package var method: Method

  /// The path as sent: percent-encoded, without the query; `*` for `OPTIONS *`.
  package var path: String

  /// The query as sent, without its `?`; nil when there was no `?`.
  package var query: String?

  package var headers: Headers

  /// Whether the request came in over the control socket, which only the operator can open.
  package var isControl: Bool

  package init(
    method: Method = .get,
    path: String = "/",
    query: String? = nil,
    headers: Headers = [:],
    isControl: Bool = false
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.isControl = isControl
  }
}
