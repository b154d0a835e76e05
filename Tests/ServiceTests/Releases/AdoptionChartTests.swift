import Foundation
import TestSupport
import Testing

@testable import Service

@Suite struct AdoptionChartTests {
  static let organization = "/api/0/organizations/default/"

  private func ask(_ target: String) throws -> [String: Any] {
    try ServiceFixture.world().json(Self.organization + target)
  }

  @Test func sharesOfEachReleaseByDay() throws {
    let chart = try ask("adoption/?project=shop&statsPeriod=3d&interval=1d")
    #expect((chart["intervals"] as? [String])?.count == 4)
    #expect((chart["total"] as? [String: Any])?["series"] as? [Int] == [40, 30, 2, 41])
    let releases = try #require(chart["releases"] as? [[String: Any]])
    #expect(
      releases.map { $0["release"] as? String }
        == ["shop@1.10.0+8", "shop@1.0.0+7", "shop@1.9.0"])
    #expect(releases.map { $0["count"] as? Int } == [60, 40, 13])
    let series = try #require(releases[0]["series"] as? [String: [Any]])
    #expect(series["count"] as? [Int] == [0, 30, 0, 30])
    #expect(series["share"]?.last as? Double == 30.0 / 41)
    #expect(chart["others"] is NSNull)
  }

  /// The shares of a bucket add up to the whole, with the releases beyond the first ones.
  @Test func theRestIsSummedUp() throws {
    let chart = try ask("adoption/?project=1&statsPeriod=3d&interval=1d&top=1")
    let releases = try #require(chart["releases"] as? [[String: Any]])
    let others = try #require(chart["others"] as? [String: Any])
    #expect(releases.count == 1 && others["count"] as? Int == 53)
    let first = try #require((releases[0]["series"] as? [String: [Double]])?["share"])
    let rest = try #require((others["series"] as? [String: [Double]])?["share"])
    for (one, other) in zip(first, rest) { #expect(abs(one + other - 1) < 1e-12) }
  }

  @Test func usersOfSeveralReleasesCountOnceInTheWhole() throws {
    let chart = try ask("adoption/?project=1&statsPeriod=3d&interval=1d&by=users&top=2")
    #expect((chart["total"] as? [String: Any])?["count"] as? Int == 40)
    let releases = try #require(chart["releases"] as? [[String: Any]])
    #expect(releases.map { $0["share"] as? Double } == [1, 0.75])
    #expect(chart["others"] is NSNull)
  }

  @Test(arguments: [
    ("adoption/?project=1&by=bugs", "Invalid by: \\\"bugs\\\". Give sessions or users."),
    ("adoption/?project=1&top=0", "Invalid top: \\\"0\\\". Give a whole number from 1 to 1000."),
    (
      "active/?groupBy=color",
      "Invalid groupBy: \\\"color\\\". There are project, release, environment."
    ),
  ])
  func refusals(_ target: String, _ detail: String) throws {
    let answer = try ServiceFixture().ask(Self.organization + target)
    #expect(answer.status == 400 && answer.text == "{\"detail\":\"\(detail)\"}", "\(answer.text)")
  }

  /// The last 24 hours to the minute: what started at noon of yesterday is just in.
  @Test func activeSessionsAndUsers() throws {
    let active = try ask("active/?groupBy=release&environment=production")
    #expect(active["start"] as? String == "2025-12-31T12:00:00Z")
    let groups = try #require(active["groups"] as? [[String: Any]])
    #expect(
      groups.map { ($0["by"] as? [String: Any])?["release"] as? String }
        == ["shop@1.10.0+8", "shop@1.9.0"])
    #expect(groups.map { $0["sessions"] as? Int } == [30, 12])
    #expect(groups.map { $0["users"] as? Int } == [30, 10])
  }

  /// A range in the future begins with the current interval; what is to come has nothing to divide
  /// by.
  @Test(arguments: [("sessions", 41), ("users", 30)])
  func theFutureIsEmpty(by: String, today: Int) throws {
    let chart = try ask("adoption/?project=1&start=2027-01-01&end=2027-01-02&interval=1d&by=" + by)
    #expect((chart["intervals"] as? [String])?.first == "2026-01-01T00:00:00Z")
    let total = try #require(chart["total"] as? [String: Any])
    #expect(total["series"] as? [Int] == [today] + Array(repeating: 0, count: 365))
    let releases = try #require(chart["releases"] as? [[String: Any]])
    let shares = try #require((releases[0]["series"] as? [String: [Any]])?["share"])
    #expect(shares[0] is Double && shares.dropFirst().allSatisfy { $0 is NSNull })
  }

  /// Without a range: the last 24 hours by the hour.
  @Test func aChartOfTheLastDay() throws {
    #expect((try ask("adoption/?project=1")["intervals"] as? [Any])?.count == 24)
  }

  @Test func organizationsProjectsAndEnvironments() throws {
    let fixture = try ServiceFixture.world()
    for (target, part) in [
      ("/api/0/", #""auth":{"scopes":["org:read","project:read","project:releases"]}"#),
      ("/api/0/organizations/", #"[{"id":"1","slug":"default","name":"default""#),
      ("/api/0/organizations/1/", #""projects":[{"id":"1","slug":"shop""#),
      ("/api/0/organizations/default/projects/", #""sessionMode":"user""#),
      ("/api/0/organizations/default/projects/?query=SHO", #""slug":"shop""#),
      ("/api/0/projects/", #""environments":["production","staging"]"#),
      ("/api/0/projects/default/shop/", #""hasSessions":true"#),
      ("/api/0/projects/default/1/environments/", #"{"id":"1","name":"production""#),
      ("/api/0/projects/default/shop/environments/staging/", #"{"id":"2","name":"staging""#),
      ("/api/0/organizations/default/environments/?project=shop", #""name":"staging""#),
    ] {
      let answer = fixture.ask(target)
      #expect(answer.status == 200 && answer.text.contains(part), "\(target): \(answer.text)")
    }
    #expect(fixture.ask("/api/0/organizations/default/projects/?query=x").text == "[]")
    #expect(
      fixture.ask("/api/0/projects/default/shop/environments/?visibility=hidden").text == "[]")
    #expect(fixture.ask("/api/0/projects/default/none/").status == 404)
    #expect(fixture.ask("/api/0/organizations/none/").status == 404)
  }
}
