/// A request but for its body.
package struct RequestHead: Sendable {
  package var method: Method

  package var headers: Headers

  /// Whether the request came in over the control socket, which only the operator can open.
  package var isControl: Bool

  /// What ``target`` is a range of. Of a parsed request it is the block of its headers, so that
  /// taking the target over copies nothing.
  package let block: [UInt8]

  /// Where the path, and behind a `?` the query, stand as they were sent.
  package let target: Range<Int>

  package init(
    method: Method = .get,
    path: String = "/",
    query: String? = nil,
    headers: Headers = [:],
    isControl: Bool = false
  ) {
    self.method = method
    self.headers = headers
    self.isControl = isControl
    block = Array((query.map { "\(path)?\($0)" } ?? path).utf8)
    target = 0..<block.count
  }

  /// Takes over what the parser found.
  init(method: Method, block: [UInt8], target: Range<Int>, headers: Headers) {
    self.method = method
    self.headers = headers
    isControl = false
    self.block = block
    self.target = target
  }

  /// The path as sent: percent-encoded, without the query; `*` for `OPTIONS *`.
  package var path: String {
    String(decoding: block[target].prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
  }

  /// The query as sent, without its `?`; nil when there was no `?`.
  package var query: String? {
    guard let mark = block[target].firstIndex(of: UInt8(ascii: "?")) else { return nil }
    return String(decoding: block[(mark + 1)..<target.upperBound], as: UTF8.self)
  }
}
