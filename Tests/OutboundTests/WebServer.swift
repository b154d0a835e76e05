import Foundation

/// A web server that answers with given bytes, one connection after the other, and keeps the
/// requests.
///
/// @unchecked because a test reads only requests from before its own call returned.
final class WebServer: @unchecked Sendable {
  /// The port; 0 for a Unix domain socket.
  let port: Int
  private(set) var requests: [String] = []
  /// Signalled when a connection is closed.
  let closed = DispatchSemaphore(value: 0)
  private let listener: Int32

  var url: String { "http://127.0.0.1:\(port)" }

  /// - Parameters:
  ///   - connections: the responses on each connection, which is closed after the last one.
  ///   - readsBodies: whether requests are read to their end before the response.
  init(connections: [[String]], readsBodies: Bool = true) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    port = try Self.bindToLoopback(listener)
    serve(connections, readsBodies)
  }

  /// A server with one connection for each response.
  convenience init(answers: [String]) throws {
    try self.init(connections: answers.map { [$0] })
  }

  /// A server on a socket in a directory, whose path may have any length.
  init(directory: String, name: String, connections: [[String]]) throws {
    listener = try boundSocket(directory: directory, name: name)
    listen(listener, 8)
    port = 0
    serve(connections, true)
  }

  private func serve(_ connections: [[String]], _ readsBodies: Bool) {
    Thread.detachNewThread { [self] in
      for answers in connections {
        let connection = accept(listener, nil, nil)
        for answer in answers {
          requests.append(request(on: connection, readsBodies))
          _ = unsafe send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
        }
        if !readsBodies { waitForEnd(of: connection) }
        close(connection)
        closed.signal()
      }
      close(listener)
    }
  }

  private func request(on connection: Int32, _ readsBody: Bool) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !isWhole(bytes, readsBody) {
      let count = unsafe read(connection, &buffer, buffer.count)
      if count <= 0 { break }
      bytes += buffer.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func isWhole(_ bytes: [UInt8], _ readsBody: Bool) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.firstRange(of: "\r\n\r\n") else { return false }
    guard readsBody else { return true }
    let length = text.firstMatch(of: /Content-Length: (\d+)/).flatMap { Int($0.1) } ?? 0
    return text[end.upperBound...].utf8.count >= length
  }

  /// Waits until the client closes the connection, without reading.
  private func waitForEnd(of connection: Int32) {
    // POLLRDHUP of poll(2), which the C library declares only for GNU programs.
    var watched = pollfd(fd: connection, events: 0x2000, revents: 0)
    _ = unsafe poll(&watched, 1, -1)
  }

  private static func bindToLoopback(_ descriptor: Int32) throws -> Int {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, size)
        listen(descriptor, 8)
        unsafe getsockname(descriptor, $0, &size)
      }
      return unsafe Int(UInt16(bigEndian: pointer.pointee.sin_port))
    }
  }
}

/// A bound socket in a directory, which does not listen yet.
func boundSocket(directory: String, name: String) throws -> Int32 {
  try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  let parent = unsafe open(directory, O_RDONLY | O_DIRECTORY)
  defer { close(parent) }
  let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  let path = Array("/proc/self/fd/\(parent)/\(name)".utf8)
  unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
  let result = unsafe withUnsafePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  guard result == 0 else { throw CocoaError(.fileWriteUnknown) }
  return descriptor
}

/// A directory for a test, which is removed with its contents.
final class TestDirectory {
  let path = NSTemporaryDirectory() + "hale-outbound-\(UUID().uuidString)"

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }
}
