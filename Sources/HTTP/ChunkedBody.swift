internal import Bytes

/// Decodes the chunked framing of a body (RFC 9112 §7.1), which may arrive in any pieces.
package struct ChunkedBody: Equatable, Sendable {
  private enum State: Equatable {
    case sizeStart
    case size
    case spaceBehindSize
    case extensions
    case sizeEnd
    case data
    case dataReturn
    case dataEnd
    case trailerStart
    case trailerName
    case trailerValue
    case trailerEnd
    case bodyEnd
    case complete
  }

  private var state = State.sizeStart
  /// The rest of the current chunk in bytes, or its size as far as it is read.
  private var chunkBytes = 0
  private var lineBytes = 0
  private var trailerBytes = 0
  private var dataBytes = 0
  private var framingExcess = 0

  package init() {}

  /// Whether the last chunk and the trailer section are read.
  package var isComplete: Bool { state == .complete }

  /// Parses framing up to the next data.
  ///
  /// - Returns: the range of available data, after framing that is consumed; empty at the end of
  ///   the bytes or of the body. The caller reports consumed data with ``consume(_:)`` before the
  ///   next call.
  package mutating func next(
    _ bytes: Span<UInt8>, _ limits: HTTPLimits
  ) throws(HTTPError) -> Range<Int> {
    var index = 0
    while index < bytes.count, state != .complete {
      if state == .data { return index..<min(bytes.count, index + chunkBytes) }
      try readFraming(bytes[index], limits)
      index += 1
    }
    return index..<index
  }

  /// Notes consumed data.
  package mutating func consume(_ count: Int) {
    precondition(state == .data && count <= chunkBytes, "No more than the data there is.")
    chunkBytes -= count
    if chunkBytes == 0 { state = .dataReturn }
  }

  private mutating func readFraming(_ byte: UInt8, _ limits: HTTPLimits) throws(HTTPError) {
    switch state {
    case .sizeStart, .size, .spaceBehindSize, .extensions, .sizeEnd:
      try readSizeLine(byte, limits)
    case .dataReturn:
      try expect("\r", byte)
      state = .dataEnd
    case .dataEnd:
      try expect("\n", byte)
      state = .sizeStart
    case .trailerStart, .trailerName, .trailerValue, .trailerEnd, .bodyEnd:
      try readTrailer(byte, limits)
    case .data, .complete:
      break
    }
  }

  // chunk-size [ chunk-ext ] CRLF.
  private mutating func readSizeLine(_ byte: UInt8, _ limits: HTTPLimits) throws(HTTPError) {
    if state == .sizeEnd {
      try expect("\n", byte)
      return try beginChunk(limits)
    }
    if state != .sizeStart, byte == UInt8(ascii: "\r"), state != .spaceBehindSize {
      state = .sizeEnd
      return
    }
    lineBytes += 1
    guard lineBytes <= limits.chunkLineBytesMax else {
      throw .badRequest("a chunk size line is too long")
    }
    if state == .sizeStart || state == .size, case let digit = byte.hexadecimalDigit,
      digit < 16
    {
      guard chunkBytes <= Int.max >> 4 else { throw .badRequest("a chunk size is too large") }
      chunkBytes = chunkBytes << 4 | Int(digit)
      state = .size
      return
    }
    switch (state, byte) {
    case (.size, UInt8(ascii: ";")), (.spaceBehindSize, UInt8(ascii: ";")):
      state = .extensions
    case (.size, UInt8(ascii: " ")), (.size, UInt8(ascii: "\t")),
      (.spaceBehindSize, UInt8(ascii: " ")), (.spaceBehindSize, UInt8(ascii: "\t")):
      // RFC 9112 §7.1.1: white space is allowed only before the semicolon of an extension.
      state = .spaceBehindSize
    case (.extensions, _) where isFieldText(byte):
      break
    default:
      throw .badRequest("a chunk size line is malformed")
    }
  }

  private mutating func beginChunk(_ limits: HTTPLimits) throws(HTTPError) {
    guard chunkBytes <= limits.bodyBytesMax - dataBytes else {
      throw HTTPError(status: 413, reason: "the body is too large")
    }
    dataBytes += chunkBytes
    // The excess sums up over the body; chunks of a reasonable size reduce it to 0.
    framingExcess = max(0, framingExcess + lineBytes + 4 - 16 - 2 * chunkBytes)
    guard framingExcess <= limits.chunkFramingExcessBytesMax else {
      throw .badRequest("the body has more chunk framing than data")
    }
    lineBytes = 0
    state = chunkBytes == 0 ? .trailerStart : .data
  }

  // RFC 9112 §7.1.2: the trailer section may be discarded, but its end is the end of the body.
  private mutating func readTrailer(_ byte: UInt8, _ limits: HTTPLimits) throws(HTTPError) {
    if state != .bodyEnd, !(state == .trailerStart && byte == UInt8(ascii: "\r")) {
      trailerBytes += 1
      guard trailerBytes <= limits.trailerBytesMax else {
        throw HTTPError(status: 431, reason: "the trailer section is too large")
      }
    }
    switch (state, byte) {
    case (.trailerStart, UInt8(ascii: "\r")):
      state = .bodyEnd
    case (.trailerStart, _) where isToken(byte), (.trailerName, _) where isToken(byte):
      state = .trailerName
    case (.trailerName, UInt8(ascii: ":")):
      state = .trailerValue
    case (.trailerValue, UInt8(ascii: "\r")):
      state = .trailerEnd
    case (.trailerValue, _) where isFieldText(byte):
      break
    case (.trailerEnd, UInt8(ascii: "\n")):
      state = .trailerStart
    case (.bodyEnd, UInt8(ascii: "\n")):
      state = .complete
    default:
      throw .badRequest("the trailer section is malformed")
    }
  }

  private func expect(_ expected: Unicode.Scalar, _ byte: UInt8) throws(HTTPError) {
    guard byte == UInt8(ascii: expected) else {
      throw .badRequest("a chunk does not end with carriage return and line feed")
    }
  }
}

/// The rest of a body with any framing.
package enum BodyDecoder: Equatable, Sendable {
  case length(Int)
  case chunked(ChunkedBody)

  package init(_ framing: BodyFraming) {
    self =
      switch framing {
      case .length(let count): .length(count)
      case .chunked: .chunked(ChunkedBody())
      }
  }

  package var isComplete: Bool {
    switch self {
    case .length(let count): count == 0
    case .chunked(let body): body.isComplete
    }
  }

  /// The number of remaining bytes, if it is known.
  package var remaining: Int? {
    switch self {
    case .length(let count): count
    case .chunked(let body): body.isComplete ? 0 : nil
    }
  }

  /// Whether these bytes have the rest of the body.
  package func isWhole(in bytes: Span<UInt8>, _ limits: HTTPLimits) -> Bool {
    switch self {
    case .length(let count): return count <= bytes.count
    case .chunked(var body):
      var offset = 0
      while let range = try? body.next(bytes.extracting(offset...), limits) {
        if body.isComplete { return true }
        if range.isEmpty { return false }
        body.consume(range.count)
        offset += range.upperBound
      }
      return false
    }
  }

  /// Like ``ChunkedBody/next(_:_:)``.
  package mutating func next(
    _ bytes: Span<UInt8>, _ limits: HTTPLimits
  ) throws(HTTPError) -> Range<Int> {
    switch self {
    case .length(let count):
      return 0..<min(count, bytes.count)
    case .chunked(var body):
      // An error closes the connection, so the progress of the copy is not needed.
      let range = try body.next(bytes, limits)
      self = .chunked(body)
      return range
    }
  }

  /// Like ``ChunkedBody/consume(_:)``.
  package mutating func consume(_ count: Int) {
    switch self {
    case .length(let left):
      precondition(count <= left, "No more than the data there is.")
      self = .length(left - count)
    case .chunked(var body):
      body.consume(count)
      self = .chunked(body)
    }
  }
}
