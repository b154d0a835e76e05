internal import CCurl
internal import Glibc

/// A request to a web server.
package struct HTTPCall: Sendable {
  package var method: String
  /// `http://` or `https://`.
  package var url: String
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// From the first step to the last byte of the answer.
  package var timeoutMilliseconds: Int
  /// From the first step to the open connection.
  package var connectTimeoutMilliseconds = 5000
  /// What comes beyond is not read.
  package var answerBytesMax = 16 << 10
  /// Whether a longer answer is a failure, instead of being cut.
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

/// What a web server answered.
package struct HTTPAnswer: Sendable {
  package var status: Int
  /// The names in lower case.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// There was more than was to be read.
  package var isCut: Bool

  /// The first header of this name, which is in lower case.
  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// A client for HTTP requests, one after the other; it keeps connections open between them.
///
/// It blocks the thread that calls it, and is used by one thread.
package final class HTTPClient {
  private let addresses: AddressPolicy
  private let caFile: String?
  private let socketPath: String?
  private var socket: UnixSocket?
  private var handle: CurlHandle?

  /// - Parameter caFile: the certificates that servers are checked by; nil for the system's.
  package init(addresses: AddressPolicy = .all, caFile: String? = nil) {
    self.addresses = addresses
    self.caFile = caFile
    socketPath = nil
  }

  /// A client whose requests all go over the Unix domain socket of this path.
  package init(socketPath: String) {
    addresses = .all
    caFile = nil
    self.socketPath = socketPath
  }

  /// Makes a request. Redirections are answers like others.
  package func send(_ call: HTTPCall) throws(OutboundFailure) -> HTTPAnswer {
    let handle = try openHandle()
    let transfer = Transfer(
      on: handle, url: call.url, name: socketPath ?? authority(of: call.url), addresses: addresses,
      isMail: false)
    transfer.outputBytesMax = call.answerBytesMax
    transfer.limit(
      milliseconds: call.timeoutMilliseconds,
      connectMilliseconds: call.connectTimeoutMilliseconds)
    if let caFile { transfer.set(CURLOPT_CAINFO, caFile) }
    if let path = try openSocket() { transfer.set(CURLOPT_UNIX_SOCKET_PATH, path) }
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
        "the answer of \(transfer.name) is longer than \(call.answerBytesMax) bytes")
    }
    let fields = transfer.headerLines.compactMap { line -> (name: String, value: String)? in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let words = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace)
      return (line[..<colon].lowercased(), words.joined(separator: " "))
    }
    return HTTPAnswer(
      status: status, headers: fields, body: transfer.output, isCut: transfer.isCut)
  }

  private func openHandle() throws(OutboundFailure) -> CurlHandle {
    if let handle { return handle }
    let handle = try CurlHandle()
    self.handle = handle
    return handle
  }

  /// The path that the requests' socket is reached by; nil where they go over the network.
  private func openSocket() throws(OutboundFailure) -> String? {
    guard let socketPath else { return nil }
    if let socket { return socket.path }
    let socket = try UnixSocket(socketPath)
    self.socket = socket
    return socket.path
  }
}

/// A socket of the file system, under a path that is short enough.
///
/// The 108 bytes of its address (unix(7)) may not hold the whole path, so that an open directory
/// stands for all but its last part.
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
  }

  deinit {
    close(directory)
  }
}
