import CEpoll
import Foundation
import HTTP

/// An error of a system call, with its operation.
package struct SystemError: Error, Equatable, CustomStringConvertible {
  package let operation: Syscalls.Operation
  /// The errno.
  package let code: Int32

  package var description: String {
    "\(operation.rawValue): \(unsafe String(cString: strerror(code))) (\(code))"
  }
}

/// The system calls of this module. Each is retried after EINTR, throws its errno, and can be made
/// to fail by tests.
package struct Syscalls: Sendable {
  /// The operation; the raw value is the name in the manual.
  package enum Operation: String, Sendable, CaseIterable {
    case socket
    case setsockopt
    case bind
    case connect
    case listen
    case getsockname
    case accept
    case receive = "recv"
    case send
    case shutdown
    case pollerCreate = "epoll_create1"
    case pollerControl = "epoll_ctl"
    case pollerWait = "epoll_wait"
    case eventfd
    case wake = "write"
    case open
    case fileStatus = "fstatat"
    case changeMode = "fchmod"
    case unlink = "unlinkat"
  }

  /// A failure that a test injects, or a short read or write.
  package enum Fault: Sendable {
    /// The call fails with this errno.
    case error(Int32)
    /// The call transfers at most this many bytes.
    case short(Int)
  }

  /// The fault of the next call of an operation, in tests; nil otherwise.
  private let nextFault: (@Sendable (Operation) -> Fault?)?

  package init(nextFault: (@Sendable (Operation) -> Fault?)? = nil) {
    self.nextFault = nextFault
  }

  /// Retries the call until it is not interrupted.
  ///
  /// - Parameter body: makes the call with at most the given number of bytes and returns its
  ///   result.
  @inline(__always)
  private func call(
    _ operation: Operation, _ body: (_ bytesMax: Int) -> Int
  ) throws(SystemError) -> Int {
    while true {
      var result = -1
      var code: Int32 = 0
      switch nextFault?(operation) {
      case nil:
        result = body(.max)
        if result < 0 { code = errno }
      case .short(let bytesMax):
        result = body(bytesMax)
        if result < 0 { code = errno }
      case .error(let injected):
        code = injected
      }
      if result >= 0 { return result }
      guard code == EINTR else { throw SystemError(operation: operation, code: code) }
    }
  }

  /// Does the same for calls on nonblocking sockets.
  ///
  /// - Returns: nil if the call would block.
  @inline(__always)
  private func callUnlessBlocking(
    _ operation: Operation, _ body: (_ bytesMax: Int) -> Int
  ) throws(SystemError) -> Int? {
    do throws(SystemError) {
      return try call(operation, body)
    } catch  where error.code == EAGAIN || error.code == EWOULDBLOCK {
      return nil
    }
  }

  // MARK: Sockets

  func openSocket(_ family: Int32) throws(SystemError) -> FileDescriptor {
    let type = Int32(SOCK_STREAM.rawValue) | cepoll_nonblocking_cloexec()
    return FileDescriptor(owning: Int32(try call(.socket) { _ in Int(socket(family, type, 0)) }))
  }

  func setOption(
    _ descriptor: borrowing FileDescriptor, _ level: Int32, _ name: Int32, _ value: Int32
  ) throws(SystemError) {
    _ = try call(.setsockopt) { _ in
      var value = value
      let size = socklen_t(MemoryLayout<Int32>.size)
      return Int(unsafe setsockopt(descriptor.rawValue, level, name, &value, size))
    }
  }

  func bindSocket(
    _ descriptor: borrowing FileDescriptor, _ address: SocketAddress
  ) throws(SystemError) {
    _ = try call(.bind) { _ in
      unsafe address.withSockaddr { pointer, length in
        Int(unsafe bind(descriptor.rawValue, pointer, length))
      }
    }
  }

  /// Connects to a socket in the file system, which does not wait.
  func connectSocket(
    _ descriptor: borrowing FileDescriptor, _ address: SocketAddress
  ) throws(SystemError) {
    _ = try call(.connect) { _ in
      unsafe address.withSockaddr { pointer, length in
        Int(unsafe connect(descriptor.rawValue, pointer, length))
      }
    }
  }

  func listenSocket(_ descriptor: borrowing FileDescriptor, backlog: Int32) throws(SystemError) {
    _ = try call(.listen) { _ in Int(listen(descriptor.rawValue, backlog)) }
  }

  func localAddress(_ descriptor: borrowing FileDescriptor) throws(SystemError) -> SocketAddress {
    var storage = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_storage>.size)
    var length = socklen_t(storage.count)
    _ = try call(.getsockname) { _ in
      unsafe storage.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return -1 }
        let pointer = unsafe base.assumingMemoryBound(to: sockaddr.self)
        return Int(unsafe getsockname(descriptor.rawValue, pointer, &length))
      }
    }
    return SocketAddress(bytes: Array(storage.prefix(Int(length))))
  }

  /// - Returns: a nonblocking socket and the address of its client; nil if no connection waits.
  func acceptSocket(
    _ descriptor: borrowing FileDescriptor
  ) throws(SystemError) -> (socket: Int32, peer: PeerAddress?)? {
    var storage = sockaddr_storage()
    var length = UInt32(MemoryLayout<sockaddr_storage>.size)
    let accepted = try callUnlessBlocking(.accept) { _ in
      Int(
        unsafe cepoll_accept4(
          descriptor.rawValue, &storage, &length, cepoll_nonblocking_cloexec()))
    }
    return accepted.map { (Int32($0), PeerAddress(storage)) }
  }

  /// - Returns: the number of bytes, 0 at the end; nil if there are none yet.
  func receive(
    _ descriptor: borrowing FileDescriptor, into buffer: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int? {
    return try callUnlessBlocking(.receive) { bytesMax in
      unsafe recv(descriptor.rawValue, buffer.baseAddress, min(buffer.count, bytesMax), 0)
    }
  }

  /// The number of bytes that one call sends. The system takes what a call brings, even if that is
  /// more than it should keep for a client that does not read.
  private static let sentBytesMax = 16 << 10

  /// - Returns: the number of sent bytes, less than there are if the next call would block.
  func sendBytes(
    _ descriptor: borrowing FileDescriptor, _ bytes: [UInt8], from start: Int
  ) throws(SystemError) -> Int {
    var end = start
    while end < bytes.count {
      let offered = min(bytes.count - end, Self.sentBytesMax)
      let sent = try callUnlessBlocking(.send) { bytesMax in
        unsafe bytes.withUnsafeBytes { raw in
          let part = unsafe UnsafeRawBufferPointer(rebasing: raw[end..<end + offered])
          let count = min(offered, bytesMax)
          // Without MSG_NOSIGNAL a disconnected client would end the process by SIGPIPE.
          return unsafe send(descriptor.rawValue, part.baseAddress, count, Int32(MSG_NOSIGNAL))
        }
      }
      end += sent ?? 0
      if sent ?? 0 < offered { break }
    }
    return end - start
  }

  /// The number of bytes that are sent and that the other end has not acknowledged yet
  /// (tcp(7), SIOCOUTQ).
  func unacknowledgedBytes(_ descriptor: borrowing FileDescriptor) -> Int {
    var count: Int32 = 0
    // A socket that has failed has none.
    return unsafe ioctl(descriptor.rawValue, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : 0
  }

  /// Makes the close of the socket drop what the other end has not acknowledged, with a reset.
  func dropAtClose(_ descriptor: borrowing FileDescriptor) {
    var value = linger(l_onoff: 1, l_linger: 0)
    let size = socklen_t(MemoryLayout<linger>.size)
    unsafe setsockopt(descriptor.rawValue, SOL_SOCKET, SO_LINGER, &value, size)
  }

  /// Limits the time for which the system keeps what the other end does not acknowledge
  /// (tcp(7), TCP_USER_TIMEOUT).
  func keepUnacknowledged(_ descriptor: borrowing FileDescriptor, milliseconds: Int64) {
    var value = Int32(clamping: milliseconds)
    let size = socklen_t(MemoryLayout<Int32>.size)
    unsafe setsockopt(
      descriptor.rawValue, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &value, size)
  }

  func shutdownWriting(_ descriptor: borrowing FileDescriptor) throws(SystemError) {
    _ = try call(.shutdown) { _ in Int(shutdown(descriptor.rawValue, Int32(SHUT_WR))) }
  }

  // MARK: Polling

  func createPoller() throws(SystemError) -> FileDescriptor {
    FileDescriptor(
      owning: Int32(
        try call(.pollerCreate) { _ in Int(epoll_create1(Int32(EPOLL_CLOEXEC))) }))
  }

  func createEvent() throws(SystemError) -> FileDescriptor {
    let flags = Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC)
    return FileDescriptor(owning: Int32(try call(.eventfd) { _ in Int(eventfd(0, flags)) }))
  }

  func controlPoller(
    _ poller: borrowing FileDescriptor, _ action: Int32,
    _ descriptor: borrowing FileDescriptor, events: UInt32, token: UInt64
  ) throws(SystemError) {
    _ = try call(.pollerControl) { _ in
      var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: token))
      return Int(unsafe epoll_ctl(poller.rawValue, action, descriptor.rawValue, &event))
    }
  }

  /// - Returns: the number of events.
  func waitForEvents(
    _ poller: borrowing FileDescriptor, into events: UnsafeMutableBufferPointer<epoll_event>,
    timeoutMilliseconds: Int32
  ) throws(SystemError) -> Int {
    return try call(.pollerWait) { _ in
      let count = Int32(events.count)
      return Int(unsafe epoll_wait(poller.rawValue, events.baseAddress, count, timeoutMilliseconds))
    }
  }

  func signalEvent(_ descriptor: borrowing FileDescriptor) throws(SystemError) {
    // EAGAIN means that the counter is full, so the event is already pending.
    _ = try callUnlessBlocking(.wake) { _ in
      var one: UInt64 = 1
      return unsafe write(descriptor.rawValue, &one, MemoryLayout<UInt64>.size)
    }
  }

  // MARK: Files

  /// Opens a directory as the base of relative paths.
  func openDirectory(_ path: String) throws(SystemError) -> FileDescriptor {
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
    return FileDescriptor(owning: Int32(try call(.open) { _ in Int(unsafe open(path, flags)) }))
  }

  /// - Returns: nil if the file does not exist. Links are not followed.
  func status(_ name: String, in directory: borrowing FileDescriptor) throws(SystemError) -> stat? {
    var status = stat()
    do throws(SystemError) {
      _ = try call(.fileStatus) { _ in
        Int(unsafe fstatat(directory.rawValue, name, &status, AT_SYMLINK_NOFOLLOW))
      }
    } catch  where error.code == ENOENT {
      return nil
    }
    return status
  }

  func setMode(_ descriptor: borrowing FileDescriptor, _ mode: mode_t) throws(SystemError) {
    _ = try call(.changeMode) { _ in Int(fchmod(descriptor.rawValue, mode)) }
  }

  func unlink(_ name: String, in directory: borrowing FileDescriptor) throws(SystemError) {
    _ = try call(.unlink) { _ in Int(unsafe unlinkat(directory.rawValue, name, 0)) }
  }
}
