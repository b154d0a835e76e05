import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

@Suite struct ReleaseTests {
  static let hour: Int64 = 3_600_000
  static let start = Timestamp(milliseconds: 20_000 * 24 * hour + 12 * hour)
  let organization = OrganizationID(rawValue: 1)

  private func after(hours: Int64) -> Timestamp {
    Self.start.advanced(byMilliseconds: hours * Self.hour)
  }

  private func stages(_ fixture: StoreFixture) throws -> [String: AdoptionTimes] {
    Dictionary(
      uniqueKeysWithValues: try fixture.store.releases(of: organization).map {
        ($0.version, $0.places[0].adoption)
      })
  }

  /// The run for hour H reads the six hours before it, and not H itself.
  @Test func aRunReadsTheSixHoursBeforeIt() throws {
    let fixture = try StoreFixture()
    try fixture.ingest([fixture.report(1, started: Self.start)], at: Self.start)
    #expect(try fixture.store.runAdoption(at: Self.start) == 1)
    #expect(try stages(fixture)["shop@1.0.0"]?.stage == .lowAdoption)
    #expect(try fixture.store.runAdoption(at: after(hours: 1)) == 1)
    #expect(
      try stages(fixture)["shop@1.0.0"] == AdoptionTimes(adopted: after(hours: 1)))
    // Each hour has one run.
    #expect(try fixture.store.runAdoption(at: after(hours: 1)) == 0)
  }

  /// Another release replaces the first, which leaves the window; when the first returns, it keeps
  /// its first adoption time.
  @Test func replacementAndReturn() throws {
    let fixture = try StoreFixture()
    try fixture.ingest([fixture.report(1, started: Self.start)], at: Self.start)
    for hour in 1...8 {
      try fixture.ingest(
        [fixture.report(UInt64(10 + hour), started: after(hours: Int64(hour)), release: "shop@2")],
        at: after(hours: Int64(hour)))
      _ = try fixture.store.runAdoption(at: after(hours: Int64(hour)))
    }
    #expect(
      try stages(fixture)["shop@1.0.0"]
        == AdoptionTimes(adopted: after(hours: 1), unadopted: after(hours: 7)))
    #expect(try stages(fixture)["shop@2"] == AdoptionTimes(adopted: after(hours: 2)))
    try fixture.ingest([fixture.report(2, started: after(hours: 8))], at: after(hours: 8))
    _ = try fixture.store.runAdoption(at: after(hours: 9))
    #expect(try stages(fixture)["shop@1.0.0"] == AdoptionTimes(adopted: after(hours: 1)))
  }

  @Test func afterAStandstillSixRunsAreMadeUpFor() throws {
    let fixture = try StoreFixture()
    #expect(try fixture.store.runAdoption(at: Self.start) == 1)
    #expect(try fixture.store.runAdoption(at: after(hours: 4)) == 4)
    #expect(try fixture.store.runAdoption(at: after(hours: 100)) == 6)
    // When the clock is set back, hours that had their run get no second one.
    #expect(try fixture.store.runAdoption(at: after(hours: 97)) == 0)
    #expect(try fixture.store.runAdoption(at: after(hours: 100)) == 0)
    #expect(try fixture.store.runAdoption(at: after(hours: 101)) == 1)
    // A clock that was far ahead does not stop the runs.
    #expect(try fixture.store.runAdoption(at: Self.start) == 1)
    #expect(try fixture.store.runAdoption(at: after(hours: 1)) == 1)
  }

  /// A clock that was days ahead leaves no impossible times.
  @Test func aClockThatWasAheadHasNobodyReplacedBeforeAdopted() throws {
    let fixture = try StoreFixture()
    try fixture.ingest([fixture.report(1, started: after(hours: 48))], at: after(hours: 48))
    _ = try fixture.store.runAdoption(at: after(hours: 49))
    #expect(try stages(fixture)["shop@1.0.0"] == AdoptionTimes(adopted: after(hours: 49)))
    try fixture.ingest(
      [fixture.report(2, started: after(hours: 1), release: "shop@2")], at: after(hours: 1))
    _ = try fixture.store.runAdoption(at: after(hours: 2))
    #expect(
      try stages(fixture)["shop@1.0.0"]
        == AdoptionTimes(adopted: after(hours: 2), unadopted: after(hours: 2)))
    // Impossible times that older versions stored are no finding.
    try fixture.store.write { (writer) throws(StoreError) in
      try writer.connection.execute(
        "UPDATE adoption SET adopted = unadopted + 1 WHERE unadopted IS NOT NULL")
    }
    #expect(
      try DataFile.verify(path: fixture.directory.path + "/hale.db") { _, _ in }.findings.isEmpty)
  }

  @Test func stagesSurviveARestart() throws {
    let fixture = try StoreFixture()
    try fixture.ingest([fixture.report(1, started: Self.start)], at: Self.start)
    _ = try fixture.store.runAdoption(at: after(hours: 1))
    let before = try stages(fixture)
    try fixture.store.close()
    #expect(try stages(fixture) == before)
    #expect(before["shop@1.0.0"]?.stage == .adopted)
  }

  @Test func releasesComeFromSessionsAndFromTheirCreators() throws {
    let fixture = try StoreFixture()
    try fixture.ingest([fixture.report(1, started: Self.start)], at: Self.start)
    var change = ReleaseChange(version: "shop@2")
    change.projects = [fixture.project]
    change.url = "https://example.com/2"
    #expect(try fixture.store.saveRelease(change, of: organization, at: after(hours: 1)))
    var finalized = ReleaseChange(version: "shop@2")
    finalized.released = after(hours: 2)
    finalized.ref = "abc"
    #expect(try !fixture.store.saveRelease(finalized, of: organization, at: after(hours: 2)))

    let releases = try fixture.store.releases(of: organization)
    #expect(releases.map(\.version) == ["shop@2", "shop@1.0.0"])
    #expect(releases.map(\.projects) == [[fixture.project], [fixture.project]])
    #expect(releases[0].url == "https://example.com/2" && releases[0].ref == "abc")
    #expect(releases[0].created == after(hours: 1) && releases[0].released == after(hours: 2))
    #expect(releases[0].places.isEmpty && releases[1].places.count == 1)
  }

  @Test func aReleaseWithCountsIsNotDeleted() throws {
    let fixture = try StoreFixture()
    try fixture.ingest([fixture.report(1, started: Self.start)], at: Self.start)
    #expect(throws: StoreError.releaseHasSessions) {
      try fixture.store.deleteRelease(version: "shop@1.0.0", of: organization)
    }
    _ = try fixture.store.saveRelease(ReleaseChange(version: "x"), of: organization, at: Self.start)
    #expect(try fixture.store.deleteRelease(version: "x", of: organization))
    #expect(try !fixture.store.deleteRelease(version: "x", of: organization))
  }

  /// A release can be deleted once its counts have expired; a new session creates it again.
  @Test func aReleaseWhoseCountsExpiredCanGo() throws {
    let fixture = try StoreFixture(retentionDays: 30)
    try fixture.ingest([fixture.report(1, started: Self.start, user: 1)], at: Self.start)
    let later = after(hours: 24 * 40)
    try fixture.housekeep(at: later)
    #expect(try fixture.store.deleteRelease(version: "shop@1.0.0", of: organization))
    try fixture.ingest([fixture.report(2, started: later, user: 1)], at: later)
    let releases = try fixture.store.releases(of: organization)
    #expect(releases.map(\.created) == [later])
    #expect(try fixture.ask(days: later.day..<later.day + 1).totals.users.total == 1)
  }

  /// If the retention is shorter than the life of states, the remaining states of a deleted release
  /// must not count for another release.
  @Test func whatADeletedReleaseLeavesIsNobodyElses() throws {
    let fixture = try StoreFixture(retentionDays: 1)
    try fixture.ingest([fixture.report(1, started: Self.start, user: 1)], at: Self.start)
    let later = after(hours: 24 * 3)
    try fixture.housekeep(at: later)
    #expect(try fixture.store.deleteRelease(version: "shop@1.0.0", of: organization))
    try fixture.ingest(
      [fixture.report(2, started: later, user: 2, release: "shop@2")], at: later)
    let minutes = Self.start.minute - 60..<later.minute + 60
    let totals = try fixture.ask(minutes: minutes, 5).totals
    #expect(totals.sessions.total == 1 && totals.users.total == 1)
  }

  /// When corrections move all sessions of a day to another, the day's row stays, but is empty.
  @Test func aDayThatLostItsSessionsIsNoneOfTheRelease() throws {
    let fixture = try StoreFixture(retentionDays: 30)
    let (claimed, corrected) = (after(hours: 20 * 24), after(hours: 19 * 24))
    try fixture.ingest([fixture.report(1, started: Self.start)], at: Self.start)
    try fixture.ingest([fixture.report(2, started: claimed)], at: claimed)
    try fixture.ingest([fixture.report(2, started: claimed, corrected: corrected)], at: claimed)
    let id = try fixture.store.releases(of: organization)[0].id
    #expect(
      try fixture.store.sessionHours(
        ofRelease: id, projects: [fixture.project], environments: EnvironmentSelection())
        == Self.start.hour...corrected.hour)
    // The row is the oldest within the retention; all older counts are dropped.
    try fixture.housekeep(at: after(hours: 50 * 24))
    #expect(try fixture.number("SELECT count(*) FROM session_day") == 1)
    #expect(try fixture.store.deleteRelease(version: "shop@1.0.0", of: organization))
    #expect(try fixture.number("SELECT count(*) FROM session_day") == 0)
    #expect(
      try DataFile.verify(path: fixture.directory.path + "/hale.db") { _, _ in }.findings.isEmpty)
  }

  @Test func theFirstAndTheLastHourOfARelease() throws {
    let fixture = try StoreFixture()
    for hour: Int64 in [0, 30, 55] {
      try fixture.ingest(
        [fixture.report(UInt64(hour), started: after(hours: hour))], at: after(hours: hour))
    }
    let id = try fixture.store.releases(of: organization)[0].id
    #expect(
      try fixture.store.sessionHours(
        ofRelease: id, projects: [fixture.project], environments: EnvironmentSelection())
        == Self.start.hour...Self.start.hour + 55)
    #expect(
      try fixture.store.sessionHours(
        ofRelease: id, projects: [fixture.project], environments: EnvironmentSelection(["staging"]))
        == nil)
  }

  /// Deploys go with their release, and with the last of their projects.
  @Test func deploysGoWithWhatTheyAreOf() throws {
    let fixture = try StoreFixture()
    let other = try fixture.store.createProject(
      organization: organization, slug: "other", settings: ProjectSettings(), id: nil,
      publicKey: String(repeating: "1", count: 32), at: Self.start
    ).id
    for version in ["a@1", "a@2"] {
      _ = try fixture.store.saveRelease(
        ReleaseChange(version: version), of: organization, at: Self.start)
      for projects in [[other], [fixture.project, other]] {
        _ = try fixture.store.addDeploy(
          Deploy(projects: projects, environment: "canary", finished: Self.start),
          ofRelease: version, of: organization)
      }
    }
    func rows() throws -> [Int64?] {
      try ["deploy", "deploy_project"].map { try fixture.number("SELECT count(*) FROM \($0)") }
    }
    #expect(try rows() == [4, 6])
    #expect(try fixture.store.deleteRelease(version: "a@1", of: organization))
    #expect(try rows() == [2, 3])
    try fixture.store.write { (writer) throws(StoreError) in
      for sql in [
        "DELETE FROM project_key WHERE project = \(other.rawValue)",
        "DELETE FROM project WHERE id = \(other.rawValue)",
      ] {
        try writer.connection.execute(sql)
      }
    }
    #expect(try rows() == [1, 1])
    #expect(
      try DataFile.verify(path: fixture.directory.path + "/hale.db") { _, _ in }.findings.isEmpty)
  }
}
