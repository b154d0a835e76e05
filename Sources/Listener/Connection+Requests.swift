import HTTP

extension Connection {
  /// Uses what came: heads go to the handler, bodies to their readers, one request after the other,
  /// each only when the one before is answered (RFC 9112 §9.3.2).
  ///
  /// - Returns: how many bytes were used; the rest is to come again.
  func process(_ bytes: Span<UInt8>, in loop: Loop) -> Int {
    var offset = 0
    var handedBytes = 0
    do throws(HTTPError) {
      while true {
        let rest = bytes.extracting(offset..<bytes.count)
        switch stage {
        case .head:
          guard try processHead(rest, &offset, in: loop) else { return offset }
        case .body:
          guard try processBody(rest, &offset, &handedBytes, in: loop) else { return offset }
        case .discard:
          guard try processDiscard(rest, &offset, in: loop) else { return offset }
        case .awaiting:
          return offset
        case .closing, .linger, .closed:
          return bytes.count
        }
      }
    } catch {
      refuse(error, in: loop)
      return bytes.count
    }
  }

  // MARK: Heads

  /// - Returns: whether to go on.
  private func processHead(
    _ rest: Span<UInt8>, _ offset: inout Int, in loop: Loop
  ) throws(HTTPError) -> Bool {
    guard !rest.isEmpty else { return false }
    // Answers that nobody reads are not to pile up.
    guard !hasBacklog, loop.outgoing.count < loop.limits.pipelinedBytesMax else {
      isHeldByOutput = true
      return false
    }
    // Copied out and in: see ``Connection``.
    var parser = parser
    defer { self.parser = parser }
    guard let (request, consumed) = try parser.parse(rest, loop.limits) else {
      if !isHeadBegun {
        isHeadBegun = true
        waitingSince = loop.now
      }
      return false
    }
    offset += consumed
    begin(request, in: loop)
    return true
  }

  private func begin(_ request: consuming ParsedRequest, in loop: Loop) {
    request.head.isControl = isControl
    exchange = loop.nextExchange(slot: slot)
    isAnswered = false
    context = ResponseWriter.Context(
      isHead: request.head.method == .head, keepsAlive: request.keepsAlive,
      isHTTP10: request.isHTTP10)
    body = BodyDecoder(request.framing)
    owesContinue = request.expectsContinue
    bodyBytes = 0
    discardedBytes = 0
    waitingSince = loop.now
    pausedSince = nil
    switch loop.handler.begin(request.head, exchange: exchange) {
    case .respond(let response):
      answer(response, in: loop)
    case .pending:
      stage = body.isComplete ? .awaiting : .discard
    case .read(let reader):
      self.reader = reader
      readerHasWork = false
      stage = .body
      if owesContinue {
        // RFC 9110 §10.1.1: the client sends the body when it reads this.
        loop.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        owesContinue = false
      }
    }
  }

  // MARK: Bodies

  /// - Returns: whether to go on.
  private func processBody(
    _ rest: Span<UInt8>, _ offset: inout Int, _ handedBytes: inout Int, in loop: Loop
  ) throws(HTTPError) -> Bool {
    guard let reader else { preconditionFailure("A body that is read has a reader.") }
    let range = try nextOfBody(rest, loop.limits)
    offset += range.lowerBound
    bodyBytes += range.lowerBound
    if range.isEmpty, !readerHasWork {
      guard body.isComplete else { return false }
      return goOn(reader.end(), atEndOfBody: true, in: loop)
    }
    guard handedBytes < loop.limits.turnBytesMax, isInTurn || !reader.isCostly else {
      yieldTurn(in: loop)
      return false
    }
    let count = min(range.count, loop.limits.turnBytesMax - handedBytes)
    let data = rest.extracting(range.lowerBound..<range.lowerBound + count)
    let progress = reader.read(data)
    switch progress {
    case .more(let consumed), .again(let consumed):
      precondition(consumed >= 0 && consumed <= count, "A reader takes what it was given.")
      if consumed > 0 { consumeOfBody(consumed) }
      offset += consumed
      bodyBytes += consumed
      handedBytes += consumed
      readerHasWork = false
      // One that wants more and took nothing would be asked the same thing for ever.
      if case .more = progress, consumed > 0 || count == 0 { return true }
      readerHasWork = true
    case .blocked, .respond, .pending:
      break
    }
    return goOn(progress, atEndOfBody: false, in: loop)
  }

  private func nextOfBody(
    _ bytes: Span<UInt8>, _ limits: HTTPLimits
  ) throws(HTTPError) -> Range<Int> {
    var body = body
    defer { self.body = body }
    return try body.next(bytes, limits)
  }

  private func consumeOfBody(_ count: Int) {
    var body = body
    body.consume(count)
    self.body = body
  }

  /// Does what the reader said.
  ///
  /// - Returns: whether to go on with what follows.
  private func goOn(_ progress: BodyProgress, atEndOfBody: Bool, in loop: Loop) -> Bool {
    switch progress {
    case .more where atEndOfBody:
      // There are no next bytes. A handler that wants them has a fault; its client gets to know.
      abandonIfUnanswered(in: loop)
      isAnswered = false
      answer(Response(status: 500), in: loop)
      return true
    case .more, .again:
      yieldTurn(in: loop)
      return false
    case .blocked:
      if !atEndOfBody { readerHasWork = true }
      pause = .blocked
      loop.addBlocked(self)
      return false
    case .respond(let response):
      answer(response, in: loop)
      return true
    case .pending:
      reader = nil
      stage = body.isComplete ? .awaiting : .discard
      return true
    }
  }

  private func yieldTurn(in loop: Loop) {
    pause = .turn
    loop.queue(self)
  }

  /// Throws a body away whose request is answered or pending.
  ///
  /// - Returns: whether to go on.
  private func processDiscard(
    _ rest: Span<UInt8>, _ offset: inout Int, in loop: Loop
  ) throws(HTTPError) -> Bool {
    let range = try nextOfBody(rest, loop.limits)
    if !range.isEmpty { consumeOfBody(range.count) }
    offset += range.upperBound
    bodyBytes += range.upperBound
    discardedBytes += range.upperBound
    if body.isComplete {
      if isAnswered { becomeIdle(in: loop) } else { stage = .awaiting }
      return true
    }
    if isAnswered, discardedBytes > loop.limits.discardedBytesMax {
      stage = .closing(lingers: true)
      return true
    }
    return !range.isEmpty
  }

  // MARK: Answers

  /// Writes the answer and goes to what follows it.
  ///
  /// - Parameter encoded: the answer as it is written in the plainest context, if that is there.
  func answer(_ response: Response, _ encoded: [UInt8]? = nil, in loop: Loop) {
    isAnswered = true
    reader = nil
    stopBlocking(in: loop)
    if response.closesConnection || loop.isDraining || !canSkipBody(loop.limits) {
      context.keepsAlive = false
    }
    if let encoded, context == ResponseWriter.Context() {
      loop.write(encoded)
    } else {
      loop.write(response, context)
    }
    if !context.keepsAlive {
      stage = .closing(lingers: !body.isComplete)
    } else if body.isComplete {
      becomeIdle(in: loop)
    } else {
      stage = .discard
    }
  }

  /// Whether what is left of the body is little enough to be read and thrown away.
  private func canSkipBody(_ limits: HTTPLimits) -> Bool {
    if body.isComplete { return true }
    // RFC 9110 §10.1.1: a client that got an answer instead of 100 Continue may send the body or
    // not, so that nobody knows what its next bytes are.
    if owesContinue { return false }
    return discardedBytes + (body.remaining ?? 0) <= limits.discardedBytesMax
  }

  private func becomeIdle(in loop: Loop) {
    // An answer that promised to keep the connection may still be on its way when the drain begins.
    stage = loop.isDraining ? .closing(lingers: false) : .head
    isHeadBegun = false
    waitingSince = loop.now
    pausedSince = nil
  }

  /// Answers a request that cannot be understood, and closes: nobody knows where the next begins.
  func refuse(_ error: HTTPError, in loop: Loop) {
    // What breaks behind an answer has had its answer.
    let isAnswerable = stage == .head || !isAnswered
    abandonIfUnanswered(in: loop)
    stopBlocking(in: loop)
    if isAnswerable {
      context = ResponseWriter.Context(keepsAlive: false)
      loop.write(loop.response(to: error), context)
    }
    stage = .closing(lingers: true)
  }
}
