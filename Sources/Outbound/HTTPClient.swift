internal import CCurl
internal import Glibc

/// A request to a web server.
package struct HTTPCall: Sendable {
  package var method: String
  /// The URL, with `http://` or `https://`.
  package var url: String
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// The time limit from the start to the last byte of the response.
  package var timeoutMilliseconds: Int
  /// The time limit from the start to the open connection.
  package var connectTimeoutMilliseconds = 5000
  /// The size limit of the response body; more is not read.
  package var answerBytesMax = 16 << 10
  /// Whether a longer response is an error, instead of being cut.
  package var needsWholeAnswer = false

  package init(
    method: String = "POST", url: String, headers: [(name: String, value: String)] = [],
    body: [UInt8] = [], timeoutMilliseconds: Int = 15_000
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeoutMilliseconds = timeoutMilliseconds
  }
}

/// The response of a web server.
package struct HTTPAnswer: Sendable {
  package var status: Int
  /// The headers, with names in lower case.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  /// The first header with this lower-case name.
  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// An HTTP client, which makes one request at a time and keeps connections open between them.
///
/// It blocks the calling thread, and only one thread may use it.
package final class HTTPClient {
  private let addresses: AddressPolicy
  private let caFile: String?
  private let socketPath: String?
  private var socket: UnixSocket?
  private var handle: CurlHandle?

  /// - Parameters:
  ///   - caFile: the path of the CA bundle; nil for the system's.
  ///   - socketPath: the path of a Unix domain socket, over which all requests go; nil for TCP.
  package init(
    addresses: AddressPolicy = .all, caFile: String? = nil, socketPath: String? = nil
  ) {
    self.addresses = addresses
    self.caFile = caFile
    self.socketPath = socketPath
  }

  /// Makes a request. Redirects are not followed.
  package func send(_ call: HTTPCall) throws(OutboundFailure) -> HTTPAnswer {
    // Where no socket is there, libcurl is not even loaded.
    if socket == nil, let socketPath { socket = try UnixSocket(socketPath) }
    let handle = if let handle { handle } else { try CurlHandle() }
    self.handle = handle
    let transfer = Transfer(
      on: handle, url: call.url, name: socketPath ?? authority(of: call.url), addresses: addresses,
      isMail: false)
    transfer.outputBytesMax = call.answerBytesMax
    transfer.limit(
      milliseconds: call.timeoutMilliseconds,
      connectMilliseconds: call.connectTimeoutMilliseconds)
    if let caFile { transfer.set(CURLOPT_CAINFO, caFile) }
    if let socket { transfer.set(CURLOPT_UNIX_SOCKET_PATH, socket.path) }
    // An empty Expect keeps libcurl from waiting for leave to send a large body.
    let headers = call.headers.map { "\($0.name): \($0.value)" } + ["Expect:"]
    transfer.set(CURLOPT_HTTPHEADER, list: headers)
    transfer.set(CURLOPT_PATH_AS_IS, 1)
    let status: Int
    if call.method == "GET" {
      transfer.set(CURLOPT_HTTPGET, 1)
      status = try transfer.perform()
    } else {
      transfer.set(CURLOPT_CUSTOMREQUEST, call.method)
      status = try transfer.post(call.body)
    }
    if transfer.isCut, call.needsWholeAnswer {
      throw OutboundFailure(
        "the response of \(transfer.name) is longer than \(call.answerBytesMax) bytes")
    }
    let fields = transfer.headerLines.compactMap { line -> (name: String, value: String)? in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let words = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace)
      return (line[..<colon].lowercased(), words.joined(separator: " "))
    }
    return HTTPAnswer(status: status, headers: fields, body: transfer.output)
  }
}

/// A Unix domain socket under a path that is short enough.
///
/// A path longer than the 108 bytes of an address (unix(7)) is shortened by a descriptor of its
/// directory.
private final class UnixSocket {
  let path: String
  private let directory: Int32

  init(_ path: String) throws(OutboundFailure) {
    let slash = path.lastIndex(of: "/")
    let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    directory = unsafe open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw OutboundFailure(unreachable: path, number: errno) }
    let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
    self.path = "/proc/self/fd/\(directory)/\(name)"
    guard unsafe access(self.path, F_OK) == 0 else {
      throw OutboundFailure(unreachable: path, number: errno)
    }
  }

  deinit {
    close(directory)
  }
}
