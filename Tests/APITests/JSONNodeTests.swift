import Testing

@testable import API

@Suite struct JSONNodeTests {
  @Test func aMemberStandsThereOnce() {
    do throws(JSONNode.Failure) {
      _ = try JSONNode(Array("{\"a\": 1,\n\"b\": {\"a\": 2},\n\"a\": 3}".utf8))
      Issue.record("it was read")
    } catch {
      #expect(error.line == 3 && error.reason == "\"a\" stands there twice")
    }
  }

  /// A body of a mebibyte is read on the thread that reads all bodies.
  @Test func manyMembersAreReadInNoTime() throws {
    let members = (0..<100_000).map { "\"\($0)\":0" }
    let node = try JSONNode(Array("{\(members.joined(separator: ",\n"))}".utf8))
    #expect(node["99999"]?.line == 100_000)
  }
}
