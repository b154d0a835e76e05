import HTTP

/// How connections end, so that their clients get the last answer, and the system keeps nothing of
/// them that does not count.
extension Connection {
  /// Closes the connection if it has no further use.
  func endIfPossible(in loop: Loop) {
    switch stage {
    case .head, .body, .discard, .linger:
      // RFC 9112 §8: an incomplete request is invalid.
      if isEnded { close(in: loop) }
    case .closing(let lingers):
      // What the system keeps for a client that does not read belongs to a connection that counts.
      let isReceived = isEnded || loop.syscalls.unacknowledgedBytes(descriptor) == 0
      if isEnded || !lingers && isReceived { return close(in: loop) }
      // RFC 9112 §9.6: the connection closes in stages, so that a reset does not lose the answer.
      do throws(SystemError) {
        try loop.syscalls.shutdownWriting(descriptor)
      } catch {
        return close(in: loop)
      }
      stage = .linger(forInput: lingers)
      waitingSince = loop.now
      if lingers { loop.addLingering(self) }
    case .awaiting, .closed:
      break
    }
  }

  /// Whether it is read only so that the client gets its last answer.
  var isLingering: Bool { stage == .linger(forInput: true) }

  /// Reads on in the next round where few connections linger: a client may read its answer only
  /// after it has sent a large body. Where many do, each is read once a tick.
  func lingerOn(in loop: Loop) {
    guard isLingering, !isEnded, receivedAt == loop.now, loop.fewLinger else { return }
    isReadable = true
    loop.queue(self)
  }

  /// Receives what a client sent before it closed: a close with unread bytes sends a reset, by
  /// which it can lose the answer.
  func receiveRest(in loop: Loop) {
    // More does not fit in the buffer of the system.
    for _ in 0..<4 where !isEnded && stage != .closed { receive(in: loop) }
  }

  /// Whether the client does not have all that was sent. The end of what is sent counts as a byte.
  func hasUnacknowledged(in loop: Loop) -> Bool {
    loop.syscalls.unacknowledgedBytes(descriptor) > 1
  }

  /// Sees to it that the system keeps little, and not for long, of a connection that is about to be
  /// closed: what its client does not read would stay there for minutes, and counts nowhere.
  func leaveLittle(in loop: Loop) {
    if hasBacklog { return loop.syscalls.dropAtClose(descriptor) }
    guard !isControl, hasUnacknowledged(in: loop) else { return }
    if loop.mayLeaveUnacknowledged(isStranger: tenant == nil) {
      loop.syscalls.keepUnacknowledged(descriptor, milliseconds: loop.limits.lingerMilliseconds)
    } else {
      loop.syscalls.dropAtClose(descriptor)
    }
  }
}
