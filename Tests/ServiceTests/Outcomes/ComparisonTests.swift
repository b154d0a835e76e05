import Bytes
import Foundation
import HTTP
import Locks
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Service

/// What stands side by side in an answer can be compared: it is of one moment, or of one age, and
/// no verdict praises what got worse.
@Suite struct ComparisonTests {
  private static let organization = "/api/0/organizations/default/"
  private static let now = ServiceFixture.now

  private static func report(
    _ release: String, _ id: Int, _ status: SessionStatus, minutesAgo: Int64
  ) -> NamedReport {
    let started = now.advanced(byMilliseconds: -minutesAgo * 60_000)
    let series = SeriesKey(
      project: ProjectID(rawValue: 1), release: release, environment: "production")
    let user = UInt128(release.utf8.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }) << 64
    return NamedReport(
      key: SessionKey(
        series: series, started: started, sessionID: SessionID(value: user | UInt128(id))),
      correctedStart: started, status: status, user: UserHash(value: user | UInt128(id)))
  }

  /// A service in which a crashed session of each of two releases, of a user of its own, and one of
  /// a third release a week before arrive before each read.
  private static func busy() -> Result<ServiceFixture, any Error> {
    Result {
      let fixture = try ServiceFixture()
      let count = Locked(0)
      fixture.store.beforeReads { [store = fixture.store] in
        let id = count.withLock { count in
          count += 1
          return count
        }
        var batch = IngestBatch(receivedAt: now)
        batch.add([
          report("shop@1", id, .crashed, minutesAgo: 2),
          report("shop@2", id, .crashed, minutesAgo: 2),
          report("old@1", id, .crashed, minutesAgo: 2 + 7 * 1440),
        ])
        _ = try? store.ingest(batch)
      }
      // The releases are known before the first answer.
      _ = try fixture.store.uses(of: OrganizationID(rawValue: 1))
      return fixture
    }
  }

  // MARK: One moment

  @Test func aComparisonIsOfOneMoment() throws {
    let answer = try Self.busy().get().json(
      Self.organization + "sessions/compare/?base=shop@1&candidate=shop@2")
    let sides = try ["base", "candidate"].map { try #require(answer[$0] as? [String: Any]) }
    let counts = try sides.map { try #require($0["sessions"] as? [String: Int]) }
    #expect(counts[0] == counts[1])
    for (side, counts) in zip(sides, counts) {
      #expect(side["users"] as? [String: Int] == counts)
      #expect((side["adoption"] as? [String: Double])?["sessions"] == 0.5)
    }
    #expect(answer["asOf"] as? String == RFC3339.format(Self.now))
    #expect(answer["known"] as? [String: String] == ["sessions": "now", "users": "now"])
  }

  @Test func aGateIsOfOneMoment() throws {
    let answer = try Self.busy().get().json(
      Self.organization + "releases/shop@2/gate/?baseline=shop@1")
    let sides = try ["candidate", "baseline"].map { try #require(answer[$0] as? [String: Any]) }
    let now = try sides.map { try #require($0["now"] as? [String: Int]) }
    #expect(now[0] == now[1] && now[0]["sessions"] == now[0]["users"])
    #expect(now[0]["crashed"] == now[0]["crashedUsers"])
    for side in sides {
      #expect(side["sessions"] as? Int == now[0]["sessions"])
      // No number of users stands beside sessions of another moment.
      #expect(side["users"] == nil && side["crashedUsers"] == nil)
    }
    #expect(answer["asOf"] as? String == RFC3339.format(Self.now))
  }

  @Test func aReleaseAndTheOneBeforeAreOfOneMoment() throws {
    let fixture = try Self.busy().get()
    func check(_ release: Any?) throws {
      let projects = (release as? [String: Any])?["projects"] as? [[String: Any]]
      let health = try #require(projects?.first?["healthData"] as? [String: Any])
      let previous = try #require(health["previous"] as? [String: Any])
      #expect(previous["version"] as? String == "shop@1")
      for kind in ["sessions", "users"] {
        let own = try #require(health[kind] as? [String: Int])
        #expect(own == previous[kind] as? [String: Int] && own == health["users"] as? [String: Int])
      }
    }
    let query = "?health=1&overview=1&summaryStatsPeriod=24h"
    try check(try fixture.json(Self.organization + "releases/shop@2/" + query))
    let entries = try fixture.json(
      Self.organization + "releases/" + query + "&query=shop@2", as: [Any].self)
    try check(entries.first)
  }

  @Test(arguments: Objective.Measure.allCases)
  func aBudgetIsOfOneMoment(_ measure: Objective.Measure) throws {
    let fixture = try Self.busy().get()
    let path = "/api/0/projects/default/shop/"
    let set = fixture.change(
      .put, path + "objectives/", "{\"measure\":\"\(measure.rawValue)\",\"days\":1}")
    #expect(set.status == 200)
    let budget = try fixture.json(path + "budget/")
    let total = try #require(budget["total"] as? Int)
    let rates = try #require(budget["burnRates"] as? [[String: Any]])
    #expect(total > 0 && rates.count > 3)
    #expect(rates.allSatisfy { $0["total"] as? Int == total && $0["bad"] as? Int == total })
  }

  /// Of each arrival two sessions are of now and one is of the week before.
  @Test func bothWindowsOfARuleAreOfOneMoment() throws {
    let fixture = try Self.busy().get()
    let rule = """
      {"name": "r", "aggregate": "sum(session)", "projects": ["shop"], "timeWindow": 60, \
      "comparison": "previousWeek", "thresholdType": 0, "minSessions": 1, \
      "triggers": [{"label": "critical", "alertThreshold": 50}]}
      """
    let made = fixture.change(.post, Self.organization + "alert-rules/", rule)
    #expect(made.status == 201, "\(made.text)")
    let run = fixture.send(.post, "/control/jobs/alerts/run", headers: [:], isControl: true)
    #expect(run.status == 200)
    let state = try fixture.json(Self.organization + "alert-rules/r/")["state"]
    #expect((state as? [String: Any])?["value"] as? Double == 100, "\(state ?? "none")")
  }

  // MARK: One age

  /// The late crashes of the older release count once the younger one is as old; of users it is not
  /// known when they crashed, so that no verdict praises the younger one for it.
  @Test func ofTheSameAgeNothingThatBecameKnownLaterCounts() throws {
    let fixture = try ServiceFixture()
    func arrive(_ reports: [NamedReport], minutesAgo: Int64) throws {
      var batch = IngestBatch(receivedAt: Self.now.advanced(byMilliseconds: -minutesAgo * 60_000))
      batch.add(reports)
      try fixture.store.ingest(batch)
    }
    // Two days and two hours old: of 100 sessions 40 crashed, of which half became known later.
    for (release, age, late) in [("shop@1", Int64(2880), Int64(2000)), ("shop@2", 120, 0)] {
      try arrive(
        (0..<100).map { Self.report(release, $0, .ok, minutesAgo: age) }, minutesAgo: age)
      try arrive(
        (0..<20).map { Self.report(release, $0, .crashed, minutesAgo: age) }, minutesAgo: age - 5)
      guard late > 0 else { continue }
      try arrive(
        (20..<40).map { Self.report(release, $0, .crashed, minutesAgo: age) }, minutesAgo: late)
    }
    func compare(_ base: String, _ candidate: String) throws -> [String: Any] {
      try fixture.json(
        Self.organization
          + "sessions/compare/?align=age&statsPeriod=7d&base=\(base)&candidate=\(candidate)")
    }
    let answer = try compare("shop@1", "shop@2")
    #expect(answer["known"] as? [String: String] == ["sessions": "atAge", "users": "now"])
    for side in ["base", "candidate"] {
      let side = try #require(answer[side] as? [String: Any])
      let sessions = try #require(side["sessions"] as? [String: Int])
      #expect(sessions["total"] == 100 && sessions["crashed"] == 20, "\(sessions)")
    }
    func verdict(_ answer: [String: Any], _ name: String) -> String? {
      (answer["difference"] as? [String: [String: Any]])?[name]?["verdict"] as? String
    }
    #expect(verdict(answer, "crashFreeSessions") == "chance")
    #expect(verdict(answer, "crashFreeUsers") == "early")
    // The other way round the older one is not called worse for it either.
    #expect(verdict(try compare("shop@2", "shop@1"), "crashFreeUsers") == "early")
    // What the younger one does worse is told at once.
    try arrive(
      (20..<90).map { Self.report("shop@2", $0, .crashed, minutesAgo: 120) }, minutesAgo: 90)
    #expect(verdict(try compare("shop@1", "shop@2"), "crashFreeUsers") == "worse")
    #expect(verdict(try compare("shop@2", "shop@1"), "crashFreeUsers") == "better")
  }

  // MARK: Verdicts

  /// Whatever sessions and users move to a worse status, no measure is called better.
  @Test func nothingThatGotWorseIsCalledBetter() throws {
    let fixture = try ServiceFixture()
    var random = SplitMix64(seed: 28)
    let statuses: [SessionStatus] = [.exited, .errored, .unhandled, .abnormal, .crashed]
    for round in 0..<12 {
      var batch = IngestBatch(receivedAt: Self.now)
      // Mostly of two statuses, so that what moves is more than chance.
      let (from, to) = (
        Int.random(in: 0..<4, using: &random), Int.random(in: 1..<5, using: &random)
      )
      for id in 0..<400 {
        let before = id < 200 ? from : Int.random(in: 0..<5, using: &random)
        let after = id < 150 ? max(before, to) : before
        batch.add([
          Self.report("a@\(round)", id, statuses[before], minutesAgo: 90),
          Self.report("b@\(round)", id, statuses[after], minutesAgo: 90),
        ])
      }
      try fixture.store.ingest(batch)
      let answer = try fixture.json(
        Self.organization + "sessions/compare/?base=a@\(round)&candidate=b@\(round)")
      let difference = try #require(answer["difference"] as? [String: [String: Any]])
      let verdicts = difference.mapValues { $0["verdict"] as? String ?? "" }
      #expect(!verdicts.values.contains("better"), "\(from) to \(to): \(verdicts)")
    }
  }

  /// What freezes less does not hide what crashes more.
  @Test(
    arguments: [
      (.abnormal, .crashed, "worse"), (.crashed, .abnormal, "better"),
      (.unhandled, .abnormal, "shifted"), (.abnormal, .unhandled, "worse"),
      (.unhandled, .crashed, "chance"), (.unhandled, .exited, "better"),
      (.exited, .unhandled, "worse"),
    ] as [(SessionStatus, SessionStatus, String)])
  func unhandledErrorsThatAreBad(_ one: SessionStatus, _ other: SessionStatus, verdict: String)
    throws
  {
    let fixture = try ServiceFixture()
    var batch = IngestBatch(receivedAt: Self.now)
    for id in 0..<500 {
      batch.add([
        Self.report("shop@1", id, id < 30 ? one : .exited, minutesAgo: 90),
        Self.report("shop@2", id, id < 30 ? other : .exited, minutesAgo: 90),
      ])
    }
    try fixture.store.ingest(batch)
    let answer = try fixture.json(
      Self.organization + "sessions/compare/?base=shop@1&candidate=shop@2&bad=crashed,unhandled")
    let difference = try #require(answer["difference"] as? [String: [String: Any]])
    #expect(answer["verdict"] as? String == verdict)
    for kind in ["Sessions", "Users"] {
      #expect(difference["failureFree" + kind]?["verdict"] as? String == verdict)
    }
  }

  /// Users who had errors crash now.
  @Test func aStatusThatShrinksBecauseCrashesGrewIsNotBetter() throws {
    let fixture = try ServiceFixture()
    var batch = IngestBatch(receivedAt: Self.now)
    for id in 0..<500 {
      batch.add([
        Self.report("shop@1", id, id < 15 ? .errored : .exited, minutesAgo: 90),
        Self.report("shop@2", id, id < 190 ? .crashed : .exited, minutesAgo: 90),
      ])
    }
    try fixture.store.ingest(batch)
    let answer = try fixture.json(
      Self.organization + "sessions/compare/?base=shop@1&candidate=shop@2")
    let difference = try #require(answer["difference"] as? [String: [String: Any]])
    for kind in ["Sessions", "Users"] {
      #expect(difference["errored" + kind]?["verdict"] as? String == "shifted")
      #expect(difference["crashFree" + kind]?["verdict"] as? String == "worse")
    }
  }
}
