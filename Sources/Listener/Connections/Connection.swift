import HTTP

/// One client connection: its socket, its input and output buffers, and its deadline.
/// Connection+Requests.swift handles the requests.
///
/// It is used on the loop thread only. There is one object per connection, and none per request.
///
/// Values that change in calls (the parser, the body, the output) are copied or swapped out of
/// their property and back. Otherwise each access needs a dynamic exclusivity check: some 20 ns,
/// dozens of times per request.
final class Connection {
  /// The state of the current exchange.
  enum Stage: Equatable {
    /// The connection waits for a request, or for the rest of its head.
    case head
    /// The reader gets the body.
    case body
    /// The body is discarded; the answer is written or pending.
    case discard
    /// The answer is pending and the body is complete.
    case awaiting
    /// The last answer is being sent; then the connection closes, immediately or after lingering.
    case closing(lingers: Bool)
    /// Nothing more is sent, and further input is discarded: until the client closes, or where it
    /// owes no input until it has what was sent.
    case linger(forInput: Bool)
    case closed
  }

  /// The reason why a body reader does not get the next bytes.
  enum Pause {
    case none
    /// The connection is queued while others have their turn.
    case turn
    /// The reader waits for ``ResponseSink/resumeBlocked()``.
    case blocked
    /// The connection waits for room in the ``ByteBudget``.
    case starved
  }

  private(set) var descriptor: FileDescriptor
  let slot: Int
  /// The unique token of this connection in the poller; later connections in its slot differ.
  let token: UInt64
  let isControl: Bool
  /// The address of the other end; nil on the control socket.
  let sender: PeerAddress?
  /// The client of the last request, which differs behind a trusted proxy.
  var client: PeerAddress?

  var stage = Stage.head
  var parser = RequestParser()

  /// The tenant of the last accepted request; nil where there was none.
  var tenant: Tenant?

  // The current exchange.
  var exchange = ExchangeID(rawValue: 0)
  /// Whether no answer is due to the client, and no call to the handler.
  var isAnswered = true
  var context = ResponseWriter.Context()
  var body = BodyDecoder.length(0)
  var reader: (any BodyReader)?
  /// Whether the reader is called even without new bytes.
  var readerHasWork = false
  var pause = Pause.none
  /// Whether the connection was queued and now has its turn.
  var isInTurn = false
  /// Whether the client may still wait for `100 Continue`.
  var owesContinue = false
  var bodyBytes = 0
  var discardedBytes = 0

  // The input and output buffers. They are empty between requests, so that an idle connection holds
  // no memory for them.
  private(set) var input: [UInt8] = []
  private var inputStart = 0
  var output = OutputBacklog()
  /// Whether the client closed its sending side. It may still read (RFC 9112 §9.6).
  private(set) var isEnded = false
  /// Whether ``probe(in:)`` was called for the pending request.
  var isProbed = false

  /// Whether requests stay in the input because earlier answers are not sent yet.
  var isHeldByOutput = false

  private var interest = Interest.read
  var isQueued = false
  /// Whether there is input to receive at the next turn.
  var isReadable = false

  /// What the connection holds of the ``ByteBudget``, and what it waits for.
  var share = ByteBudget.Share()
  /// What the present body was granted.
  var reservedBytes = 0
  var bytesNeeded = 0
  /// The time since which it waits for room, and got none.
  var starvedAt = Int64.max
  var mayUseReserve = false

  /// The time at which bytes were last received.
  var receivedAt: Int64 = 0
  /// The start of the state to which the deadline applies.
  var waitingSince: Int64
  /// Whether a head has begun or the connection is new, which has a shorter timeout than idle.
  var isHeadBegun = true
  /// The time since which the body waits for this server.
  var pausedSince: Int64?
  private(set) var deadline = Int64.max

  init(
    _ descriptor: consuming FileDescriptor, _ sender: PeerAddress?, slot: Int, token: UInt64,
    isControl: Bool, in loop: Loop
  ) {
    self.descriptor = descriptor
    self.sender = sender
    client = sender
    self.slot = slot
    self.token = token
    self.isControl = isControl
    waitingSince = loop.now
  }

  var hasBacklog: Bool { !output.isEmpty }
  var hasInput: Bool { inputStart < input.count }
  /// The memory of the input, in bytes.
  var inputBytes: Int { input.count }

  // MARK: Turns

  /// Registers the new connection.
  func start(in loop: Loop) throws(SystemError) {
    try loop.listener.poller.add(descriptor, interest, token: token)
    setDeadline(in: loop)
  }

  func handle(_ readiness: Readiness, in loop: Loop) {
    // The client reset the connection or closed both directions, so it gets no answer. Unread bytes
    // are read anyway, since a command may need no answer.
    let isGone = readiness.isHungUp && (!interest.contains(.read) || stage == .awaiting)
    if readiness.isFailed || isGone {
      if !readiness.isFailed, isLingering { receiveRest(in: loop) }
      return close(in: loop)
    }
    if readiness.isWritable {
      guard flush(in: loop) else { return }
    }
    // A queued connection reads after it has used its input.
    if readiness.isReadable || readiness.isHungUp, !isQueued { receive(in: loop) }
    finishTurn(in: loop)
  }

  /// Continues with the input after other connections had their turn.
  func takeTurn(in loop: Loop) {
    isQueued = false
    guard stage != .closed else { return }
    // A client whose bytes were not received did not stand still meanwhile.
    if pause == .starved { receivedAt = loop.now }
    pause = .none
    isInTurn = true
    let mayReceive = isReadable
    isReadable = false
    if hasInput || readerHasWork || !mayReceive { processInput(in: loop) }
    if mayReceive, pause == .none, !isQueued, interest.contains(.read) || isLingering {
      receive(in: loop)
    }
    lingerOn(in: loop)
    isInTurn = false
    finishTurn(in: loop)
  }

  /// Answers the pending request.
  func answerPending(_ response: Response, _ encoded: [UInt8]?, in loop: Loop) {
    answer(response, encoded, in: loop)
    if hasInput, !isQueued { processInput(in: loop) }
    finishTurn(in: loop)
  }

  /// Reads new input if there is no current request, and closes if there is none.
  func drain(in loop: Loop) {
    guard stage == .head, !hasBacklog, !hasInput, !isQueued else { return }
    receive(in: loop)
    if stage == .head, !hasInput { return close(in: loop) }
    finishTurn(in: loop)
  }

  /// Whether no request has begun and nothing is to be sent.
  var isIdle: Bool {
    stage == .head && !hasInput && !hasBacklog && !isQueued && pause == .none
  }

  /// Whether it is so new that its first request may be on its way.
  func isNew(in loop: Loop) -> Bool {
    isHeadBegun && loop.now < waitingSince + loop.limits.newMilliseconds
  }

  /// Closes the connection, unless a request has come meanwhile.
  func closeIfIdle(in loop: Loop) {
    guard isIdle else { return }
    handle(Readiness(token: token, isReadable: true), in: loop)
    guard isIdle else { return }
    loop.listener.noteClosing(.idle)
    close(in: loop)
  }

  /// Handles the timeout of the current state.
  func expire(in loop: Loop) {
    let timeout = HTTPError(status: 408, reason: "the request did not come in time")
    switch stage {
    case .head where isHeadBegun && hasInput && !hasBacklog:
      refuse(timeout, in: loop)
      finishTurn(in: loop)
    case .body where !hasBacklog, .discard where !hasBacklog && !isAnswered:
      refuse(timeout, in: loop)
      finishTurn(in: loop)
    case .awaiting where isEnded && !isProbed:
      probe(in: loop)
    case .linger(let forInput)
    where loop.now < waitingSince + loop.limits.lingerMilliseconds
      && (forInput || hasUnacknowledged(in: loop)):
      isReadable = forInput
      if forInput { loop.queue(self) }
      setDeadline(in: loop)
    default:
      close(in: loop)
    }
  }

  /// Closes, whatever the state.
  func close(in loop: Loop) {
    guard stage != .closed else { return }
    leaveLittle(in: loop)
    if isLingering { loop.removeLingering(self) }
    stage = .closed
    deadline = .max
    input = []
    inputStart = 0
    output = OutputBacklog()
    pause = .none
    abandonIfUnanswered(in: loop)
    noteHeld(in: loop)
    // Closes the descriptor now, not with the last reference, so that the client notices.
    descriptor.closeEarly()
    loop.remove(self)
  }

  func abandonIfUnanswered(in loop: Loop) {
    reader = nil
    guard !isAnswered else { return }
    isAnswered = true
    loop.handler.abandon(exchange)
  }

  // MARK: Input

  func receive(in loop: Loop) {
    guard stage != .closed, !isEnded else { return }
    let bytesMax = receivedBytesMax(in: loop)
    if bytesMax == 0 {
      isReadable = true
      return starve(for: Self.receivedBytesMin, in: loop)
    }
    let count: Int
    do throws(SystemError) {
      guard let received = try loop.buffer.receive(descriptor, bytesMax, loop.syscalls)
      else { return }
      count = received
    } catch {
      return close(in: loop)
    }
    guard count > 0 else {
      isEnded = true
      return
    }
    receivedAt = loop.now
    starvedAt = .max
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
    // Moved out while it is used, so that nothing else can change it.
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

  // MARK: The end of a turn

  func finishTurn(in loop: Loop) {
    guard flush(in: loop) else { return }
    if isHeldByOutput, !hasBacklog {
      isHeldByOutput = false
      loop.queue(self)
    }
    if !hasBacklog, !isQueued, pause == .none { endIfPossible(in: loop) }
    guard stage != .closed, noteHeld(in: loop) else { return }
    setInterest(in: loop)
    setDeadline(in: loop)
  }

  private func setInterest(in loop: Loop) {
    var wanted: Interest = hasBacklog ? .write : []
    if !isEnded {
      switch stage {
      case .head where !hasBacklog && pause != .starved:
        wanted.insert(.read)
      case .body where pause != .blocked && pause != .starved:
        wanted.insert(.read)
      case .discard:
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
    // The timeout pauses while the body waits for this server; not where strangers wait for room.
    let isPaused = stage == .body && pause != .none && (pause != .starved || tenant != nil)
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
        case .linger: loop.now + limits.tickMilliseconds
        case .awaiting where isEnded && !isProbed: waitingSince + limits.probeMilliseconds
        case .awaiting, .closing, .closed: .max
        }
      }
    loop.schedule(deadline)
  }
}
