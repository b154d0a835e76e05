import Bytes
@testable import ReleaseHealth
import TestSupport
import Testing

@Suite struct AlertEvaluationTests {
  private static func rule(
    _ measure: AlertRule.Measure = .sessionCrashFree, critical: Double = 90, warning: Double? = 95,
    resolve: Double? = nil, period: Int = 1
  ) -> AlertRule {
    AlertRule(
      measure: measure, projects: [ProjectID(rawValue: 1)], critical: critical, warning: warning,
      resolve: resolve, period: period)
  }

  /// The levels after each value.
  private func levels(_ rule: AlertRule, _ values: [Double?]) -> [AlertLevel] {
    var state = AlertState()
    return values.map { value in
      state = rule.state(after: value, from: state)
      return state.level
    }
  }

  // MARK: States

  @Test func thresholdsAreStrictAndResolvingIsNot() {
    let rule = Self.rule(resolve: 98)
    #expect(
      levels(rule, [100, 95, 94.9, 90, 89.9, 90, 94.9, 95, 97.9, 98])
        == [.ok, .ok, .warning, .warning, .critical, .warning, .warning, .warning, .warning, .ok])
  }

  @Test func withoutAResolveThresholdItResolvesWithinTheThresholds() {
    #expect(levels(Self.rule(), [89, 95]) == [.critical, .ok])
    #expect(levels(Self.rule(warning: nil), [89, 89.999, 90]) == [.critical, .critical, .ok])
  }

  /// Without a warning there is no level between critical and ok.
  @Test func criticalStaysUntilItIsResolved() {
    #expect(
      levels(Self.rule(warning: nil, resolve: 98), [89, 97, 97.999, 98])
        == [.critical, .critical, .critical, .ok])
  }

  @Test func aboveIsTheMirrorOfBelow() {
    var rule = Self.rule(.sessionCrash, critical: 10, warning: 5, resolve: 2)
    rule.isAbove = true
    #expect(
      levels(rule, [5, 5.1, 10, 10.1, 10, 2.1, 2])
        == [.ok, .warning, .warning, .critical, .warning, .warning, .ok])
  }

  @Test func withoutAValueNothingChanges() {
    let rule = Self.rule(period: 2)
    #expect(levels(rule, [89, nil, nil, 89]) == [.ok, .ok, .ok, .critical])
    #expect(levels(Self.rule(), [89, nil]) == [.critical, .critical])
  }

  /// A critical value is also beyond the threshold of the warning.
  @Test func levelsAreCountedTogether() {
    let rule = Self.rule(period: 3)
    #expect(levels(rule, [94, 89, 94]) == [.ok, .ok, .warning])
    #expect(levels(rule, [89, 94, 89, 89, 89]) == [.ok, .ok, .warning, .warning, .critical])
  }

  @Test func flappingChangesNoLevel() {
    let rule = Self.rule(period: 2)
    let flapping = (0..<20).map { $0 % 2 == 0 ? 80.0 : 100 }
    #expect(Set(levels(rule, flapping)) == [.ok])
    #expect(Set(levels(rule, [80, 80] + flapping).dropFirst()) == [.critical])
  }

  /// Compares with a model that keeps all values and evaluates them again.
  @Test func randomValuesGiveTheModelsLevels() {
    var random = SplitMix64(seed: 7)
    for _ in 0..<2000 {
      let warning: Double? = Bool.random(using: &random) ? 6 : nil
      let resolve: Double? =
        Bool.random(using: &random) ? Double(Int.random(in: 6...9, using: &random)) : nil
      var rule = Self.rule(
        critical: 4, warning: warning, resolve: resolve,
        period: Int.random(in: 1...4, using: &random))
      rule.isAbove = Bool.random(using: &random)
      if rule.isAbove {
        (rule.critical, rule.warning, rule.resolve) = (-4, warning.map(-), resolve.map(-))
      }
      let values: [Double?] = (0..<40).map { _ in
        guard Int.random(in: 0..<8, using: &random) > 0 else { return nil }
        let value = Double(Int.random(in: 2...10, using: &random))
        return rule.isAbove ? -value : value
      }
      #expect(levels(rule, values) == model(rule, values), "\(rule) \(values)")
    }
  }

  private func model(_ rule: AlertRule, _ values: [Double?]) -> [AlertLevel] {
    let sign = rule.isAbove ? -1.0 : 1.0
    var level = AlertLevel.ok
    // The level that each value calls for, given the level at its time.
    var wanted: [AlertLevel] = []
    return values.map { value in
      guard let value else { return level }
      let height = value * sign
      if height < 4 {
        wanted.append(.critical)
      } else if rule.warning != nil, height < 6 {
        wanted.append(.warning)
      } else if level == .ok || rule.resolve.map({ height >= $0 * sign }) ?? true {
        wanted.append(.ok)
      } else {
        wanted.append(rule.warning == nil ? level : .warning)
      }
      guard wanted.count >= rule.period else { return level }
      let last = wanted.suffix(rule.period)
      if last.allSatisfy({ $0 == .critical }) {
        level = .critical
      } else if level != .ok, last.allSatisfy({ $0 == .ok }) {
        level = .ok
      } else if level == .ok, last.allSatisfy({ $0 != .ok }) {
        level = .warning
      } else if level == .critical, last.allSatisfy({ $0 != .critical }) {
        level = .warning
      }
      return level
    }
  }

  // MARK: Values

  private func counts(
    _ healthy: Int64, crashed: Int64 = 0, errored: Int64 = 0
  ) -> AlertCounts {
    AlertCounts(
      sessions: SessionCounts(healthy: healthy, errored: errored, crashed: crashed),
      users: UserCounts(byWorst: SessionCounts(healthy: healthy, crashed: crashed)))
  }

  private func value(
    _ rule: AlertRule, _ current: AlertCounts, _ base: AlertCounts? = nil
  ) -> Double? {
    rule.value(of: AlertReading(current: current, base: base))
  }

  @Test func ratesAreExactPercentages() {
    #expect(value(Self.rule(), counts(993, crashed: 7)) == 99.3)
    #expect(value(Self.rule(), counts(2, crashed: 1)) == 66.666667)
    #expect(value(Self.rule(.sessionErrored), counts(3, errored: 1)) == 25)
    #expect(value(Self.rule(.sessionUnhealthy), counts(2, crashed: 1, errored: 1)) == 50)
    #expect(value(Self.rule(.userCrashFree), counts(9, crashed: 1)) == 90)
    #expect(value(Self.rule(), counts(0)) == nil)
    // A rate exactly at its threshold is not below it.
    for crashed: Int64 in 1..<1000 {
      var rule = Self.rule(warning: nil)
      rule.critical = Double(1000 - crashed) / 10
      let value = value(rule, counts(1000 - crashed, crashed: crashed))
      #expect(value.map { rule.wanted($0, at: .ok) } == .ok, "\(crashed)")
    }
  }

  @Test func tooFewSessionsAreNoData() {
    var rule = Self.rule()
    rule.sessionsMin = 10
    #expect(value(rule, counts(8, crashed: 1)) == nil)
    #expect(value(rule, counts(9, crashed: 1)) == 90)
  }

  @Test func zeroIsDataForACount() {
    #expect(value(Self.rule(.sessions), counts(0)) == 0)
    #expect(value(Self.rule(.users), counts(0)) == 0)
  }

  @Test func changesAreInPointsOrInPercent() {
    var rule = Self.rule()
    rule.comparison = .previousWeek
    #expect(value(rule, counts(98, crashed: 2), counts(99, crashed: 1)) == -1)
    #expect(value(rule, counts(98, crashed: 2)) == nil)
    #expect(value(rule, counts(98, crashed: 2), counts(0)) == nil)
    rule.measure = .sessions
    #expect(value(rule, counts(50), counts(200)) == -75)
    // All sessions vanished; and there were none before.
    #expect(value(rule, counts(0), counts(200)) == -100)
    #expect(value(rule, counts(50), counts(0)) == nil)
    rule.sessionsMin = 300
    #expect(value(rule, counts(0), counts(200)) == nil)
  }

  // MARK: Releases

  private func releases(_ names: [String]) -> AlertReleases {
    AlertReleases(
      names.enumerated().map { ($1, counts(Int64($0))) }, end: Timestamp(seconds: 0))
  }

  @Test func releasesWithoutSessionsAreNotSeen() {
    #expect(releases(["a@9.0", "a@1.9", "a@1.10"]).latest(sessionsMin: 0) == "a@1.10")
    #expect(releases(["a@9.0"]).latest(sessionsMin: 0) == nil)
    #expect(releases(["a@1.0", "a@1.1"]).previous(to: "a@1.1") == nil)
  }

  @Test func aRuleOnTheLatestReadsItAndTheOneBefore() {
    let all = releases(["x", "a@1.0", "a@1.1", "b@1.2", "a@2.0"])
    var rule = Self.rule()
    (rule.releases, rule.comparison) = (.latest, .previousRelease)
    let reading = rule.reading(all, weekBefore: nil)
    #expect(reading.release == "a@2.0" && reading.baseRelease == "a@1.1")
    #expect(reading.current == counts(4) && reading.base == counts(2))
    rule.comparison = .previousWeek
    let week = rule.reading(all, weekBefore: releases(["x", "a@1.0", "b@3.0"]))
    #expect(week.baseRelease == "b@3.0" && week.base == counts(2))
  }

  /// The minimum of the rule decides which release it is about.
  @Test func theMinimumOfSessionsChoosesAmongReleases() {
    var all = releases(["x", "a@2.0", "b@1.0", "a@1.0"])
    all.known[Name("a@1.0")] = ReleaseStanding(
      of: "a@1.0", adoption: [AdoptionTimes(adopted: Timestamp(seconds: -1))])
    var rule = Self.rule()
    rule.releases = .latest
    for (least, release) in [(0, "a@2.0"), (2, "a@1.0"), (3, "a@1.0"), (4, "a@2.0")] {
      rule.sessionsMin = Int64(least)
      #expect(rule.reading(all, weekBefore: nil).release == release, "\(least)")
    }
  }
}
