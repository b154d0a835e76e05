import HTTP
import Testing

@Suite struct HeadersTests {
  @Test func namesAreCaseInsensitive() {
    let headers: Headers = ["Content-Type": "a", "X-A": " b\t", "x-a": "c"]
    #expect(headers["content-TYPE"] == "a")
    #expect(headers["X-a"] == "b")
    #expect(headers.all("X-A") == ["b", "c"])
    #expect(headers["X"] == nil)
    #expect(headers.all("X").isEmpty)
    #expect(headers.contains("CONTENT-TYPE") && !headers.contains("Content-Typ"))
    // The case bit is only ignored for letters.
    #expect(Headers(dictionaryLiteral: ("X^", "a"))["X~"] == nil)
  }

  @Test func keepsTheOrder() {
    var headers = Headers()
    headers.add("B", "1")
    headers.add("A", "2")
    headers.add("B", "3")
    #expect(headers.map { "\($0.name)=\($0.value)" } == ["B=1", "A=2", "B=3"])
    #expect(headers.count == 3)
    #expect(headers == ["b": "1", "a": "2", "b": "3"])
    #expect(headers != ["A": "2", "B": "1", "B": "3"])
  }

  @Test func valuesCannotEndALine() {
    let headers: Headers = ["X": "a\r\nSet-Cookie: b\0\u{7f}"]
    #expect(headers["X"] == "a  Set-Cookie: b")
    #expect(headers["Set-Cookie"] == nil)
  }

  @Test func methodsKeepTheirNames() {
    for name in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"] {
      #expect(Method(name: name).name == name)
    }
    #expect(Method(name: "get") == .other("get"))
  }
}
