internal import Bytes

/// The parsed head of a request: the part for the handler, and the framing for the server.
package struct ParsedRequest: Sendable {
  package var head: RequestHead

  /// The framing of the body.
  package var framing: BodyFraming

  /// Whether the client wants the connection kept after the answer (RFC 9112 §9.3).
  package var keepsAlive: Bool

  /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
  package var expectsContinue: Bool

  /// Whether the client uses HTTP/1.0, which needs `Connection: keep-alive` to keep the connection.
  package var isHTTP10: Bool
}

/// The framing of a body (RFC 9112 §6.3).
package enum BodyFraming: Equatable, Sendable {
  /// The length in bytes; 0 for a request without a body.
  case length(Int)
  case chunked
}

/// Parses one head, whose lines are already checked for control characters and line ends.
///
/// It uses ranges of the head and no slices, which would count references to the block.
struct HeadReader {
  private var hosts = 0
  private var contentLength: Int?
  private var transferCodings: [Range<Int>] = []
  private var hasTransferEncoding = false
  private var connectionCloses = false
  private var connectionKeepsAlive = false
  private var expectsContinue = false

  /// - Parameter block: the head, which the request owns.
  mutating func read(_ block: [UInt8], _ limits: HTTPLimits) throws(HTTPError) -> ParsedRequest {
    let bytes = block.span
    var line = lineEnd(bytes, from: 0)
    let (method, target, minorVersion) = try readRequestLine(bytes, 0..<line)
    let isHTTP10 = minorVersion == 0
    var fields: [Headers.Field] = []
    fields.reserveCapacity(16)
    while true {
      let start = line + 2
      line = lineEnd(bytes, from: start)
      if line == start { break }
      guard fields.count < limits.headerFieldsMax else {
        throw HTTPError(status: 431, reason: "too many header fields")
      }
      fields.append(try readField(bytes, start, line))
    }
    // RFC 9112 §3.2: 400 for an HTTP/1.1 request without a Host, and for any request with two.
    guard hosts == 1 || (hosts == 0 && isHTTP10) else {
      throw .badRequest(hosts == 0 ? "the Host field is missing" : "more than one Host field")
    }
    let framing = try framing(bytes, isHTTP10, limits)
    return ParsedRequest(
      head: try head(method, target, Headers(block: block, fields: fields)),
      framing: framing,
      keepsAlive: !connectionCloses && (!isHTTP10 || connectionKeepsAlive),
      // RFC 9110 §10.1.1: the expectation is ignored in HTTP/1.0, and without a body.
      expectsContinue: expectsContinue && !isHTTP10 && framing != .length(0),
      isHTTP10: isHTTP10)
  }

  /// The end of the line. Lines are checked, so the first carriage return ends the line.
  private func lineEnd(_ bytes: Span<UInt8>, from start: Int) -> Int {
    bytes.endOfFieldText(from: start, to: bytes.count)
  }

  // RFC 9112 §3: method SP request-target SP HTTP-version, with single spaces.
  private func readRequestLine(
    _ bytes: Span<UInt8>, _ line: Range<Int>
  ) throws(HTTPError) -> (Method, Range<Int>, Int) {
    let space = UInt8(ascii: " ")
    var methodEnd = 0
    while methodEnd < line.upperBound, bytes[methodEnd] != space { methodEnd += 1 }
    var targetEnd = line.upperBound - 1
    while targetEnd > methodEnd, bytes[targetEnd] != space { targetEnd -= 1 }
    guard targetEnd > methodEnd else { throw .badRequest("the request line is malformed") }
    let name = 0..<methodEnd
    let target = (methodEnd + 1)..<targetEnd
    let version = targetEnd + 1
    guard !name.isEmpty, name.allSatisfy({ isToken(bytes[$0]) }) else {
      throw .badRequest("the method is malformed")
    }
    // RFC 3986 §2: a URI is printable ASCII; a fragment is not sent.
    guard !target.isEmpty,
      target.allSatisfy({ bytes[$0].isVisible && bytes[$0] != UInt8(ascii: "#") })
    else { throw .badRequest("the request target is malformed") }
    // RFC 9112 §2.3: "HTTP/" DIGIT "." DIGIT.
    guard line.upperBound - version == 8,
      bytes.extracting(version..<version + 5).equals("HTTP/"),
      let major = digit(bytes[version + 5]), bytes[version + 6] == UInt8(ascii: "."),
      let minor = digit(bytes[version + 7])
    else { throw .badRequest("the HTTP version is malformed") }
    guard major == 1 else {
      throw HTTPError(status: 505, reason: "only HTTP/1.1 and HTTP/1.0 are supported")
    }
    return (method(bytes.extracting(name)), target, minor)
  }

  private func method(_ name: Span<UInt8>) -> Method {
    // Reads the two common methods without a string.
    if name.equals("POST") { return .post }
    if name.equals("GET") { return .get }
    return Method(name: String(copying: name))
  }

  // RFC 9112 §5: field-name ":" OWS field-value OWS.
  private mutating func readField(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int
  ) throws(HTTPError) -> Headers.Field {
    // RFC 9112 §5.2: a server refuses a folded line or unfolds it.
    if isOptionalWhiteSpace(bytes[start]) { throw .badRequest("a header field is folded") }
    var nameEnd = start
    while nameEnd < end, isToken(bytes[nameEnd]) { nameEnd += 1 }
    // RFC 9112 §5.1: no white space between name and colon.
    guard nameEnd > start, nameEnd < end, bytes[nameEnd] == UInt8(ascii: ":") else {
      throw .badRequest("the name of a header field is malformed")
    }
    let value = trimmed(bytes, (nameEnd + 1)..<end)
    try note(bytes, bytes.extracting(start..<nameEnd), value)
    return Headers.Field(
      nameStart: UInt32(start), nameEnd: UInt32(nameEnd),
      valueStart: UInt32(value.lowerBound), valueEnd: UInt32(value.upperBound))
  }

  /// Stores the field if it is about framing; the length of the name excludes most fields.
  private mutating func note(
    _ bytes: Span<UInt8>, _ name: Span<UInt8>, _ value: Range<Int>
  ) throws(HTTPError) {
    switch name.count {
    case 4 where isSameName(name, "Host"):
      hosts += 1
      guard value.allSatisfy({ isHostCharacter(bytes[$0]) }) else {
        throw .badRequest("the Host is malformed")
      }
    case 6 where isSameName(name, "Expect"):
      // RFC 9110 §10.1.1: 417 for an unknown expectation.
      var rest = value
      while let element = nextElement(bytes, &rest) {
        guard isSameName(bytes.extracting(element), "100-continue") else {
          throw HTTPError(status: 417, reason: "the expectation is unknown")
        }
        expectsContinue = true
      }
    case 10 where isSameName(name, "Connection"):
      var rest = value
      while let element = nextElement(bytes, &rest) {
        if isSameName(bytes.extracting(element), "close") { connectionCloses = true }
        if isSameName(bytes.extracting(element), "keep-alive") { connectionKeepsAlive = true }
      }
    case 14 where isSameName(name, "Content-Length"):
      // RFC 9112 §6.3 allows equal repeated lengths. Nobody sends them.
      guard contentLength == nil else { throw .badRequest("more than one Content-Length") }
      contentLength = try readLength(bytes.extracting(value))
    case 17 where isSameName(name, "Transfer-Encoding"):
      hasTransferEncoding = true
      var rest = value
      while let element = nextElement(bytes, &rest) { transferCodings.append(element) }
    default:
      break
    }
  }

  // RFC 9110 §8.6: 1*DIGIT. An overflow is too large for any limit.
  private func readLength(_ value: Span<UInt8>) throws(HTTPError) -> Int {
    guard !value.isEmpty else { throw .badRequest("the Content-Length is malformed") }
    var length = 0
    var isOverflowing = false
    for index in value.indices {
      guard let digit = digit(value[index]) else {
        throw .badRequest("the Content-Length is malformed")
      }
      let (product, overflow) = length.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(digit)
      isOverflowing = isOverflowing || overflow || carry
      length = isOverflowing ? 0 : sum
    }
    return isOverflowing ? .max : length
  }

  // RFC 9112 §6.3.
  private func framing(
    _ bytes: Span<UInt8>, _ isHTTP10: Bool, _ limits: HTTPLimits
  ) throws(HTTPError) -> BodyFraming {
    guard hasTransferEncoding else {
      let length = contentLength ?? 0
      guard length <= limits.bodyBytesMax else {
        throw HTTPError(status: 413, reason: "the body is too large")
      }
      return .length(length)
    }
    // RFC 9112 §6.1: both together are an attempt at smuggling. HTTP/1.0 has no Transfer-Encoding,
    // so a proxy may have ignored it.
    guard contentLength == nil else {
      throw .badRequest("Content-Length and Transfer-Encoding together")
    }
    guard !isHTTP10 else { throw .badRequest("Transfer-Encoding in HTTP/1.0") }
    let firstChunked = transferCodings.firstIndex {
      isSameName(bytes.extracting($0), "chunked")
    }
    guard let firstChunked, firstChunked == transferCodings.count - 1 else {
      throw .badRequest("chunked is not the last transfer coding, or not the only one")
    }
    guard transferCodings.count == 1 else {
      throw HTTPError(status: 501, reason: "the only supported transfer coding is chunked")
    }
    return .chunked
  }

  // RFC 9112 §3.2.
  private func head(
    _ method: Method, _ target: Range<Int>, _ headers: Headers
  ) throws(HTTPError) -> RequestHead {
    if method == .other("CONNECT") {
      throw HTTPError(status: 501, reason: "this server is not a proxy")
    }
    let bytes = headers.block.span.extracting(target)
    if bytes[0] == UInt8(ascii: "/") || (method == .options && bytes.equals("*")) {
      return RequestHead(method: method, target: target, headers: headers)
    }
    // RFC 9112 §3.2.2: a server accepts the absolute form too.
    for scheme in ["http://", "https://"] where bytes.count > scheme.utf8.count {
      let authority = scheme.utf8.count
      guard isSameName(bytes.extracting(0..<authority), scheme) else { continue }
      var path = authority
      while path < bytes.count, bytes[path] != UInt8(ascii: "/"), bytes[path] != UInt8(ascii: "?") {
        path += 1
      }
      guard path > authority else { break }
      if path < bytes.count, bytes[path] == UInt8(ascii: "/") {
        let target = target.lowerBound + path..<target.upperBound
        return RequestHead(method: method, target: target, headers: headers)
      }
      let query =
        path < bytes.count ? String(copying: bytes.extracting(path + 1..<bytes.count)) : nil
      return RequestHead(method: method, path: "/", query: query, headers: headers)
    }
    throw .badRequest("the request target is malformed")
  }
}

/// Removes the next element of a list from `rest`, skipping empty ones (RFC 9110 §5.6.1).
private func nextElement(_ bytes: Span<UInt8>, _ rest: inout Range<Int>) -> Range<Int>? {
  while !rest.isEmpty {
    var end = rest.lowerBound
    while end < rest.upperBound, bytes[end] != UInt8(ascii: ",") { end += 1 }
    let element = trimmed(bytes, rest.lowerBound..<end)
    rest = min(end + 1, rest.upperBound)..<rest.upperBound
    if !element.isEmpty { return element }
  }
  return nil
}

private func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
  var start = range.lowerBound
  var end = range.upperBound
  while start < end, isOptionalWhiteSpace(bytes[start]) { start += 1 }
  while end > start, isOptionalWhiteSpace(bytes[end - 1]) { end -= 1 }
  return start..<end
}

private func digit(_ byte: UInt8) -> Int? {
  byte.isDigit ? Int(byte &- 0x30) : nil
}

// The characters of a host and a port (RFC 3986 §3.2.2 and §3.2.3), without user information, paths
// and lists.
private func isHostCharacter(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "#"): false
  case UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"): true
  case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: ";"): true
  case UInt8(ascii: "="): true
  default: isToken(byte)
  }
}
