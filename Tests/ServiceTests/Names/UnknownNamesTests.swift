import API
import Foundation
import HTTP
import Testing

@testable import Service

/// Nothing is dropped silently: names that a route does not know are refused or reported.
@Suite struct UnknownNamesTests {
  private static let organization = "/api/0/organizations/default/"

  private func detail(_ text: String) throws -> String {
    try #require(try object(text)["detail"] as? String)
  }

  @Test(arguments: [
    ("sessions/?field=sum(session)&groupby=release", "groupby", "groupBy"),
    ("sessions/?field=sum(session)&group_by=release", "group_by", "groupBy"),
    ("sessions/?field=sum(session)&environments=production", "environments", "environment"),
    ("sessions/?field=sum(session)&statsPeriodd=7d", "statsPeriodd", "statsPeriod"),
    ("sessions/?fields=sum(session)", "fields", "field"),
    ("sessions/?field=sum(session)&env=production", "env", "environment"),
    ("sessions/?field=sum(session)&Env=production", "Env", "environment"),
    ("sessions/?field=sum(session)&stats=7d", "stats", "statsPeriod"),
    ("releases/?env=production", "env", "environment"),
    ("releases/stats/?environments=production", "environments", "environment"),
    ("releases/shop@1.9.0/?env=production", "env", "environment"),
    ("sessions/?field=sum(session)&perPage=1", "perPage", "per_page"),
    ("releases/?healht=1", "healht", "health"), ("releases/?projects=1", "projects", "project"),
    ("releases/shop@1.9.0/?adoptionStage=1", "adoptionStage", "adoptionStages"),
    ("projects/?querry=shop", "querry", "query"),
    ("incidents/?alertrule=1", "alertrule", "alertRule"),
    ("environments/?visiblity=all", "visiblity", "visibility"),
    ("org-auth-tokens/?Status=active", "Status", "status"),
  ])
  func slipsAreRefusedOnRoutesOfSentry(target: String, given: String, near: String) throws {
    let answer = try ServiceFixture.world().ask(Self.organization + target)
    #expect(answer.status == 400)
    let detail = try detail(answer.text)
    #expect(detail.hasPrefix("There is no parameter \"\(given)\"; near: \"\(near)\""))
  }

  /// What is a key of the search would select nothing as a parameter.
  @Test(arguments: [
    ("sessions/?field=sum(session)&release=shop@1.9.0", "release", "release"),
    ("sessions/?field=sum(session)&releases=shop@1.9.0", "releases", "release"),
    ("sessions/?field=sum(session)&session.status=crashed", "session.status", "session.status"),
    ("sessions/?field=sum(session)&status=crashed", "status", "session.status"),
    ("sessions/?field=sum(session)&version=1.9", "version", "release.version"),
    ("releases/?release=shop@1.9.0", "release", "release"),
    ("releases/?finalised=true", "finalised", "finalized"),
    ("releases/stats/?package=shop", "package", "release.package"),
    ("/api/0/projects/default/shop/releases/?release=shop@1.9.0", "release", "release"),
  ])
  func keysOfTheSearchAreNoParameters(target: String, given: String, key: String) throws {
    let path = target.hasPrefix("/") ? target : Self.organization + target
    let answer = try ServiceFixture.world().ask(path)
    #expect(answer.status == 400)
    let begins =
      "There is no parameter \"\(given)\"; near: \"query\", as query=\(key):VALUE. There are "
    #expect(try detail(answer.text).hasPrefix(begins), "\(answer.text)")
  }

  @Test func othersAreLetThroughNamedAndCounted() throws {
    let fixture = try ServiceFixture.world()
    let target =
      Self.organization
      + "sessions/?field=sum(session)&statsPeriod=1d&utc=true&referrer=a%20b&utc=1&a%0D%0Ab=c"
    let response = fixture.send(
      .get, target, headers: ["Authorization": "Bearer \(ServiceFixture.token)"])
    #expect(response.status == 200)
    #expect(response.headers["Hale-Ignored"] == "utc, referrer, a%0D%0Ab")
    let plain = fixture.send(
      .get, Self.organization + "sessions/?field=sum(session)&statsPeriod=1d",
      headers: ["Authorization": "Bearer \(ServiceFixture.token)"])
    #expect(plain.status == 200 && plain.headers["Hale-Ignored"] == nil)
    // Requests that are refused for another reason are not counted.
    #expect(fixture.ask(Self.organization + "sessions/?utc=1").status == 400)
    let metrics = fixture.ask("/metrics", token: nil).text
    let route = "/api/0/organizations/{organization}/sessions"
    #expect(metrics.contains("hale_api_ignored_names_total{route=\"\(route)\"} 3\n"))
  }

  /// Every route of Hale's own, with every method.
  @Test func allOthersAreRefusedOnRoutesOfHale() throws {
    let fixture = try ServiceFixture.world()
    var own: Set<String> = []
    for route in fixture.dependencies.routes {
      let path = route.name.replacing("{organization}", with: "default")
        .replacing("{project}", with: "shop").replacing("{version}", with: "shop@1.9.0")
        .replacing("{rule}", with: "1").replacing("{channel}", with: "1")
      for action in route.actions {
        let answer = fixture.change(action.method, path + "/?nothing=1")
        guard answer.status == 400, answer.text.contains("no parameter") else { continue }
        own.insert(String(route.name.split(separator: "/").last ?? ""))
        let detail = try detail(answer.text)
        #expect(detail.hasPrefix("There is no parameter \"nothing\". There are "), "\(route.name)")
        for name in action.parameters.names { #expect(detail.contains(name)) }
        if action.method == .get { continue }
        let body = fixture.change(action.method, path, "{\"nothing\": 1}")
        #expect(body.status == 400 && body.text.contains("no member"), "\(route.name)")
      }
    }
    #expect(
      own == [
        "explain", "compare", "outcomes", "adoption", "active", "gate", "estimate", "backtest",
        "evaluations", "mute", "objectives", "budget", "notice-channels", "{channel}", "test",
        "notices",
      ])
  }

  /// On Hale's own routes no value of two is dropped; on Sentry's the last one stands, as there.
  @Test(arguments: [
    ("releases/shop@1.9.0/gate/?maxDrop=0.1&maxDrop=5", "maxDrop"),
    ("releases/shop@1.9.0/gate/?maxDrop=5&maxDrop=5", "maxDrop"),
    ("releases/shop@1.9.0/gate/?project=shop&environment=production&environment=staging", nil),
    ("outcomes/?statsPeriod=1h&statsPeriod=24h", "statsPeriod"),
    ("outcomes/?groupBy=project&groupBy=reason", nil),
    ("active/?groupBy=release&groupBy=environment&project=shop&project=1", nil),
    ("adoption/?by=users&by=sessions", "by"),
    ("sessions/compare/?base=a&base=b&candidate=shop@1.9.0", "base"),
    ("notices/?per_page=1&per_page=2", "per_page"),
    ("sessions/?field=sum(session)&statsPeriod=1h&statsPeriod=1d", nil),
  ])
  func repeatedParameters(target: String, name: String?) throws {
    let answer = try ServiceFixture.world().ask(Self.organization + target)
    #expect(answer.status == (name == nil ? 200 : 400), "\(answer.text)")
    guard let name else { return }
    #expect(
      try detail(answer.text)
        == "The parameter \"\(name)\" is given more than once, but it takes one value.")
  }

  @Test(
    arguments: [
      (.post, "releases/", #"{"version": "a@1", "project": ["shop"]}"#, "projects"),
      (.post, "releases/", #"{"version": "a@1", "dateRelease": "x"}"#, "dateReleased"),
      (.put, "releases/shop@1.9.0/", #"{"Status": "archived"}"#, "status"),
      (.post, "projects/", #"{"name": "a", "platfrom": "python"}"#, "platform"),
      (.post, "org-auth-tokens/", #"{"name": "a", "scopes": ["admin"]}"#, "scope"),
      (.post, "notice-channels/", #"{"name": "a", "kind": "slack", "URL": "x"}"#, "url"),
      (.post, "alert-rules/backtest/", #"{"rule": {}, "statsperiod": "1h"}"#, "statsPeriod"),
      (.put, "/api/0/projects/default/shop/objectives/", #"{"taget": 99}"#, "target"),
    ] as [(HTTP.Method, String, String, String)])
  func membersOfBodies(method: HTTP.Method, target: String, body: String, near: String) throws {
    let path = target.hasPrefix("/") ? target : Self.organization + target
    let answer = try ServiceFixture.world().change(method, path, body)
    #expect(answer.status == 400)
    let detail = try detail(answer.text)
    #expect(detail.hasPrefix("There is no member \"") && detail.contains("; near: \"\(near)\""))
  }

  /// What release tools send has no effect, and is no slip of the hand.
  @Test func membersOfReleaseToolsAreLetThrough() throws {
    let fixture = try ServiceFixture.world()
    let response = fixture.send(
      .post, Self.organization + "releases/",
      headers: ["Authorization": "Bearer \(ServiceFixture.adminToken)"],
      body: [
        Array(
          #"{"version": "a@1", "projects": ["shop"], "refs": [], "commits": [], "ref": "r"}"#.utf8)
      ])
    #expect(response.status == 201 && response.headers["Hale-Ignored"] == "refs, commits")
  }

  @Test(arguments: [
    (
      "sessions/compare/?base=typo@1&candidate=shop@1.9.0", 400,
      "There is no release \"typo@1\". There are "
    ),
    (
      "sessions/compare/?base=shop@1.9.0&candidate=shop@1.9.1", 400,
      "There is no release \"shop@1.9.1\"; near: \"shop@1.9.0\""
    ),
    (
      "sessions/compare/?base=a@1&candidate=b@1", 400,
      "There is no release \"a@1\". There are shop@1.9.0, shop@1.10.0+8, shop@1.0.0+7. "
        + "There is no release \"b@1\". There are "
    ),
    (
      "releases/shop@1.9.0/estimate/?environment=x&environment=production&environment=y", 400,
      "There is no environment \"x\". There are production, staging. "
        + "There is no environment \"y\". There are production, staging."
    ),
    (
      "sessions/compare/?base=shop@1.9.0&candidate=shop@1.0.0%2B7&environment=prod", 400,
      "There is no environment \"prod\"; near: \"production\". There are production, staging."
    ),
    (
      "sessions/compare/?base=shop@1.9.0&candidate=shop@1.0.0%2B7&project=shpo", 400,
      "There is no project \"shpo\"; near: \"shop\". There is only shop."
    ),
    ("releases/shop@1.9.0/gate/?environment=prod", 400, "There is no environment \"prod\""),
    ("releases/typo@9/gate/?environment=prod", 400, "There is no environment \"prod\""),
    ("releases/shop@1.9.0/gate/?project=nope", 400, "There is no project \"nope\""),
    ("releases/Shop@1.9.0/gate/", 400, "There is no release \"Shop@1.9.0\"; near: "),
    ("releases/shop@1.9.1/gate/", 404, "There is no release \"shop@1.9.1\". There are "),
    ("releases/shop@1.9/gate/", 400, "There is no release \"shop@1.9\"; near: \"shop@1.9.0\"."),
    ("releases/LATEST/gate/", 400, "There is no release \"LATEST\"; near: \"latest\"."),
    ("releases/a%2Fb/gate/", 400, "Invalid release: \"a/b\". A release has 1 to 200 bytes"),
    ("releases/shop@1.9.0/gate/?baseline=shop@7", 400, "There is no release \"shop@7\""),
    ("releases/shop@1.9.0/estimate/?environment=stagin", 400, "There is no environment \"stagin\""),
    ("releases/shop@1.9.1/estimate/", 404, "There is no release \"shop@1.9.1\"; near: "),
    (
      "sessions/?field=sum(session)&project=shpo", 403,
      "You do not have permission to perform this action. "
        + "There is no project \"shpo\"; near: \"shop\""
    ),
    (
      "sessions/?field=sum(session)&statsPeriod=1d&query=project:shpo", 400,
      "Invalid query. Project(s) shpo do not exist or are not actively selected. "
        + "There is no project \"shpo\"; near: \"shop\". There is only shop."
    ),
    (
      "outcomes/?groupBy=reasons", 400,
      "Invalid groupBy: \"reasons\"; near: \"reason\". There are project, reason."
    ),
    (
      "environments/?visibility=foo", 400,
      "Invalid value for 'visibility'. There are all, hidden, visible."
    ),
    (
      "/api/0/organizations/defualt/releases/", 404,
      "The requested resource does not exist. There is no organization \"defualt\"; near: "
        + "\"default\". There is only default."
    ),
    ("outcomes/?project=shpo", 400, "There is no project \"shpo\"; near: \"shop\""),
    ("adoption/?project=shpo", 400, "There is no project \"shpo\""),
    ("active/?project=shpo", 400, "There is no project \"shpo\""),
    (
      "active/?groupBy=relase", 400,
      "Invalid groupBy: \"relase\"; near: \"release\". There are project, release, environment."
    ),
    ("active/?environment=prod", 400, "There is no environment \"prod\"; near: \"production\"."),
    ("adoption/?environment=prod", 400, "There is no environment \"prod\"; near: \"production\"."),
    (
      "sessions/explain/?environment=prod&environment=production", 400,
      "There is no environment \"prod\"; near: \"production\"."
    ),
    ("sessions/explain/?project=shpo", 400, "There is no project \"shpo\""),
  ])
  func valuesAreNeverZeros(target: String, status: Int, begins: String) throws {
    let path = target.hasPrefix("/") ? target : Self.organization + target
    let answer = try ServiceFixture.world().ask(path)
    #expect(answer.status == status)
    #expect(try detail(answer.text).hasPrefix(begins), "\(answer.text)")
    // A client waits for what may still come, and for nothing else.
    let isGate = target.contains("/gate/")
    #expect(answer.text.contains("\"missing\":\"release\"") == (isGate && status == 404))
  }

  /// Clients of Sentry get their answer, with what is unknown in a header.
  @Test(
    arguments: [
      ("sessions/?field=sum(session)&statsPeriod=1d", "prod", #"prod; near="production""#),
      ("sessions/?field=count_unique(user)&statsPeriod=1d", "prod", #"prod; near="production""#),
      ("sessions/?field=sum(session)&statsPeriod=1d", "a%0D%0Ab", "a%0D%0Ab"),
      ("sessions/?field=sum(session)&statsPeriod=1d", "production", nil),
      // It is known, though it has no session in the range.
      ("sessions/?field=sum(session)&statsPeriod=1h", "staging", nil),
      ("sessions/?field=sum(session)&statsPeriod=1d", "", nil),
      ("releases/?per_page=1", "stagin", #"stagin; near="staging""#),
      ("releases/?query=nothing", "staging", nil),
      ("releases/stats/?per_page=1", "stagin", #"stagin; near="staging""#),
      ("releases/shop@1.9.0/?health=1", "stagin", #"stagin; near="staging""#),
      ("releases/shop@1.10.0%2B8/?health=1", "staging", nil),
      (
        "/api/0/projects/default/shop/releases/shop@1.9.0/stats/?type=users", "stagin",
        #"stagin; near="staging""#
      ),
      (
        "sessions/?field=sum(session)&statsPeriod=1d&environment=production", "stagin",
        #"stagin; near="staging""#
      ),
    ] as [(String, String, String?)])
  func unknownEnvironmentsAreNamed(target: String, given: String, named: String?) throws {
    let path = (target.hasPrefix("/") ? target : Self.organization + target)
    let response = try ServiceFixture.world().send(
      .get, path + "&environment=" + given,
      headers: ["Authorization": "Bearer \(ServiceFixture.token)"])
    #expect(response.status == 200)
    #expect(response.headers["Hale-Unknown"] == named.map { "environment=" + $0 })
  }

  /// Before the first session every environment is still to come.
  @Test func aGateWaitsForTheFirstSession() throws {
    let answer = try ServiceFixture().ask(
      Self.organization + "releases/shop@1/gate/?environment=production")
    #expect(answer.status == 404 && answer.text.contains("\"missing\":\"release\""))
  }

  /// A name that is pasted into the search is found, whatever it has.
  @Test(
    arguments: [
      ("a:b@1", ["a:b@1"]), ("A:B@1", ["a:b@1"]), ("a:b@", ["a:b@1"]), ("\"a:b\"", ["a:b@1"]),
      ("!a:b@1", ["a:c"]), ("\"a:c\"", ["a:c"]), ("a:x@1", []), ("release:a:b@1", ["a:b@1"]),
      ("a:c", nil), ("a:\"b@1\"", nil), ("a:*@1", nil), ("relase:a:b@1", nil),
      // These are terms, which other searches have.
      ("environment:x@y", nil), ("project:x@y", nil), ("session.status:x@y", nil),
      ("Environment:x@y", nil), ("finalized:x@y", nil),
    ] as [(String, [String]?)])
  func namesWithColonsAreFound(search: String, versions: [String]?) throws {
    let fixture = try ServiceFixture()
    for version in ["a:b@1", "a:c"] {
      let made = fixture.change(
        .post, Self.organization + "releases/",
        "{\"version\": \"\(version)\", \"projects\": [\"shop\"]}")
      #expect(made.status == 201)
    }
    let text = try #require(
      search.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
    let answer = fixture.ask(Self.organization + "releases/?query=" + text)
    #expect(answer.status == (versions == nil ? 400 : 200))
    guard let versions else { return }
    let found = try object(answer.text, as: [[String: Any]].self)
    #expect(found.compactMap { $0["version"] as? String } == versions, "\(answer.text)")
  }
}
