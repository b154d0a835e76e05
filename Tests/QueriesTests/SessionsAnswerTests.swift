import Bytes
import TestSupport
import Foundation
import ReleaseHealth
import Queries
import Storage
import Testing

struct SessionsAnswerTests {
  /// Two hours in the past: two points.
  private static let range = "start=2026-03-01T10:00:00Z&end=2026-03-01T12:00:00Z&interval=1h&"
  private static let head =
    #"{"start":"2026-03-01T10:00:00Z","end":"2026-03-01T12:00:00Z","query":"","#
    + #""intervals":["2026-03-01T10:00:00Z","2026-03-01T11:00:00Z"],"groups":["#

  private func expect(
    _ query: String, _ groups: [HealthGroup], _ expected: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(
      try SessionsFixtures.json(Self.range + query, groups) == Self.head + expected + "]}",
      sourceLocation: sourceLocation)
  }

  @Test func goldenByRelease() throws {
    let crashes = [SessionCounts(healthy: 8, crashed: 2), SessionCounts(healthy: 19, crashed: 1)]
    var group = SessionsFixtures.group(release: "shop@2.1.0", crashes)
    group.totals.users = UserCounts(byWorst: SessionCounts(healthy: 4, crashed: 3))
    group.series[0].users = UserCounts(byWorst: SessionCounts(healthy: 3, crashed: 2))
    group.series[1].users = UserCounts(byWorst: SessionCounts(healthy: 5, crashed: 1))
    try expect(
      "field=sum(session)&field=crash_free_rate(session)&field=count_unique(user)&groupBy=release",
      [group],
      #"{"by":{"release":"shop@2.1.0"},"totals":{"sum(session)":30,"#
        + #""crash_free_rate(session)":0.9,"count_unique(user)":7},"#
        + #""series":{"sum(session)":[10,20],"crash_free_rate(session)":[0.8,0.95],"#
        + #""count_unique(user)":[5,6]}}"#)
  }

  @Test func goldenWithAllKeys() throws {
    try expect(
      "field=sum(session)&groupBy=session.status&groupBy=environment&groupBy=release"
        + "&groupBy=project&includeSeries=0&per_page=2",
      [
        SessionsFixtures.group(
          project: 1, release: "a\"b", environment: "",
          [SessionCounts(healthy: 1, abnormal: 2, crashed: 3)])
      ],
      #"{"by":{"project":1,"release":"a\"b","environment":"","session.status":"abnormal"},"#
        + #""totals":{"sum(session)":2}},"#
        + #"{"by":{"project":1,"release":"a\"b","environment":"","session.status":"crashed"},"#
        + #""totals":{"sum(session)":3}}"#)
  }

  @Test func goldenOfAllRates() throws {
    var users = UserCounts(
      byWorst: SessionCounts(healthy: 4, errored: 2, unhandled: 1, abnormal: 0, crashed: 1))
    users.withUnhandled = 2
    users.withFailure = 3
    users.withAbnormal = 4
    users.withANR = 3
    users.withForegroundANR = 1
    let sessions = SessionCounts(healthy: 8, errored: 1, unhandled: 2, abnormal: 1, crashed: 4)
    let names = SessionsField.allCases.filter { !$0.isCount && !$0.isDuration }.map {
      "field=" + $0.rawValue
    }
    try expect(
      names.joined(separator: "&") + "&includeSeries=false",
      [
        HealthGroup(
          key: GroupKey(), totals: HealthCell(sessions: sessions, users: users), series: [])
      ],
      #"{"by":{},"totals":{"crash_rate(session)":0.25,"crash_rate(user)":0.125,"#
        + #""crash_free_rate(session)":0.75,"crash_free_rate(user)":0.875,"#
        + #""failure_free_rate(session)":0.625,"failure_free_rate(user)":0.625,"#
        + #""unhandled_rate(session)":0.125,"unhandled_rate(user)":0.25,"#
        + #""errored_rate(session)":0.0625,"errored_rate(user)":0.25,"#
        + #""abnormal_rate(session)":0.0625,"abnormal_rate(user)":0.5,"#
        + #""unhealthy_rate(session)":0.5,"anr_rate()":0.375,"foreground_anr_rate()":0.125}}"#)
  }

  private static let lengths = DurationSummary(
    average: 1000.25, p50: 900, p75: 1200, p90: 1500, p95: 1600.5, p99: 1800, longest: 2000)

  @Test func goldenOfDurations() throws {
    var group = SessionsFixtures.group([SessionCounts(), SessionCounts(healthy: 2)])
    group.series[1].durations = Self.lengths
    group.totals.durations = Self.lengths
    let names = SessionsField.allCases.filter(\.isDuration).map { "field=" + $0.rawValue }
    try expect(
      names.joined(separator: "&"), [group],
      #"{"by":{},"totals":{"avg(session.duration)":1000.25,"p50(session.duration)":900.0,"#
        + #""p75(session.duration)":1200.0,"p90(session.duration)":1500.0,"#
        + #""p95(session.duration)":1600.5,"p99(session.duration)":1800.0,"#
        + #""max(session.duration)":2000.0},"series":{"avg(session.duration)":[null,1000.25],"#
        + #""p50(session.duration)":[null,900.0],"p75(session.duration)":[null,1200.0],"#
        + #""p90(session.duration)":[null,1500.0],"p95(session.duration)":[null,1600.5],"#
        + #""p99(session.duration)":[null,1800.0],"max(session.duration)":[null,2000.0]}}"#)
  }

  /// As in Sentry: grouped by status, only `healthy` has durations; filtered, only filters that
  /// include `healthy` have them.
  @Test(arguments: [
    SessionsCase("by status", "groupBy=session.status", ["null", "null", "null", "2000", "null"]),
    SessionsCase(
      "by status, without the healthy ones",
      "groupBy=session.status&query=!session.status:healthy",
      ["null", "null", "null", "null"]),
    SessionsCase("of all but some", "query=!session.status:crashed", ["2000"]),
    SessionsCase("of others", "query=session.status:crashed", ["null"]),
  ])
  func durationsStandUnderHealthy(_ row: SessionsCase<[String]>) throws {
    var group = SessionsFixtures.group([SessionCounts(healthy: 2, crashed: 1)])
    group.totals.durations = Self.lengths
    let json = try SessionsFixtures.json(
      Self.range + "includeSeries=0&field=sum(session)&field=max(session.duration)&" + row.query,
      [group])
    let found = json.matches(of: /"max\(session\.duration\)":(\w+)/).map { String($0.1) }
    #expect(found == row.expected)
  }

  @Test func noDataWithoutGroupsIsOneGroup() throws {
    try expect(
      "field=sum(session)&field=count_unique(user)&field=crash_rate(user)", [],
      #"{"by":{},"totals":{"sum(session)":0,"count_unique(user)":0,"crash_rate(user)":null},"#
        + #""series":{"sum(session)":[0,0],"count_unique(user)":[0,0],"#
        + #""crash_rate(user)":[null,null]}}"#)
  }

  @Test(arguments: [
    "groupBy=project", "groupBy=release", "groupBy=environment",
    "groupBy=session.status&groupBy=release",
  ])
  func noDataByKeysIsNoGroup(groupBy: String) throws {
    try expect("field=sum(session)&" + groupBy, [], "")
  }

  @Test func noDataByStatusIsFiveGroups() throws {
    let groups = ["abnormal", "crashed", "errored", "healthy", "unhandled"].map {
      #"{"by":{"session.status":"\#($0)"},"totals":{"sum(session)":0},"#
        + #""series":{"sum(session)":[0,0]}}"#
    }
    try expect("field=sum(session)&groupBy=session.status", [], groups.joined(separator: ","))
  }

  @Test func missingPointsOfRatesAreNull() throws {
    try expect(
      "field=sum(session)&field=crash_rate(session)&includeTotals=0",
      [SessionsFixtures.group([SessionCounts(), SessionCounts(healthy: 3, crashed: 1)])],
      #"{"by":{},"series":{"sum(session)":[0,4],"crash_rate(session)":[null,0.25]}}"#)
  }

  private static let filters: [SessionsCase<[String]>] = [
    SessionsCase("one status", "field=sum(session)&query=session.status:crashed", ["{}: 16"]),
    SessionsCase(
      "statuses are added up", "field=sum(session)&query=session.status:[healthy,crashed]",
      ["{}: 17"]),
    SessionsCase("all but one", "field=sum(session)&query=!session.status:crashed", ["{}: 15"]),
    SessionsCase("unknown", "field=sum(session)&query=session.status:bogus", []),
    SessionsCase(
      "unknown by status",
      "field=sum(session)&query=session.status:bogus&groupBy=session.status", []),
    SessionsCase(
      "users of one status", "field=count_unique(user)&query=session.status:abnormal", ["{}: 80"]),
    SessionsCase(
      "users by status", "field=count_unique(user)&groupBy=session.status",
      ["abnormal: 80", "crashed: 160", "errored: 20", "healthy: 10", "unhandled: 40"]),
    SessionsCase(
      "the selected ones by status",
      "field=sum(session)&query=session.status:[healthy,crashed]&groupBy=session.status",
      ["crashed: 16", "healthy: 1"]),
    SessionsCase(
      "the others by status",
      "field=count_unique(user)&query=!session.status:[healthy,bogus]&groupBy=session.status",
      ["abnormal: 80", "crashed: 160", "errored: 20", "unhandled: 40"]),
    SessionsCase(
      "all five without an unknown one",
      "field=sum(session)&query=!session.status:bogus&groupBy=session.status",
      ["abnormal: 8", "crashed: 16", "errored: 2", "healthy: 1", "unhandled: 4"]),
  ]

  @Test(arguments: filters)
  func filtersByStatus(_ row: SessionsCase<[String]>) throws {
    let counts = SessionCounts(healthy: 1, errored: 2, unhandled: 4, abnormal: 8, crashed: 16)
    let users = UserCounts(
      byWorst: SessionCounts(healthy: 10, errored: 20, unhandled: 40, abnormal: 80, crashed: 160))
    let groups = [
      HealthGroup(key: GroupKey(), totals: HealthCell(sessions: counts, users: users), series: [])
    ]
    let reply = try Reply(Self.range + "includeSeries=0&" + row.query, groups)
    #expect(
      reply.groups.map {
        "\($0.by["session.status"] ?? "{}"): \(Int(($0.totals?.values.first ?? nil) ?? -1))"
      } == row.expected)
  }

  @Test func theEmptyFilterStillSaysRangeAndQuery() throws {
    #expect(
      try SessionsFixtures.json(
        Self.range + "field=sum(session)&query=session.status:bogus", [])
        == Self.head.replacing(#""query":"""#, with: #""query":"session.status:bogus""#) + "]}")
  }

  private static let orders: [SessionsCase<[String]>] = [
    SessionsCase("by sessions", "field=sum(session)", ["c", "a", "b", "d"]),
    SessionsCase(
      "by sessions before another first field", "field=crash_rate(session)&field=sum(session)",
      ["c", "a", "b", "d"]),
    SessionsCase("by the first field", "field=crash_rate(session)", ["b", "a", "c", "d"]),
    SessionsCase(
      "ascending, without a value last",
      "field=crash_rate(session)&orderBy=crash_rate(session)", ["c", "a", "b", "d"]),
    SessionsCase(
      "descending, without a value last",
      "field=crash_rate(session)&orderBy=-crash_rate(session)", ["b", "a", "c", "d"]),
    SessionsCase("ascending", "field=sum(session)&orderBy=sum(session)", ["d", "a", "b", "c"]),
    SessionsCase(
      "by the filtered status", "field=sum(session)&query=session.status:crashed",
      ["b", "a", "c", "d"]),
    SessionsCase("first page", "field=sum(session)&per_page=3", ["c", "a", "b", "more"]),
    SessionsCase("last page", "field=sum(session)&per_page=3&cursor=0:3:0", ["d"]),
    SessionsCase("full last page", "field=sum(session)&per_page=2&cursor=0:2:0", ["b", "d"]),
    SessionsCase("behind the last page", "field=sum(session)&cursor=0:4:0", []),
  ]

  @Test(arguments: orders)
  func ordersGroups(_ row: SessionsCase<[String]>) throws {
    let groups = [
      SessionsFixtures.group(release: "d", [SessionCounts(), SessionCounts()]),
      SessionsFixtures.group(release: "b", [SessionCounts(healthy: 6, crashed: 4)]),
      SessionsFixtures.group(release: "c", [SessionCounts(healthy: 20)]),
      SessionsFixtures.group(release: "a", [SessionCounts(healthy: 9, crashed: 1)]),
    ]
    for shuffled in [groups, groups.reversed()] {
      let reply = try Reply(Self.range + "groupBy=release&" + row.query, shuffled)
      #expect(
        reply.groups.map { $0.by["release"] ?? "" } + (reply.hasMore ? ["more"] : [])
          == row.expected)
    }
  }

  @Test func tiesStandInTheOrderOfTheirKeys() throws {
    let keys: [(Int64, String, String)] = [
      (2, "a", ""), (10, "a", "dev"), (10, "a", "prod"), (10, "b", ""), (11, "a", ""),
    ]
    let groups = keys.map {
      SessionsFixtures.group(project: $0.0, release: $0.1, environment: $0.2, [])
    }
    let query =
      Self.range + "field=sum(session)&includeSeries=0&groupBy=project&groupBy=release"
      + "&groupBy=environment"
    #expect(
      try SessionsFixtures.json(query, groups.reversed())
        == SessionsFixtures.json(query, groups))
    #expect(
      try SessionsFixtures.json(query + "&per_page=1", groups.reversed())
        .contains(#"{"project":2,"release":"a","environment":""}"#))
  }

  @Test func linkHeaderGoesOnBehindThePage() throws {
    let groups = (0..<3).map { SessionsFixtures.group(release: "\($0)", []) }
    let answer = try SessionsFixtures.answer(
      Self.range + "field=sum(session)&groupBy=release&per_page=2", groups)
    #expect(
      answer.linkHeader(url: "http://h/s/?per_page=2")
        == "<http://h/s/?per_page=2&cursor=0:0:1>; rel=\"previous\"; results=\"false\"; "
        + "cursor=\"0:0:1\", <http://h/s/?per_page=2&cursor=0:2:0>; rel=\"next\"; "
        + "results=\"true\"; cursor=\"0:2:0\"")
  }

  /// Series of sessions add up to totals, the five statuses to the whole, the five rates to one,
  /// and the pages to the groups, whatever was counted.
  @Test func numbersAddUp() throws {
    var random = SplitMix64(seed: 1)
    for _ in 0..<50 {
      let groups = (0..<Int.random(in: 0...12, using: &random)).map { index in
        SessionsFixtures.group(
          release: "r\(index)",
          (0..<2).map { _ in
            func count() -> Int64 {
              Bool.random(using: &random) ? 0 : .random(in: 0...9, using: &random)
            }
            return SessionCounts(
              healthy: count(), errored: count(), unhandled: count(), abnormal: count(),
              crashed: count())
          })
      }
      let query = Self.range + "field=sum(session)&groupBy=release"
      let whole = try Reply(query, groups)
      let split = try Reply(query + "&groupBy=session.status", groups)
      #expect(split.groups.count == 5 * groups.count)
      for group in whole.groups + split.groups {
        #expect(group.seriesSum == group.total)
      }
      for group in whole.groups {
        let parts = split.groups.filter { $0.by["release"] == group.by["release"] }
        #expect(parts.map(\.total).reduce(0, +) == group.total)
      }
      let rates = try Reply(
        Self.range + "groupBy=release&field=crash_rate(session)&field=errored_rate(session)"
          + "&field=abnormal_rate(session)&field=unhandled_rate(session)"
          + "&field=unhealthy_rate(session)", groups)
      for group in rates.groups {
        guard let totals = group.totals, let unhealthy = totals["unhealthy_rate(session)"] ?? nil
        else { continue }
        let sum = totals.values.reduce(0) { $0 + ($1 ?? 0) }
        #expect(abs(sum - 2 * unhealthy) < 1e-9)
      }
      var paged: [[String: String]] = []
      for offset in stride(from: 0, to: groups.count, by: 5) {
        let page = try Reply(query + "&per_page=5&cursor=0:\(offset):0", groups)
        #expect(page.hasMore == (offset + 5 < groups.count))
        paged += page.groups.map(\.by)
      }
      #expect(paged == whole.groups.map(\.by))
    }
  }

  /// An answer as a client reads it.
  private struct Reply {
    struct Group: Decodable {
      var by: [String: String]
      var totals: [String: Double?]?
      var series: [String: [Double?]]?

      var total: Double { (totals?["sum(session)"] ?? nil) ?? -1 }
      var seriesSum: Double {
        series?["sum(session)"]?.reduce(0) { $0 + ($1 ?? -1) } ?? -1
      }
    }

    private struct Body: Decodable {
      var groups: [Group]
    }

    var groups: [Group]
    var hasMore: Bool

    init(_ query: String, _ healthGroups: [HealthGroup]) throws {
      let answer = try SessionsFixtures.answer(query, healthGroups)
      groups = try JSONDecoder().decode(Body.self, from: Data(answer.json)).groups
      hasMore = answer.hasMore
    }
  }
}
