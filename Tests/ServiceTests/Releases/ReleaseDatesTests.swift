import Access
import HTTP
import Locks
import ReleaseHealth
import SQLiteStorage
import Storage
import TestSupport
import Testing

@testable import Service

/// `…/releases/stats/`: the versions of releases with their dates.
@Suite struct ReleaseDatesTests {
  private static let path = ReleasesTests.list + "stats/"

  private static func versions(_ text: String) -> [String] {
    text.matches(of: #/"version":"shop@([^"]*)"/#).map { String($0.output.1) }
  }

  @Test func theNewestComeFirst() throws {
    let answer = try ServiceFixture.world().ask(Self.path)
    #expect(answer.status == 200)
    #expect(
      answer.text == #"[{"version":"shop@1.9.0","date":"2025-12-31T12:00:00Z"},"#
        + #"{"version":"shop@1.10.0+8","date":"2025-12-30T12:00:00Z"},"#
        + #"{"version":"shop@1.0.0+7","date":"2025-12-29T12:00:00Z"}]"#)
  }

  @Test(arguments: [
    SessionsCase("by project", "project=shop", ["1.9.0", "1.10.0+8", "1.0.0+7"]),
    SessionsCase("by environment", "environment=staging", ["1.9.0"]),
    SessionsCase("by name", "query=1.10", ["1.10.0+8"]),
    SessionsCase("by version", "query=release.version:>1.0.0", ["1.9.0", "1.10.0+8"]),
    SessionsCase("the latest", "query=release:latest", ["1.10.0+8"]),
    SessionsCase("finalized", "query=finalized:true", []),
    SessionsCase("by date", "statsPeriod=36h", ["1.9.0"]),
    SessionsCase(
      "from and to", "start=2025-12-29&end=2025-12-30T12:00:00", ["1.10.0+8", "1.0.0+7"]),
    SessionsCase("a page", "per_page=1&cursor=0:1:0", ["1.10.0+8"]),
    // What lists have beside has no effect here.
    SessionsCase(
      "other parameters", "sort=beauty&status=gone&health=2", ["1.9.0", "1.10.0+8", "1.0.0+7"]),
  ])
  func filters(_ example: SessionsCase<[String]>) throws {
    let answer = try ServiceFixture.world().ask(Self.path + "?" + example.query)
    #expect(answer.status == 200)
    #expect(Self.versions(answer.text) == example.expected, "\(answer.text)")
  }

  /// The latest release and the list are of one moment, while others arrive.
  @Test func theyAreOfOneMoment() throws {
    let fixture = try ServiceFixture.world()
    let count = Locked(UInt128(0))
    fixture.store.beforeReads { [store = fixture.store] in
      let id = count.withLock { count in
        count += 1
        return count
      }
      var batch = IngestBatch(receivedAt: ServiceFixture.now.advanced(byMilliseconds: -60_000))
      let series = SeriesKey(
        project: ProjectID(rawValue: 1), release: "shop@2.\(id)", environment: "production")
      let key = SessionKey(
        series: series, started: batch.receivedAt, sessionID: SessionID(value: id))
      batch.add(NamedReport(key: key, correctedStart: batch.receivedAt, status: .exited))
      _ = try? store.ingest(batch)
    }
    let versions = Self.versions(fixture.ask(Self.path + "?query=!release:latest").text)
    // All but the latest one.
    #expect(!versions.isEmpty && !versions.contains("2.\(count.withLock { $0 })"), "\(versions)")
  }

  /// As in Sentry, archived releases are among them.
  @Test func archivedOnesToo() throws {
    let fixture = try ServiceFixture.world()
    let archived = fixture.change(
      .put, ReleasesTests.list + "shop@1.9.0/", #"{"status":"archived"}"#)
    #expect(archived.status == 200)
    #expect(Self.versions(fixture.ask(Self.path).text).first == "1.9.0")
    #expect(!fixture.ask(ReleasesTests.list).text.contains("shop@1.9.0"))
  }

  /// A page has up to a thousand; other lists have a hundred.
  @Test func pagesAreLong() throws {
    let fixture = try ServiceFixture()
    for number in 1...101 {
      var change = ReleaseChange(version: "shop@\(number)")
      change.projects = [ProjectID(rawValue: 1)]
      _ = try fixture.store.saveRelease(
        change, of: OrganizationID(rawValue: 1), at: ServiceFixture.now)
    }
    #expect(Self.versions(fixture.ask(Self.path).text).count == 101)
    #expect(Self.versions(fixture.ask(ReleasesTests.list + "?per_page=101").text).count == 100)
    let response = fixture.send(
      .get, Self.path + "?per_page=100",
      headers: ["Authorization": "Bearer \(ServiceFixture.token)"])
    let link = try #require(response.headers["Link"])
    #expect(link.contains(#"rel="next"; results="true"; cursor="0:100:0""#))
  }

  @Test func anOrganizationWithoutProjectsHasNone() throws {
    let fixture = try ServiceFixture { store in
      let empty = try store.createOrganization(slug: "empty", at: ServiceFixture.now)
      _ = try store.createToken(
        organization: empty.id, name: "test", scope: .read,
        digest: TokenDigest.digest("a-token-of-nothing"), at: ServiceFixture.now)
    }
    for path in [Self.path, ReleasesTests.list] {
      let answer = fixture.ask(
        path.replacing("default", with: "empty"), token: "a-token-of-nothing")
      #expect(answer.status == 200 && answer.text == "[]")
    }
  }

  @Test(arguments: [
    ("query=color:red", 400, "Invalid search filter: color. "),
    ("start=2026-01-01", 400, "start and end are both required"),
    ("project=nowhere", 403, "You do not have permission to perform this action."),
  ])
  func refusals(query: String, status: Int, detail: String) throws {
    let answer = try ServiceFixture.world().ask(Self.path + "?" + query)
    #expect(answer.status == status && answer.text.contains(detail), "\(answer.text)")
  }
}
