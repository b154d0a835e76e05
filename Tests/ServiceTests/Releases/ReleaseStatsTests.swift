import Foundation
import Testing

@testable import Service

@Suite struct ReleaseStatsTests {
  static let stats = "/api/0/projects/default/shop/releases/shop@1.10.0%2B8/stats/"

  private func ask(_ query: String) throws -> [String: Any] {
    let answer = try ServiceFixture.world().ask(Self.stats + query)
    #expect(answer.status == 200, "\(answer.text)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(answer.text.utf8)) as? [String: Any])
  }

  @Test func sessionsByDay() throws {
    let answer = try ask("?statsPeriod=3d")
    let stats = try #require(answer["stats"] as? [[Any]])
    let points = stats.compactMap { $0[1] as? [String: Any] }
    #expect(stats.compactMap { $0[0] as? Int } == [1_767_052_800, 1_767_139_200, 1_767_225_600])
    #expect(points.map { $0["sessions"] as? Int } == [30, 0, 30])
    #expect(points.map { $0["sessions_crashed"] as? Int } == [0, 0, 3])
    #expect(points[0]["duration_p50"] is NSNull)
    let totals = try #require(answer["statTotals"] as? [String: Int])
    #expect(
      totals == [
        "sessions": 60, "sessions_healthy": 57, "sessions_errored": 0, "sessions_unhandled": 0,
        "sessions_abnormal": 0, "sessions_crashed": 3,
      ])
  }

  @Test func usersCountOnce() throws {
    let totals = try #require(
      try ask("?statsPeriod=3d&type=users")["statTotals"] as? [String: Int])
    #expect(totals["users"] == 30 && totals["users_crashed"] == 3)
  }

  /// Cumulative from the release's creation two days ago; after that comes nothing, since now is
  /// no more than a day behind the second end.
  @Test func usersBreakdown() throws {
    let breakdown = try #require(
      try ask("?statsPeriod=3d")["usersBreakdown"] as? [[String: Any]])
    #expect(
      breakdown.compactMap { $0["date"] as? String } == [
        "2025-12-31T12:00:00Z", "2026-01-01T12:00:00Z",
      ])
    #expect(breakdown.map { $0["totalSessions"] as? Int } == [30, 60])
    #expect(breakdown.map { $0["totalUsers"] as? Int } == [30, 30])
    #expect(breakdown.map { $0["crashFreeUsers"] as? Double } == [100, 90])
  }

  @Test(arguments: [
    ("?type=bugs", 400, "{\"detail\":\"invalid stat\"}"),
    ("?environment=nowhere", 200, "\"sessions\":0"),
  ])
  func otherQuestions(_ query: String, _ status: Int, _ text: String) throws {
    let answer = try ServiceFixture.world().ask(Self.stats + query)
    #expect(answer.status == status && answer.text.contains(text))
  }

  @Test func anUnknownReleaseIsNotFound() throws {
    let answer = try ServiceFixture.world().ask(
      "/api/0/projects/default/shop/releases/unknown/stats/")
    #expect(answer.status == 404)
  }
}
