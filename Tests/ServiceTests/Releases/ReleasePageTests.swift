import Foundation
import HTTP
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Service

/// The page of one release (Sentry's page "Retrieve an Organization's Release"), rule by rule.
@Suite struct ReleasePageTests {
  private static func fixture() throws -> ServiceFixture {
    let fixture = try ServiceFixture.world()
    try fixture.change { (store) throws(StoreError) in
      _ = try store.createProject(
        organization: OrganizationID(rawValue: 1), slug: "till", settings: ProjectSettings(),
        id: nil,
        publicKey: String(repeating: "b", count: 32), at: ServiceFixture.now)
    }
    return fixture
  }

  /// The status, and the detail where it is an error; otherwise whether there are neighbours.
  @Test(arguments: [
    SessionsCase("without a project there are no neighbours", "", "200 none"),
    SessionsCase("an empty one is none", "project=", "200 none"),
    SessionsCase("by slug", "project=shop", "200 neighbours"),
    SessionsCase("by number", "project=1", "200 neighbours"),
    SessionsCase("by its old name", "project_id=1", "200 neighbours"),
    SessionsCase("which the new one precedes", "project=shop&project_id=nowhere", "200 neighbours"),
    SessionsCase("all of them", "project=-1", "200 neighbours"),
    SessionsCase(
      "one that is not accessible", "project=nowhere",
      "404 The requested resource does not exist"),
    SessionsCase("nor by number", "project=99", "404 The requested resource does not exist"),
    SessionsCase(
      "nor by its old name", "project_id=99", "404 The requested resource does not exist"),
    SessionsCase(
      "one that does not have the release", "project=till",
      "404 The requested resource does not exist"),
    SessionsCase(
      "one that cannot be read", "project=Shop!",
      "400 Invalid project; near: \"shop\". There are shop, till."),
    SessionsCase(
      "several in one", "project=1,2", "400 Invalid project. There are shop, till."),
    SessionsCase("with a space", "project=a%20b", "400 Invalid project. There are shop, till."),
    SessionsCase("by date", "project=shop&sort=date", "200 neighbours"),
    SessionsCase("by nothing", "project=shop&sort=", "200 neighbours"),
    SessionsCase(
      "in another order, with a project", "project=shop&sort=sessions",
      "400 invalid sort. There is only date."),
    SessionsCase(
      "in the list's other order", "project=shop&sort=crash_free_users&flatten=1",
      "400 invalid sort. There is only date."),
    SessionsCase("without a project it has no effect", "sort=sessions", "200 none"),
    SessionsCase(
      "in no order at all", "sort=beauty",
      "400 invalid sort. There are date, semver, build, adoption, sessions, users, sessions_24h, "
        + "users_24h, crash_free_sessions, crash_free_users."),
    SessionsCase(
      "with no status", "status=gone", "400 invalid value for status. There are open, archived."),
    SessionsCase(
      "in no period", "summaryStatsPeriod=3d",
      "400 Invalid summaryStatsPeriod. Valid choices are '1h', '24h', '1d', '48h', '2d', '7d', "
        + "'14d', '30d', '90d'"),
    SessionsCase(
      "no health period", "healthStatsPeriod=3d",
      "400 Invalid healthStatsPeriod. Valid choices are '1h', '24h', '1d', '48h', '2d', '7d', "
        + "'14d', '30d', '90d'"),
    SessionsCase(
      "in an environment without it", "project=shop&environment=nowhere", "200 neighbours"),
  ])
  func rules(_ rule: SessionsCase<String>) throws {
    let answer = try Self.fixture().ask(ReleasesTests.list + "shop@1.10.0%2B8/?" + rule.query)
    let json = try object(answer.text)
    let meta = (json["currentProjectMeta"] as? [String: Any]).map {
      $0.isEmpty ? "none" : "neighbours"
    }
    #expect("\(answer.status) \(json["detail"] ?? meta ?? "")" == rule.expected)
  }

  @Test func neighboursAndTimes() throws {
    let fixture = try Self.fixture()
    let answer = fixture.ask(ReleasesTests.list + "shop@1.10.0%2B8/?health=1&project=shop")
    let meta = try #require(try object(answer.text)["currentProjectMeta"] as? [String: Any])
    #expect(
      meta as? [String: String] == [
        "nextReleaseVersion": "shop@1.9.0", "prevReleaseVersion": "shop@1.0.0+7",
        "firstReleaseVersion": "shop@1.0.0+7", "lastReleaseVersion": "shop@1.9.0",
        "sessionsLowerBound": "2025-12-30T12:00:00Z", "sessionsUpperBound": "2026-01-01T09:00:00Z",
      ])
    // The filters choose the neighbours, and never hide the release or its numbers.
    let archived = fixture.ask(
      ReleasesTests.list + "shop@1.0.0%2B7/?status=archived&health=1&project=shop")
    for part in [
      #""nextReleaseVersion":null"#, #""lastReleaseVersion":"shop@1.9.0""#,
      #""totalSessions":40"#, #""totalProjectSessions24h":43"#,
    ] {
      #expect(archived.text.contains(part), "\(part) is not in \(archived.text)")
    }
  }

  /// A release that only a release tool knows, and one in an environment without it.
  @Test(arguments: ["shop@3/?project=1", "shop@1.9.0/?project=1&environment=nowhere"])
  func timesWithoutSessionsAreNull(target: String) throws {
    let fixture = try Self.fixture()
    let made = fixture.change(
      .post, ReleasesTests.list, #"{"version":"shop@3","projects":["shop"]}"#)
    #expect(made.status == 201 && made.text.contains(#""currentProjectMeta":{}"#))
    let release = try object(fixture.ask(ReleasesTests.list + target).text)
    let meta = try #require(release["currentProjectMeta"] as? [String: Any])
    #expect(meta["sessionsLowerBound"] is NSNull && meta["sessionsUpperBound"] is NSNull)
    for name in ["dateReleased", "dateStarted", "firstEvent", "lastEvent"] {
      #expect(release[name] is NSNull, "\(name)")
    }
  }

  /// The project in the path is the selected one.
  @Test func thePageInAProject() throws {
    let fixture = try Self.fixture()
    let path = "/api/0/projects/default/shop/releases/shop@1.10.0%2B8/"
    let meta = try object(fixture.ask(path).text)["currentProjectMeta"] as? [String: Any]
    #expect(meta?["nextReleaseVersion"] as? String == "shop@1.9.0")
    #expect(fixture.ask(path + "?sort=users").status == 400)
    #expect(fixture.ask(path.replacing("shop/", with: "nowhere/")).status == 404)
  }

  @Test(arguments: ["unknown/", "unknown/?project=shop", "Shop@1.9.0/"])
  func unknownReleases(target: String) throws {
    #expect(try Self.fixture().ask(ReleasesTests.list + target).status == 404)
  }
}
