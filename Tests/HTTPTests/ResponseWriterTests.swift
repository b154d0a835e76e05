import HTTP
import Locks
import Testing

@Suite struct ResponseWriterTests {
  private func written(
    _ response: Response, _ context: ResponseWriter.Context = ResponseWriter.Context()
  ) -> String {
    var writer = ResponseWriter { 784_111_777 }
    var output: [UInt8] = []
    writer.write(response, context, to: &output)
    return String(decoding: output, as: UTF8.self)
  }

  private let common =
    "Server: hale\r\nX-Content-Type-Options: nosniff\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

  @Test func writesABody() {
    let response = Response(headers: ["Content-Type": "a/b"], body: Array("{}".utf8))
    #expect(
      written(response)
        == "HTTP/1.1 200 OK\r\n\(common)Content-Type: a/b\r\nContent-Length: 2\r\n\r\n{}")
  }

  @Test func writesWhetherTheConnectionIsKept() {
    let response = Response(status: 404)
    let frame = { (field: String) in
      "HTTP/1.1 404 Not Found\r\n\(common)\(field)Content-Length: 0\r\n\r\n"
    }
    #expect(written(response) == frame(""))
    #expect(written(response, .init(keepsAlive: false)) == frame("Connection: close\r\n"))
    #expect(written(response, .init(isHTTP10: true)) == frame("Connection: keep-alive\r\n"))
    #expect(
      written(response, .init(keepsAlive: false, isHTTP10: true)) == frame("Connection: close\r\n"))
  }

  @Test func answersHeadWithoutTheBody() {
    let response = Response(body: Array("hello".utf8))
    #expect(
      written(response, .init(isHead: true))
        == "HTTP/1.1 200 OK\r\n\(common)Content-Length: 5\r\n\r\n")
  }

  @Test(arguments: [(204, "No Content"), (304, "Not Modified")])
  func hasNoBodyWithTheseStatuses(_ status: Int, _ reason: String) {
    let response = Response(status: status, headers: ["ETag": "\"a\""], body: [1])
    #expect(written(response) == "HTTP/1.1 \(status) \(reason)\r\n\(common)ETag: \"a\"\r\n\r\n")
  }

  @Test func omitsFieldsThatTheWriterAdds() {
    let response = Response(
      status: 299,
      headers: [
        "content-length": "7", "Transfer-Encoding": "chunked", "date": "x", "SERVER": "y",
        "Connection": "close", "X": "z",
      ])
    #expect(response.closesConnection)
    #expect(written(response) == "HTTP/1.1 299 \r\n\(common)X: z\r\nContent-Length: 0\r\n\r\n")
  }

  @Test func usesTheTimeOfTheLastUpdate() {
    let clock = Locked<Int64>(0)
    var writer = ResponseWriter { clock.withLock { $0 } }
    func date() -> String {
      var output: [UInt8] = []
      writer.write(Response(), .init(), to: &output)
      let lines = String(decoding: output, as: UTF8.self).split(separator: "\r\n")
      return lines.first { $0.hasPrefix("Date:") }.map(String.init) ?? ""
    }
    #expect(date() == "Date: Thu, 01 Jan 1970 00:00:00 GMT")
    clock.withLock { $0 = 1 }
    #expect(date() == "Date: Thu, 01 Jan 1970 00:00:00 GMT")
    writer.refreshDate()
    #expect(date() == "Date: Thu, 01 Jan 1970 00:00:01 GMT")
  }

  @Test func errorsAreJSON() {
    let error = HTTPError(status: 400, reason: "a \"b\" \\ c\n")
    #expect(error.response.status == 400)
    #expect(error.response.headers["Content-Type"] == "application/json")
    #expect(
      String(decoding: error.response.body, as: UTF8.self) == #"{"detail":"a \"b\" \\ c\n"}"#)
  }

  static let dates: [(Int64, String)] = [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
    (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
    (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
    (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
    (1_709_164_799, "Wed, 28 Feb 2024 23:59:59 GMT"),
    (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
    (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
  ]

  @Test(arguments: dates)
  func writesDates(_ seconds: Int64, _ expected: String) {
    #expect(httpDate(seconds) == expected)
  }
}
