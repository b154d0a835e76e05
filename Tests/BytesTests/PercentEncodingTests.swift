import Bytes
import Testing

@Suite struct PercentEncodingTests {
  static let decodings: [(String, Bool, String?)] = [
    ("", false, ""),
    ("abc", true, "abc"),
    ("a%20b+c", false, "a b+c"),
    ("a%20b+c", true, "a b c"),
    ("%2B+", true, "+ "),
    ("%c3%A9", false, "\u{e9}"),
    ("%00", false, "\0"),
    ("%25%32%35", false, "%25"),
    ("%", false, nil),
    ("%2", false, nil),
    ("%2g", false, nil),
    ("%-1", false, nil),
    ("%+1", true, nil),
    ("%c3", false, nil),
    ("%c0%80", false, nil),
    ("%ff", false, nil),
    ("%ed%a0%80", false, nil),
  ]

  @Test(arguments: decodings)
  func decodes(_ text: String, _ plusIsSpace: Bool, _ expected: String?) {
    #expect(percentDecoded(text, plusIsSpace: plusIsSpace) == expected)
  }

  @Test func keepsWhatIsBroken() {
    let decoded = percentDecoded("a+b%2B%zz%4".utf8.span, plusIsSpace: true, keepsBroken: true)
    #expect(decoded == Array("a b+%zz%4".utf8))
  }

  static let queries: [(String?, [String])] = [
    (nil, []),
    ("", []),
    ("a=1", ["a=1"]),
    ("a=1&b=2&a=3", ["a=1", "b=2", "a=3"]),
    ("a&b=&=c&&d==e", ["a=", "b=", "=c", "d==e"]),
    ("project%5B%5D=1&q=a+b%26c", ["project[]=1", "q=a b&c"]),
    ("a=100%&%zz=%ff", ["a=100%", "%zz=%ff"]),
  ]

  @Test(arguments: queries)
  func readsQueries(_ query: String?, _ expected: [String]) {
    #expect(queryItems(query).map { "\($0.name)=\($0.value)" } == expected)
  }

  @Test(arguments: [
    ("", ""), ("aZ09-._~", "aZ09-._~"), ("a b;c=\"%\"", "a%20b%3Bc%3D%22%25%22"),
    ("\u{e9}\n", "%C3%A9%0A"),
  ])
  func encodingIsTakenOffAgain(text: String, encoded: String) {
    #expect(percentEncoded(text) == encoded)
    #expect(percentDecoded(encoded, plusIsSpace: true) == text)
  }
}
