/// Sockets: takes connections, moves bytes, keeps time, and hands requests to a handler.
///
/// Invariant of this module: it alone opens and closes descriptors of the network, all on one
/// thread that never blocks but to wait for all of them, and it does not know what a request means.

import Foundation
package import HTTP
import Locks
import Synchronization

/// A server of HTTP/1.1.
///
/// One thread calls ``run(_:)`` and moves everything; any thread may answer or drain.
package final class Listener: ResponseSink, Sendable {
  /// What a server is made of.
  package struct Configuration: Sendable {
    /// Where to listen by TCP.
    package var addresses: [SocketAddress]

    /// Where the control socket is to be; nil for none. Requests over it have
    /// ``RequestHead/isControl``. Only the user who runs the server can open it.
    package var controlPath: String?

    package var limits: HTTPLimits

    /// Milliseconds from any start, never going back.
    package var monotonicNow: @Sendable () -> Int64

    /// Seconds since 1970, for the Date field.
    package var wallSeconds: @Sendable () -> Int64

    /// Adds to the answers that the server gives by itself, to requests that the handler never
    /// sees. Called on the loop thread.
    package var decorateError: @Sendable (HTTPError, inout Response) -> Void

    /// The calls of the system; tests make them fail.
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

  /// What other threads leave for the loop.
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

  /// The addresses listened at, with the ports that the system chose.
  package let boundAddresses: [SocketAddress]

  private let sockets: Locked<[ListeningSocket]>
  private let mailbox = Locked(Mailbox())
  // Told apart from the mailbox so that the loop looks without the lock. Changed under the lock.
  private let mailIsThere = Atomic(false)
  private let loopThread = Atomic<UInt>(0)
  private let openConnections = Atomic<Int>(0)

  /// How many connections are open, the control socket's left out.
  package var connectionCount: Int { openConnections.load(ordering: .relaxed) }

  /// The loop tells how many there are.
  func noteConnections(_ count: Int) {
    openConnections.store(count, ordering: .relaxed)
  }

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
      // An IPv6 socket for all addresses takes IPv4, too, unless there is one for that.
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

  /// Serves on the calling thread until ``drain(deadlineMilliseconds:)`` has done its work. Once
  /// only.
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

  /// Stops accepting, closes idle connections, finishes the requests that came and those that are
  /// pending; then ``run(_:)`` returns. From any thread, but not from a signal handler.
  ///
  /// - Parameter deadlineMilliseconds: how long from now that may take; what is left then is
  ///   closed. Of several calls the earliest deadline holds.
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

  /// Leaves something for the loop, and wakes it if nobody has since it last looked. The loop
  /// itself looks before it waits, so that it need not wake itself.
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
