import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Service

/// What `release:latest` finds in sessions, in the world of ``ServiceFixture/world()``.
@Suite struct LatestReleaseTests {
  private let fixture = Result { try ServiceFixture.world() }

  /// - Returns: the release that the answer names, and the releases that it has.
  private func found(_ query: String) throws -> (latest: String?, releases: [String]) {
    let answer = try fixture.get().ask(
      "/api/0/organizations/default/sessions/?field=sum(session)&groupBy=release&includeSeries=0&"
        + query)
    #expect(answer.status == 200, "\(answer.text)")
    func names(_ member: String) -> [String] {
      answer.text.split(separator: "\"\(member)\":\"").dropFirst().map {
        String($0.prefix { $0 != "\"" })
      }
    }
    return (names("latestRelease").first, names("release"))
  }

  struct Example: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var query: String
    var latest: String?
    var releases: [String]

    init(_ text: String, _ query: String, latest: String?, _ releases: [String]) {
      testDescription = text
      self.query = query
      self.latest = latest
      self.releases = releases
    }
  }

  static let examples = [
    Example(
      "the highest version", "statsPeriod=7d&query=release:latest", latest: "shop@1.10.0+8",
      ["shop@1.10.0+8"]),
    Example(
      "in any case, since no release has this name", "statsPeriod=7d&query=release:LATEST",
      latest: "shop@1.10.0+8", ["shop@1.10.0+8"]),
    Example(
      "not it", "statsPeriod=7d&query=!release:latest", latest: "shop@1.10.0+8",
      ["shop@1.0.0+7", "shop@1.9.0"]),
    Example(
      "it among others", "statsPeriod=7d&query=release:[latest,*1.0.0*]", latest: "shop@1.10.0+8",
      ["shop@1.10.0+8", "shop@1.0.0+7"]),
    Example(
      "with sessions in the range",
      "start=2025-12-29T00:00:00Z&end=2025-12-30T00:00:00Z&query=release:latest",
      latest: "shop@1.0.0+7", ["shop@1.0.0+7"]),
    Example(
      "with sessions in the environment",
      "statsPeriod=7d&environment=staging&query=release:latest", latest: "shop@1.9.0",
      ["shop@1.9.0"]),
    Example(
      "also where the search names the environment",
      "statsPeriod=7d&query=release:latest%20environment:staging", latest: "shop@1.9.0",
      ["shop@1.9.0"]),
    Example(
      "within the rest of the search",
      "statsPeriod=7d&query=release:latest%20release.version:<1.10", latest: "shop@1.9.0",
      ["shop@1.9.0"]),
    Example(
      "there is none", "statsPeriod=7d&query=release:latest%20release.package:other", latest: nil,
      []),
    Example(
      "no word of it without the term", "statsPeriod=7d&query=release:shop@1.9.0", latest: nil,
      ["shop@1.9.0"]),
  ]

  @Test(arguments: examples)
  func isFound(_ example: Example) throws {
    let (latest, releases) = try found(example.query)
    #expect(latest == example.latest)
    #expect(releases == example.releases)
  }

  @Test func anExplanationNamesIt() throws {
    let answer = try fixture.get().ask(
      "/api/0/organizations/default/sessions/explain/?statsPeriod=24h&query=release:latest")
    #expect(answer.text.contains(#""latestRelease":"shop@1.10.0+8","#), "\(answer.text)")
  }

  /// The other routes that name a release take `latest`, and their answers say which one it was.
  @Test(
    arguments: [
      ("releases/latest/", #""version":"shop@1.10.0+8","#),
      ("releases/latest/?environment=staging", #""version":"shop@1.9.0","#),
      ("releases/latest/estimate/?statsPeriod=7d", #""release":"shop@1.10.0+8","#),
      ("releases/latest/estimate/?environment=staging", #""release":"shop@1.9.0","#),
      ("releases/latest/gate/", #""candidate":{"release":"shop@1.10.0+8","#),
      (
        "sessions/compare/?base=shop@1.9.0&candidate=latest",
        #""candidate":{"release":"shop@1.10.0+8","#
      ),
      (
        "sessions/compare/?candidate=shop@1.9.0&base=latest", #""base":{"release":"shop@1.10.0+8","#
      ),
      // No release is compared with itself.
      (
        "sessions/compare/?candidate=shop@1.10.0%2B8&base=latest",
        #""base":{"release":"shop@1.9.0","#
      ),
    ])
  func isTaken(_ target: String, _ named: String) throws {
    let answer = try fixture.get().ask("/api/0/organizations/default/" + target)
    #expect(answer.status == 200 && answer.text.contains(named), "\(answer.text)")
  }

  /// A build of some testers is not the latest where users have another one, whoever looks for it.
  @Test(
    arguments: [
      ("releases/latest/", #""version":"shop@1.10.0+8","#),
      ("releases/latest/estimate/", #""release":"shop@1.10.0+8","#),
      ("releases/latest/gate/", #""candidate":{"release":"shop@1.10.0+8","#),
      ("releases/latest/gate/?minSessions=3", #""candidate":{"release":"shop@2.0.0-dev","#),
      (
        "sessions/compare/?base=shop@1.9.0&candidate=latest",
        #""candidate":{"release":"shop@1.10.0+8","#
      ),
      (
        "sessions/?field=sum(session)&statsPeriod=1d&query=release:latest",
        #""latestRelease":"shop@1.10.0+8","#
      ),
      ("releases/stats/?query=release:latest", #"[{"version":"shop@1.10.0+8","#),
    ])
  func isTheSameEverywhere(_ target: String, _ named: String) throws {
    let fixture = try ServiceFixture.world()
    for (release, count) in [("shop@1.10.0+8", 200), ("shop@2.0.0-dev", 3)] {
      var batch = IngestBatch(receivedAt: ServiceFixture.now.advanced(byMilliseconds: -7_200_000))
      for index in 1...count {
        let key = SessionKey(
          series: SeriesKey(
            project: ProjectID(rawValue: 1), release: release, environment: "production"),
          started: batch.receivedAt, sessionID: SessionID(value: UInt128(index)))
        batch.add(NamedReport(key: key, correctedStart: batch.receivedAt, status: .exited))
      }
      try fixture.store.ingest(batch)
    }
    let answer = fixture.ask("/api/0/organizations/default/" + target)
    #expect(answer.status == 200 && answer.text.contains(named), "\(answer.text)")
  }

  @Test(
    arguments: [
      ("releases/latest/?summaryStatsPeriod=1h", 404),
      ("releases/latest/estimate/?statsPeriod=1h", 404),
      ("sessions/compare/?base=shop@1.9.0&candidate=latest&statsPeriod=1h", 400),
      ("sessions/compare/?base=latest&candidate=latest", 400),
      ("sessions/compare/?base=shop@1.10.0%2B8&candidate=latest", 400),
    ])
  func isRefusedWhereThereIsNone(_ target: String, _ status: Int) throws {
    let answer = try fixture.get().ask("/api/0/organizations/default/" + target)
    #expect(answer.status == status, "\(answer.text)")
  }
}
