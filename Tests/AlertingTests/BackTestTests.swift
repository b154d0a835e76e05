import Bytes
import ReleaseHealth
import SQLiteStorage
import Storage
import TestSupport
import Testing

@testable import Alerting

/// Back-tests against a model that keeps every session with the times at which it was told of.
@Suite struct BackTestTests {
  private struct Told {
    var started: Int
    var release: String
    /// When it was first told of, and when that it had crashed.
    var arrived: Int
    var crashed: Int?
  }

  private static let first = Timestamp(seconds: 1_767_225_600).minute

  @Test(arguments: 1...3 as ClosedRange<UInt64>)
  func rulesFireAsWasKnownThen(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let directory = try TemporaryDirectory()
    let store = try Self.store(directory)
    let told = (0..<150).map { _ in Self.session(&random) }
    try Self.ingest(told, into: store)
    let rules = [
      Self.rule(60, critical: 70, warning: 80, period: 1),
      Self.rule(10, critical: 60, warning: nil, period: 15),
      Self.rule(150, critical: 75, warning: nil, period: 1, releases: .latest),
      Self.rule(60, critical: 75, warning: nil, period: 1, releases: .pattern("a@1*")),
    ]
    var transitions = 0
    for rule in rules {
      let test = BackTest(
        rule: rule, organization: OrganizationID(rawValue: 1),
        start: Timestamp(minute: Self.first), end: Timestamp(minute: Self.first + 900))
      let answer = try test.replay(store)
      #expect(answer.transitions == Self.model(rule, told), "\(rule)")
      #expect(answer.minutes.reduce(0, +) == 910)
      transitions += answer.transitions.count
    }
    #expect(transitions >= 4)
    withExtendedLifetime(directory) {}
  }

  private static func rule(
    _ window: Int, critical: Double, warning: Double?, period: Int,
    releases: AlertRule.Releases = .all
  ) -> AlertRule {
    AlertRule(
      measure: .sessionCrashFree, projects: [ProjectID(rawValue: 1)], releases: releases,
      windowMinutes: window, critical: critical, warning: warning, sessionsMin: 3, period: period)
  }

  private static func session(_ random: inout SplitMix64) -> Told {
    let started = first + Int.random(in: 0..<800, using: &random)
    let arrived = started + Int.random(in: 0..<30, using: &random)
    let crashes = Int.random(in: 0..<3, using: &random) == 0
    return Told(
      started: started, release: Bool.random(using: &random) ? "a@1.9" : "a@1.10-rc",
      arrived: arrived,
      crashed: crashes ? arrived + Int.random(in: 0..<200, using: &random) : nil)
  }

  private static func store(_ directory: TemporaryDirectory) throws -> SQLiteStore {
    let store = try SQLiteStore(
      .init(path: directory.path + "/hale.db", newSecret: [UInt8](repeating: 1, count: 32)))
    let organization = try store.createOrganization(slug: "default", at: Timestamp(seconds: 0))
    _ = try store.createProject(
      organization: organization.id, slug: "default", settings: ProjectSettings(), id: nil,
      publicKey: String(repeating: "a", count: 32), at: Timestamp(seconds: 0))
    return store
  }

  /// One after the other, in the order of their arrival.
  private static func ingest(_ told: [Told], into store: SQLiteStore) throws {
    var reports: [(minute: Int, report: NamedReport)] = []
    for (index, session) in told.enumerated() {
      let started = Timestamp(minute: session.started)
      for (minute, status) in [
        (session.arrived, SessionStatus.ok), (session.crashed, .crashed),
      ] as [(Int?, SessionStatus)] {
        guard let minute else { continue }
        reports.append(
          (
            minute,
            NamedReport(
              key: SessionKey(
                series: SeriesKey(
                  project: ProjectID(rawValue: 1), release: session.release, environment: nil),
                started: started, sessionID: SessionID(value: UInt128(index + 1))),
              correctedStart: started, status: status, durationMilliseconds: nil, user: nil)
          ))
      }
    }
    for (minute, report) in reports.sorted(by: { $0.minute < $1.minute }) {
      var batch = IngestBatch(receivedAt: Timestamp(minute: minute))
      batch.add(report)
      try store.ingest(batch)
    }
  }

  private static func model(_ rule: AlertRule, _ told: [Told]) -> [BackTest.Transition] {
    var rule = rule
    rule.period = (rule.period + 9) / 10
    var transitions: [BackTest.Transition] = []
    var state = AlertState()
    for minute in stride(from: first, through: first + 900, by: 10) {
      let firstHour = (minute - rule.windowMinutes) / 60
      let endHour = (minute + 59) / 60
      var known = told.filter {
        $0.arrived < minute && (firstHour..<endHour).contains($0.started / 60)
      }
      var release: String?
      if rule.releases == .latest {
        release = known.contains { $0.release == "a@1.10-rc" } ? "a@1.10-rc" : known.first?.release
        known = known.filter { $0.release == release }
      }
      guard known.count >= 3 else { continue }
      let crashed = known.count { $0.crashed.map { $0 < minute } ?? false }
      let share = Double(known.count - crashed) / Double(known.count)
      let value = (share * 1e8).rounded() / 1e6
      let before = state
      state = rule.state(after: value, from: state)
      if before.level == state.level { continue }
      transitions.append(
        BackTest.Transition(
          time: Timestamp(minute: minute), before: before.level, after: state.level, value: value,
          sessions: Int64(known.count), release: release))
    }
    return transitions
  }
}
