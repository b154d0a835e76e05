import Testing

@testable import API

@Suite struct JSONNodeTests {
  @Test func aRepeatedMemberIsAnError() {
    do throws(JSONNode.Failure) {
      _ = try JSONNode(Array("{\"a\": 1,\n\"b\": {\"a\": 2},\n\"a\": 3}".utf8))
      Issue.record("it was read")
    } catch {
      #expect(error.line == 3 && error.reason == "\"a\" is repeated")
    }
  }

  /// A body of a mebibyte is parsed on the loop thread, so it must not take long.
  @Test func manyMembersAreParsedFast() throws {
    let members = (0..<100_000).map { "\"\($0)\":0" }
    let node = try JSONNode(Array("{\(members.joined(separator: ",\n"))}".utf8))
    #expect(node["99999"]?.line == 100_000)
  }
}
