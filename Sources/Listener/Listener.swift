/// The HTTP server: accepts connections, transfers bytes, enforces timeouts, and calls a handler.
///
/// Invariant of this module: only it opens and closes network descriptors, all on one thread that
/// blocks only to wait for all of them. It does not know the meaning of requests.

import Foundation
package import HTTP
import Locks
import Synchronization

/// A server of HTTP/1.1.
///
/// One thread calls ``run(_:)`` and does all input and output; any thread may answer or drain.
package final class Listener: ResponseSink, Sendable {
  /// The configuration and dependencies of a server.
  package struct Configuration: Sendable {
    /// The TCP addresses.
    package var addresses: [SocketAddress]

    /// The path of the control socket; nil for none. Requests over it have
    /// ``RequestHead/isControl``. Only the user of the server process can connect.
    package var controlPath: String?

    package var limits: HTTPLimits

    package var byteLimits = ByteBudget.Limits()

    /// The proxies that report the addresses of clients.
    package var trustedProxies = TrustedProxies()

    /// Reads a monotonic clock in milliseconds.
    package var monotonicNow: @Sendable () -> Int64

    /// Reads the seconds since 1970, for the Date field.
    package var wallSeconds: @Sendable () -> Int64

    /// Completes the answers of the server itself to requests that the handler does not get. It is
    /// called on the loop thread.
    package var decorateError: @Sendable (HTTPError, inout Response) -> Void

    /// The system calls, which tests make fail.
    package var syscalls = Syscalls()

    package init(
      addresses: [SocketAddress],
      controlPath: String? = nil,
      limits: HTTPLimits = HTTPLimits(),
      monotonicNow: @escaping @Sendable () -> Int64,
      wallSeconds: @escaping @Sendable () -> Int64,
      decorateError: @escaping @Sendable (HTTPError, inout Response) -> Void = { _, _ in }
    ) {
      self.addresses = addresses
      self.controlPath = controlPath
      self.limits = limits
      self.monotonicNow = monotonicNow
      self.wallSeconds = wallSeconds
      self.decorateError = decorateError
    }
  }

  /// The mailbox of other threads for the loop.
  struct Mail {
    var answers: [(Response, [ExchangeID])] = []
    var resumes = false
    var drainMilliseconds: Int64?
  }

  private struct Mailbox {
    var mail = Mail()
    var isClosed = false
  }

  let configuration: Configuration
  let poller: Poller

  /// The bound addresses, with the ports that the system chose.
  package let boundAddresses: [SocketAddress]

  private let sockets: Locked<[ListeningSocket]>
  private let mailbox = Locked(Mailbox())
  // Separate from the mailbox, so that the loop can check it without the lock. It is changed under
  // the lock.
  private let mailIsThere = Atomic(false)
  private let loopThread = Atomic<UInt>(0)
  private let openConnections = Atomic<Int>(0)
  private let bytesHeld = Atomic<Int>(0)
  private let closedIdle = Atomic<Int64>(0)
  private let closedStalled = Atomic<Int64>(0)
  private let closedUnread = Atomic<Int64>(0)

  /// The number of open connections, without those of the control socket.
  package var connectionCount: Int { openConnections.load(ordering: .relaxed) }

  func noteConnections(_ count: Int) {
    openConnections.store(count, ordering: .relaxed)
  }

  /// The number of bytes that unfinished requests and unread answers hold.
  package var heldBytes: Int { bytesHeld.load(ordering: .relaxed) }

  func note(heldBytes count: Int) {
    bytesHeld.store(count, ordering: .relaxed)
  }

  /// Why a connection was closed in favour of others.
  package enum ClosingReason: String, Sendable, CaseIterable {
    /// It was idle, and there were too many.
    case idle
    /// It held memory while its client sent or read nearly nothing, and others waited for room.
    case stalled
    /// Its client did not read an answer, and there was no room for that.
    case unread
  }

  /// How many connections were closed for that reason.
  package func closedCount(_ reason: ClosingReason) -> Int64 {
    counter(reason) { $0.load(ordering: .relaxed) }
  }

  func noteClosing(_ reason: ClosingReason) {
    counter(reason) { _ = $0.add(1, ordering: .relaxed) }
  }

  private func counter<Value>(
    _ reason: ClosingReason, _ body: (borrowing Atomic<Int64>) -> Value
  ) -> Value {
    switch reason {
    case .idle: body(closedIdle)
    case .stalled: body(closedStalled)
    case .unread: body(closedUnread)
    }
  }

  /// How many connections the limits and the system allow.
  package var connectionLimit: ConnectionLimit { ConnectionLimit(configuration.limits) }

  /// Binds all addresses. Connections wait in the backlog until ``run(_:)``.
  package init(_ configuration: Configuration) throws(ListenerError) {
    let syscalls = configuration.syscalls
    let poller: Poller
    do throws(SystemError) {
      poller = try Poller(syscalls)
    } catch {
      throw .system(error, address: "poller")
    }
    var sockets: [ListeningSocket] = []
    for address in configuration.addresses {
      // An IPv6 socket for all addresses also accepts IPv4, unless there is a separate IPv4 socket.
      let isIPv6Only = configuration.addresses.contains {
        $0.family == AF_INET && $0.port == address.port
      }
      sockets.append(
        try ListeningSocket(
          address, isIPv6Only: isIPv6Only, number: sockets.count, syscalls: syscalls))
    }
    boundAddresses = sockets.map(\.address)
    if let path = configuration.controlPath {
      sockets.append(
        try ListeningSocket(controlPath: path, number: sockets.count, syscalls: syscalls))
    }
    for socket in sockets {
      do throws(SystemError) {
        try poller.add(socket.descriptor, .read, token: socket.token)
      } catch {
        throw .system(error, address: socket.address.description)
      }
    }
    self.configuration = configuration
    self.poller = poller
    self.sockets = Locked(sockets)
  }

  /// Serves on the calling thread until ``drain(deadlineMilliseconds:)`` is complete. It can be
  /// called once only.
  package func run(_ handler: any RequestHandler) {
    loopThread.store(currentThread(), ordering: .relaxed)
    let loop = Loop(self, sockets.withLock { $0 }, handler)
    loop.run()
    loopThread.store(0, ordering: .relaxed)
    mailbox.withLock { mailbox in
      mailbox.isClosed = true
      mailbox.mail = Mail()
    }
  }

  /// Stops accepting, closes idle connections, and finishes received and pending requests; then
  /// ``run(_:)`` returns. It is callable from any thread, but not from a signal handler.
  ///
  /// - Parameter deadlineMilliseconds: the maximum duration from now; then the remaining
  ///   connections are closed. The earliest deadline of several calls applies.
  package func drain(deadlineMilliseconds: Int64) {
    post { mail in
      mail.drainMilliseconds = min(mail.drainMilliseconds ?? .max, deadlineMilliseconds)
    }
  }

  package func respond(_ response: Response, to exchanges: [ExchangeID]) {
    guard !exchanges.isEmpty else { return }
    post { $0.answers.append((response, exchanges)) }
  }

  package func resumeBlocked() {
    post { $0.resumes = true }
  }

  /// Adds to the mailbox, and wakes the loop unless it is already woken. The loop thread itself
  /// need not be woken, since it checks the mailbox before it waits.
  private func post(_ change: (inout Mail) -> Void) {
    let isFirst = mailbox.withLock { mailbox in
      guard !mailbox.isClosed else { return false }
      change(&mailbox.mail)
      return !mailIsThere.exchange(true, ordering: .acquiringAndReleasing)
    }
    guard isFirst, loopThread.load(ordering: .relaxed) != currentThread() else { return }
    do throws(SystemError) {
      try poller.wake()
    } catch {
      preconditionFailure("A write to an event of one's own cannot fail: \(error)")
    }
  }

  // MARK: For the loop

  var hasMail: Bool { mailIsThere.load(ordering: .acquiring) }

  func takeMail() -> Mail? {
    mailbox.withLock { mailbox in
      var mail = Mail()
      swap(&mail, &mailbox.mail)
      mailIsThere.store(false, ordering: .releasing)
      return mail
    }
  }

  func closeSockets() {
    sockets.withLock { $0 = [] }
  }
}

private func currentThread() -> UInt {
  UInt(pthread_self())
}
