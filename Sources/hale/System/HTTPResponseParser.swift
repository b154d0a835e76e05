/// Reads a response out of the bytes that have come so far.
struct HTTPResponseParser {
  enum Progress {
    case complete(HTTPClientResponse)
    case incomplete
    case malformed
  }

  /// Whether the request was a HEAD: its answer has no body, whatever its headers say.
  let isHead: Bool
  var bytes: [UInt8] = []

  init(isHead: Bool) {
    self.isHead = isHead
  }

  /// - Parameter isAtEnd: whether nothing can come any more.
  mutating func parse(isAtEnd: Bool) -> Progress {
    while true {
      guard let headEnd = endOfHead() else { return .incomplete }
      guard let (status, headers) = Self.head(bytes[..<headEnd]) else { return .malformed }
      // RFC 9110 §15.2: any number of interim responses may come before the final one.
      if (100...199).contains(status) {
        bytes.removeFirst(headEnd)
        continue
      }
      var response = HTTPClientResponse(status: status, headers: headers, body: [])
      let rest = bytes[headEnd...]
      if isHead || status == 204 || status == 304 { return .complete(response) }
      // RFC 9112 §6.3: chunked goes before a length, and neither means until the end.
      if let coding = response.header("transfer-encoding"), coding.lowercased() == "chunked" {
        switch Self.chunked(rest) {
        case .some(.some(let body)): response.body = body
        case .some(.none): return .incomplete
        case .none: return .malformed
        }
      } else if let text = response.header("content-length") {
        guard let length = Int(text), length >= 0 else { return .malformed }
        guard rest.count >= length else { return .incomplete }
        response.body = Array(rest.prefix(length))
      } else {
        guard isAtEnd else { return .incomplete }
        response.body = Array(rest)
      }
      return .complete(response)
    }
  }

  /// The position after the empty line.
  private func endOfHead() -> Int? {
    bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound
  }

  private static func head(
    _ bytes: ArraySlice<UInt8>
  ) -> (status: Int, headers: [(name: String, value: String)])? {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
    guard let first = lines.first, first.hasPrefix("HTTP/1."),
      let status = first.split(separator: " ").dropFirst().first.flatMap({ Int($0) }),
      (100...599).contains(status)
    else { return nil }
    var headers: [(name: String, value: String)] = []
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let value = line[line.index(after: colon)...]
      headers.append(
        (line[..<colon].lowercased(), value.split(separator: " ").joined(separator: " ")))
    }
    return (status, headers)
  }

  /// The body of a chunked response: none where it is malformed, an inner nil where more must come.
  private static func chunked(_ bytes: ArraySlice<UInt8>) -> [UInt8]?? {
    var body: [UInt8] = []
    var rest = bytes
    while true {
      guard let end = rest.firstRange(of: Array("\r\n".utf8)) else { return .some(.none) }
      let line = rest[..<end.lowerBound].prefix { $0 != UInt8(ascii: ";") }
      guard let size = Int(String(decoding: line, as: UTF8.self), radix: 16),
        (0...1 << 30).contains(size)
      else { return .none }
      rest = rest[end.upperBound...]
      // Trailers after the last chunk say nothing that is asked for here.
      if size == 0 { return body }
      guard rest.count >= size + 2 else { return .some(.none) }
      body += rest.prefix(size)
      rest = rest.dropFirst(size + 2)
    }
  }
}
