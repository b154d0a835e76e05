import Foundation
import HTTP
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Service

@Suite struct ReleaseOverviewTests {
  /// The health of each release by its version.
  private func health(_ query: String) throws -> [String: [String: Any]] {
    let releases = try ServiceFixture.world().json(
      ReleasesTests.list + "?health=1&overview=1&flatten=1&" + query, as: [[String: Any]].self)
    return Dictionary(
      uniqueKeysWithValues: releases.compactMap { release in
        guard let version = release["version"] as? String,
          let project = (release["projects"] as? [[String: Any]])?.first,
          let health = project["healthData"] as? [String: Any]
        else { return nil }
        return (version, health)
      })
  }

  /// Versions are numbers: 1.9 comes before 1.10.
  @Test func theReleaseBeforeIsTheNextLowerVersion() throws {
    let health = try health("environment=production")
    let previous = health.mapValues { ($0["previous"] as? [String: Any])?["version"] as? String }
    #expect(
      previous == [
        "shop@1.0.0+7": nil, "shop@1.9.0": "shop@1.0.0+7", "shop@1.10.0+8": "shop@1.9.0",
      ])
    let before = try #require(health["shop@1.10.0+8"]?["previous"] as? [String: Any])
    #expect((before["sessions"] as? [String: Int])?["total"] == 12)
    #expect((before["sessions"] as? [String: Int])?["crashed"] == 5)
    #expect((before["users"] as? [String: Int])?["crashed"] == 5)
  }

  /// It is there whatever a search leaves, and only where the environments have it.
  @Test func searchesDoNotHideItAndEnvironmentsDo() throws {
    let found = try health("environment=production&query=1.10.0")
    #expect(found.count == 1)
    #expect((found["shop@1.10.0+8"]?["previous"] as? [String: Any])?["version"] != nil)
    #expect(try health("environment=staging")["shop@1.9.0"]?["previous"] is NSNull)
  }

  /// The page sorts by it.
  @Test func theRankIsThatOfTheListByVersion() throws {
    let fixture = try ServiceFixture.world()
    var batch = IngestBatch(receivedAt: ServiceFixture.now)
    for (index, release) in [
      "shop@2.0.0-rc.10", "shop@2.0.0-rc.9", "shop@9.4.47-10", "shop@9.4.47-2", "zebra", "apple",
    ].enumerated() {
      let key = SessionKey(
        series: SeriesKey(
          project: ProjectID(rawValue: 1), release: release, environment: "production"),
        started: batch.receivedAt, sessionID: SessionID(value: UInt128(index + 1)))
      batch.add(NamedReport(key: key, correctedStart: batch.receivedAt, status: .ok))
    }
    try fixture.store.ingest(batch)
    let answer = fixture.ask(
      ReleasesTests.list + "?health=1&overview=1&flatten=1&sort=semver")
    let versions = answer.text.matches(of: #/"version":"([^"]*)","shortVersion"/#).map {
      String($0.output.1)
    }
    #expect(
      versions == [
        "shop@9.4.47-10", "shop@9.4.47-2", "shop@2.0.0-rc.10", "shop@2.0.0-rc.9", "shop@1.10.0+8",
        "shop@1.9.0", "shop@1.0.0+7", "zebra", "apple",
      ])
    let ranks = answer.text.matches(of: #/"versionRank":(\d+)/#).map { Int($0.output.1) }
    #expect(ranks == (0..<9).reversed().map { $0 })
  }

  @Test func hoursAndCountsByStatus() throws {
    let health = try #require(try health("")["shop@1.9.0"])
    #expect(health["firstSession"] as? String == "2025-12-31T12:00:00Z")
    #expect(health["lastSession"] as? String == "2026-01-01T10:00:00Z")
    #expect(
      health["sessions"] as? [String: Int] == [
        "total": 13, "healthy": 8, "errored": 0, "unhandled": 0, "abnormal": 0, "crashed": 5,
      ])
    #expect((health["users"] as? [String: Int])?["total"] == 10)
  }

  /// Percentages beside Sentry's crash-free ones; a user counts with any such session.
  @Test func failureFreeRates() throws {
    let fixture = try ServiceFixture()
    var batch = IngestBatch(receivedAt: ServiceFixture.now)
    for (index, (status, user)) in [
      (.exited, 1), (.exited, 2), (.unhandled, 3), (.abnormal, 3), (.crashed, 4),
      (.unhandled, nil), (.errored, 5), (.exited, nil),
    ].enumerated() as EnumeratedSequence<[(SessionStatus, UInt128?)]> {
      let key = SessionKey(
        series: SeriesKey(project: ProjectID(rawValue: 1), release: "shop@1", environment: nil),
        started: batch.receivedAt, sessionID: SessionID(value: UInt128(index + 1)))
      batch.add(
        NamedReport(
          key: key, correctedStart: batch.receivedAt, status: status,
          user: user.map { UserHash(value: $0) }))
    }
    try fixture.store.ingest(batch)
    let made = fixture.change(
      .post, ReleasesTests.list, #"{"version":"shop@2","projects":["shop"]}"#)
    #expect(made.status == 201)
    let answer = fixture.ask(ReleasesTests.list + "?health=1&overview=1").text
    #expect(answer.contains(#""failureFreeSessions":62.5,"failureFreeUsers":60.0,"#))
    #expect(answer.contains(#""failureFreeSessions":null,"failureFreeUsers":null,"#))
    let page = fixture.ask(ReleasesTests.list + "shop@1/?health=1&overview=1").text
    #expect(page.contains(#""failureFreeSessions":62.5,"failureFreeUsers":60.0,"#))
  }

  @Test func withoutItSentrysMembersStandAlone() throws {
    let answer = try ServiceFixture.world().ask(ReleasesTests.list + "?health=1")
    for name in ["previous", "lastSession", "failureFree"] {
      #expect(!answer.text.contains(name))
    }
  }
}
