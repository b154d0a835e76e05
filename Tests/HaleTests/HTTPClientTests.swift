import Testing

@testable import hale

@Suite struct HTTPClientTests {
  /// An interim answer and a chunked one, cut at every byte.
  @Test func anAnswerReadsTheSameHoweverItIsCut() {
    let whole = Array(
      ("HTTP/1.1 100 C\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
        + "X:  y z \r\n\r\n3;e=1\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n").utf8)
    for cut in 0..<whole.count {
      var parser = HTTPResponseParser(isHead: false)
      parser.bytes = Array(whole[..<cut])
      _ = parser.parse(isAtEnd: false)
      parser.bytes += whole[cut...]
      guard case .complete(let response) = parser.parse(isAtEnd: false) else {
        Issue.record("cut at \(cut)")
        continue
      }
      #expect(response.text == "abc0123456789" && response.header("x") == "y z")
    }
  }

  @Test func linesOfJSONAreEscaped() {
    let line = jsonLine([("a\"", .string("\u{1}\n\\é")), ("n", .null)])
    #expect(line == #"{"a\"":"\u0001\n\\é","n":null}"#)
  }
}
