@testable import Queries
import Foundation
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import API
@testable import Service

@Suite struct ReleaseStatsTests {
  static let stats = "/api/0/projects/default/shop/releases/shop@1.10.0%2B8/stats/"

  private func ask(_ query: String) throws -> [String: Any] {
    try ServiceFixture.world().json(Self.stats + query)
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

  /// Cumulative from the release's creation two days ago. The third end stands for the seventh
  /// day, which is to come.
  @Test func usersBreakdown() throws {
    let breakdown = try #require(
      try ask("?statsPeriod=3d")["usersBreakdown"] as? [[String: Any]])
    #expect(
      breakdown.compactMap { $0["date"] as? String } == [
        "2025-12-31T12:00:00Z", "2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z",
      ])
    #expect(breakdown.map { $0["totalSessions"] as? Int } == [30, 60, 60])
    #expect(breakdown.map { $0["totalUsers"] as? Int } == [30, 30, 30])
    #expect(breakdown.map { $0["crashFreeUsers"] as? Double } == [100, 90, 90])
  }

  private static let day: Int64 = 86_400_000

  /// The answer as of any time, of a release that was created at any time.
  private func stats(
    _ query: String, created: Timestamp = ServiceFixture.now, now: Timestamp = ServiceFixture.now,
    firstHour: Int? = nil, of fixture: ServiceFixture? = nil
  ) throws -> [String: Any] {
    let project = Project(
      id: ProjectID(rawValue: 1), organization: OrganizationID(rawValue: 1), slug: "shop",
      settings: ProjectSettings(), created: now)
    let request = try ReleaseStatsRequest(
      SessionsFixtures.items(query), project: project, release: "shop@1.10.0+8", now: now)
    let json = try request.json(
      created: created, firstHour: firstHour, store: try (fixture ?? ServiceFixture.world()).store)
    return try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
  }

  private func dates(_ answer: [String: Any]) -> [String?]? {
    (answer["usersBreakdown"] as? [[String: Any]])?.map { $0["date"] as? String }
  }

  /// Ends in days after the creation; the last one is now where it is no whole one.
  private static let ends: [(age: Double, expected: [Double])] = [
    (0.5, [0.5]), (1.5, [1]), (2.5, [1, 2, 2.5]), (3.5, [1, 2, 3.5]), (7.5, [1, 2, 7, 7.5]),
    (8.5, [1, 2, 7, 8.5]), (14.5, [1, 2, 7, 14, 14.5]), (20, [1, 2, 7, 14, 20]),
    (30, [1, 2, 7, 14, 30]), (31, [1, 2, 7, 14, 30]),
  ]

  @Test(arguments: ends)
  func breakdownEnds(age: Double, expected: [Double]) throws {
    let created = ServiceFixture.now.advanced(byMilliseconds: -Int64(age * Double(Self.day)))
    let answer = try stats("statsPeriod=3d", created: created)
    #expect(
      dates(answer)
        == expected.map {
          RFC3339.format(created.advanced(byMilliseconds: Int64($0 * Double(Self.day))))
        })
  }

  /// A release is heard of when the first of its sessions ends, which began before.
  @Test func usersOfBeforeTheCreationCount() throws {
    let created = ServiceFixture.now.advanced(byMilliseconds: -3_600_000)
    let firstHour = created.hour - 2
    for (hour, count) in [(nil, 0), (firstHour, 30), (created.hour + 1, 0)] as [(Int?, Int)] {
      let answer = try stats("statsPeriod=3d", created: created, firstHour: hour)
      let breakdown = try #require(answer["usersBreakdown"] as? [[String: Any]])
      #expect(breakdown.map { $0["totalUsers"] as? Int } == [count])
    }
  }

  /// The clock may have been set back since.
  @Test func aReleaseOfTheFutureHasNoUsersYet() throws {
    let now = ServiceFixture.now.advanced(byMilliseconds: -10 * Self.day)
    let answer = try stats("statsPeriod=3d", now: now)
    let breakdown = try #require(answer["usersBreakdown"] as? [[String: Any]])
    #expect(dates(answer) == [RFC3339.format(now)])
    #expect(breakdown[0]["totalSessions"] as? Int == 0 && breakdown[0]["crashFreeUsers"] is NSNull)
  }

  @Test(arguments: ["sessions", "users"])
  func noWholePointIsNoPoint(type: String) throws {
    let answer = try ask("?statsPeriod=1h&type=" + type)
    #expect((answer["stats"] as? [Any])?.isEmpty == true)
    #expect((answer["statTotals"] as? [String: Int])?[type] == 0)
  }

  /// At 12:34:56 the next boundary behind a day ago is 13:00.
  @Test(arguments: [
    ("statsPeriod=24h&interval=1h", -23, 24), ("statsPeriod=24h&interval=30m", -23, 24),
    ("statsPeriod=24h&interval=90m", -22.5, 16), ("statsPeriod=24h&interval=3660s", -22.7, 23),
    ("statsPeriod=24h", -12, 1), ("statsPeriod=90d&interval=1h", -2159, 2160),
    ("start=2025-12-31T10:00:00&end=2025-12-31T12:00:00&interval=1h", -25, 2),
    ("statsPeriodStart=26h&statsPeriodEnd=24h&interval=1h", -25, 2),
  ])
  func seriesStartAtTheNextBoundary(query: String, hours: Double, points: Int) throws {
    let now = ServiceFixture.now.advanced(byMilliseconds: 2_096_000)
    let series = try #require(try stats(query, now: now)["stats"] as? [[Any]])
    #expect(series.first?[0] as? Int64 == ServiceFixture.now.seconds + Int64(hours * 3600))
    #expect(series.count == points)
  }

  /// Sentry's boundaries: behind one, too, the start moves on, and the end is ten seconds later.
  @Test(arguments: [
    ("start=2025-12-31&end=2026-01-01", [1_767_225_600]),
    ("start=2025-12-30T23:59:59&end=2026-01-01", [1_767_139_200, 1_767_225_600]),
    ("start=2025-12-30T23:59:59&end=2025-12-31T23:59:59", [1_767_139_200]),
  ])
  func pointsOfDays(query: String, starts: [Int]) throws {
    let points = try #require(try stats(query)["stats"] as? [[Any]])
    #expect(points.map { $0[0] as? Int } == starts)
    // The sessions of 09:00 on the next day are none of them.
    #expect(points.allSatisfy { ($0[1] as? [String: Any])?["sessions"] as? Int == 0 })
  }

  /// A session of 09:00 today and one of 09:30 a week ago.
  @Test(arguments: [
    ("start=2025-12-31&end=2026-01-01T08:59:00", 0),
    ("start=2025-12-31&end=2026-01-01T09:00:00", 0),
    ("start=2025-12-31&end=2026-01-01T09:00:01", 30),
    ("start=2025-12-31&end=2026-01-01T09:29:00", 30),
    ("start=2025-12-24&end=2025-12-25T09:00:00", 0),
    ("start=2025-12-24&end=2025-12-25T09:00:01", 1),
    ("start=2025-12-24&end=2025-12-25T09:10:00", 1),
    ("start=2025-12-24&end=2025-12-25T10:00:00", 1),
  ])
  func theEndIsRoundedUpToAMinuteOrWhereThoseAreGoneToAnHour(query: String, sessions: Int) throws {
    let fixture = try ServiceFixture.world()
    let started = Timestamp(
      seconds: ServiceFixture.now.seconds - 7 * 86_400 - 2 * 3600 - 1800)
    var batch = IngestBatch(receivedAt: started)
    batch.add(
      NamedReport(
        key: SessionKey(
          series: SeriesKey(
            project: ProjectID(rawValue: 1), release: "shop@1.10.0+8", environment: nil),
          started: started, sessionID: SessionID(value: 1)),
        correctedStart: started, status: .exited))
    try fixture.store.ingest(batch)
    let answer = try stats(query + "&interval=1h", of: fixture)
    #expect((answer["statTotals"] as? [String: Int])?["sessions"] == sessions)
  }

  @Test(arguments: [
    (
      "statsPeriod=10002h&interval=1h",
      "Your interval and date range would create too many results. "
        + "Use a larger interval, or a smaller date range."
    ),
    (
      "interval=3601s",
      "The interval has to be a multiple of one minute: counts are kept by the minute. "
        + "Use an interval of 1m."
    ),
    (
      "statsPeriod=6d&interval=90m",
      "Intervals that are not whole hours reach back 5 days: counts by the minute are kept for 5 "
        + "days. Use an interval of 1h, or a later start."
    ),
    ("start=2025-12-31&end=2025-12-31", "start must be before end"),
  ])
  func refusals(query: String, detail: String) {
    #expect(throws: APIError.badRequest(detail)) { try stats(query) }
  }

  @Test func aReleaseOfAnotherProjectIsNotFound() throws {
    let fixture = try ServiceFixture.world()
    _ = try fixture.store.saveRelease(
      ReleaseChange(version: "other@1"), of: OrganizationID(rawValue: 1), at: ServiceFixture.now)
    #expect(fixture.ask("/api/0/projects/default/shop/releases/other@1/stats/").status == 404)
  }

  @Test(arguments: [
    ("?type=bugs", 400, "{\"detail\":\"invalid stat. There are sessions, users.\"}"),
    ("?type=user", 400, "{\"detail\":\"invalid stat; near: \\\"users\\\". There are "),
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
