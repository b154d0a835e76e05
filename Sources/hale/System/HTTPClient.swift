import Glibc
import Outbound

/// Where a request goes.
enum HTTPEndpoint: Equatable, Sendable {
  case tcp(host: String, port: UInt16)
  /// A socket in a directory. It is named by two parts because its whole path may be longer than
  /// the 108 bytes that a socket address holds.
  case unix(directory: String, name: String)

  var description: String {
    switch self {
    case .tcp(let host, let port): "\(bracketed(host)):\(port)"
    case .unix(let directory, let name): "\(directory)/\(name)"
    }
  }
}

struct HTTPClientRequest: Sendable {
  var method: String
  /// The target, as it stands in the request line.
  var path: String
  /// The Host header's value.
  var authority: String
  var headers: [(name: String, value: String)] = []
  var body: [UInt8] = []
}

struct HTTPClientResponse: Sendable {
  var status: Int
  /// The names in lower case.
  var headers: [(name: String, value: String)]
  var body: [UInt8]

  /// The first header of this name, which is in lower case.
  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// The body as one line of text.
  var text: String {
    String(decoding: body, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}

/// Why there is no response. Each names the endpoint.
enum HTTPClientError: Error, Equatable, CustomStringConvertible {
  case unresolvable(endpoint: String, reason: String)
  case unreachable(endpoint: String, number: Int32)
  case broken(endpoint: String, number: Int32)
  case timedOut(endpoint: String, milliseconds: Int64)
  case closedEarly(endpoint: String)
  case malformed(endpoint: String)
  /// What libcurl says.
  case failed(String)

  var description: String {
    switch self {
    case .unresolvable(let endpoint, let reason): "cannot find \(endpoint): \(reason)"
    case .unreachable(let endpoint, let number):
      "cannot connect to \(endpoint): \(errorText(number))"
    case .broken(let endpoint, let number): "lost \(endpoint): \(errorText(number))"
    case .timedOut(let endpoint, let milliseconds):
      "\(endpoint) gave no answer within \(Self.seconds(milliseconds)) s"
    case .closedEarly(let endpoint): "\(endpoint) closed the connection before its answer was whole"
    case .malformed(let endpoint): "what \(endpoint) answered is not HTTP/1.1"
    case .failed(let reason): "cannot ask \(reason)"
    }
  }

  private static func seconds(_ milliseconds: Int64) -> String {
    milliseconds % 1000 == 0 ? "\(milliseconds / 1000)" : "\(Double(milliseconds) / 1000)"
  }
}

/// A small HTTP/1.1 client that blocks: one request, one connection, one deadline over all of it.
///
/// It is for the commands that talk to a service, on this machine as a rule. What has to go over
/// TLS goes by libcurl, which is loaded then.
struct HTTPClient: Sendable {
  /// A larger answer is none that these commands ask for.
  private static let responseBytesMax = 16 << 20

  /// From the first step to the last byte of the answer.
  var timeoutMilliseconds: Int64

  func send(
    _ request: HTTPClientRequest, to endpoint: HTTPEndpoint
  ) throws(HTTPClientError) -> HTTPClientResponse {
    let exchange = try HTTPExchange(to: endpoint, timeoutMilliseconds: timeoutMilliseconds)
    try exchange.write(head(of: request) + request.body)
    var parser = HTTPResponseParser(isHead: request.method == "HEAD")
    while true {
      let bytes = try exchange.read()
      parser.bytes += bytes
      switch parser.parse(isAtEnd: bytes.isEmpty) {
      case .complete(let response): return response
      case .malformed: throw .malformed(endpoint: endpoint.description)
      case .incomplete:
        guard !bytes.isEmpty else { throw .closedEarly(endpoint: endpoint.description) }
        guard parser.bytes.count <= Self.responseBytesMax else {
          throw .malformed(endpoint: endpoint.description)
        }
      }
    }
  }

  /// - Parameter caFile: the certificates that the server is checked by; nil for the system's.
  func send(
    _ request: HTTPClientRequest, to address: WebAddress, caFile: String?
  ) throws(HTTPClientError) -> HTTPClientResponse {
    guard address.scheme == "https" else {
      return try send(request, to: .tcp(host: address.host, port: address.effectivePort))
    }
    let call = HTTPCall(
      method: request.method, url: address.origin + request.path,
      headers: [("User-Agent", "hale/\(haleVersion)")] + request.headers, body: request.body,
      timeoutMilliseconds: Int(timeoutMilliseconds), answerBytesMax: Self.responseBytesMax)
    do throws(OutboundFailure) {
      // Whoever runs the command named the address.
      let answer = try Outlet(addresses: .all, caFile: caFile).send(call)
      guard !answer.isCut else { throw OutboundFailure("\(address.host): the answer is too long") }
      return HTTPClientResponse(
        status: answer.status, headers: answer.headers, body: answer.body)
    } catch {
      throw .failed(error.reason)
    }
  }

  private func head(of request: HTTPClientRequest) -> [UInt8] {
    var head = "\(request.method) \(request.path) HTTP/1.1\r\nHost: \(request.authority)\r\n"
    head += "User-Agent: hale/\(haleVersion)\r\nConnection: close\r\n"
    for (name, value) in request.headers { head += "\(name): \(value)\r\n" }
    if !request.body.isEmpty || request.method == "POST" {
      head += "Content-Length: \(request.body.count)\r\n"
    }
    return Array((head + "\r\n").utf8)
  }
}
