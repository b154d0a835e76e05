import HTTP

/// The output that the system has not accepted yet.
struct OutputBacklog {
  /// Bytes that are sent one after the other.
  private struct Part {
    var bytes: [UInt8]
    /// Whether they stay in memory anyway, and so cost nothing here.
    var isKept: Bool
  }

  private var parts: [Part] = []
  /// How much of the first part is sent.
  private var start = 0
  /// The memory that it holds, in bytes.
  private(set) var heldBytes = 0

  var isEmpty: Bool { parts.isEmpty }

  mutating func append(_ bytes: [UInt8], isKept: Bool = false) {
    if bytes.isEmpty { return }
    parts.append(Part(bytes: bytes, isKept: isKept))
    if !isKept { heldBytes += bytes.count }
  }

  /// Sends as much as the system accepts.
  ///
  /// - Returns: whether that was anything.
  mutating func send(
    over descriptor: borrowing FileDescriptor, _ syscalls: Syscalls
  ) throws(SystemError) -> Bool {
    var isAny = false
    while let part = parts.first {
      let sent = try syscalls.sendBytes(descriptor, part.bytes, from: start)
      if sent > 0 { isAny = true }
      start += sent
      if start < part.bytes.count { break }
      if !part.isKept { heldBytes -= part.bytes.count }
      parts.removeFirst()
      start = 0
    }
    return isAny
  }
}

extension Connection {
  /// Sends the output of this turn, and keeps what the system does not accept.
  ///
  /// - Returns: false if the connection was closed.
  @discardableResult
  func flush(in loop: Loop) -> Bool {
    guard stage != .closed else {
      loop.clearOutgoing()
      return false
    }
    do throws(SystemError) {
      if output.isEmpty, loop.outgoingBody == nil {
        let outgoing = loop.outgoing
        guard !outgoing.isEmpty else { return true }
        let sent = try loop.syscalls.sendBytes(descriptor, outgoing, from: 0)
        if sent < outgoing.count {
          output.append(Array(outgoing[sent...]))
          waitingSince = loop.now
        }
      } else {
        let wasEmpty = output.isEmpty
        output.append(loop.outgoing)
        if let body = loop.outgoingBody { output.append(body.body, isKept: body.isKept) }
        let isSent = try output.send(over: descriptor, loop.syscalls)
        if isSent || wasEmpty { waitingSince = loop.now }
      }
    } catch {
      loop.clearOutgoing()
      close(in: loop)
      return false
    }
    loop.clearOutgoing()
    return true
  }

  /// Sends an interim answer to a client that closed its sending side. One that still waits ignores
  /// it (RFC 9110 §15.2.1); the system of one that is gone answers with a reset, which ends the
  /// request.
  func probe(in loop: Loop) {
    isProbed = true
    if !context.isHTTP10, !hasBacklog {
      loop.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    }
    finishTurn(in: loop)
  }
}
