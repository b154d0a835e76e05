import HTTP

extension Connection {
  /// Processes the input: the handler gets heads, and readers get bodies. Each request is processed
  /// after the previous one is answered (RFC 9112 §9.3.2).
  ///
  /// - Returns: the number of used bytes; the caller passes the rest again.
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

  /// - Returns: whether to continue.
  private func processHead(
    _ rest: Span<UInt8>, _ offset: inout Int, in loop: Loop
  ) throws(HTTPError) -> Bool {
    guard !rest.isEmpty else { return false }
    // Answers that the client does not read must not accumulate.
    guard !hasBacklog, loop.outgoingBody == nil,
      loop.outgoing.count < loop.limits.pipelinedBytesMax
    else {
      isHeldByOutput = true
      return false
    }
    // Copied out and back: see ``Connection``.
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
    client = loop.client(of: request.head, from: sender)
    request.head.peer = client
    exchange = loop.nextExchange(slot: slot)
    isAnswered = false
    context = ResponseWriter.Context(
      isHead: request.head.method == .head, keepsAlive: request.keepsAlive,
      isHTTP10: request.isHTTP10)
    body = BodyDecoder(request.framing)
    owesContinue = request.expectsContinue
    isProbed = false
    reservedBytes = 0
    bodyBytes = 0
    discardedBytes = 0
    waitingSince = loop.now
    pausedSince = nil
    var tenant: Tenant?
    let disposition = loop.handler.begin(request.head, exchange: exchange, tenant: &tenant)
    if let tenant { self.tenant = tenant }
    switch disposition {
    case .respond(let response):
      answer(response, in: loop)
    case .pending:
      stage = body.isComplete ? .awaiting : .discard
    case .read(let reader):
      self.reader = reader
      readerHasWork = false
      stage = .body
      if owesContinue {
        // RFC 9110 §10.1.1: the client sends the body after it reads this.
        loop.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        owesContinue = false
      }
    }
  }

  // MARK: Bodies

  /// - Returns: whether to continue.
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
    guard isFunded(data, of: rest.extracting(range.lowerBound...), reader, in: loop) else {
      return false
    }
    starvedAt = .max
    let progress = reader.read(data)
    if tenant == nil { tenant = reader.tenant }
    switch progress {
    case .more(let consumed), .again(let consumed):
      precondition(consumed >= 0 && consumed <= count, "A reader takes what it was given.")
      if consumed > 0 { consumeOfBody(consumed) }
      offset += consumed
      bodyBytes += consumed
      handedBytes += consumed
      readerHasWork = false
      // A reader that needs more and consumed nothing would loop forever.
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

  /// Applies the progress of the reader.
  ///
  /// - Returns: whether to continue with the rest of the input.
  private func goOn(_ progress: BodyProgress, atEndOfBody: Bool, in loop: Loop) -> Bool {
    switch progress {
    case .more where atEndOfBody:
      // There are no more bytes. A handler that needs them has a bug, which its client gets to see.
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

  /// Discards the body of a request that is answered or pending.
  ///
  /// - Returns: whether to continue.
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

  /// Writes the answer and continues after it.
  ///
  /// - Parameter encoded: the answer encoded for the default context, if it is available.
  func answer(_ response: Response, _ encoded: [UInt8]? = nil, in loop: Loop) {
    isAnswered = true
    reader = nil
    pause = .none
    if response.closesConnection || loop.isDraining || !canSkipBody(loop.limits)
      || loop.isCrowded && tenant == nil
    {
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

  /// Whether the rest of the body is short enough to be discarded.
  private func canSkipBody(_ limits: HTTPLimits) -> Bool {
    if body.isComplete { return true }
    // RFC 9110 §10.1.1: a client that got an answer instead of 100 Continue may or may not send the
    // body, so the meaning of its next bytes is unknown.
    if owesContinue { return false }
    return discardedBytes + (body.remaining ?? 0) <= limits.discardedBytesMax
  }

  private func becomeIdle(in loop: Loop) {
    // The drain may begin while an answer with keep-alive is being sent.
    stage = loop.isDraining ? .closing(lingers: false) : .head
    isHeadBegun = false
    waitingSince = loop.now
    pausedSince = nil
  }

  /// Answers a malformed request and closes, since the start of the next request is unknown.
  func refuse(_ error: HTTPError, in loop: Loop) {
    // An error in the rest of a request that is already answered needs no answer.
    let isAnswerable = stage == .head || !isAnswered
    abandonIfUnanswered(in: loop)
    pause = .none
    if isAnswerable {
      context = ResponseWriter.Context(keepsAlive: false)
      loop.write(loop.response(to: error), context)
    }
    stage = .closing(lingers: true)
  }
}
