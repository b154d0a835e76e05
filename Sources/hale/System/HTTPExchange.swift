import Glibc

/// The connection of one request, with its deadline.
struct HTTPExchange: ~Copyable {
  private let endpoint: HTTPEndpoint
  private let timeoutMilliseconds: Int64
  private let deadline: Int64
  private let socket: Descriptor

  /// Connects.
  init(to endpoint: HTTPEndpoint, timeoutMilliseconds: Int64) throws(HTTPClientError) {
    let deadline = SystemClock.monotonicMilliseconds() + timeoutMilliseconds
    self.endpoint = endpoint
    self.timeoutMilliseconds = timeoutMilliseconds
    self.deadline = deadline
    switch endpoint {
    case .tcp(let host, let port):
      socket = try connectTCP(host: host, port: port, endpoint: endpoint.description) {
        (number) throws(HTTPClientError) in
        try hale.wait(
          for: Int16(POLLOUT), on: number, until: deadline, of: timeoutMilliseconds,
          endpoint: endpoint.description)
      }
    case .unix(let directory, let name):
      socket = try connectUnix(directory: directory, name: name, endpoint: endpoint.description)
    }
  }

  /// Writes all of it, or as much as the other side takes before it answers: a server that refuses
  /// a large body does so while it still comes.
  func write(_ bytes: [UInt8]) throws(HTTPClientError) {
    var written = 0
    while written < bytes.count {
      let ready = try wait(for: Int16(POLLIN | POLLOUT))
      if ready & Int16(POLLOUT) == 0 { return }
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.send(
          socket.number, buffer.baseAddress?.advanced(by: written), bytes.count - written,
          Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        written += count
      } else if errno == EPIPE || errno == ECONNRESET {
        // The answer may be there nevertheless.
        return
      } else if errno != EAGAIN, errno != EINTR {
        throw .broken(endpoint: endpoint.description, number: errno)
      }
    }
  }

  /// Reads what has come; nothing at the end of the connection.
  func read() throws(HTTPClientError) -> [UInt8] {
    while true {
      try wait(for: Int16(POLLIN))
      do {
        return try socket.read(upTo: 1 << 16, naming: endpoint.description)
      } catch {
        guard error.number == EAGAIN else {
          throw .broken(endpoint: endpoint.description, number: error.number)
        }
      }
    }
  }

  @discardableResult
  private func wait(for events: Int16) throws(HTTPClientError) -> Int16 {
    try hale.wait(
      for: events, on: socket.number, until: deadline, of: timeoutMilliseconds,
      endpoint: endpoint.description)
  }
}

/// Waits until the descriptor is ready, an error included.
@discardableResult
private func wait(
  for events: Int16, on number: Int32, until deadline: Int64, of timeoutMilliseconds: Int64,
  endpoint: String
) throws(HTTPClientError) -> Int16 {
  while true {
    let left = deadline - SystemClock.monotonicMilliseconds()
    guard left > 0 else {
      throw .timedOut(endpoint: endpoint, milliseconds: timeoutMilliseconds)
    }
    var descriptor = pollfd(fd: number, events: events, revents: 0)
    let count = unsafe poll(&descriptor, 1, Int32(clamping: left))
    if count > 0 { return descriptor.revents }
    guard count == 0 || errno == EINTR else { throw .broken(endpoint: endpoint, number: errno) }
  }
}

/// Connects to the first address of the host that takes the connection.
private func connectTCP(
  host: String, port: UInt16, endpoint: String, wait: (Int32) throws(HTTPClientError) -> Void
) throws(HTTPClientError) -> Descriptor {
  var hints = unsafe addrinfo()
  unsafe hints.ai_family = AF_UNSPEC
  unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
  unsafe hints.ai_flags = AI_NUMERICSERV
  var list: UnsafeMutablePointer<addrinfo>?
  let result = unsafe getaddrinfo(host, String(port), &hints, &list)
  guard result == 0, let list = unsafe list else {
    throw .unresolvable(
      endpoint: endpoint, reason: unsafe String(cString: gai_strerror(result)))
  }
  defer { unsafe freeaddrinfo(list) }
  var number = EHOSTUNREACH
  var next: UnsafeMutablePointer<addrinfo>? = unsafe list
  while let address = unsafe next {
    unsafe next = address.pointee.ai_next
    let socket = Descriptor(
      number: unsafe Glibc.socket(
        address.pointee.ai_family,
        address.pointee.ai_socktype | Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0))
    guard socket.number >= 0 else {
      number = errno
      continue
    }
    if unsafe Glibc.connect(socket.number, address.pointee.ai_addr, address.pointee.ai_addrlen)
      == 0
    {
      return socket
    }
    number = errno
    guard number == EINPROGRESS else { continue }
    try wait(socket.number)
    number = pendingError(of: socket)
    if number == 0 { return socket }
  }
  throw .unreachable(endpoint: endpoint, number: number)
}

/// The error that a socket met since it was last asked.
private func pendingError(of socket: borrowing Descriptor) -> Int32 {
  var number: Int32 = 0
  var length = socklen_t(MemoryLayout<Int32>.size)
  let result = unsafe getsockopt(socket.number, SOL_SOCKET, SO_ERROR, &number, &length)
  return result == 0 ? number : errno
}

private func connectUnix(
  directory: String, name: String, endpoint: String
) throws(HTTPClientError) -> Descriptor {
  let parent: Descriptor
  do throws(SystemError) {
    parent = try Descriptor(opening: directory, O_RDONLY | O_DIRECTORY)
  } catch {
    throw .unreachable(endpoint: endpoint, number: error.number)
  }
  // The directory's descriptor stands for its path, which may be too long for an address.
  let path = Array("/proc/self/fd/\(parent.number)/\(name)".utf8)
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  let isLongEnough = unsafe withUnsafeMutableBytes(of: &address.sun_path) { buffer in
    guard path.count < buffer.count else { return false }
    unsafe buffer.copyBytes(from: path)
    return true
  }
  guard isLongEnough else { throw .unreachable(endpoint: endpoint, number: ENAMETOOLONG) }
  let socket = Descriptor(
    number: Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
  guard socket.number >= 0 else { throw .unreachable(endpoint: endpoint, number: errno) }
  let result = unsafe withUnsafePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      unsafe Glibc.connect(socket.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  guard result == 0 else { throw .unreachable(endpoint: endpoint, number: errno) }
  // Reads are made to wait by poll alone, which knows the deadline.
  _ = fcntl(socket.number, F_SETFL, O_NONBLOCK)
  return socket
}
