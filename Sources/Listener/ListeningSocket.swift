import Foundation

/// A listening socket. It is closed, and the file of a control socket is removed, with this object.
final class ListeningSocket: Sendable {
  /// The first token of listening sockets.
  static let tokenBase: UInt64 = 1 << 62

  /// The backlog; the system caps it (net.core.somaxconn, 4096 by default).
  private static let backlog: Int32 = 4096

  /// The sizes of a connection's buffers in the kernel, which takes up to twice as much for each
  /// (socket(7)). With a round trip of 100 ms, 32 KiB are 2.6 Mbit/s for one connection.
  private static let sendBufferBytes: Int32 = 64 << 10
  private static let receiveBufferBytes: Int32 = 32 << 10

  /// The time after which the system gives up a client that takes nothing: as long as an answer may
  /// stand still here.
  private static let unacknowledgedMilliseconds: Int32 = 30_000

  let descriptor: FileDescriptor
  let address: SocketAddress
  let token: UInt64
  let isControl: Bool
  private let file: ControlFile?

  /// Listens on a TCP address.
  ///
  /// - Parameter isIPv6Only: whether an IPv6 socket for all addresses excludes IPv4.
  init(
    _ address: SocketAddress, isIPv6Only: Bool, number: Int, syscalls: Syscalls
  ) throws(ListenerError) {
    do throws(SystemError) {
      descriptor = try syscalls.openSocket(address.family)
      // A restarted server need not wait for the old connections in TIME_WAIT.
      try syscalls.setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
      if address.isAnyIPv6 {
        try syscalls.setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, isIPv6Only ? 1 : 0)
      }
      // Accepted sockets inherit these options on Linux, which saves calls per connection. An
      // answer is sent as a whole, so Nagle's algorithm would only delay it. Keepalive detects
      // clients that vanish while their answer is pending.
      try syscalls.setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
      try syscalls.setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
      // What clients do not read stays here, where it counts, and hardly in the kernel; what is not
      // received stays with them. Without these limits, a connection may take megabytes.
      try syscalls.setOption(descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, 16 << 10)
      try syscalls.setOption(descriptor, SOL_SOCKET, SO_SNDBUF, ListeningSocket.sendBufferBytes)
      try syscalls.setOption(descriptor, SOL_SOCKET, SO_RCVBUF, ListeningSocket.receiveBufferBytes)
      try syscalls.setOption(
        descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT,
        ListeningSocket.unacknowledgedMilliseconds)
      try syscalls.bindSocket(descriptor, address)
      try syscalls.listenSocket(descriptor, backlog: ListeningSocket.backlog)
      self.address = try syscalls.localAddress(descriptor)
    } catch {
      throw .system(error, address: address.description)
    }
    token = ListeningSocket.tokenBase + UInt64(number)
    isControl = false
    file = nil
  }

  /// Listens on a path in the file system, for the user of this process only.
  init(controlPath path: String, number: Int, syscalls: Syscalls) throws(ListenerError) {
    let file = try ControlFile(path, syscalls)
    do throws(SystemError) {
      descriptor = try syscalls.openSocket(AF_UNIX)
      // The file gets the mode of the socket (unix(7), bind), so no other user can connect, as
      // would be possible before a later chmod.
      try syscalls.setMode(descriptor, 0o600)
      try file.bind(descriptor)
      try syscalls.listenSocket(descriptor, backlog: ListeningSocket.backlog)
      address = try syscalls.localAddress(descriptor)
    } catch {
      throw .system(error, address: path)
    }
    token = ListeningSocket.tokenBase + UInt64(number)
    isControl = true
    self.file = file
  }
}
