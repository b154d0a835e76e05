/// What the head of a request says, to the handler and to the server.
package struct ParsedRequest: Sendable {
  package var head: RequestHead

  /// Where the body ends.
  package var framing: BodyFraming

  /// Whether the client wants the connection kept after the answer (RFC 9112 §9.3).
  package var keepsAlive: Bool

  /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
  package var expectsContinue: Bool

  /// Whether the client speaks HTTP/1.0, which has to be told that the connection is kept.
  package var isHTTP10: Bool
}

/// How the end of a body is found (RFC 9112 §6.3).
package enum BodyFraming: Equatable, Sendable {
  /// So many bytes; a request without a body has none.
  case length(Int)
  case chunked
}

/// Reads one head whose lines were already checked for control characters and line ends.
struct HeadReader {
  private let block: [UInt8]
  private var fields: [Headers.Field] = []

  private var hosts = 0
  private var contentLength: Int?
  private var transferCodings: [ArraySlice<UInt8>] = []
  private var hasTransferEncoding = false
  private var connectionCloses = false
  private var connectionKeepsAlive = false
  private var expectsContinue = false

  init(block: [UInt8]) {
    self.block = block
  }

  mutating func read(_ limits: HTTPLimits) throws(HTTPError) -> ParsedRequest {
    var line = lineEnd(from: 0)
    let (method, target, minorVersion) = try readRequestLine(block[..<line])
    let isHTTP10 = minorVersion == 0
    fields.reserveCapacity(16)
    while true {
      let start = line + 2
      line = lineEnd(from: start)
      if line == start { break }
      guard fields.count < limits.headerFieldsMax else {
        throw HTTPError(status: 431, reason: "too many header fields")
      }
      try readField(start, line)
    }
    // RFC 9112 §3.2: 400 to any HTTP/1.1 request without a Host, and to any request with two.
    guard hosts == 1 || (hosts == 0 && isHTTP10) else {
      throw .badRequest(hosts == 0 ? "the Host field is missing" : "more than one Host field")
    }
    let framing = try framing(isHTTP10, limits)
    let (path, query) = try readTarget(target, method)
    return ParsedRequest(
      head: RequestHead(
        method: method, path: path, query: query, headers: Headers(block: block, fields: fields)),
      framing: framing,
      keepsAlive: !connectionCloses && (!isHTTP10 || connectionKeepsAlive),
      // RFC 9110 §10.1.1: ignore it from HTTP/1.0, and when there is no body to wait with.
      expectsContinue: expectsContinue && !isHTTP10 && framing != .length(0),
      isHTTP10: isHTTP10)
  }

  /// Where the line ends. The lines were checked, so that every carriage return is the end of one.
  private func lineEnd(from start: Int) -> Int {
    var index = start
    while block[index] != UInt8(ascii: "\r") { index += 1 }
    return index
  }

  // RFC 9112 §3: method SP request-target SP HTTP-version, with single spaces.
  private func readRequestLine(
    _ line: ArraySlice<UInt8>
  ) throws(HTTPError) -> (Method, ArraySlice<UInt8>, Int) {
    guard let methodEnd = line.firstIndex(of: UInt8(ascii: " ")),
      let targetEnd = line.lastIndex(of: UInt8(ascii: " ")), targetEnd > methodEnd
    else { throw .badRequest("the request line is malformed") }
    let name = line[..<methodEnd]
    let target = line[(methodEnd + 1)..<targetEnd]
    let version = line[(targetEnd + 1)...]
    guard !name.isEmpty, name.allSatisfy(isToken) else {
      throw .badRequest("the method is malformed")
    }
    // RFC 3986 §2: a URI is printable ASCII; a fragment is not sent.
    guard !target.isEmpty,
      target.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") })
    else { throw .badRequest("the request target is malformed") }
    // RFC 9112 §2.3: "HTTP/" DIGIT "." DIGIT.
    guard version.count == 8, version.starts(with: "HTTP/".utf8),
      let major = digit(version[version.startIndex + 5]),
      version[version.startIndex + 6] == UInt8(ascii: "."),
      let minor = digit(version[version.startIndex + 7])
    else { throw .badRequest("the HTTP version is malformed") }
    guard major == 1 else {
      throw HTTPError(status: 505, reason: "only HTTP/1.1 and HTTP/1.0 are spoken here")
    }
    return (method(name), target, minor)
  }

  private func method(_ name: ArraySlice<UInt8>) -> Method {
    // The two that matter, without a string.
    if name.elementsEqual("POST".utf8) { return .post }
    if name.elementsEqual("GET".utf8) { return .get }
    return Method(name: String(decoding: name, as: UTF8.self))
  }

  // RFC 9112 §5: field-name ":" OWS field-value OWS.
  private mutating func readField(_ start: Int, _ end: Int) throws(HTTPError) {
    // RFC 9112 §5.2: a server refuses a folded line or unfolds it.
    if isOptionalWhiteSpace(block[start]) { throw .badRequest("a header field is folded") }
    var nameEnd = start
    while nameEnd < end, isToken(block[nameEnd]) { nameEnd += 1 }
    // RFC 9112 §5.1: no white space between name and colon.
    guard nameEnd > start, nameEnd < end, block[nameEnd] == UInt8(ascii: ":") else {
      throw .badRequest("the name of a header field is malformed")
    }
    let value = trimmed(block[(nameEnd + 1)..<end])
    fields.append(
      Headers.Field(
        nameStart: UInt32(start), nameEnd: UInt32(nameEnd),
        valueStart: UInt32(value.startIndex), valueEnd: UInt32(value.endIndex)))
    try note(block[start..<nameEnd], value)
  }

  /// Keeps what the field says about the framing; the count of letters rules most fields out.
  private mutating func note(
    _ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>
  ) throws(HTTPError) {
    switch name.count {
    case 4 where isSameName(name, "Host"):
      hosts += 1
      guard value.allSatisfy(isHostCharacter) else { throw .badRequest("the Host is malformed") }
    case 6 where isSameName(name, "Expect"):
      // RFC 9110 §10.1.1: 417 to an expectation that is not known.
      for element in elements(of: value) {
        guard isSameName(element, "100-continue") else {
          throw HTTPError(status: 417, reason: "the expectation is not known")
        }
        expectsContinue = true
      }
    case 10 where isSameName(name, "Connection"):
      for element in elements(of: value) {
        if isSameName(element, "close") { connectionCloses = true }
        if isSameName(element, "keep-alive") { connectionKeepsAlive = true }
      }
    case 14 where isSameName(name, "Content-Length"):
      // RFC 9112 §6.3 lets a recipient take equal repeated lengths as one. Nobody sends them.
      guard contentLength == nil else { throw .badRequest("more than one Content-Length") }
      contentLength = try readLength(value)
    case 17 where isSameName(name, "Transfer-Encoding"):
      hasTransferEncoding = true
      transferCodings += elements(of: value)
    default:
      break
    }
  }

  // RFC 9110 §8.6: 1*DIGIT. What overflows is too large whatever the limit.
  private func readLength(_ value: ArraySlice<UInt8>) throws(HTTPError) -> Int {
    guard !value.isEmpty else { throw .badRequest("the Content-Length is malformed") }
    var length = 0
    var isOverflowing = false
    for byte in value {
      guard let digit = digit(byte) else { throw .badRequest("the Content-Length is malformed") }
      let (product, overflow) = length.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(digit)
      isOverflowing = isOverflowing || overflow || carry
      length = isOverflowing ? 0 : sum
    }
    return isOverflowing ? .max : length
  }

  // RFC 9112 §6.3.
  private func framing(
    _ isHTTP10: Bool, _ limits: HTTPLimits
  ) throws(HTTPError) -> BodyFraming {
    guard hasTransferEncoding else {
      let length = contentLength ?? 0
      guard length <= limits.bodyBytesMax else {
        throw HTTPError(status: 413, reason: "the body is too large")
      }
      return .length(length)
    }
    // RFC 9112 §6.1: both together are an attempt at smuggling; Transfer-Encoding does not exist
    // in HTTP/1.0, so that some proxy on the way will not have seen it.
    guard contentLength == nil else {
      throw .badRequest("Content-Length and Transfer-Encoding together")
    }
    guard !isHTTP10 else { throw .badRequest("Transfer-Encoding in HTTP/1.0") }
    guard let last = transferCodings.last, isSameName(last, "chunked"),
      !transferCodings.dropLast().contains(where: { isSameName($0, "chunked") })
    else { throw .badRequest("chunked is not the last transfer coding, or not the only one") }
    guard transferCodings.count == 1 else {
      throw HTTPError(status: 501, reason: "the only transfer coding known here is chunked")
    }
    return .chunked
  }

  // RFC 9112 §3.2.
  private func readTarget(
    _ target: ArraySlice<UInt8>, _ method: Method
  ) throws(HTTPError) -> (path: String, query: String?) {
    if method == .other("CONNECT") {
      throw HTTPError(status: 501, reason: "this server is no proxy")
    }
    if target.first == UInt8(ascii: "/") { return split(target) }
    if target.elementsEqual("*".utf8), method == .options { return ("*", nil) }
    // RFC 9112 §3.2.2: a server takes the absolute form, too.
    for scheme in ["http://", "https://"] where target.count > scheme.utf8.count {
      let authority = target.startIndex + scheme.utf8.count
      guard isSameName(target[..<authority], scheme) else { continue }
      let rest = target[authority...]
      let isDelimiter = { (byte: UInt8) in byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") }
      let pathStart = rest.firstIndex(where: isDelimiter) ?? rest.endIndex
      guard pathStart > authority else { break }
      let (path, query) = split(rest[pathStart...])
      return (path.isEmpty ? "/" : path, query)
    }
    throw .badRequest("the request target is malformed")
  }

  private func split(_ target: ArraySlice<UInt8>) -> (path: String, query: String?) {
    guard let mark = target.firstIndex(of: UInt8(ascii: "?")) else {
      return (String(decoding: target, as: UTF8.self), nil)
    }
    return (
      String(decoding: target[..<mark], as: UTF8.self),
      String(decoding: target[(mark + 1)...], as: UTF8.self)
    )
  }
}

/// The elements of a list, without empty ones (RFC 9110 §5.6.1).
private func elements(of value: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
  value.split(separator: UInt8(ascii: ",")).map(trimmed).filter { !$0.isEmpty }
}

private func trimmed(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  var start = value.startIndex
  var end = value.endIndex
  while start < end, isOptionalWhiteSpace(value[start]) { start += 1 }
  while end > start, isOptionalWhiteSpace(value[end - 1]) { end -= 1 }
  return value[start..<end]
}

private func digit(_ byte: UInt8) -> Int? {
  byte &- 0x30 < 10 ? Int(byte &- 0x30) : nil
}

// RFC 3986 §3.2.2 and §3.2.3: what a host and a port are made of. User information, paths and lists
// are none of it.
private func isHostCharacter(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "#"): false
  case UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"): true
  case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: ";"): true
  case UInt8(ascii: "="): true
  default: isToken(byte)
  }
}
