import Testing

@testable import hale

@Suite struct JSONLineTests {
  @Test func linesOfJSONAreEscaped() {
    let line = jsonLine([("a\"", .string("\u{1}\n\\é")), ("n", .null)])
    #expect(line == #"{"a\"":"\u0001\n\\é","n":null}"#)
  }
}
