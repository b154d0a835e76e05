import Foundation
import Testing

/// A client that blocks for at most five seconds.
final class Client {
  struct Answer: Equatable {
    var status: Int
    var fields: [String: String]
    var body: String
  }

  enum Failure: Error {
    case connect(Int32)
    case ended
    case timeout
    case reset(Int32)
  }

  private var descriptor: Int32
  private var buffer: [UInt8] = []

  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    try connect(&address)
  }

  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    try connect(&address)
  }

  private func connect<Address>(_ address: inout Address) throws {
    setTimeout(milliseconds: 5000)
    let size = socklen_t(MemoryLayout<Address>.size)
    let status = unsafe withUnsafeBytes(of: &address) { raw in
      unsafe Foundation.connect(
        descriptor, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), size)
    }
    guard status == 0 else { throw Failure.connect(errno) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  func setTimeout(milliseconds: Int) {
    var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
    let size = socklen_t(MemoryLayout<timeval>.size)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
  }

  /// Limits the buffers of the system for bytes that the server does not read.
  func limitSendBuffer() {
    var bytes: Int32 = 65_536
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Limits the buffer of the system for answers that are not read.
  func limitReceiveBuffer() {
    var bytes: Int32 = 4096
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Closes as a program does that ends.
  func hangUp() {
    close(descriptor)
    descriptor = -1
  }

  /// Closes with a reset.
  func reset() {
    var value = linger(l_onoff: 1, l_linger: 0)
    let size = socklen_t(MemoryLayout<linger>.size)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, size)
    close(descriptor)
    descriptor = -1
  }

  func closeWriting() {
    shutdown(descriptor, Int32(SHUT_WR))
  }

  func send(_ text: String) throws {
    try send(Array(text.utf8))
  }

  func send(_ bytes: [UInt8]) throws {
    var start = 0
    while start < bytes.count {
      let sent = sendSome(bytes[start...])
      guard sent > 0 else { throw errno == EAGAIN ? Failure.timeout : Failure.reset(errno) }
      start += sent
    }
  }

  /// - Returns: the number of bytes sent within the timeout, as `send` returns it.
  func sendSome(_ bytes: ArraySlice<UInt8>) -> Int {
    unsafe bytes.withUnsafeBytes { raw in
      unsafe Foundation.send(descriptor, raw.baseAddress, raw.count, Int32(MSG_NOSIGNAL))
    }
  }

  /// - Returns: false at the end.
  private func receive() throws -> Bool {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
    guard count >= 0 else { throw errno == EAGAIN ? Failure.timeout : Failure.reset(errno) }
    buffer += bytes[..<count]
    return count > 0
  }

  /// Reads one answer, including one with status 100.
  func answer(isHead: Bool = false) throws -> Answer {
    let mark = Array("\r\n\r\n".utf8)
    while true {
      if let headEnd = buffer.firstRange(of: mark)?.upperBound {
        let lines = String(decoding: buffer[..<(headEnd - 4)], as: UTF8.self)
          .components(separatedBy: "\r\n")
        let status = Int(lines[0].split(separator: " ")[1]) ?? 0
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
          let parts = line.components(separatedBy: ": ")
          fields[parts[0]] = parts[1]
        }
        let length = isHead ? 0 : Int(fields["Content-Length"] ?? "0") ?? 0
        if buffer.count >= headEnd + length {
          let body = String(decoding: buffer[headEnd..<(headEnd + length)], as: UTF8.self)
          buffer.removeFirst(headEnd + length)
          return Answer(status: status, fields: fields, body: body)
        }
      }
      guard try receive() else { throw Failure.ended }
    }
  }

  /// Whether the server closed in order, without more bytes.
  func isAtEnd() throws -> Bool {
    guard buffer.isEmpty else { return false }
    return try !receive()
  }

  /// Reads until the server closes.
  ///
  /// - Returns: the number of bytes read.
  func drainToEnd() throws -> Int {
    while try receive() {}
    return buffer.count
  }

  func get(_ path: String) throws -> Answer {
    try send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
    return try answer()
  }

  func post(_ path: String, _ body: String) throws -> Answer {
    try send(request(path, body))
    return try answer()
  }
}

func request(_ path: String, _ body: String, _ fields: String = "") -> String {
  "POST \(path) HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}
