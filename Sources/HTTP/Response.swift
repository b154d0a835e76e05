/// A response.
package struct Response: Equatable, Sendable {
  package var status: Int

  /// The header fields except `Content-Length`, `Transfer-Encoding`, `Date`, `Server` and
  /// `X-Content-Type-Options`, which the writer adds. `Connection: close` closes the connection
  /// after the answer.
  package var headers: Headers

  /// The body, also for HEAD, for which the writer sends only its length.
  package var body: [UInt8]

  /// Whether the body stays in memory anyway, as files of the program do.
  package var isKept = false

  package init(status: Int = 200, headers: Headers = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}
