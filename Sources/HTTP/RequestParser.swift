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
    let block = [UInt8](capacity: head.count) { output in
      for index in head.indices { output.append(head[index]) }
    }
    var reader = HeadReader(block: block)
    return (try reader.read(limits), end)
  }

  /// Walks to the empty line that ends the head, refusing every byte that may not be in a head.
  private mutating func findEnd(
    _ bytes: Span<UInt8>, _ limits: HTTPLimits
  ) throws(HTTPError) -> Int? {
    let limit = min(bytes.count, limits.headBytesMax)
    var index = position
    while index < limit {
      let byte = bytes[index]
      if isFieldText(byte) {
        index += 1
        continue
      }
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
