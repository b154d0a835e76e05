/// An answer.
package struct Response: Equatable, Sendable {
  package var status: Int

  /// The fields but for `Content-Length`, `Transfer-Encoding`, `Date` and `Server`, which the
  /// writer adds by itself. `Connection: close` here closes the connection after the answer.
  package var headers: Headers

  /// The body, also for HEAD: the writer leaves it out and tells its length.
  package var body: [UInt8]

  package init(status: Int = 200, headers: Headers = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}
