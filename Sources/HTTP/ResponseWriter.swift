/// Writes responses (RFC 9112 §4 and §6).
package struct ResponseWriter: Sendable {
  private let wallSeconds: @Sendable () -> Int64

  // The lines that all answers within a second share.
  private var second = Int64.min
  private var commonLines: [UInt8] = []

  /// - Parameter wallSeconds: seconds since 1970, for the Date field.
  package init(wallSeconds: @escaping @Sendable () -> Int64) {
    self.wallSeconds = wallSeconds
  }

  /// The context of an answer: the request and the connection.
  package struct Context: Hashable, Sendable {
    /// Whether the request is HEAD: the same fields, but no body (RFC 9110 §9.3.2).
    package var isHead: Bool
    /// Whether the connection is kept after the answer.
    package var keepsAlive: Bool
    /// Whether the client uses HTTP/1.0, which closes unless the answer has keep-alive (RFC 9112
    /// §9.3).
    package var isHTTP10: Bool

    package init(isHead: Bool = false, keepsAlive: Bool = true, isHTTP10: Bool = false) {
      self.isHead = isHead
      self.keepsAlive = keepsAlive
      self.isHTTP10 = isHTTP10
    }
  }

  /// Sets the time of the Date field for the answers until the next call.
  package mutating func refreshDate() {
    let now = wallSeconds()
    guard now != second else { return }
    second = now
    // No answer is to be taken for another type than it says, whatever it quotes.
    commonLines = Array(
      "\r\nServer: hale\r\nX-Content-Type-Options: nosniff\r\nDate: \(httpDate(now))\r\n".utf8)
  }

  /// Appends the response in its wire format.
  ///
  /// - Parameter withBody: false if the caller sends the body.
  package mutating func write(
    _ response: Response, _ context: Context, to output: inout [UInt8], withBody: Bool = true
  ) {
    if commonLines.isEmpty { refreshDate() }
    if response.status == 200 {
      output.append(contentsOf: "HTTP/1.1 200 OK".utf8)
    } else {
      output.append(contentsOf: "HTTP/1.1 ".utf8)
      appendDecimal(response.status, to: &output)
      output.append(UInt8(ascii: " "))
      output.append(contentsOf: reasonPhrase(response.status).utf8)
    }
    output.append(contentsOf: commonLines)
    if !context.keepsAlive {
      output.append(contentsOf: "Connection: close\r\n".utf8)
    } else if context.isHTTP10 {
      output.append(contentsOf: "Connection: keep-alive\r\n".utf8)
    }
    response.headers.write(to: &output, omitting: isOfWriter)
    // RFC 9110 §8.6: 204 has no Content-Length, and 304 only that of the corresponding 200, which
    // is unknown here.
    let hasBody = response.status != 204 && response.status != 304
    if hasBody {
      output.append(contentsOf: "Content-Length: ".utf8)
      appendDecimal(response.body.count, to: &output)
      output.append(contentsOf: "\r\n\r\n".utf8)
      if withBody, !context.isHead { output.append(contentsOf: response.body) }
    } else {
      output.append(contentsOf: "\r\n".utf8)
    }
  }
}

extension Response {
  /// Whether the handler wants the connection closed after this answer.
  package var closesConnection: Bool {
    headers.contains("Connection")
      && headers.all("Connection").contains { $0.lowercased() == "close" }
  }
}

/// Whether only the writer may set the field.
private func isOfWriter(_ name: Span<UInt8>) -> Bool {
  switch name.count {
  case 4: isSameName(name, "Date")
  case 6: isSameName(name, "Server")
  case 10: isSameName(name, "Connection")
  case 14: isSameName(name, "Content-Length")
  case 17: isSameName(name, "Transfer-Encoding")
  default: false
  }
}

private func appendDecimal(_ number: Int, to output: inout [UInt8]) {
  if number >= 10 { appendDecimal(number / 10, to: &output) }
  output.append(UInt8(ascii: "0") + UInt8(number % 10))
}

/// The reason phrase of the status, for people only (RFC 9112 §4).
private func reasonPhrase(_ status: Int) -> String {
  switch status {
  case 200: "OK"
  case 201: "Created"
  case 204: "No Content"
  case 303: "See Other"
  case 304: "Not Modified"
  case 400: "Bad Request"
  case 401: "Unauthorized"
  case 403: "Forbidden"
  case 404: "Not Found"
  case 405: "Method Not Allowed"
  case 408: "Request Timeout"
  case 409: "Conflict"
  case 413: "Content Too Large"
  case 414: "URI Too Long"
  case 415: "Unsupported Media Type"
  case 417: "Expectation Failed"
  case 429: "Too Many Requests"
  case 431: "Request Header Fields Too Large"
  case 500: "Internal Server Error"
  case 501: "Not Implemented"
  case 503: "Service Unavailable"
  case 505: "HTTP Version Not Supported"
  default: ""
  }
}
