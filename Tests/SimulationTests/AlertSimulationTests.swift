import Bytes
import ReleaseHealth
import Storage
import TestSupport
import Testing

/// Alert rules minute by minute, with gaps, restarts and late sessions, against a model that keeps
/// every session and every value.
@Suite struct AlertSimulationTests {
  private static let start = Timestamp(seconds: 1_767_225_600 + 12 * 3600)

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func rulesDoAsTheModel(seed: UInt64) throws {
    var world = try AlertWorld(seed: seed, start: Self.start)
    for _ in 0..<150 { try world.step() }
    #expect(world.changes > 10)
  }

  /// Minutes without a service are not evaluated later.
  @Test func missedMinutesAreNotEvaluated() throws {
    let service = try SimulatedService(startingAt: Self.start, retentionDays: 90)
    let rule = AlertRule(
      measure: .sessions, projects: [ProjectID(rawValue: 1)], windowMinutes: 10, critical: 1,
      period: 3)
    let draft = AlertRuleDraft(name: "blackout", rule: rule)
    let organization = OrganizationID(rawValue: 1)
    _ = try service.alerts.saveAlertRule(draft, id: nil, of: organization, at: Self.start)
    for (minute, level) in [(1, AlertLevel.ok), (2, .ok), (600, .critical)] {
      service.clock.now = Timestamp(minute: Self.start.minute + minute)
      if minute == 600 { try service.restart(isCrash: true) }
      #expect(service.tick().contains { $0.name == "alerts" && $0.succeeded })
      #expect(try service.alerts.alertRules(of: nil).first?.state.level == level)
    }
    let records = try service.alerts.alertRecords(
      of: 1, minutes: Self.start.minute..<Self.start.minute + 1000, limit: 1000)
    #expect(records.map { $0.time.minute - Self.start.minute } == [1, 2, 600])
  }
}

private struct AlertWorld {
  fileprivate struct Rule {
    var rule: AlertRule
    var level = AlertLevel.ok
    /// The level that each value requires, given the level at its time.
    var requested: [AlertLevel] = []
    var incidents = 0
  }

  private let service: SimulatedService
  private var random: SplitMix64
  private var minute: Int
  private var sessions: [(minute: Int, isCrashed: Bool)] = []
  private var rules: [Rule]
  /// The number of changes of level.
  private(set) var changes = 0
  /// The share of crashing sessions, in tenths.
  private var crashing = 0

  init(seed: UInt64, start: Timestamp) throws {
    service = try SimulatedService(startingAt: start, retentionDays: 90)
    random = SplitMix64(seed: seed)
    minute = start.minute
    let project = ProjectID(rawValue: 1)
    rules = [
      Rule(
        rule: AlertRule(
          measure: .sessionCrashFree, projects: [project], windowMinutes: 10, critical: 70,
          warning: 85, resolve: 90)),
      Rule(
        rule: AlertRule(
          measure: .sessionCrashFree, projects: [project], windowMinutes: 60, critical: 80,
          sessionsMin: 20, period: 3)),
      Rule(
        rule: AlertRule(
          measure: .sessions, projects: [project], windowMinutes: 15, critical: 1, warning: 5,
          period: 2)),
    ]
    for (index, rule) in rules.enumerated() {
      _ = try service.alerts.saveAlertRule(
        AlertRuleDraft(name: "\(index)", rule: rule.rule), id: nil,
        of: OrganizationID(rawValue: 1), at: start)
    }
  }

  mutating func step() throws {
    if Int.random(in: 0..<12, using: &random) == 0 {
      crashing = Int.random(in: 0...6, using: &random)
    }
    for _ in 0..<Int.random(in: 0...4, using: &random) { send() }
    minute +=
      Int.random(in: 0..<15, using: &random) == 0
      ? Int.random(in: 2...40, using: &random) : 1
    service.clock.now = Timestamp(
      milliseconds: Int64(minute) * 60_000 + .random(in: 0..<60_000, using: &random))
    if Int.random(in: 0..<15, using: &random) == 0 {
      try service.restart(isCrash: Bool.random(using: &random))
    }
    #expect(service.tick().contains { $0.name == "alerts" && $0.succeeded })
    let stored = try service.alerts.alertRules(of: nil)
    for index in rules.indices {
      let value = value(rules[index].rule)
      if rules[index].advance(value) { changes += 1 }
      #expect(stored[index].state.level == rules[index].level, "minute \(minute), rule \(index)")
      #expect(stored[index].evaluated?.value == value, "minute \(minute), rule \(index)")
      #expect((stored[index].incident == nil) == (rules[index].level == .ok))
      let incidents = try service.alerts.alertIncidents(
        of: OrganizationID(rawValue: 1), rule: stored[index].id, offset: 0, limit: 1000)
      #expect(incidents.count == rules[index].incidents)
    }
  }

  /// Sends a session of the last half hour; most are from the last minutes.
  private mutating func send() {
    let back = Int.random(in: 0..<6, using: &random) == 0 ? 30 : 2
    let started = minute - Int.random(in: 0...back, using: &random)
    let isCrashed = Int.random(in: 0..<10, using: &random) < crashing
    sessions.append((started, isCrashed))
    let digits = String(UInt64.random(in: 1 << 60 ... .max, using: &random), radix: 16)
    let payload = """
      {"sid":"\(digits)\(digits)","init":true,"started":"\(RFC3339.format(Timestamp(minute: started)))",\
      "status":"\(isCrashed ? "crashed" : "exited")","attrs":{"release":"app@1.0"}}
      """
    let envelope = "{}\n{\"type\":\"session\"}\n\(payload)\n"
    #expect(service.post([Array(envelope.utf8)], project: 1) == 200)
  }

  private func value(_ rule: AlertRule) -> Double? {
    let counted = sessions.filter { $0.minute >= minute - rule.windowMinutes && $0.minute < minute }
    if rule.measure == .sessions { return Double(counted.count) }
    guard !counted.isEmpty, counted.count >= rule.sessionsMin else { return nil }
    let crashFree = Double(counted.count { !$0.isCrashed }) / Double(counted.count)
    return (crashFree * 1e8).rounded() / 1e6
  }
}

extension AlertWorld.Rule {
  /// - Returns: whether the level changed.
  fileprivate mutating func advance(_ value: Double?) -> Bool {
    guard let value else { return false }
    if value < rule.critical {
      requested.append(.critical)
    } else if let warning = rule.warning, value < warning {
      requested.append(.warning)
    } else if level == .ok || value >= rule.resolve ?? 0 {
      requested.append(.ok)
    } else {
      requested.append(rule.warning == nil ? level : .warning)
    }
    guard requested.count >= rule.period else { return false }
    let last = requested.suffix(rule.period)
    let before = level
    if last.allSatisfy({ $0 == .critical }) {
      level = .critical
    } else if level == .ok, last.allSatisfy({ $0 != .ok }) {
      level = .warning
    } else if level != .ok, last.allSatisfy({ $0 == .ok }) {
      level = .ok
    } else if level == .critical, last.allSatisfy({ $0 != .critical }) {
      level = .warning
    }
    if before == .ok, level != .ok { incidents += 1 }
    return level != before
  }
}
