@testable import Queries
import Foundation
import HTTP
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Service

@Suite struct ReleasesTests {
  static let list = "/api/0/organizations/default/releases/"

  private func json(_ fixture: ServiceFixture, _ target: String) throws -> [[String: Any]] {
    try fixture.json(target, as: [[String: Any]].self)
  }

  private static func series(_ release: String) -> SeriesKey {
    SeriesKey(project: ProjectID(rawValue: 1), release: release, environment: nil)
  }

  private func versions(_ fixture: ServiceFixture, _ query: String) throws -> [String] {
    try json(fixture, Self.list + "?" + query).compactMap { $0["version"] as? String }
  }

  @Test func aReleaseThatOnlySessionsKnowIsListed() throws {
    let release = try #require(try json(ServiceFixture.world(), Self.list).last)
    #expect(release["version"] as? String == "shop@1.0.0+7")
    #expect(release["dateCreated"] as? String == "2025-12-29T12:00:00Z")
    for name in ["dateReleased", "dateStarted", "firstEvent", "lastEvent", "lastCommit"] {
      #expect(release[name] is NSNull, "\(name)")
    }
    let info = try #require(release["versionInfo"] as? [String: Any])
    #expect(info["package"] as? String == "shop")
    #expect(info["description"] as? String == "1.0.0 (7)")
    let version = try #require(info["version"] as? [String: Any])
    #expect(version["raw"] as? String == "1.0.0+7" && version["buildCode"] as? String == "7")
    let project = try #require((release["projects"] as? [[String: Any]])?.first)
    #expect(project["slug"] as? String == "shop" && project["id"] as? Int == 1)
    // Without health=1 it is always false, as in Sentry.
    #expect(project["hasHealthData"] as? Bool == false && project["healthData"] == nil)
    #expect(release["adoptionStages"] == nil)
  }

  /// Otherwise what stands in parentheses is a word like others. Blanks take no time.
  @Test func buildsAreFoundAsTheyAreShownToPeople() throws {
    let blanks = String(repeating: " ", count: 100_000)
    for (query, isBuild) in [
      ("1.9.0 (7)", true), ("1.9.0\t  (7) ", true), ("1.9.0\(blanks)(7)\(blanks)", true),
      ("1.9.0(7)", false), ("1.9.0 7", false), ("shop AND (7)", false), ("(7)", false),
      ("shop (7) OR 8", false), ("1.9.0\(blanks)7", false), ("shop\(blanks)(7) OR 8", false),
    ] {
      let search = try ReleaseSearch(query, environments: EnvironmentSelection())
      #expect(search.ofOthers.matches(Self.series("shop@1.9.0+7")))
      #expect(search.ofOthers.matches(Self.series("shop@7.1.9.0")) != isBuild)
    }
  }

  @Test func healthOfAReleaseInAProject() throws {
    let releases = try json(
      ServiceFixture.world(), Self.list + "?health=1&flatten=1&environment=production&sort=date")
    let release = try #require(releases.first { $0["version"] as? String == "shop@1.9.0" })
    let project = try #require((release["projects"] as? [[String: Any]])?.first)
    let health = try #require(project["healthData"] as? [String: Any])
    #expect(health["totalSessions"] as? Int == 12 && health["sessionsCrashed"] as? Int == 5)
    let crashFree: Double = (1 - 5.0 / 12) * 100
    #expect(health["crashFreeSessions"] as? Double == crashFree)
    #expect(health["totalUsers"] as? Int == 10 && health["crashFreeUsers"] as? Double == 50)
    // In the last 24 hours, to the minute: noon of yesterday is just in.
    #expect(health["totalSessions24h"] as? Int == 12)
    #expect(health["totalProjectSessions24h"] as? Int == 42)
    let share: Double = 12.0 / 42 * 100
    #expect(health["sessionsAdoption"] as? Double == share)
    // Users of both releases count once in the project.
    #expect(health["totalProjectUsers24h"] as? Int == 30)
    let adoption: Double = 10.0 / 30 * 100
    #expect(health["adoption"] as? Double == adoption)
    #expect(project["hasHealthData"] as? Bool == true)
    let stats = try #require((health["stats"] as? [String: Any])?["24h"] as? [[Int]])
    #expect(stats.count == 24)
    #expect(stats.first { $0[1] > 0 } == [1_767_225_600 + 10 * 3600, 10])
    #expect(stats.last?[0] == 1_767_225_600 + 12 * 3600)
  }

  struct Order: Sendable {
    var query: String
    var versions: [String]
  }

  @Test(arguments: [
    Order(query: "", versions: ["1.9.0", "1.10.0+8", "1.0.0+7"]),
    Order(query: "sort=date", versions: ["1.9.0", "1.10.0+8", "1.0.0+7"]),
    Order(query: "sort=semver", versions: ["1.10.0+8", "1.9.0", "1.0.0+7"]),
    Order(query: "sort=build", versions: ["1.10.0+8", "1.0.0+7"]),
    Order(query: "sort=sessions&flatten=1", versions: ["1.10.0+8", "1.0.0+7", "1.9.0"]),
    Order(query: "sort=users&flatten=1", versions: ["1.0.0+7", "1.10.0+8", "1.9.0"]),
    Order(query: "sort=sessions_24h&flatten=1", versions: ["1.10.0+8", "1.9.0", "1.0.0+7"]),
    Order(query: "sort=users_24h&flatten=1", versions: ["1.10.0+8", "1.9.0", "1.0.0+7"]),
    // The worst first.
    Order(
      query: "sort=crash_free_sessions&flatten=1", versions: ["1.9.0", "1.0.0+7", "1.10.0+8"]),
    Order(query: "sort=crash_free_users&flatten=1", versions: ["1.9.0", "1.10.0+8", "1.0.0+7"]),
    Order(query: "sort=adoption", versions: ["1.9.0", "1.10.0+8", "1.0.0+7"]),
    Order(
      query: "sort=crash_free_sessions&flatten=1&summaryStatsPeriod=24h",
      versions: ["1.9.0", "1.10.0+8", "1.0.0+7"]),
    Order(query: "per_page=1&cursor=0:1:0", versions: ["1.10.0+8"]),
    Order(query: "query=1.9", versions: ["1.9.0"]),
    Order(query: "query=SHOP", versions: ["1.9.0", "1.10.0+8", "1.0.0+7"]),
    Order(query: "query=release.version:>1.0.0", versions: ["1.9.0", "1.10.0+8"]),
    Order(query: "query=release.version:>=1.10", versions: ["1.10.0+8"]),
    Order(query: "query=release.version:1.10.*", versions: ["1.10.0+8"]),
    Order(query: "query=release.version:1.*", versions: ["1.9.0", "1.10.0+8", "1.0.0+7"]),
    Order(query: "query=release.version:shop@1.9", versions: ["1.9.0"]),
    Order(query: "query=release.version:app@1.9", versions: []),
    Order(query: "query=!release.version:1.10.0", versions: ["1.9.0", "1.0.0+7"]),
    Order(query: "query=release.package:shop", versions: ["1.9.0", "1.10.0+8", "1.0.0+7"]),
    Order(query: "query=release.package:other", versions: []),
    Order(query: "query=release.build:>7", versions: ["1.10.0+8"]),
    Order(query: "query=release.build:[7,8]", versions: ["1.10.0+8", "1.0.0+7"]),
    Order(query: "query=release:shop@1.9.0", versions: ["1.9.0"]),
    Order(query: "query=release:latest", versions: ["1.10.0+8"]),
    Order(query: "query=!release:latest", versions: ["1.9.0", "1.0.0+7"]),
    Order(query: "query=release:[latest, *1.0.0*]", versions: ["1.10.0+8", "1.0.0+7"]),
    // Within the environments, the summary's range and the rest of the search.
    Order(query: "environment=staging&query=release:latest", versions: ["1.9.0"]),
    Order(query: "query=release:latest release.version:<1.10", versions: ["1.9.0"]),
    Order(query: "summaryStatsPeriod=1h&query=release:latest", versions: []),
    Order(query: "project=shop&query=release:latest release.package:other", versions: []),
    Order(
      query: "environment=production&query=release.stage:adopted", versions: ["1.9.0", "1.10.0+8"]),
    Order(query: "environment=production&query=release.stage:low_adoption", versions: ["1.0.0+7"]),
    Order(query: "environment=staging", versions: ["1.9.0"]),
    Order(query: "status=archived", versions: []),
    Order(query: "statsPeriod=36h", versions: ["1.9.0"]),
    Order(query: "project=shop&project=1", versions: ["1.9.0", "1.10.0+8", "1.0.0+7"]),
  ])
  func ordersAndFilters(_ example: Order) throws {
    #expect(
      try versions(ServiceFixture.world(), example.query) == example.versions.map { "shop@" + $0 },
      "\(example.query)")
  }

  @Test(arguments: [
    ("sort=sessions", "sorting by crash statistics requires flattening (flatten=1)"),
    (
      "sort=beauty",
      "invalid sort. There are date, semver, build, adoption, sessions, users, sessions_24h, "
        + "users_24h, crash_free_sessions, crash_free_users."
    ),
    ("status=gone", "invalid value for status. There are open, archived."),
    ("healthStat=bugs", "invalid healthStat. There are sessions, users."),
    (
      "summaryStatsPeriod=3d",
      "Invalid summaryStatsPeriod. Valid choices are '1h', '24h', '1d', '48h', '2d', '7d', "
        + "'14d', '30d', '90d'"
    ),
    (
      "query=release.version:new",
      "Invalid release.version: \\\"new\\\". Give a version, for example 1.2.3, >=1.2 or 1.2.*."
    ),
    (
      "query=environment:x@y",
      "Invalid search filter: environment. There are release, release.package, release.version, "
        + "release.build, release.stage, finalized. The parameter environment= selects by "
        + "environment."
    ),
    ("query=release.stage:adopted", "Choose a single environment to filter by release stage."),
  ])
  func refusals(_ query: String, _ detail: String) throws {
    let answer = try ServiceFixture().ask(Self.list + "?" + query)
    #expect(answer.status == 400 && answer.text == "{\"detail\":\"\(detail)\"}")
  }

  @Test func stagesAreGivenWhenAskedFor() throws {
    let releases = try json(
      ServiceFixture.world(), Self.list + "?adoptionStages=1&environment=production")
    let stages = releases.map { release -> [String?] in
      let stage = (release["adoptionStages"] as? [String: [String: Any]])?["shop"]
      return [stage?["stage"] as? String, stage?["adopted"] as? String]
    }
    #expect(
      stages == [
        ["adopted", "2026-01-01T12:00:00Z"], ["adopted", "2026-01-01T12:00:00Z"],
        ["low_adoption", nil],
      ])
  }

  /// A page counts its own releases alone, and their shares are of the whole project.
  @Test func healthOfALaterPage() throws {
    let releases = try json(
      ServiceFixture.world(),
      Self.list + "?health=1&flatten=1&sort=sessions&per_page=1&cursor=0:2:0")
    #expect(releases.map { $0["version"] as? String } == ["shop@1.9.0"])
    let project = try #require((releases[0]["projects"] as? [[String: Any]])?.first)
    let health = try #require(project["healthData"] as? [String: Any])
    #expect(health["totalSessions"] as? Int == 13)
    #expect(health["totalSessions24h"] as? Int == 13)
    #expect(health["totalProjectSessions24h"] as? Int == 43)
  }

  @Test func releasesAreMadeChangedAndRemoved() throws {
    let fixture = try ServiceFixture.world()
    let made = fixture.change(
      .post, Self.list, #"{"version":"shop@3","projects":["shop"],"url":"https://x"}"#)
    #expect(made.status == 201 && made.text.contains(#""url":"https://x""#))
    let again = fixture.change(.post, Self.list, #"{"version":"shop@3","projects":[1]}"#)
    #expect(again.status == 208 && again.text.contains(#""dateReleased":null"#))
    let finalized = fixture.change(
      .put, Self.list + "shop@3/", #"{"projects":["shop"],"dateReleased":"2026-01-01T11:00:00Z"}"#)
    #expect(
      finalized.status == 200
        && finalized.text.contains(#""dateReleased":"2026-01-01T11:00:00Z""#))
    #expect(try versions(fixture, "").first == "shop@3")
    #expect(
      fixture.change(.post, Self.list, #"{"version":"shop@3","projects":[1],"status":"archived"}"#)
        .status == 208)
    #expect(try versions(fixture, "status=archived") == ["shop@3"])
    #expect(fixture.change(.delete, Self.list + "shop@3/").status == 204)
    #expect(fixture.change(.delete, Self.list + "shop@3/").status == 404)
    let refused = fixture.change(.delete, Self.list + "shop@1.9.0/")
    #expect(
      refused.status == 400
        && refused.text == #"{"detail":"This release has health data and cannot be removed."}"#)
  }

  @Test(arguments: [
    (#"{"projects":["shop"]}"#, #""version" is required."#),
    (#"{"version":"a"}"#, #""projects" is required: a list of ids or slugs."#),
    (#"{"version":"a","projects":[]}"#, #""projects" is required: a list of ids or slugs."#),
    (
      #"{"version":5}"#,
      #"The body is not the expected JSON: "version" has the wrong type, expected a string."#
    ),
    ("[]", "The body is not the expected JSON: it must be an object."),
    ("{", "The body is not the expected JSON: it cannot be read."),
    (
      #"{"version":"latest","projects":["shop"]}"#,
      #"Invalid release name: "latest". "# + Normalization.releaseRule
    ),
    (
      #"{"version":" ","projects":["shop"]}"#,
      #"Invalid release name: " ". "# + Normalization.releaseRule
    ),
    (#"{"version":"a","projects":[1],"status":"gone"}"#, "invalid value for status"),
  ])
  func badReleasesAreRefused(_ body: String, _ detail: String) throws {
    let answer = try ServiceFixture().change(.post, Self.list, body)
    let escaped = detail.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    #expect(answer.status == 400 && answer.text == "{\"detail\":\"\(escaped)\"}")
  }

  @Test func unknownProjectsAreNamedByTheirMember() throws {
    let answer = try ServiceFixture().change(
      .post, Self.list, #"{"version":"a","projects":["shop","shpo"]}"#)
    #expect(answer.status == 400)
    #expect(
      answer.text
        == #"{"projects":["Invalid project ids or slugs: \"shpo\"; near: \"shop\". "#
        + #"There is only shop."]}"#)
  }

  /// 201 for a release that is new, or new in one of the projects; a project that its sessions know
  /// is not new.
  @Test func statusesOfReleases() throws {
    let fixture = try ServiceFixture.world()
    try fixture.change { (store) throws(StoreError) in
      _ = try store.createProject(
        organization: OrganizationID(rawValue: 1), slug: "till", settings: ProjectSettings(),
        id: nil,
        publicKey: String(repeating: "b", count: 32), at: ServiceFixture.now)
    }
    for (version, projects, status) in [
      ("a", #"["shop"]"#, 201), ("a", #"["shop"]"#, 208), ("a", #"["shop", "till"]"#, 201),
      ("a", #"["till", "shop"]"#, 208), ("a", "[]", 208), ("a", "null", 400), ("c", "[]", 400),
      ("shop@1.9.0", #"["shop"]"#, 208),
      ("shop@1.9.0", "[2]", 201), ("b", #"["shop", "till"]"#, 201),
    ] {
      let answer = fixture.change(
        .post, Self.list, "{\"version\": \"\(version)\", \"projects\": \(projects)}")
      #expect(answer.status == status, "\(version) \(projects)")
    }
    let path = Self.list.replacing("organizations/default", with: "projects/default/till")
    #expect(fixture.change(.post, path, #"{"version":"shop@1.10.0+8"}"#).status == 201)
    #expect(fixture.change(.post, path, #"{"version":"shop@1.10.0+8"}"#).status == 208)
  }

  @Test func aTokenThatReadsChangesNothing() throws {
    let answer = try ServiceFixture().change(
      .post, Self.list, #"{"version":"a"}"#, token: ServiceFixture.token)
    #expect(
      answer.status == 403
        && answer.text == #"{"detail":"You do not have permission to perform this action."}"#)
  }

  /// The shares of all releases of a project add up to the whole.
  @Test func adoptionsBySessionsAddUp() throws {
    let releases = try json(ServiceFixture.world(), Self.list + "?health=1&flatten=1")
    let shares = releases.compactMap { release -> Double? in
      let project = (release["projects"] as? [[String: Any]])?.first
      return (project?["healthData"] as? [String: Any])?["sessionsAdoption"] as? Double
    }
    #expect(abs(shares.reduce(0, +) - 100) < 1e-9)
  }
}
