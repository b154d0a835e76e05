/// A request without its body.
package struct RequestHead: Sendable {
  package var method: Method

  package let headers: Headers

  /// Whether the request came in over the control socket, which only the operator can open.
  package var isControl: Bool

  /// The address of the client; behind trusted proxies, as they report it. nil over the control
  /// socket.
  package var peer: PeerAddress?

  /// The ranges of the path and the query in the block of the headers, which avoid copies.
  package let target: Range<Int>

  package init(
    method: Method = .get,
    path: String = "/",
    query: String? = nil,
    headers: Headers = [:],
    isControl: Bool = false
  ) {
    var headers = headers
    target = headers.keep(query.map { "\(path)?\($0)" } ?? path)
    self.method = method
    self.headers = headers
    self.isControl = isControl
  }

  init(method: Method, target: Range<Int>, headers: Headers) {
    self.method = method
    self.headers = headers
    isControl = false
    self.target = target
  }

  /// The path as sent: percent-encoded, without the query; `*` for `OPTIONS *`.
  package var path: String {
    String(decoding: headers.block[target].prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
  }

  /// The query as sent, without its `?`; nil without a `?`.
  package var query: String? {
    guard let mark = headers.block[target].firstIndex(of: UInt8(ascii: "?")) else { return nil }
    return String(decoding: headers.block[(mark + 1)..<target.upperBound], as: UTF8.self)
  }

  /// Whether the client used TLS, as reported by a proxy in front, which terminates it.
  package var cameByTLS: Bool { headers["X-Forwarded-Proto"]?.lowercased() == "https" }
}
