import Bytes
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Queries
@testable import API
@testable import Service

/// Which releases a list has, and in which order.
@Suite struct ReleaseListTests {
  /// Noon.
  private static let now = ServiceFixture.now
  private static let shop = project(1, "shop")
  private static let till = project(2, "till")

  private static func project(_ id: Int64, _ slug: String) -> Project {
    Project(
      id: ProjectID(rawValue: id), organization: OrganizationID(rawValue: 1), slug: slug,
      settings: ProjectSettings(), created: now)
  }

  private static func hour(_ ago: Int64) -> Timestamp {
    now.advanced(byMilliseconds: -ago * 3_600_000)
  }

  private static func place(
    _ project: Project, _ environment: String?, adopted: Int64? = nil, unadopted: Int64? = nil
  ) -> ReleaseRecord.Place {
    ReleaseRecord.Place(
      project: project.id, environment: environment, firstSeen: hour(10),
      adoption: AdoptionTimes(adopted: adopted.map(hour), unadopted: unadopted.map(hour)))
  }

  private static func record(
    _ id: Int64, _ version: String, ago: Int64, released: Int64? = nil,
    status: ReleaseRecord.Status = .open, _ places: [ReleaseRecord.Place]
  ) -> ReleaseRecord {
    ReleaseRecord(
      id: id, version: version, created: hour(ago), released: released.map(hour), ref: nil,
      url: nil, status: status, projects: Set(places.map(\.project)).sorted(), places: places)
  }

  /// From the oldest to the newest.
  private static let records = [
    record(1, "shop@1.0+9007199254740993", ago: 90, [place(shop, "production", adopted: 80)]),
    record(
      2, "shop@1.2+9007199254740992", ago: 50, released: 1,
      [
        place(shop, "production", adopted: 40, unadopted: 20), place(till, "staging"),
        place(till, "production", adopted: 30),
      ]),
    record(3, "web@1.2.3-rc.1", ago: 24, [place(till, "production")]),
    record(4, "5c0ffee5c0ff", ago: 20, [place(shop, nil)]),
    record(5, "shop@1.20", ago: 10, status: .archived, [place(shop, "production")]),
  ]

  /// The entries that a list has, as "id of the release" or, flat, "id/slug".
  private static func list(
    _ query: String, _ health: ReleaseHealthData = ReleaseHealthData()
  ) throws -> [String] {
    let request = try ReleasesRequest(
      SessionsFixtures.items(query), projects: [shop, till], now: now)
    let list = request.list(
      of: shop.organization, limit: 100, ranks: health.ranks(by: request.sort))
    return try ReferenceStore(releases: records).releases(list).map { listing in
      listing.project.map { "\(listing.id)/\($0 == shop.id ? "shop" : "till")" } ?? "\(listing.id)"
    }
  }

  private static let cases: [SessionsCase<[String]>] = [
    SessionsCase("open ones, newest first", "", ["4", "3", "2", "1"]),
    SessionsCase("archived", "status=archived", ["5"]),
    SessionsCase("a project", "project=till", ["3", "2"]),
    SessionsCase("flat", "flatten=1", ["4/shop", "3/till", "2/shop", "2/till", "1/shop"]),
    SessionsCase(
      "flat, by environment: each project for itself", "flatten=1&environment=staging",
      ["2/till"]),
    SessionsCase("no environment", "environment=", ["4"]),
    SessionsCase(
      "several environments", "environment=production&environment=staging", ["3", "2", "1"]),
    SessionsCase("dates are exact: a day ago is in", "statsPeriod=24h", ["4", "3"]),
    SessionsCase("a minute less", "statsPeriod=1439m", ["4"]),
    SessionsCase(
      "from and to", "start=2025-12-30T10:00:00Z&end=2025-12-31T11:59:59Z", ["2"]),
    SessionsCase(
      "both are in", "start=2025-12-30T10:00:00Z&end=2025-12-31T12:00:00Z", ["3", "2"]),
    SessionsCase("back from and to", "statsPeriodStart=50h&statsPeriodEnd=24h", ["3", "2"]),

    SessionsCase("a part of the name", "query=HOP@1", ["2", "1"]),
    SessionsCase("every word", "query=shop 1.2", ["2"]),
    SessionsCase("as it is shown", "query=1.2 (9007199254740992)", ["2"]),
    SessionsCase("release", "query=release:web@1.2.3-rc.1", ["3"]),
    SessionsCase("releases", "query=release:[web@1.2.3-rc.1, 5c0ffee5c0ff]", ["4", "3"]),
    SessionsCase("not a release", "query=!release:5c0ffee5c0ff", ["3", "2", "1"]),
    SessionsCase("pattern", "query=release:*@1.2*", ["3", "2"]),
    SessionsCase("a long pattern does not overlap itself", "query=release:web@1.2.3*3-rc.1", []),
    SessionsCase("package", "query=release.package:web", ["3"]),
    SessionsCase("any package", "query=release.package:*", ["3", "2", "1"]),
    SessionsCase("not a package", "query=!release.package:shop", ["4", "3"]),
    SessionsCase("version", "query=release.version:1.2", ["2"]),
    SessionsCase("version, longer", "query=release.version:1.2.0.0", ["2"]),
    SessionsCase("version of a package", "query=release.version:shop@1.2", ["2"]),
    SessionsCase("of another package", "query=release.version:web@1.2", []),
    SessionsCase("above", "query=release.version:>1.0", ["3", "2"]),
    SessionsCase("from on", "query=release.version:>=1.2", ["3", "2"]),
    SessionsCase("below", "query=release.version:<1.2.3", ["3", "2", "1"]),
    SessionsCase("up to", "query=release.version:<=1.0", ["1"]),
    SessionsCase("above, of a package", "query=release.version:>shop@1.0", ["2"]),
    SessionsCase("between", "query=release.version:>1.0 release.version:<1.2.3-rc.1", ["2"]),
    SessionsCase("what is left out is 0", "query=release.version:1.2.0.*", ["2"]),
    SessionsCase("first numbers", "query=release.version:1.2.*", ["3", "2"]),
    SessionsCase("first number", "query=release.version:1.*", ["3", "2", "1"]),
    SessionsCase("not a version", "query=!release.version:1.2", ["4", "3", "1"]),
    SessionsCase("build", "query=release.build:9007199254740993", ["1"]),
    SessionsCase("builds below", "query=release.build:<9007199254740993", ["2"]),
    SessionsCase("builds from on", "query=release.build:>=9007199254740992", ["2", "1"]),
    SessionsCase("first digits of a build", "query=release.build:9007*", ["2", "1"]),
    SessionsCase("any build", "query=release.build:*", ["2", "1"]),
    SessionsCase("no build", "query=release.build:\"\"", ["4", "3"]),
    SessionsCase(
      "adopted in one of its projects", "environment=production&query=release.stage:adopted",
      ["2", "1"]),
    SessionsCase(
      "replaced in one of its projects", "environment=production&query=release.stage:replaced",
      ["2"]),
    SessionsCase(
      "by project", "environment=production&project=till&query=release.stage:replaced", []),
    SessionsCase(
      "flat: each project for itself",
      "flatten=1&environment=production&query=release.stage:adopted", ["2/till", "1/shop"]),
    SessionsCase(
      "either stage",
      "flatten=1&environment=production&query=release.stage:[replaced, low_adoption]",
      ["3/till", "2/shop"]),
    SessionsCase(
      "not a stage", "flatten=1&environment=production&query=!release.stage:adopted",
      ["3/till", "2/shop"]),

    SessionsCase("either", "query=release.package:web OR 5c0f", ["4", "3"]),
    SessionsCase(
      "parentheses", "query=(release.package:web OR release.build:*) AND !release.version:1.0",
      ["3", "2"]),
    SessionsCase("a pattern in other letters", "query=release:WEB*", ["3"]),
    SessionsCase("not a pattern", "query=!release:shop*", ["4", "3"]),
    SessionsCase("none of several", "query=!release:[web*, 5c0ffee5c0ff]", ["2", "1"]),
    SessionsCase("a name is the whole name", "query=release:shop", []),

    SessionsCase("finalized", "query=finalized:true", ["2"]),
    SessionsCase("not finalized", "query=finalized:false", ["4", "3", "1"]),
    SessionsCase("the same in other words", "query=!finalized:true", ["4", "3", "1"]),
    SessionsCase("and the other way round", "query=!finalized:false", ["2"]),
    SessionsCase("in capitals and in quotation marks", "query=finalized:\"TRUE\"", ["2"]),
    SessionsCase("either", "query=finalized:[true, false]", ["4", "3", "2", "1"]),
    SessionsCase("with others", "query=finalized:false release.package:shop", ["1"]),
    SessionsCase("as an alternative", "query=finalized:true OR 5c0f", ["4", "2"]),
    SessionsCase(
      "within a negated alternative",
      "query=(finalized:true OR release.package:web) !release.version:1.2", ["3"]),
    SessionsCase("of archived ones", "status=archived&query=finalized:false", ["5"]),

    SessionsCase("by date: finalizing moves nothing", "sort=date", ["4", "3", "2", "1"]),
    SessionsCase("by version", "sort=semver", ["3", "2", "1", "4"]),
    SessionsCase("by build, beyond 2⁵³: only those with one", "sort=build", ["1", "2"]),
    SessionsCase(
      "by sessions: without any the newest first", "sort=sessions&flatten=1",
      ["4/shop", "3/till", "2/shop", "2/till", "1/shop"]),
    SessionsCase("by adoption", "sort=adoption", ["2", "1", "4", "3"]),
    SessionsCase(
      "by adoption, flat", "sort=adoption&flatten=1",
      ["2/till", "2/shop", "1/shop", "4/shop", "3/till"]),
  ]

  @Test(arguments: cases)
  func listed(example: SessionsCase<[String]>) throws {
    #expect(try Self.list(example.query) == example.expected)
  }

  @Test(arguments: [
    SessionsCase("no version", "query=release.version:>abc", "Invalid release.version: \"abc\""),
    SessionsCase("wildcard", "query=release.version:>1.*", "Invalid release.version: \"1.*\""),
    SessionsCase(
      "two environments", "environment=a&environment=b&query=release.stage:adopted",
      "Choose a single environment to filter by release stage."),
    SessionsCase(
      "stage", "environment=a&query=release.stage:gone", "Unsupported release.stage value"),
    SessionsCase(
      "names are not compared", "query=release:>1", "Comparisons are not supported in the query"),
    SessionsCase("open", "query=(release:a", "The query has a parenthesis that is not closed."),
    SessionsCase(
      "key", "query=color:red",
      "Invalid search filter: color. There are release, release.package, release.version, "
        + "release.build, release.stage, finalized. The release \"color:red\" is found by "
        + "\"color:red\"."),
    SessionsCase("near key", "query=finalised:true", "Invalid search filter: finalised; near: "),
    SessionsCase(
      "another search's key", "query=session.status:crashed",
      "Invalid search filter: session.status. There are release, release.package, "
        + "release.version, release.build, release.stage, finalized. Only searches of sessions have "
        + "session.status."),
    SessionsCase(
      "a parameter", "query=environment:prod",
      "Invalid search filter: environment. There are release, release.package, release.version, "
        + "release.build, release.stage, finalized. The parameter environment= selects by "
        + "environment."),
    SessionsCase(
      "neither true nor false", "query=finalized:maybe",
      "Invalid search filter: finalized. Give true or false, not \"maybe\"."),
    SessionsCase(
      "a pattern of true", "query=finalized:t*",
      "Invalid search filter: finalized. Give true or false, not \"t*\"."),
    SessionsCase("no status", "status=opne", "invalid value for status; near: \"open\". "),
    SessionsCase("no order", "sort=sesions", "invalid sort; near: \"sessions\". There are date, "),
    SessionsCase("not flat", "sort=users_24h", "sorting by crash statistics requires flattening"),
    SessionsCase("no stat", "healthStat=user", "invalid healthStat; near: \"users\". "),
    SessionsCase(
      "no period", "healthStatsPeriod=12h",
      "Invalid healthStatsPeriod. Valid choices are '1h', '24h', '1d', '48h', '2d', '7d', '14d', "),
    SessionsCase("end alone", "end=2026-01-01", "start and end are both required"),
  ])
  func refused(example: SessionsCase<String>) {
    let error = #expect(throws: APIError.self) { try Self.list(example.query) }
    #expect(error?.status == 400)
    #expect(error?.detail.hasPrefix(example.expected) == true, "\(error?.detail ?? "")")
  }

  @Test(
    arguments: [
      (3, "sort=date", "5c0ffee5c0ff", "shop@1.2+9007199254740992"),
      (4, "", nil, "web@1.2.3-rc.1"), (1, "", "shop@1.2+9007199254740992", nil),
      // Archived: it stands among the open ones all the same.
      (5, "", nil, "5c0ffee5c0ff"),
      // By the filters, which never hide the release itself.
      (3, "query=shop", nil, "shop@1.2+9007199254740992"),
      (3, "query=finalized:false", "5c0ffee5c0ff", "shop@1.0+9007199254740993"),
      (1, "environment=staging", "shop@1.2+9007199254740992", nil),
      (1, "status=archived", "shop@1.20", nil),
    ] as [(Int64, String, String?, String?)])
  func neighbours(_ id: Int64, _ query: String, _ next: String?, _ previous: String?) throws {
    let request = try ReleasesRequest(
      SessionsFixtures.items("project=-1&" + query), projects: [Self.shop, Self.till],
      now: Self.now, for: .page)
    let record = try #require(Self.records.first { $0.id == id })
    let meta = try ReleaseMeta(
      of: record, request, in: Self.shop.organization, sessionHours: 490_000...490_001,
      store: ReferenceStore(releases: Self.records))
    var json = JSONWriter()
    json.object { meta.write(to: &$0) }
    let text = String(decoding: json.bytes, as: UTF8.self)
    let quote: (String?) -> String = { $0.map { "\"\($0)\"" } ?? "null" }
    #expect(text.contains(#""nextReleaseVersion":\#(quote(next)),"#), "\(text)")
    #expect(text.contains(#""prevReleaseVersion":\#(quote(previous)),"#), "\(text)")
    // Of the projects and environments, whatever else is searched.
    let isStaging = query.contains("staging")
    let (first, last) = (
      isStaging ? Self.records[1] : Self.records[0], isStaging ? Self.records[1] : Self.records[4]
    )
    #expect(text.contains(#""firstReleaseVersion":"\#(first.version)","#), "\(text)")
    #expect(text.contains(#""lastReleaseVersion":"\#(last.version)""#), "\(text)")
    #expect(text.contains(#""sessionsLowerBound":"2025-11-24T16:00:00Z","#), "\(text)")
    #expect(text.contains(#""sessionsUpperBound":"2025-11-24T17:00:00Z","#), "\(text)")
  }

  /// Five thousand releases are listed in good time in every order.
  @Test(.timeLimit(.minutes(1)), arguments: ["date", "semver", "build", "adoption"])
  func manyReleases(sort: String) throws {
    let fixture = try ServiceFixture()
    var batch = IngestBatch(receivedAt: Self.now)
    for number in 1...5000 {
      batch.add(
        AggregatedSessions(correctedStart: Self.now, counts: SessionCounts(healthy: 1)),
        of: SeriesKey(
          project: Self.shop.id, release: "shop@1.\(number * 7919 % 5000).0+\(number)",
          environment: "production"))
    }
    try fixture.store.ingest(batch)
    let entries = try fixture.json(
      "/api/0/organizations/default/releases/?query=release.version:>=1.0&sort=\(sort)"
        + "&cursor=0:4950:0", as: [[String: Any]].self)
    #expect(entries.count == 50)
  }
}
