import Foundation
import HTTP
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Service

/// Outcomes, explanations and comparisons over the API.
@Suite struct AccountTests {
  static let organization = "/api/0/organizations/default/"

  private func ask(_ fixture: ServiceFixture, _ target: String) throws -> [String: Any] {
    try fixture.json(Self.organization + target)
  }

  // MARK: Outcomes

  private static func mix() throws -> ServiceFixture {
    let fixture = try ServiceFixture()
    let good = IngestEndpointTests.session(1)
    let text =
      "{}\n" + good + good + IngestEndpointTests.session(2, release: "latest")
      + "{\"type\":\"session\"}\nnonsense\n{\"type\":\"client_report\"}\n{}\n"
        + """
        {"type":"sessions"}
        {"aggregates":[{"started":"\(IngestEndpointTests.started)","exited":3},{"started":"?"}],\
        "attrs":{"release":"shop@1.0.0"}}
        {"type":"sessions"}
        {"aggregates":[],"attrs":{"release":"shop@1.0.0"}}

        """
    #expect(fixture.send(text).status == 200)
    // An event of the old endpoint is an item, too.
    #expect(fixture.send(.post, "/api/1/store/", body: [Array("{}".utf8)]).status == 200)
    let pixel = "/api/store/?sentry_key=\(ServiceFixture.key)&sentry_data=%7B%7D"
    #expect(fixture.send(.get, pixel, headers: [:]).status == 200)
    fixture.drain()
    return fixture
  }

  @Test func everyItemIsAccountedFor() throws {
    let answer = try ask(try Self.mix(), "outcomes/?start=2026-01-01T11:00&end=2026-01-01T13:00")
    let group = try #require((answer["groups"] as? [[String: Any]])?.first)
    let totals = try #require(group["totals"] as? [String: Int])
    #expect(
      totals == [
        "received": 10, "accepted": 3, "rejected": 3, "skipped": 4, "aggregates": 1,
        "repeated": 1, "userLeftOut": 0, "droppedBySDK": 0,
      ])
    let series = try #require(group["series"] as? [String: [Int]])
    #expect((answer["intervals"] as? [String])?.count == series["received"]?.count)
    for (name, total) in totals { #expect(series[name]?.reduce(0, +) == total, "\(name)") }
  }

  /// Sessions that SDKs dropped are outcomes of their own, and count nowhere else.
  @Test func whatSDKsDroppedIsKnown() throws {
    let fixture = try Self.mix()
    let report = """
      {"timestamp":1767268800,"discarded_events":[
      {"reason":"send_error","category":"session","quantity":3},
      {"reason":"send_error","category":"error","quantity":50},
      {"reason":"of the future","category":"session","quantity":4}]}
      """.replacing("\n", with: "")
    for _ in 0..<2 {
      #expect(fixture.send("{}\n{\"type\":\"client_report\"}\n\(report)\n").status == 200)
    }
    fixture.drain()
    let answer = try ask(
      fixture, "outcomes/?start=2026-01-01T11:00&end=2026-01-01T13:00&groupBy=reason")
    let groups = try #require(answer["groups"] as? [[String: Any]])
    var dropped: [String: Int] = [:]
    var received = 0
    for group in groups {
      let totals = try #require(group["totals"] as? [String: Int])
      received += totals["received"] ?? 0
      guard let quantity = totals["droppedBySDK"], quantity > 0 else { continue }
      #expect(totals["received"] == 0)
      dropped[(group["by"] as? [String: String])?["reason"] ?? "-"] = quantity
    }
    #expect(dropped == ["send_error": 6, "other": 8] && received == 12)
    let listed = try #require(answer["outcomes"] as? [[String: Any]])
      .filter { $0["outcome"] as? String == "dropped_by_sdk" }
    #expect(listed.map { $0["reason"] as? String } == ["other", "send_error"])
    let metrics = fixture.ask("/metrics", token: nil).text
    #expect(
      metrics.contains(
        "hale_sdk_dropped_sessions_total{project=\"1\",reason=\"send_error\"} 6\n"))
    #expect(!metrics.contains("outcome=\"dropped"))
  }

  @Test func groupsAddUp() throws {
    let answer = try ask(
      try Self.mix(),
      "outcomes/?groupBy=reason&groupBy=project&includeSeries=0&start=2025-10-03&end=2026-01-02")
    let groups = try #require(answer["groups"] as? [[String: Any]])
    let received = groups.map { group -> [String] in
      let by = group["by"] as? [String: Any]
      let totals = group["totals"] as? [String: Int] ?? [:]
      #expect(
        totals["received"] == totals["accepted"]! + totals["rejected"]! + totals["skipped"]!)
      return [by?["reason"] as? String ?? "-", "\(totals["received"] ?? 0)"]
    }
    #expect(
      received == [
        ["-", "7"], ["invalid_payload", "1"], ["invalid_release", "1"], ["invalid_started", "1"],
      ])
    #expect(groups.allSatisfy { $0["series"] == nil })
    #expect((answer["intervals"] as? [String])?.isEmpty == true)
  }

  // MARK: Explanations

  @Test func aLateCrashIsExplained() throws {
    let fixture = try ServiceFixture()
    let late = IngestEndpointTests.session(1, status: "crashed")
    #expect(fixture.send("{}\n" + IngestEndpointTests.session(1) + late + late).status == 200)
    // The clock stands at noon, and the session started in the hour before.
    let answer = try ask(fixture, "sessions/explain/?bucket=2026-01-01T11:59:00Z")
    let buckets = try #require(answer["buckets"] as? [[String: Any]])
    #expect(buckets.count == 1 && answer["explainedFrom"] is NSNull)
    let bucket = buckets[0]
    #expect(bucket["start"] as? String == "2026-01-01T11:00:00Z")
    #expect(bucket["end"] as? String == "2026-01-01T12:00:00Z")
    #expect((bucket["prompt"] as? [String: Int])?["total"] == 0)
    let arrivals = try #require(bucket["late"] as? [[String: Any]])
    #expect(arrivals.count == 1 && arrivals[0]["arrived"] as? String == "2026-01-01T12:00:00Z")
    #expect((arrivals[0]["change"] as? [String: Int])?["crashed"] == 1)
    #expect((bucket["counts"] as? [String: Int])?["crashed"] == 1)
    #expect(bucket["repeated"] as? Int == 1 && bucket["isComplete"] as? Bool == true)
    #expect(bucket["withoutInit"] as? Int == 1)
    let initial = IngestEndpointTests.session(1, extra: #","init":true"#)
    #expect(fixture.send("{}\n" + initial).status == 200)
    let again = try ask(fixture, "sessions/explain/?bucket=2026-01-01T11:59:00Z")
    #expect((again["buckets"] as? [[String: Any]])?.first?["withoutInit"] as? Int == 0)
  }

  @Test(arguments: [
    "release:shop@1.9.0", "release.stage:adopted", "!release.stage:adopted",
    "release.version:%3E1.9+OR+release.build:7",
  ])
  func bucketsAreThoseOfTheSessionsAPI(query: String) throws {
    let fixture = try ServiceFixture.world()
    let range = "statsPeriod=4d&interval=12h&query=\(query)&environment=production"
    let answer = try ask(fixture, "sessions/explain/?" + range)
    let buckets = try #require(answer["buckets"] as? [[String: Any]])
    let sessions = try ask(fixture, "sessions/?field=sum(session)&" + range)
    #expect(buckets.compactMap { $0["start"] as? String } == sessions["intervals"] as? [String])
    let group = try #require((sessions["groups"] as? [[String: Any]])?.first)
    let totals = buckets.compactMap { ($0["counts"] as? [String: Int])?["total"] }
    #expect(totals == (group["series"] as? [String: [Int]])?["sum(session)"])
    // Each search finds some of the 112 sessions in production, and none all of them.
    #expect((1..<112).contains(totals.reduce(0, +)))
  }

  // MARK: Comparisons

  @Test func releasesAreComparedOverTheSameTime() throws {
    let answer = try ask(
      try ServiceFixture.world(),
      "sessions/compare/?base=shop@1.10.0%2B8&candidate=shop@1.9.0&environment=production")
    let base = try #require(answer["base"] as? [String: Any])
    let candidate = try #require(answer["candidate"] as? [String: Any])
    #expect((base["sessions"] as? [String: Int])?["total"] == 30)
    #expect((candidate["sessions"] as? [String: Int])?["crashed"] == 5)
    #expect((base["crashFreeSessions"] as? [String: Double])?["value"] == 0.9)
    #expect((base["adoption"] as? [String: Double])?["sessions"] == 30.0 / 42)
    #expect(candidate["firstSession"] as? String == "2025-12-31T12:00:00Z")
    let difference = try #require(answer["difference"] as? [String: [String: Any]])
    #expect(difference["crashFreeSessions"]?["verdict"] as? String == "worse")
    #expect(difference["erroredUsers"]?["verdict"] as? String == "chance")
  }

  /// The range is widened to whole intervals, an hour unless another is given, as that of a series.
  @Test(arguments: [
    ("", "2025-12-31T08:00:00Z", "2025-12-31T13:00:00Z"),
    ("&interval=1d", "2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z"),
  ])
  func theRangeIsThatOfASeries(interval: String, start: String, end: String) throws {
    let range = "&start=2025-12-31T08:30&end=2025-12-31T12:01" + interval
    let fixture = try ServiceFixture.world()
    let answer = try ask(
      fixture, "sessions/compare/?base=shop@1.10.0%2B8&candidate=shop@1.9.0" + range)
    for side in ["base", "candidate"] {
      let side = try #require(answer[side] as? [String: Any])
      #expect(side["start"] as? String == start && side["end"] as? String == end)
    }
    let series = try ask(fixture, "sessions/?field=sum(session)" + range)
    #expect(series["start"] as? String == start && series["end"] as? String == end)
    let candidate = try #require(answer["candidate"] as? [String: Any])
    #expect((candidate["sessions"] as? [String: Int])?["total"] == 2)
  }

  /// The older release is looked at when it was as young as the new one is now.
  @Test func releasesAreComparedAtTheSameAge() throws {
    let answer = try ask(
      try ServiceFixture.world(),
      "sessions/compare/?base=shop@1.10.0%2B8&candidate=shop@1.9.0&environment=production"
        + "&statsPeriod=7d&align=age")
    let base = try #require(answer["base"] as? [String: Any])
    #expect(base["start"] as? String == "2025-12-30T12:00:00Z")
    #expect(base["end"] as? String == "2025-12-31T12:00:00Z")
    #expect((base["sessions"] as? [String: Int])?["crashed"] == 0)
    #expect((answer["candidate"] as? [String: Any])?["end"] as? String == "2026-01-01T12:00:00Z")
  }

  /// Durations of sessions that exited, in milliseconds, as the sessions API has them.
  @Test func durationsAreCompared() throws {
    let fixture = try ServiceFixture()
    var text = "{}\n"
    for (release, seconds) in [("shop@1", [0.1, 0.2, 0.25]), ("shop@2", [0.05, 100])] {
      for duration in seconds {
        text += IngestEndpointTests.session(
          Int(duration * 1000), status: "exited", release: release,
          extra: ",\"duration\":\(duration)")
      }
    }
    text += IngestEndpointTests.session(
      7, status: "crashed", release: "shop@3", extra: ",\"duration\":9")
    #expect(fixture.send(text).status == 200)
    let sides = try ask(fixture, "sessions/compare/?base=shop@1&candidate=shop@2")
    let base = try #require(sides["base"] as? [String: Any])
    #expect(base["durationP50"] as? Double == 200 && base["durationP95"] as? Double == 245)
    let candidate = try #require(sides["candidate"] as? [String: Any])
    let middle = try #require(candidate["durationP50"] as? Double)
    #expect(abs(middle - 50_025) <= 50_025 * DurationSummary.relativeErrorMax)
    let longest = try #require(candidate["durationP95"] as? Double)
    #expect(abs(longest - 95_002.5) <= 95_002.5 * DurationSummary.relativeErrorMax)
    let answer = try ask(
      fixture,
      "sessions/?field=p95(session.duration)&query=release:shop@2&statsPeriod=24h&includeSeries=0")
    let totals = (answer["groups"] as? [[String: Any]])?.first?["totals"] as? [String: Double]
    #expect(totals == ["p95(session.duration)": longest])
    // A crash tells no duration.
    let crashed = try ask(fixture, "sessions/compare/?base=shop@1&candidate=shop@3")["candidate"]
    #expect((crashed as? [String: Any])?["durationP50"] is NSNull)
  }

  /// Nothing to divide by is null, and no verdict.
  @Test(arguments: ["time", "age"])
  func aReleaseWithoutSessions(align: String) throws {
    let fixture = try ServiceFixture.world()
    let made = fixture.change(
      .post, Self.organization + "releases/", #"{"version": "shop@9", "projects": ["shop"]}"#)
    #expect(made.status == 201)
    let answer = try ask(
      fixture, "sessions/compare/?base=shop@1.9.0&candidate=shop@9&align=" + align)
    let candidate = try #require(answer["candidate"] as? [String: Any])
    #expect(candidate["crashFreeSessions"] is NSNull && candidate["firstSession"] is NSNull)
    let difference = try #require(answer["difference"] as? [String: Any])
    #expect(difference.count == 10 && difference.values.allSatisfy { $0 is NSNull })
    #expect(answer["verdict"] is NSNull && answer["verdictOf"] is NSNull)
  }

  // MARK: Refusals

  @Test(arguments: [
    ("outcomes/?groupBy=color", "Invalid groupBy: \\\"color\\\". There are project, reason."),
    (
      "outcomes/?interval=30m&statsPeriod=1d",
      "The interval has to be a multiple of one hour: counts are kept by the hour. "
        + "Use an interval of 1h."
    ),
    (
      "outcomes/?statsPeriod=90d",
      "Your interval and date range would create too many results. "
        + "Use a larger interval, or a smaller date range."
    ),
    (
      "sessions/explain/?query=session.status:crashed",
      "An explanation always has all statuses: leave session.status out of the query."
    ),
    (
      "sessions/explain/?bucket=2026-01-01T11:00:00Z&statsPeriod=1h",
      "bucket stands for the range: give it without statsPeriod."
    ),
    (
      "sessions/explain/?bucket=2026-01-01T11:00:00Z&statsPeriodStart=2h&statsPeriodEnd=1h",
      "bucket stands for the range: give it without statsPeriodStart."
    ),
    ("sessions/explain/?bucket=2026-01-01T13:00:00Z", "The bucket has not begun yet."),
    (
      "sessions/compare/?base=a&candidate=b&interval=30m",
      "The interval has to be a multiple of one hour: counts are kept by the hour. "
        + "Use an interval of 1h."
    ),
    (
      "sessions/compare/?base=a",
      "base and candidate are both required: give the names of two releases."
    ),
    (
      "sessions/compare/?base=a&candidate=a",
      "base and candidate are the same release: give two."
    ),
    (
      "sessions/compare/?base=a&candidate=b&align=x",
      "Invalid align: \\\"x\\\". Give time or age."
    ),
    (
      "sessions/compare/?base=a&candidate=b&bad=errored",
      "Invalid bad: \\\"errored\\\". Give crashed or crashed+unhandled."
    ),
  ])
  func refusals(_ target: String, _ detail: String) throws {
    let answer = try ServiceFixture().ask(Self.organization + target)
    #expect(answer.status == 400 && answer.text == "{\"detail\":\"\(detail)\"}", "\(answer.text)")
  }
}
