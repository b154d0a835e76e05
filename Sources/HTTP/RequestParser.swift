/// Finds and reads the heads of requests (RFC 9112 §2 to §6).
///
/// It is strict wherever two readers of the same bytes could disagree about where a request ends,
/// since that is how requests are smuggled past a proxy in front.
package struct RequestParser: Sendable {
  // How far the head was looked at, so that one that comes byte by byte is not looked at again from
  // its start each time.
  private var position = 0
  private var lineStart = 0
  private var headStart = 0

  package init() {}

  /// Reads a head if it is there as a whole.
  ///
  /// - Parameter bytes: all bytes from where the head begins. After nil they must come again, with
  ///   more behind them.
  /// - Returns: the request and how many bytes its head has; nil when more bytes are needed.
  package mutating func parse(
    _ bytes: Span<UInt8>, _ limits: HTTPLimits
  ) throws(HTTPError) -> (request: ParsedRequest, consumed: Int)? {
    guard let end = try findEnd(bytes, limits) else { return nil }
    let head = bytes.extracting(headStart..<end)
    position = 0
    lineStart = 0
    headStart = 0
    // One copy of the head, into which everything that is kept of it points.
    let block = unsafe head.withUnsafeBufferPointer { unsafe Array($0) }
    var reader = HeadReader()
    return (try reader.read(block, limits), end)
  }

  /// Walks to the empty line that ends the head, refusing every byte that may not be in a head.
  private mutating func findEnd(
    _ bytes: Span<UInt8>, _ limits: HTTPLimits
  ) throws(HTTPError) -> Int? {
    let limit = min(bytes.count, limits.headBytesMax)
    var index = position
    while true {
      index = bytes.endOfFieldText(from: index, to: limit)
      guard index < limit else { break }
      let byte = bytes[index]
      guard byte == UInt8(ascii: "\r") else {
        // RFC 9112 §2.2 lets a recipient take a line feed alone as the end of a line. One that does
        // and one that does not see different lines, so this one refuses.
        throw .badRequest(
          byte == UInt8(ascii: "\n")
            ? "a line of the head ends without a carriage return"
            : "the head contains a control character")
      }
      guard index + 1 < limit else { break }
      guard bytes[index + 1] == UInt8(ascii: "\n") else {
        throw .badRequest("the head contains a bare carriage return")
      }
      let isEmptyLine = index == lineStart
      let isBeforeRequestLine = lineStart == headStart
      index += 2
      lineStart = index
      guard isEmptyLine else { continue }
      guard isBeforeRequestLine else { return index }
      // RFC 9112 §2.2: ignore one empty line before the request line; some clients send one behind
      // a body.
      guard headStart == 0 else { throw .badRequest("the request line is empty") }
      headStart = index
    }
    position = index
    guard bytes.count < limits.headBytesMax else {
      throw lineStart == headStart
        ? HTTPError(status: 414, reason: "the request line is too long")
        : HTTPError(status: 431, reason: "the header fields are too large")
    }
    return nil
  }
}

extension Span<UInt8> {
  /// The first byte from `start` on that may not stand in a field value, or `end`.
  ///
  /// Eight bytes at a time: heads are looked at twice, and a byte at a time that took a tenth of
  /// all that a request costs here.
  func endOfFieldText(from start: Int, to end: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var index = start
    while true {
      while end - index >= 8 {
        let word = word(at: index)
        // The highest bit of a byte is set where it is below 0x20 or is 0x7f. What a borrow does to
        // the bytes above a hit does not matter: the lowest hit is the first.
        let controls = (word &- (ones &* 0x20)) & ~word
        let differences = word ^ (ones &* 0x7f)
        let deletes = (differences &- ones) & ~differences
        let hits = (controls | deletes) & (ones << 7)
        if hits != 0 {
          index += hits.trailingZeroBitCount / 8
          break
        }
        index += 8
      }
      while index < end, isFieldText(self[index]) { index += 1 }
      // Only a tab stops the words and not the bytes.
      if index == end || !isFieldText(self[index]) { return index }
    }
  }

  /// Eight bytes, the first lowest.
  @inline(__always)
  private func word(at index: Int) -> UInt64 {
    precondition(index >= 0 && index <= count - 8)
    return UInt64(
      littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
  }
}
