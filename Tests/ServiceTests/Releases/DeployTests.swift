import Foundation
import HTTP
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Service

/// Deploys of a release (Sentry's pages "Create a Deploy" and "List a Release's Deploys").
@Suite struct DeployTests {
  private static let release = "/api/0/organizations/default/releases/shop@1.9.0/"
  private static let route = release + "deploys/"

  private static func fixture() throws -> ServiceFixture {
    let fixture = try ServiceFixture.world()
    try fixture.change { (store) throws(StoreError) in
      _ = try store.createProject(
        organization: OrganizationID(rawValue: 1), slug: "till", settings: ProjectSettings(),
        id: nil, publicKey: String(repeating: "b", count: 32), at: ServiceFixture.now)
    }
    return fixture
  }

  /// A release of both projects, without sessions.
  private static func both() throws -> ServiceFixture {
    let fixture = try fixture()
    let body = #"{"version": "both@1", "projects": ["shop", "till"]}"#
    #expect(fixture.change(.post, "/api/0/organizations/default/releases/", body).status == 201)
    return fixture
  }

  private static let routeOfBoth = "/api/0/organizations/default/releases/both@1/deploys/"

  private func list(_ fixture: ServiceFixture, _ target: String) throws -> [[String: Any]] {
    let answer = fixture.ask(target)
    #expect(answer.status == 200, "\(answer.text)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(answer.text.utf8)) as? [[String: Any]])
  }

  private func names(_ fixture: ServiceFixture, _ target: String) throws -> [String] {
    try list(fixture, target).compactMap { $0["name"] as? String }
  }

  private static func member(_ name: String, _ value: String) -> String {
    #"{"environment": "production", "\#(name)": \#(value)}"#
  }

  private static let bare =
    #""production","dateStarted":null,"dateFinished":"2026-01-01T12:00:00Z","#
    + #""name":null,"url":null"#

  /// Bodies with what is answered without the id, which is 1.
  private static let reported: [(String, String)] = [
    (#"{"environment": "production"}"#, bare),
    (
      #"""
      {"environment": "production", "name": null, "url": null, "dateStarted": null,
       "dateFinished": null, "projects": null}
      """#,
      bare
    ),
    (
      #"""
      {"environment": " a b ", "name": "blue", "url": "https://example.com/a?b=c#d",
       "dateStarted": "2025-11-30T10:53:20.123456789Z",
       "dateFinished": "2025-11-30T12:55:00+02:00", "projects": ["shop"]}
      """#,
      #"""
      "a b","dateStarted":"2025-11-30T10:53:20Z","dateFinished":"2025-11-30T10:55:00Z",\#
      "name":"blue","url":"https://example.com/a?b=c#d"
      """#
    ),
    (
      #"{"environment": "e", "name": "", "url": "", "dateFinished": "2025-11-30T10:53"}"#,
      #""e","dateStarted":null,"dateFinished":"2025-11-30T10:53:00Z","name":"","url":"""#
    ),
  ]

  @Test(arguments: reported)
  func whatIsReportedIsAnswered(body: String, expected: String) throws {
    let answer = try Self.fixture().change(.post, Self.route, body)
    #expect(answer.status == 201)
    #expect(answer.text == #"{"id":"1","environment":\#(expected)}"#)
  }

  private static let wrongFormat =
    "Datetime has wrong format. Use one of these formats instead: "
    + "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."

  private static let neverOfASession: String = {
    let rule = Normalization.environmentRule.replacing("\\", with: "\\\\")
      .replacing("\"", with: "\\\"")
    return "{\"environment\":[\"Invalid value for environment. \(rule)\"]}"
  }()

  /// Bodies with what is answered.
  private static let invalid: [(String, String)] = [
    ("{}", #"{"environment":["This field is required."]}"#),
    (#"{"environment": " "}"#, #"{"environment":["This field may not be blank."]}"#),
    (#"{"environment": "a/b"}"#, #"{"environment":["Invalid value for environment"]}"#),
    (#"{"environment": "a\nb"}"#, #"{"environment":["Invalid value for environment"]}"#),
    (
      #"{"environment": "None"}"#,
      neverOfASession
    ),
    (
      #"{"environment": "a\\b"}"#,
      neverOfASession
    ),
    (
      #"{"environment": "e", "dateStarted": "2026-01-02", "dateFinished": "2026-01-01T23:59:59Z"}"#,
      #"{"dateFinished":["dateFinished is before dateStarted."]}"#
    ),
    (#"{"environment": "a\u0000"}"#, #"{"environment":["Null characters are not allowed."]}"#),
    (member("url", #""example.com""#), #"{"url":["Enter a valid URL."]}"#),
    (member("url", #""javascript://a""#), #"{"url":["Enter a valid URL."]}"#),
    (member("url", #""https://""#), #"{"url":["Enter a valid URL."]}"#),
    (member("url", #""https://a b""#), #"{"url":["Enter a valid URL."]}"#),
    (member("projects", "[]"), #"{"projects":["This list may not be empty."]}"#),
    (
      member("projects", #"["shop", "till", 7]"#),
      #"{"detail":"Invalid projects (till, 7) for release shop@1.9.0. There is only shop."}"#
    ),
    (
      member("dateStarted", #""yesterday""#),
      #"{"dateStarted":["\#(wrongFormat)"]}"#
    ),
    (
      #"{"environment": "a/b", "dateFinished": "", "url": "x"}"#,
      """
      {"environment":["Invalid value for environment"],"url":["Enter a valid URL."],\
      "dateFinished":["\(wrongFormat)"]}
      """
    ),
    (
      member("name", "1"),
      #"""
      {"detail":"The body is not the expected JSON: \"name\" has the wrong type, \#
      expected a string."}
      """#
    ),
  ]

  @Test(arguments: invalid)
  func whatIsInvalidIsNamed(body: String, expected: String) throws {
    let fixture = try Self.fixture()
    let answer = fixture.change(.post, Self.route, body)
    #expect(answer.status == 400 && answer.text == expected, "\(answer.text)")
    #expect(try list(fixture, Self.route).isEmpty)
  }

  /// Limits count characters, not bytes.
  @Test(arguments: [("environment", 64), ("name", 64), ("url", 2048)])
  func limitsAreInclusive(field: String, most: Int) throws {
    let fixture = try Self.fixture()
    let begin = field == "url" ? "https://a/" : ""
    func body(_ length: Int) -> String {
      // Of an environment sessions take 64 bytes.
      let letter = field == "environment" ? "e" : "é"
      let value = begin + String(repeating: letter, count: length - begin.count)
      return field == "environment"
        ? #"{"environment": "\#(value)"}"# : Self.member(field, "\"\(value)\"")
    }
    #expect(fixture.change(.post, Self.route, body(most)).status == 201)
    let answer = fixture.change(.post, Self.route, body(most + 1))
    #expect(answer.status == 400)
    #expect(
      answer.text == #"{"\#(field)":["Ensure this field has no more than \#(most) characters."]}"#)
  }

  @Test func scopesReleasesAndOtherMembers() throws {
    let fixture = try Self.fixture()
    let body = #"{"environment": "production", "owner": "me"}"#
    let response = fixture.send(
      .post, Self.route, headers: ["Authorization": "Bearer \(ServiceFixture.adminToken)"],
      body: [Array(body.utf8)])
    #expect(response.status == 201 && response.headers["Hale-Ignored"] == "owner")
    #expect(fixture.change(.post, Self.route, body, token: ServiceFixture.token).status == 403)
    let slip = fixture.change(.post, Self.route, #"{"enviroment": "production"}"#)
    #expect(slip.status == 400 && slip.text.contains(#"near: \"environment\""#))
    // An unknown release is none, whatever the body is, and is not made.
    let unknown = "/api/0/organizations/default/releases/shop@9/deploys/"
    for body in [body, "{}"] {
      #expect(fixture.change(.post, unknown, body).status == 404)
    }
    #expect(fixture.ask(unknown).status == 404)
    #expect(try list(fixture, Self.route).count == 1)
  }

  /// Of two to one environment the list has the one that was reported last, whatever their dates
  /// are; the newest date comes first.
  @Test func theListHasTheLastOfEachProjectAndEnvironment() throws {
    let fixture = try Self.both()
    for (name, environment, day, projects) in [
      ("a", "production", 9, #"["shop", "till"]"#), ("b", "staging", 8, #"["till", 1]"#),
      ("c", "production", 5, #"["shop"]"#), ("d", "canary", 7, #"[2]"#),
      ("e", "staging", 6, #"["shop", "2"]"#),
    ] {
      let body = """
        {"name": "\(name)", "environment": "\(environment)", "projects": \(projects),
         "dateFinished": "2025-12-0\(day)T00:00:00Z"}
        """
      #expect(fixture.change(.post, Self.routeOfBoth, body).status == 201)
    }
    for (query, expected) in [
      ("", ["a", "d", "e", "c"]), ("?project=shop", ["e", "c"]), ("?project=2", ["a", "d", "e"]),
      ("?projectSlug=till", ["a", "d", "e"]), ("?project=-1", ["a", "d", "e", "c"]),
      ("?project=shop&projectSlug=till", ["a", "d", "e", "c"]),
      ("?per_page=3", ["a", "d", "e"]), ("?per_page=3&cursor=0:3:0", ["c"]),
      ("?cursor=0:9:0", []),
    ] {
      #expect(try names(fixture, Self.routeOfBoth + query) == expected, "\(query)")
    }
    let link = fixture.send(
      .get, Self.routeOfBoth + "?per_page=3",
      headers: ["Authorization": "Bearer \(ServiceFixture.token)"]
    ).headers["Link"]
    #expect(try #require(link).contains(#"rel="previous"; results="false""#))
    #expect(try #require(link).contains(#"rel="next"; results="true"; cursor="0:3:0""#))
    #expect(fixture.ask(Self.routeOfBoth + "?project=nowhere").status == 403)
    #expect(fixture.ask(Self.routeOfBoth + "?projectSlugs=till").status == 400)
  }

  /// In lists, pages and what a change answers.
  @Test func releasesHaveTheirDeploys() throws {
    let fixture = try Self.fixture()
    let releases = "/api/0/organizations/default/releases/"
    func deploys(_ text: String) throws -> String {
      try #require(text.firstMatch(of: /"deployCount":.*?,"authors"/)).output.description
    }
    let none = #""deployCount":0,"lastDeploy":null,"authors""#
    #expect(try deploys(fixture.ask(Self.release).text) == none)
    for (name, day) in [("first", 2), ("second", 1)] {
      let body = """
        {"name": "\(name)", "environment": "production",
         "dateFinished": "2025-12-0\(day)T00:00:00Z"}
        """
      #expect(fixture.change(.post, Self.route, body).status == 201)
    }
    let two =
      #""deployCount":2,"lastDeploy":{"id":"2","environment":"production","dateStarted":null,"#
      + #""dateFinished":"2025-12-01T00:00:00Z","name":"second","url":null},"authors""#
    #expect(try names(fixture, Self.route) == ["second"])
    for target in [
      Self.release, releases + "?query=1.9.0", "/api/0/projects/default/shop/releases/shop@1.9.0/",
    ] {
      #expect(try deploys(fixture.ask(target).text) == two, "\(target)")
    }
    #expect(try deploys(fixture.change(.put, Self.release, #"{"ref": "a"}"#).text) == two)
    #expect(try deploys(fixture.ask(releases + "?query=1.10.0").text) == none)
  }

  /// Pickers have the environment, and lists by environment the release.
  @Test func anEnvironmentIsKnownByADeploy() throws {
    let fixture = try Self.both()
    let body = #"{"environment": "canary", "projects": ["till"]}"#
    #expect(fixture.change(.post, Self.routeOfBoth, body).status == 201)
    let organization = "/api/0/organizations/default/"
    #expect(
      try names(fixture, organization + "environments/") == ["canary", "production", "staging"])
    let till = "/api/0/projects/default/till/"
    #expect(try names(fixture, till + "environments/") == ["canary"])
    #expect(fixture.ask(till + "environments/canary/").status == 200)
    #expect(fixture.ask("/api/0/projects/default/shop/environments/canary/").status == 404)
    let project = fixture.ask(till).text
    #expect(project.contains(#""environments":["canary"]"#))
    #expect(project.contains(#""hasSessions":false"#) && project.contains(#""sessionMode":null"#))
    func versions(_ query: String) throws -> [String] {
      try list(fixture, organization + "releases/?" + query).compactMap { $0["version"] as? String }
    }
    #expect(try versions("environment=canary") == ["both@1"])
    #expect(try versions("environment=canary&project=shop").isEmpty)
    #expect(try versions("environment=canary&query=release.stage:adopted").isEmpty)
    // A gate waits for sessions there, as it waits for those of a release that has none.
    let gate = fixture.ask(organization + "releases/both@1/gate/?environment=canary")
    #expect(gate.status == 200, "\(gate.text)")
    #expect(fixture.ask(organization + "releases/both@1/gate/?environment=canari").status == 400)
  }
}
