import Foundation
package import HTTP

/// The connections of the loop: accepts and removes them, and decides which go when there are too
/// many.
extension Loop {
  func acceptAll(_ socket: ListeningSocket, max: Int = Loop.acceptsMax) {
    var accepted = 0
    while accepted < max {
      let hasRoom = hasRoom(socket.isControl)
      // Whether one more client waits is known in the next round.
      if !hasRoom, accepted > 0, max != .max { return }
      guard hasRoom || !socket.isControl && makeRoom() else {
        // A connection may become idle, which is no event.
        if !socket.isControl { acceptsAgainAt = now + limits.tickMilliseconds }
        return setAccepting(false, socket.isControl)
      }
      do throws(SystemError) {
        guard let (rawValue, peer) = try syscalls.acceptSocket(socket.descriptor) else { return }
        accepted += 1
        try open(FileDescriptor(owning: rawValue), peer, isControl: socket.isControl)
      } catch {
        switch error.code {
        case ECONNABORTED, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
          EOPNOTSUPP, ENETUNREACH, EPERM, ETIMEDOUT:
          // accept(2): these are errors of the new connection.
          accepted += 1
        default:
          // No descriptors or no memory. The waiting client would be reported again and again, so
          // accepting pauses until a connection closes or some time has passed.
          let isFull = [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(error.code)
          if isFull, makeRoom() { continue }
          acceptsAgainAt = now + limits.acceptPauseMilliseconds
          setAccepting(false, true)
          return setAccepting(false, false)
        }
      }
    }
  }

  private func open(
    _ descriptor: consuming FileDescriptor, _ peer: PeerAddress?, isControl: Bool
  ) throws(SystemError) {
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
    } else {
      slot = connections.count
      connections.append(nil)
    }
    connectionNumber = (connectionNumber + 1) & (1 << 32 - 1)
    let connection = Connection(
      descriptor, peer, slot: slot, token: connectionNumber << slotBits | UInt64(slot),
      isControl: isControl, in: self)
    do throws(SystemError) {
      try connection.start(in: self)
    } catch {
      freeSlots.append(slot)
      throw error
    }
    connections[slot] = connection
    if isControl { controlConnectionCount += 1 } else { connectionCount += 1 }
    listener.noteConnections(connectionCount)
  }

  /// Removes the connection, which closes its descriptor.
  func remove(_ connection: Connection) {
    connections[connection.slot] = nil
    freeSlots.append(connection.slot)
    if connection.isControl { controlConnectionCount -= 1 } else { connectionCount -= 1 }
    listener.noteConnections(connectionCount)
    if !accepts || !acceptsControl { acceptAgain() }
  }

  private func hasRoom(_ isControl: Bool) -> Bool {
    isControl
      ? controlConnectionCount < limits.controlConnectionsMax : connectionCount < connectionsMax
  }

  func acceptAgain() {
    if hasRoom(false) { acceptsAgainAt = nil }
    for isControl in [false, true] where hasRoom(isControl) { setAccepting(true, isControl) }
  }

  /// Starts or stops accepting on the sockets of that kind; meanwhile clients wait in the backlog.
  private func setAccepting(_ isAccepting: Bool, _ isControl: Bool) {
    guard (isControl ? acceptsControl : accepts) != isAccepting else { return }
    if isControl { acceptsControl = isAccepting } else { accepts = isAccepting }
    for socket in sockets where socket.isControl == isControl {
      do throws(SystemError) {
        try listener.poller.change(socket.descriptor, isAccepting ? .read : [], token: socket.token)
      } catch {
        preconditionFailure("A socket that is registered can be changed: \(error)")
      }
    }
  }

  // MARK: Too many

  /// Whether so many connections are open that a client without an accepted request loses its own
  /// with the answer.
  var isCrowded: Bool { connectionCount >= connectionsMax - connectionsMax / 8 }

  /// Closes idle connections, so that others can connect: first those that never had an accepted
  /// request, then those of the clients with the most, the longest idle ones first. While a crowd
  /// of the former is too new to be closed, the others stay, and new clients wait. Where hardly any
  /// is idle, those close whose request or answer stands still.
  ///
  /// - Returns: whether any was closed.
  private func makeRoom() -> Bool {
    let idle = connections.compactMap { $0 }.filter { $0.isIdle && !$0.isControl }
    return close(idle: idle) || idle.count <= connectionsMax / 8 && closeStandingStill()
  }

  private func close(idle: [Connection]) -> Bool {
    let isCrowdOfStrangers = idle.count { $0.tenant == nil } > connectionsMax / 8
    let closable = idle.filter {
      !$0.isNew(in: self) && !(isCrowdOfStrangers && $0.tenant != nil)
    }
    return close(of: closable, rankedAmong: idle) { $0.closeIfIdle(in: self) }
  }

  private func closeStandingStill() -> Bool {
    // Clients with an accepted request have twice the time, so that strangers go first.
    func isStill(_ connection: Connection) -> Bool {
      let grace = limits.crowdedStallMilliseconds * (connection.tenant == nil ? 1 : 2)
      return !connection.isControl && connection.isStandingStill(for: grace, in: self)
    }
    let still = connections.compactMap { $0 }.filter(isStill)
    return close(of: still, rankedAmong: still) { connection in
      // What has come or gone meanwhile counts first.
      connection.handle(
        Readiness(
          token: connection.token, isReadable: true, isWritable: connection.hasBacklog), in: self)
      guard isStill(connection) else { return }
      listener.noteClosing(.stalled)
      // The client of a request gets an answer, but is not waited for.
      connection.expire(in: self)
      connection.close(in: self)
    }
  }

  /// Closes a part of some connections: strangers first, then those of the clients with the most,
  /// those first that have waited the longest.
  private func close(
    of closable: [Connection], rankedAmong all: [Connection], _ close: (Connection) -> Void
  ) -> Bool {
    func rank(_ connection: Connection, _ counts: [PeerAddress?: Int]) -> Int {
      let count = counts[connection.client?.customer] ?? 0
      if connection.tenant != nil { return count }
      return connectionsMax + 1 + (knowsClients ? count : 0)
    }
    var counts: [PeerAddress?: Int] = [:]
    for connection in all { counts[connection.client?.customer, default: 0] += 1 }
    let ranked = closable.map { (rank: rank($0, counts), connection: $0) }.sorted {
      ($1.rank, $0.connection.waitingSince) < ($0.rank, $1.connection.waitingSince)
    }
    let before = connectionCount
    for (_, connection) in ranked.prefix(max(1, connectionsMax / 32)) { close(connection) }
    return connectionCount < before
  }

  /// Accepts again after a pause, if there is room or some can be made.
  func tryAccepting() {
    acceptAgain()
    if !accepts, !makeRoom() { acceptsAgainAt = now + limits.tickMilliseconds }
  }
}

/// How many connections the limits and the system allow.
package struct ConnectionLimit: Sendable {
  /// The limit of open file descriptors of the process.
  package let descriptors: Int
  package let connections: Int
  /// The limit of connections over the control socket.
  package let controlConnections: Int

  /// - Parameter descriptors: the limit of open file descriptors; nil for that of the system.
  package init(_ limits: HTTPLimits, descriptors: Int? = nil) {
    let descriptors = descriptors ?? Self.systemLimit
    self.descriptors = descriptors
    // With few descriptors, each part gets less.
    let reserved = min(limits.descriptorsReserved, max(limits.descriptorsNeeded, descriptors / 4))
    controlConnections = min(limits.controlConnectionsMax, max(2, descriptors / 16))
    let free = descriptors - reserved - controlConnections
    connections = max(1, min(limits.connectionsMax, free, Int(slotMask) / 2))
  }

  private static var systemLimit: Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return .max
    }
    return Int(clamping: limit.rlim_cur)
  }
}

/// The number of low bits of tokens and exchanges that are the slot.
let slotBits: UInt64 = 20
let slotMask: UInt64 = 1 << slotBits - 1
