import HTTP

/// One client: its socket, what came and is not used yet, what is to go, and its deadline. What the
/// bytes mean is in Connection+Requests.swift.
///
/// Used on the loop thread only. One object a connection, none a request.
///
/// Values that change in calls (the parser, the body, what goes out) are copied or swapped out of
/// their property and in again. While a call may change a property, each access to it is checked
/// when the program runs: some 20 ns, dozens of times a request.
final class Connection {
  /// Where the exchange at hand is.
  enum Stage: Equatable {
    /// Waits for a request, or for the rest of its head.
    case head
    /// The body goes to the reader.
    case body
    /// The body is thrown away, the answer being given or pending.
    case discard
    /// The answer is pending, the body is complete.
    case awaiting
    /// The last answer is on its way; then the connection is closed, at once or after lingering.
    case closing(lingers: Bool)
    /// What the client still sends is thrown away until it closes.
    case linger
    case closed
  }

  /// What keeps a body reader from getting the next bytes.
  enum Pause {
    case none
    /// Other connections have their turn.
    case turn
    /// It waits for ``ResponseSink/resumeBlocked()``.
    case blocked
  }

  private(set) var descriptor: FileDescriptor
  let slot: Int
  /// By which the poller names this connection, and no later one in the same slot.
  let token: UInt64
  let isControl: Bool

  var stage = Stage.head
  var parser = RequestParser()

  // The exchange at hand.
  var exchange = ExchangeID(rawValue: 0)
  /// Whether nothing is owed to the client, nor to the handler.
  var isAnswered = true
  var context = ResponseWriter.Context()
  var body = BodyDecoder.length(0)
  var reader: (any BodyReader)?
  /// Whether the reader is to be called even without new bytes.
  var readerHasWork = false
  var pause = Pause.none
  /// The connection was queued and has its turn, others having had theirs.
  var isInTurn = false
  /// Whether the client may still wait for `100 Continue`.
  var owesContinue = false
  var bodyBytes = 0
  var discardedBytes = 0

  // Bytes in both directions. Both are empty between requests, so that an idle connection holds no
  // buffer.
  private(set) var input: [UInt8] = []
  private var inputStart = 0
  private var output: [UInt8] = []
  private var outputStart = 0
  /// Whether the client closed its side. It may still read (RFC 9112 §9.6).
  private(set) var isEnded = false

  /// Whether requests are left in the input because the answers before them have not gone out.
  var isHeldByOutput = false

  private var interest = Interest.read
  var isQueued = false

  /// When the state began that the deadline is about.
  var waitingSince: Int64
  /// Whether some of a head came, or the connection is new: less patience than between requests.
  var isHeadBegun = true
  /// Since when the body waits for this server.
  var pausedSince: Int64?
  private(set) var deadline = Int64.max

  init(
    _ descriptor: consuming FileDescriptor, slot: Int, token: UInt64, isControl: Bool, in loop: Loop
  ) {
    self.descriptor = descriptor
    self.slot = slot
    self.token = token
    self.isControl = isControl
    waitingSince = loop.now
  }

  var hasBacklog: Bool { !output.isEmpty }
  var hasInput: Bool { inputStart < input.count }

  // MARK: Turns

  /// Registers the new connection.
  func start(in loop: Loop) throws(SystemError) {
    try loop.listener.poller.add(descriptor, interest, token: token)
    setDeadline(in: loop)
  }

  func handle(_ readiness: Readiness, in loop: Loop) {
    // The client reset the connection or closed it in both directions, so that there is nobody to
    // answer. With bytes still to be read of it, they are: a command may need no answer.
    let isGone = readiness.isHungUp && (!interest.contains(.read) || stage == .awaiting)
    if readiness.isFailed || isGone { return close(in: loop) }
    if readiness.isWritable {
      guard flush(in: loop) else { return }
    }
    // One that waits for its turn reads when it has used what it has.
    if readiness.isReadable || readiness.isHungUp, !isQueued { receive(in: loop) }
    finishTurn(in: loop)
  }

  /// Goes on with what is there, after other connections had their turn.
  func takeTurn(in loop: Loop) {
    isQueued = false
    guard stage != .closed else { return }
    pause = .none
    isInTurn = true
    processInput(in: loop)
    isInTurn = false
    finishTurn(in: loop)
  }

  /// Answers the pending request.
  func answerPending(_ response: Response, _ encoded: [UInt8]?, in loop: Loop) {
    answer(response, encoded, in: loop)
    if hasInput, !isQueued { processInput(in: loop) }
    finishTurn(in: loop)
  }

  /// Reads what came since the last turn if no request is at hand, and closes if nothing did.
  func drain(in loop: Loop) {
    guard stage == .head, !hasBacklog, !hasInput, !isQueued else { return }
    receive(in: loop)
    if stage == .head, !hasInput { return close(in: loop) }
    finishTurn(in: loop)
  }

  /// The deadline passed.
  func expire(in loop: Loop) {
    let timeout = HTTPError(status: 408, reason: "the request did not come in time")
    switch stage {
    case .head where isHeadBegun && hasInput && !hasBacklog:
      refuse(timeout, in: loop)
      finishTurn(in: loop)
    case .body where !hasBacklog, .discard where !hasBacklog && !isAnswered:
      refuse(timeout, in: loop)
      finishTurn(in: loop)
    default:
      close(in: loop)
    }
  }

  /// Closes, whatever the state.
  func close(in loop: Loop) {
    guard stage != .closed else { return }
    stage = .closed
    deadline = .max
    input = []
    output = []
    stopBlocking(in: loop)
    abandonIfUnanswered(in: loop)
    // Not when the last reference ends: the client is to see it now.
    descriptor.closeEarly()
    loop.remove(self)
  }

  /// Leaves the queue of those that wait for ``ResponseSink/resumeBlocked()``.
  func stopBlocking(in loop: Loop) {
    if pause == .blocked { loop.removeBlocked(self) }
    pause = .none
  }

  func abandonIfUnanswered(in loop: Loop) {
    reader = nil
    guard !isAnswered else { return }
    isAnswered = true
    loop.handler.abandon(exchange)
  }

  // MARK: Input

  private func receive(in loop: Loop) {
    guard stage != .closed, !isEnded else { return }
    let count: Int
    do throws(SystemError) {
      guard let received = try loop.buffer.receive(descriptor, loop.syscalls) else { return }
      count = received
    } catch {
      return close(in: loop)
    }
    guard count > 0 else {
      isEnded = true
      return
    }
    switch stage {
    case .closing, .linger:
      return
    case .awaiting:
      appendInput(from: loop.buffer, 0..<count)
    case .head, .body, .discard, .closed:
      if hasInput {
        appendInput(from: loop.buffer, 0..<count)
        processInput(in: loop)
      } else {
        let consumed = loop.buffer.withBytes(count) { process($0, in: loop) }
        if consumed < count, stage != .closed { appendInput(from: loop.buffer, consumed..<count) }
      }
    }
  }

  private func appendInput(from buffer: ReadBuffer, _ range: Range<Int>) {
    if inputStart > 0 {
      input.removeFirst(inputStart)
      inputStart = 0
    }
    buffer.append(range, to: &input)
  }

  private func processInput(in loop: Loop) {
    guard stage != .closed else { return }
    // Moved out while it is read, so that nothing can change it meanwhile.
    var bytes: [UInt8] = []
    swap(&bytes, &input)
    let consumed = process(bytes.span.extracting(inputStart..<bytes.count), in: loop)
    guard stage != .closed else { return }
    inputStart += consumed
    if inputStart < bytes.count {
      swap(&bytes, &input)
    } else {
      inputStart = 0
    }
  }

  // MARK: Output

  /// Sends what this turn wrote, as far as the system takes it, and keeps the rest.
  ///
  /// - Returns: false when the connection was closed.
  @discardableResult
  func flush(in loop: Loop) -> Bool {
    guard stage != .closed else {
      loop.clearOutgoing()
      return false
    }
    do throws(SystemError) {
      if output.isEmpty {
        let outgoing = loop.outgoing
        guard !outgoing.isEmpty else { return true }
        let sent = try loop.send(outgoing, from: 0, to: descriptor)
        if sent < outgoing.count {
          output = Array(outgoing[sent...])
          outputStart = 0
          waitingSince = loop.now
        }
      } else {
        output.append(contentsOf: loop.outgoing)
        let sent = try loop.send(output, from: outputStart, to: descriptor)
        if sent > 0 { waitingSince = loop.now }
        outputStart += sent
        if outputStart == output.count {
          output = []
          outputStart = 0
        }
      }
    } catch {
      loop.clearOutgoing()
      close(in: loop)
      return false
    }
    loop.clearOutgoing()
    return true
  }

  // MARK: The end of a turn

  private func finishTurn(in loop: Loop) {
    guard flush(in: loop) else { return }
    if isHeldByOutput, !hasBacklog {
      isHeldByOutput = false
      loop.queue(self)
    }
    if !hasBacklog, !isQueued, pause == .none { endIfPossible(in: loop) }
    guard stage != .closed else { return }
    setInterest(in: loop)
    setDeadline(in: loop)
  }

  /// Closes when nothing more can come of the connection.
  private func endIfPossible(in loop: Loop) {
    switch stage {
    case .head, .body, .discard, .linger:
      // RFC 9112 §8: a request that ends before its end is no request.
      if isEnded { close(in: loop) }
    case .closing(let lingers):
      if !lingers || isEnded { return close(in: loop) }
      // RFC 9112 §9.6: close in stages, lest a reset takes the answer from the client.
      do throws(SystemError) {
        try loop.syscalls.shutdownWriting(descriptor)
      } catch {
        return close(in: loop)
      }
      stage = .linger
      waitingSince = loop.now
    case .awaiting, .closed:
      break
    }
  }

  private func setInterest(in loop: Loop) {
    var wanted: Interest = hasBacklog ? .write : []
    if !isEnded {
      switch stage {
      case .head where !hasBacklog:
        wanted.insert(.read)
      case .body where pause != .blocked:
        wanted.insert(.read)
      case .discard, .linger, .closing(lingers: true):
        wanted.insert(.read)
      case .awaiting where input.count - inputStart < loop.limits.pipelinedBytesMax:
        wanted.insert(.read)
      default:
        break
      }
    }
    guard wanted != interest else { return }
    interest = wanted
    do throws(SystemError) {
      try loop.listener.poller.change(descriptor, wanted, token: token)
    } catch {
      close(in: loop)
    }
  }

  private func setDeadline(in loop: Loop) {
    guard stage != .closed else { return }
    let limits = loop.limits
    // A body that waits for this server is not late: its time stands still.
    let isPaused = stage == .body && pause != .none
    if isPaused {
      pausedSince = pausedSince ?? loop.now
    } else if let since = pausedSince {
      waitingSince += loop.now - since
      pausedSince = nil
    }
    deadline =
      if hasBacklog {
        waitingSince + limits.writeStallMilliseconds
      } else {
        switch stage {
        case .head where isHeadBegun: waitingSince + limits.headDeadlineMilliseconds
        case .head: waitingSince + limits.idleDeadlineMilliseconds
        case .body where isPaused: .max
        case .body, .discard:
          waitingSince + limits.bodyGraceMilliseconds
            + Int64(bodyBytes) * 1000 / Int64(limits.bodyBytesPerSecondMin)
        case .linger: waitingSince + limits.lingerMilliseconds
        case .awaiting, .closing, .closed: .max
        }
      }
    loop.schedule(deadline)
  }
}
