import Foundation
import HTTP
import Testing

@testable import Service

/// What a request costs before it is answered has a bound, which the error names.
@Suite struct RequestLimitsTests {
  private static let organization = "/api/0/organizations/default/"

  private func detail(_ text: String) throws -> String {
    try #require(try object(text)["detail"] as? String)
  }

  private static func members(_ count: Int, _ others: String = "") -> String {
    "{" + others + (0..<count).map { "\"m\($0)\":0" }.joined(separator: ",") + "}"
  }

  @Test func parametersAreCounted() throws {
    let fixture = try ServiceFixture()
    let many = (0..<1000).map { "x\($0)=1" }.joined(separator: "&")
    #expect(fixture.ask(Self.organization + "environments/?\(many)").status == 200)
    let answer = fixture.ask(Self.organization + "environments/?\(many)&y")
    #expect(answer.status == 400)
    #expect(try detail(answer.text) == "The URL has more than 1000 parameters.")
  }

  @Test(arguments: [
    ("releases/", #""version": "a@1", "projects": ["shop"], "#),
    ("alert-rules/", #""name": "a", "#), ("alert-rules/backtest/", #""rule": {}, "#),
    ("org-auth-tokens/", #""name": "a", "#), ("notice-channels/", #""name": "a", "#),
  ])
  func membersAreCounted(route: String, others: String) throws {
    let fixture = try ServiceFixture()
    let answer = fixture.change(
      .post, Self.organization + route, Self.members(1000, others))
    #expect(answer.status == 400)
    #expect(try detail(answer.text) == "The body has more than 1000 members.")
  }

  @Test func listsAreCountedBeforeTheyAreRead() throws {
    let fixture = try ServiceFixture()
    let names = Array(repeating: "\"shop\"", count: 1001).joined(separator: ",")
    let release = fixture.change(
      .post, Self.organization + "releases/", #"{"version": "a@1", "projects": [\#(names)]}"#)
    #expect(release.status == 400)
    #expect(try detail(release.text) == "\"projects\" has more than 1000 elements.")
    let rule = fixture.change(
      .post, Self.organization + "alert-rules/",
      #"{"name": "a", "projects": [\#(names)], "channels": [\#(names)], "triggers": [\#(names)]}"#)
    #expect(rule.status == 400)
    let reasons = try object(rule.text, as: [String: [String]].self)
    #expect(reasons["projects"] == ["Name at most 100 projects."])
    #expect(reasons["channels"] == ["Name at most 20 channels."])
    #expect(reasons["triggers"] == ["Give at most 10 triggers: critical and warning."])
  }

  /// Twenty of very many unknown members are named, and the rest is counted.
  @Test func unknownMembersOfARuleAreNamedUpToALimit() throws {
    let fixture = try ServiceFixture()
    let body = #"{"rule": \#(Self.members(500, #""projects": ["shop"], "#))}"#
    let answer = fixture.change(
      .post, Self.organization + "alert-rules/backtest/", body, token: ServiceFixture.token)
    #expect(answer.status == 400)
    let reasons = try object(answer.text, as: [String: [String]].self)
    #expect(reasons.keys.count { $0.hasPrefix("m") && $0 != "minSessions" } == 20)
    #expect(reasons["detail"] == ["There are 480 more unknown members."])
  }

  @Test func termsOfASearchAreLimited() throws {
    let fixture = try ServiceFixture()
    func search(_ term: String, _ count: Int, by joiner: String = "%20OR%20") -> String {
      Array(repeating: term, count: count).joined(separator: joiner)
    }
    for path in ["sessions/?field=sum(session)&statsPeriod=1h&query=", "releases/?query="] {
      let target = Self.organization + path
      #expect(fixture.ask(target + search("release:a", 100)).status == 200)
      let terms = fixture.ask(target + search("release:a", 101))
      #expect(terms.status == 400)
      #expect(
        try detail(terms.text)
          == "The query has more than 100 terms. A list counts as one: release:[a, b].")
      #expect(fixture.ask(target + search("release:*a*", 20)).status == 200)
      let wildcards = fixture.ask(target + search("release:*a*", 21))
      #expect(wildcards.status == 400)
      #expect(
        try detail(wildcards.text)
          == "The query has more than 20 terms with a wildcard or without a key.")
      // A list of names is one term.
      let names = search("a", 500, by: ",%20")
      #expect(fixture.ask(target + "release:[\(names)]").status == 200)
      let patterns = search("a*", 21, by: ",%20")
      #expect(fixture.ask(target + "release:[\(patterns)]").status == 400)
    }
  }
}
