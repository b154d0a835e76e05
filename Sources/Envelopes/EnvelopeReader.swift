internal import Bytes
package import ReleaseHealth

/// A part of an envelope, in the order in which the reader finds them.
package enum EnvelopeItem: Equatable, Sendable {
  /// The envelope's header, always the first. It is returned as soon as it is complete.
  case header(EnvelopeHeader)
  case session(Result<SessionUpdate, RejectionReason>)
  case sessions(Result<SessionAggregates, RejectionReason>)
  case clientReport(ClientReport)
  /// An item that was skipped.
  case skipped(ItemType)
}

/// Reads an envelope in slices of any size, and holds almost nothing of it.
///
/// The caller passes each slice until it has no more items, and at the end gets the last item:
///
///     var index = 0
///     while let item = try reader.next(slice, &index) { … }
///     …
///     if let last = try reader.finish() { … }
///
/// The caller may stop after any item, and go on later with the rest of the slice. The envelope is
/// known to be complete only once ``finish()`` has returned: a broken frame invalidates the items
/// before it.
///
/// The frame is Relay's (`relay-server/src/envelope`): a header, then items, each with a header
/// line and a payload of the given `length` or else up to the end of its line. The reader also
/// accepts white space after a header, CRLF for LF after a header or payload, and blank lines at
/// the end.
package struct EnvelopeReader {
  /// Whether some item belongs to an event: ``ItemType/requiresEvent``.
  package private(set) var hasEventItem = false
  /// The number of items begun so far, of all types.
  package private(set) var itemCount = 0

  private var state = State.beforeHeader(.envelope)
  private var bytesRead = 0
  private var sessionItemCount = 0
  /// The part of the current header or session payload that came in earlier slices.
  private var held: [UInt8] = []

  package init() {}

  /// The memory held between slices, in bytes.
  package var heldBytes: Int { held.capacity }

  /// Reads until the next item is complete.
  ///
  /// - Parameters:
  ///   - bytes: a slice of the envelope.
  ///   - index: the position in the slice; moved behind what was read.
  /// - Returns: nil when the slice is used up.
  package mutating func next(
    _ bytes: Span<UInt8>, _ index: inout Int
  ) throws(EnvelopeError) -> EnvelopeItem? {
    let start = index
    do throws(EnvelopeError) {
      let item = try read(bytes, &index)
      bytesRead += index - start
      if bytesRead > EnvelopeLimits.envelopeBytesMax { throw .tooLong }
      return item
    } catch {
      state = .failed(error)
      held = []
      throw error
    }
  }

  /// Ends the envelope.
  ///
  /// - Returns: the last item, if only the end of the envelope ended it.
  package mutating func finish() throws(EnvelopeError) -> EnvelopeItem? {
    switch state {
    case .failed(let error): throw error
    case .beforeHeader(.envelope): throw .missingHeader
    case .inHeader(let part, _): throw part.error(.truncated)
    case .beforeHeader(.item), .afterEnvelopeHeader, .afterPayload: return nil
    case .afterItemHeader(let item):
      if item.length ?? 0 > 0 { throw .unexpectedEnd }
      state = .beforeHeader(.item)
      return Self.item(item.type, Span())
    case .inPayload(let payload):
      if payload.bytesLeft != nil { throw .unexpectedEnd }
      state = .beforeHeader(.item)
      return completed(payload, Span())
    }
  }

  // MARK: States

  private enum State {
    case beforeHeader(Part)
    case inHeader(Part, ObjectScan)
    case afterEnvelopeHeader
    case afterItemHeader(ItemHeader)
    case inPayload(Payload)
    case afterPayload(hasReturn: Bool)
    case failed(EnvelopeError)
  }

  private enum Part {
    case envelope
    case item

    func error(_ fault: HeaderFault) -> EnvelopeError {
      switch self {
      case .envelope: .invalidEnvelopeHeader(fault)
      case .item: .invalidItemHeader(fault)
      }
    }
  }

  private struct Payload {
    var type: ItemType
    /// The bytes left of the length in the header; nil when it had none.
    var bytesLeft: Int?
    /// Whether the payload is held when it spans slices; others are skipped.
    var isHeld: Bool
  }

  private mutating func read(
    _ bytes: Span<UInt8>, _ index: inout Int
  ) throws(EnvelopeError) -> EnvelopeItem? {
    while index < bytes.count {
      switch state {
      case .beforeHeader(let part):
        // Relay's JSON parser skips white space before a value, including blank lines.
        let start = index
        while index < bytes.count, bytes[index].isWhitespace { index += 1 }
        if case .envelope = part, bytesRead + index - start > EnvelopeLimits.headerBytesMax {
          throw part.error(.tooLong)
        }
        if index == bytes.count { return nil }
        guard bytes[index] == UInt8(ascii: "{") else { throw part.error(.malformed) }
        state = .inHeader(part, ObjectScan())
      case .inHeader(let part, let scan):
        if let header = try readHeader(part, scan, bytes, &index) { return header }
      case .afterEnvelopeHeader:
        if try endHeader(bytes, &index) { state = .beforeHeader(.item) }
      case .afterItemHeader(let header):
        guard try endHeader(bytes, &index) else { return nil }
        if header.length == 0 {
          state = .afterPayload(hasReturn: false)
          return Self.item(header.type, Span())
        }
        let isHeld = header.length ?? 0 <= header.type.heldBytesMax && header.type.heldBytesMax > 0
        state = .inPayload(Payload(type: header.type, bytesLeft: header.length, isHeld: isHeld))
      case .inPayload(let payload):
        if let item = readPayload(payload, bytes, &index) { return item }
      case .afterPayload(let hasReturn):
        switch bytes[index] {
        case UInt8(ascii: "\n"): state = .beforeHeader(.item)
        case UInt8(ascii: "\r") where !hasReturn: state = .afterPayload(hasReturn: true)
        default: throw .missingNewline
        }
        index += 1
      case .failed(let error): throw error
      }
    }
    return nil
  }

  // MARK: Headers

  /// - Returns: the envelope's header once it is complete; an item's only changes the state.
  private mutating func readHeader(
    _ part: Part, _ scan: ObjectScan, _ bytes: Span<UInt8>, _ index: inout Int
  ) throws(EnvelopeError) -> EnvelopeItem? {
    var scan = scan
    let start = index
    let isComplete = scan.advance(bytes, &index)
    guard held.count + index - start <= EnvelopeLimits.headerBytesMax else {
      throw part.error(.tooLong)
    }
    guard isComplete else {
      held.append(copying: bytes.extracting(start..<index))
      state = .inHeader(part, scan)
      return nil
    }
    do throws(HeaderFault) {
      switch part {
      case .envelope:
        let header = try withHeld(bytes.extracting(start..<index)) {
          (json) throws(HeaderFault) in try EnvelopeHeader(json: json)
        }
        state = .afterEnvelopeHeader
        return .header(header)
      case .item:
        let header = try withHeld(bytes.extracting(start..<index)) {
          (json) throws(HeaderFault) in try ItemHeader(json: json)
        }
        state = .afterItemHeader(header)
        hasEventItem = hasEventItem || header.type.requiresEvent
        itemCount += 1
        if header.type == .session || header.type == .sessions { sessionItemCount += 1 }
      }
    } catch {
      throw part.error(error)
    }
    if sessionItemCount > EnvelopeLimits.sessionItemsMax { throw .tooManySessionItems }
    if itemCount > EnvelopeLimits.itemsMax { throw .tooManyItems }
    return nil
  }

  /// Skips the rest of a header's line; false when the slice ends before it.
  private func endHeader(_ bytes: Span<UInt8>, _ index: inout Int) throws(EnvelopeError) -> Bool {
    while index < bytes.count {
      let byte = bytes[index]
      guard byte.isWhitespace else { throw .missingNewline }
      index += 1
      if byte == UInt8(ascii: "\n") { return true }
    }
    return false
  }

  // MARK: Payloads

  /// - Returns: the item once its payload is complete.
  private mutating func readPayload(
    _ payload: Payload, _ bytes: Span<UInt8>, _ index: inout Int
  ) -> EnvelopeItem? {
    var payload = payload
    let start = index
    let end: Int
    let isComplete: Bool
    if let bytesLeft = payload.bytesLeft {
      end = start + min(bytesLeft, bytes.count - start)
      index = end
      isComplete = end - start == bytesLeft
      payload.bytesLeft = bytesLeft - (end - start)
    } else {
      end = bytes.firstNewline(from: start) ?? bytes.count
      isComplete = end < bytes.count
      index = isComplete ? end + 1 : end
    }
    if payload.isHeld, held.count + (end - start) > payload.type.heldBytesMax {
      payload.isHeld = false
      held = []
    }
    if isComplete {
      state = payload.bytesLeft == nil ? .beforeHeader(.item) : .afterPayload(hasReturn: false)
      return completed(payload, bytes.extracting(start..<end))
    }
    if payload.isHeld { held.append(copying: bytes.extracting(start..<end)) }
    state = .inPayload(payload)
    return nil
  }

  /// - Parameter rest: the bytes that follow the held ones.
  private mutating func completed(_ payload: Payload, _ rest: Span<UInt8>) -> EnvelopeItem {
    if payload.isHeld { return withHeld(rest) { Self.item(payload.type, $0) } }
    return switch payload.type {
    case .session: .session(.failure(.tooLarge))
    case .sessions: .sessions(.failure(.tooLarge))
    default: .skipped(payload.type)
    }
  }

  private static func item(_ type: ItemType, _ payload: Span<UInt8>) -> EnvelopeItem {
    do throws(RejectionReason) {
      switch type {
      case .session: return .session(.success(try SessionPayload.update(payload)))
      case .sessions: return .sessions(.success(try SessionPayload.aggregates(payload)))
      case .clientReport: return ClientReport(payload).map { .clientReport($0) } ?? .skipped(type)
      default: return .skipped(type)
      }
    } catch {
      return type == .session ? .session(.failure(error)) : .sessions(.failure(error))
    }
  }

  /// Calls `body` with the held bytes and `rest` in one piece, and releases the held bytes.
  private mutating func withHeld<Result, Failure>(
    _ rest: Span<UInt8>, _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    if held.isEmpty { return try body(rest) }
    held.append(copying: rest)
    defer {
      // A reader's memory shrinks again after a large payload.
      held.removeAll(keepingCapacity: held.capacity <= EnvelopeLimits.headerBytesMax)
    }
    return try body(held.span)
  }
}

extension ItemType {
  /// The length up to which a payload is read, in bytes; 0 for types that are skipped.
  fileprivate var heldBytesMax: Int {
    switch self {
    case .session, .sessions: EnvelopeLimits.sessionPayloadBytesMax
    case .clientReport: EnvelopeLimits.clientReportBytesMax
    default: 0
    }
  }
}

/// Finds the end of a JSON object in slices by its brackets; its contents are checked when it is
/// complete.
private struct ObjectScan {
  private var depth = 0
  private var isInString = false
  private var isEscaped = false

  /// Moves `index` behind the object's last bracket, or to the end of the slice.
  ///
  /// - Returns: whether the object is complete.
  mutating func advance(_ bytes: Span<UInt8>, _ index: inout Int) -> Bool {
    while index < bytes.count {
      if isInString && !isEscaped {
        index = bytes.endOfPlainText(from: index)
        if index == bytes.count { return false }
      }
      let byte = bytes[index]
      index += 1
      if isEscaped {
        isEscaped = false
      } else if isInString {
        if byte == UInt8(ascii: "\"") {
          isInString = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        }
      } else {
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
          depth -= 1
          if depth == 0 { return true }
        default: break
        }
      }
    }
    return false
  }
}

extension [UInt8] {
  fileprivate mutating func append(copying bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }
}
