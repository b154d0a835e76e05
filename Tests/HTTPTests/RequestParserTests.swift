import Bytes
import HTTP
import Testing

@Suite struct RequestParserTests {
  /// Valid streams with their parsed requests.
  static let good: [(String, String)] = [
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / Host=<a> keep"),
    ("GET /a%20b?x=1&y HTTP/1.1\r\nhost:a\r\n\r\n", "GET /a%20b?x=1&y host=<a> keep"),
    ("GET /? HTTP/1.1\r\nHost: a\r\n\r\n", "GET /? Host=<a> keep"),
    ("GET //a///b HTTP/1.1\r\nHost:\r\n\r\n", "GET //a///b Host=<> keep"),
    ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / Host=<a> keep"),
    ("GET / HTTP/1.0\r\n\r\n", "GET / close"),
    ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / Connection=<Keep-Alive> keep"),
    (
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n",
      "GET / Host=<a> Connection=<x, Close> close"
    ),
    ("GET / HTTP/1.7\r\nHost: a\r\n\r\n", "GET / Host=<a> keep"),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * Host=<a> keep"),
    ("PURGE /x HTTP/1.1\r\nHost: a\r\n\r\n", "PURGE /x Host=<a> keep"),
    ("get / HTTP/1.1\r\nHost: a\r\n\r\n", "get / Host=<a> keep"),
    ("GET http://h:80/p?q HTTP/1.1\r\nHost: h:80\r\n\r\n", "GET /p?q Host=<h:80> keep"),
    ("GET HTTPS://h HTTP/1.1\r\nHost: h\r\n\r\n", "GET / Host=<h> keep"),
    ("GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n", "GET /?q Host=<h> keep"),
    ("GET / HTTP/1.1\r\nHost: [::1]:8787\r\n\r\n", "GET / Host=<[::1]:8787> keep"),
    (
      "GET / HTTP/1.1\r\nHost: a\r\nX: \t a \t b\t \r\nY:\r\nX: c\r\n\r\n",
      "GET / Host=<a> X=<a \t b> Y=<> X=<c> keep"
    ),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{e9}\r\n\r\n", "GET / Host=<a> X=<\u{e9}> keep"),
    (
      "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
      "POST /e Host=<a> Content-Length=<5> keep body=<hello>"
    ),
    (
      "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\nhello",
      "POST /e Host=<a> Content-Length=<0005> keep body=<hello>"
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\nx",
      "POST / Host=<a> Content-Length=<1> Expect=<100-Continue> keep expect body=<x>"
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n",
      "POST / Host=<a> Content-Length=<0> Expect=<100-continue> keep"
    ),
    (
      "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx",
      "POST / Content-Length=<1> Expect=<100-continue> close body=<x>"
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
        + "5\r\nhello\r\n1;a=\"b\"\r\n,\r\n00006 ; x\r\n world\r\n0\r\nT: v\r\n\r\n",
      "POST / Host=<a> Transfer-Encoding=<Chunked> keep body=<hello, world>"
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST / Host=<a> Transfer-Encoding=<chunked> keep | GET /2 Host=<a> keep"
    ),
    (
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
        + "\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST /1 Host=<a> Content-Length=<2> keep body=<ab> | GET /2 Host=<a> keep"
    ),
  ]

  @Test(arguments: good)
  func readsGoodRequests(_ stream: String, _ expected: String) {
    let outcome = read(stream)
    #expect(outcome.description == expected)
    #expect(!outcome.isIncomplete)
  }

  /// Invalid heads with the status of their errors.
  static let bad: [(String, Int)] = [
    // The request line.
    ("GET /\r\n\r\n", 400),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.11\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/x.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    // Line ends and control characters.
    ("GET / HTTP/1.1\nHost: a\n\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{1}b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{7f}b\r\n\r\n", 400),
    ("\u{16}\u{3}\u{1}\u{2}\0\u{1}", 400),
    // Field names.
    ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX\t: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX(: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\n\u{e9}: a\r\n\r\n", 400),
    // Host.
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    // Expectations.
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 200-ok\r\n\r\n", 417),
    ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x\r\n\r\n", 417),
  ]

  @Test(arguments: bad)
  func refusesBadHeads(_ stream: String, _ status: Int) {
    #expect(read(stream) == Outcome(status: status))
  }

  /// Framings that a proxy in front could parse differently than this server.
  static let smuggling: [(String, Int)] = [
    ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
    ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400),
    ("Content-Length: 5\r\nContent-Length: 6\r\n", 400),
    ("Content-Length: 5\r\nContent-Length: 5\r\n", 400),
    ("Content-Length: 5\r\ncontent-length: 5\r\n", 400),
    ("Content-Length: 5, 5\r\n", 400),
    ("Content-Length: +5\r\n", 400),
    ("Content-Length: -5\r\n", 400),
    ("Content-Length: 5 5\r\n", 400),
    ("Content-Length: 0x5\r\n", 400),
    ("Content-Length: 5.0\r\n", 400),
    ("Content-Length:\r\n", 400),
    ("Content-Length: \u{0665}\r\n", 400),
    ("Content-Length: 99999999999999999999999999\r\n", 413),
    ("Content-Length: 18446744073709551621\r\n", 413),
    ("Content-Length : 5\r\n", 400),
    ("Content-Length\r\n : 5\r\n", 400),
    ("X: y\r\n Content-Length: 5\r\n", 400),
    ("X: y\rContent-Length: 5\r\n", 400),
    ("X: y\nContent-Length: 5\r\n", 400),
    ("Transfer-Encoding: chunked, gzip\r\n", 400),
    ("Transfer-Encoding: gzip, chunked\r\n", 501),
    ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
    ("Transfer-Encoding: chunked, chunked\r\n", 400),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
    ("Transfer-Encoding: identity\r\n", 400),
    ("Transfer-Encoding: xchunked\r\n", 400),
    ("Transfer-Encoding: \"chunked\"\r\n", 400),
    ("Transfer-Encoding: chunked;a=b\r\n", 400),
    ("Transfer-Encoding: chunked x\r\n", 400),
    ("Transfer-Encoding:\r\n", 400),
    ("Transfer-Encoding: ,\r\n", 400),
    ("Transfer-Encoding : chunked\r\n", 400),
    ("Transfer-Encoding: \u{b}chunked\r\n", 400),
    ("Transfer-Encoding:\r\n chunked\r\n", 400),
  ]

  @Test(arguments: smuggling)
  func refusesDoubtfulFraming(_ fields: String, _ status: Int) {
    let stream = "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n0\r\n\r\nGET /s HTTP/1.1\r\n"
    #expect(read(stream) == Outcome(status: status))
  }

  @Test func refusesTransferEncodingInHTTP10() {
    let stream = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    #expect(read(stream) == Outcome(status: 400))
  }

  @Test func everySplitGivesTheSame() {
    let streams = Self.good.map(\.0) + Self.bad.map(\.0)
    for stream in streams {
      let bytes = Array(stream.utf8)
      let whole = read([bytes])
      for cut in 0...bytes.count {
        #expect(read([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole, "\(stream) at \(cut)")
      }
      #expect(read(bytes.map { [$0] }) == whole, "\(stream) byte by byte")
    }
  }

  /// Streams with a few changed, removed or repeated bytes parse the same in one piece and byte by
  /// byte.
  @Test func mutatedStreamsParseTheSameInAnyPieces() {
    var generator = SplitMix64(seed: 1)
    func random(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
    let special = Array("\r\n \t:;,0123456789abcdefF%/?*#\0\u{7f}".utf8)
    let streams = Self.good.map { Array($0.0.utf8) }
    for _ in 0..<2000 {
      var bytes = streams[random(streams.count)] + streams[random(streams.count)]
      for _ in 0...random(3) {
        let index = random(bytes.count)
        switch random(4) {
        case 0: bytes[index] = UInt8(random(256))
        case 1: bytes[index] = special[random(special.count)]
        case 2: bytes.remove(at: index)
        default: bytes.insert(special[random(special.count)], at: index)
        }
      }
      let whole = read([bytes])
      let cut = random(bytes.count)
      #expect(read([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole)
      if read(bytes.map { [$0] }) != whole {
        Issue.record("\(String(decoding: bytes, as: UTF8.self)): \(whole)")
      }
    }
  }

  @Test func everyTruncationIsIncomplete() {
    for (stream, expected) in Self.good {
      let bytes = Array(stream.utf8)
      for end in 1..<bytes.count {
        let outcome = read([Array(bytes[..<end])])
        #expect(outcome.status == nil)
        #expect(outcome.description != expected, "\(stream) cut at \(end)")
      }
    }
  }

  @Test func headBytesAreLimited() {
    var limits = HTTPLimits()
    limits.headBytesMax = 64
    func stream(_ count: Int) -> String {
      let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
      let padding = String(repeating: "x", count: count - frame.utf8.count)
      return "GET / HTTP/1.1\r\nHost: a\r\nX: \(padding)\r\n\r\n"
    }
    #expect(read(stream(64), limits).requests.count == 1)
    #expect(read(stream(65), limits) == Outcome(status: 431))
    let byByte = { (count: Int) in read(Array(stream(count).utf8).map { [$0] }, limits) }
    #expect(byByte(64).requests.count == 1)
    #expect(byByte(65) == Outcome(status: 431))
    let target = String(repeating: "a", count: 64)
    #expect(read("GET /\(target) HTTP/1.1\r\n", limits) == Outcome(status: 414))
  }

  @Test func fieldsAreLimited() {
    var limits = HTTPLimits()
    limits.headerFieldsMax = 4
    func stream(_ count: Int) -> String {
      "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: count - 1) + "\r\n"
    }
    #expect(read(stream(4), limits).requests.count == 1)
    #expect(read(stream(5), limits) == Outcome(status: 431))
  }

  @Test func bodyBytesAreLimited() {
    var limits = HTTPLimits()
    limits.bodyBytesMax = 10
    func sized(_ count: Int) -> Outcome {
      let body = String(repeating: "b", count: count)
      return read(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n\(body)", limits)
    }
    func chunked(_ counts: Int...) -> Outcome {
      let chunks = counts.map { "\($0)\r\n\(String(repeating: "b", count: $0))\r\n" }.joined()
      return read(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\r\n",
        limits)
    }
    #expect(sized(10).requests.count == 1)
    #expect(sized(11) == Outcome(status: 413))
    #expect(chunked(5, 5).requests.count == 1)
    #expect(chunked(5, 6) == Outcome(status: 413))
  }
}
