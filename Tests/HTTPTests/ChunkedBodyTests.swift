import HTTP
import Testing

@Suite struct ChunkedBodyTests {
  private func body(_ chunks: String, _ limits: HTTPLimits = HTTPLimits()) -> Outcome {
    read("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)", limits)
  }

  static let bad: [String] = [
    "\r\n", "x\r\n", " 5\r\nhello\r\n", "-5\r\n", "+5\r\n", "0x5\r\n", ";a\r\n",
    "5\nhello\r\n", "5\rhello\r\n", "5 \r\nhello\r\n", "5 5\r\nhello\r\n", "5,\r\nhello\r\n",
    "5;a\nhello\r\n", "5;a\u{1}\r\nhello\r\n", "5;\0\r\nhello\r\n", "5;a\rb\r\n",
    "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r0\r\n\r\n", "5\r\nhelloX\r\n0\r\n",
    "4\r\nhello\r\n0\r\n\r\n",
    "FFFFFFFFFFFFFFFFF\r\n", "10000000000000005\r\n",
    "0\r\n\n", "0\r\nX\r\n\r\n", "0\r\n X: y\r\n\r\n", "0\r\n: y\r\n\r\n", "0\r\nX : y\r\n\r\n",
    "0\r\nX: \0\r\n\r\n", "0\r\nX: y\n\r\n", "0\r\nX: y\rz\r\n\r\n", "0\r\n\rX",
  ]

  @Test(arguments: bad)
  func refusesBrokenFraming(_ chunks: String) {
    #expect(body(chunks) == Outcome(status: 400))
  }

  @Test func everySplitOfBrokenFramingGivesTheSame() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for chunks in Self.bad {
      let bytes = Array((head + chunks).utf8)
      for cut in head.utf8.count...bytes.count {
        let outcome = read([Array(bytes[..<cut]), Array(bytes[cut...])])
        #expect(outcome == Outcome(status: 400), "\(chunks) at \(cut)")
      }
    }
  }

  @Test func hugeSizesAreTooLarge() {
    #expect(body("FFFFFFFF\r\n") == Outcome(status: 413))
    #expect(body("7FFFFFFFFFFFFFFF\r\n") == Outcome(status: 413))
    #expect(body("5\r\nhello\r\n7FFFFFFFFFFFFFFF\r\n") == Outcome(status: 413))
  }

  @Test func sizeLinesAreLimited() {
    var limits = HTTPLimits()
    limits.chunkLineBytesMax = 8
    #expect(body("00000005\r\nhello\r\n0\r\n\r\n", limits).requests.count == 1)
    #expect(body("5;aaaaaa\r\nhello\r\n0\r\n\r\n", limits).requests.count == 1)
    #expect(body("000000005\r\nhello\r\n0\r\n\r\n", limits) == Outcome(status: 400))
    #expect(body("5;aaaaaaa\r\nhello\r\n0\r\n\r\n", limits) == Outcome(status: 400))
  }

  @Test func trailersAreLimited() {
    var limits = HTTPLimits()
    limits.trailerBytesMax = 16
    // Name, colon, space, value and line end.
    #expect(body("0\r\nX: 01234567890\r\n\r\n", limits).requests.count == 1)
    #expect(body("0\r\nX: 012345678901\r\n\r\n", limits) == Outcome(status: 431))
    #expect(body("0\r\nX: 012\r\nY: 012\r\n\r\n", limits).requests.count == 1)
    #expect(body("0\r\nX: 012\r\nY: 0123\r\n\r\n", limits) == Outcome(status: 431))
  }

  @Test func framingMayNotOutweighData() {
    var limits = HTTPLimits()
    limits.chunkFramingExcessBytesMax = 100
    // Each such chunk has 34 bytes of framing, of which 18 are allowed.
    let chunk = "1;" + String(repeating: "a", count: 28) + "\r\nx\r\n"
    let end = "0\r\n\r\n"
    #expect(body(String(repeating: chunk, count: 6) + end, limits).requests.count == 1)
    #expect(body(String(repeating: chunk, count: 7) + end, limits) == Outcome(status: 400))
    // Chunks of one byte without extensions are only inefficient.
    let small = String(repeating: "1\r\nx\r\n", count: 10_000)
    #expect(body(small + end, limits).requests.count == 1)
  }

  @Test func dataIsConsumedStepByStep() throws {
    var chunked = ChunkedBody()
    let limits = HTTPLimits()
    let bytes = Array("5\r\nhello\r\n0\r\n\r\n".utf8)
    #expect(try chunked.next(bytes.span, limits) == 3..<8)
    chunked.consume(2)
    #expect(try chunked.next(bytes.span.extracting(5..<bytes.count), limits) == 0..<3)
    chunked.consume(3)
    #expect(!chunked.isComplete)
    #expect(try chunked.next(bytes.span.extracting(8..<bytes.count), limits) == 7..<7)
    #expect(chunked.isComplete)
  }
}
