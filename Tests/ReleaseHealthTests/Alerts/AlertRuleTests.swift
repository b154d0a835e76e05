import ReleaseHealth
import Testing

@Suite struct AlertRuleTests {
  private static let rule = AlertRule(
    measure: .sessionCrashFree, projects: [ProjectID(rawValue: 1)], critical: 90, warning: 95)

  private static func changed(_ change: (inout AlertRule) -> Void) -> AlertRule {
    var rule = rule
    change(&rule)
    return rule
  }

  private func fields(_ change: (inout AlertRule) -> Void) -> [String] {
    Self.changed(change).problems.map(\.field)
  }

  @Test func problemsNameTheirField() {
    #expect(Self.rule.problems.isEmpty)
    #expect(fields { $0.projects = [] } == ["projects"])
    #expect(fields { $0.environment = String(repeating: "e", count: 65) } == ["environment"])
    #expect(fields { $0.releases = .one(String(repeating: "r", count: 201)) } == ["release"])
    for name in ["none", "None", "a/b", "a\\b", "..", "prod*"] {
      #expect(fields { $0.environment = name } == ["environment"], "\(name)")
    }
    for name in ["", "production", "prüfung", "a b"] {
      #expect(fields { $0.environment = name } == [], "\(name)")
    }
    for name in ["LATEST", "Latest", "a/b", "a/*", "..", " ", "a\u{7}"] {
      #expect(fields { $0.releases = AlertRule.Releases(name) } == ["release"], "\(name)")
    }
    for name in ["latest", "*", "shop@2.*", "latest*", "late*", "a b"] {
      #expect(fields { $0.releases = AlertRule.Releases(name) } == [], "\(name)")
    }
    #expect(fields { $0.comparison = .previousRelease } == ["comparison"])
    for minutes in [9, 1441, 10_081, 10_140, 0, -60] {
      #expect(fields { $0.windowMinutes = minutes } == ["timeWindow"], "\(minutes)")
    }
    for minutes in [10, 11, 1439, 1440, 1500, 10_080] {
      #expect(fields { $0.windowMinutes = minutes } == [], "\(minutes)")
    }
    for period in [0, 101] { #expect(fields { $0.period = period } == ["thresholdPeriod"]) }
    for sessions: Int64 in [-1, 1_000_000_001] {
      #expect(fields { $0.sessionsMin = sessions } == ["minSessions"])
    }
  }

  @Test func thresholdsAreOrdered() {
    #expect(fields { $0.warning = 90 } == ["triggers"])
    #expect(fields { $0.warning = 89 } == ["triggers"])
    #expect(fields { $0.resolve = 94.9 } == ["resolveThreshold"])
    #expect(fields { $0.resolve = 95 } == [])
    #expect(fields { $0.critical = 100.1 } == ["triggers"])
    #expect(fields { $0.critical = .nan } == ["triggers"])
    // Nothing is below zero percent, and nothing above a hundred.
    #expect(fields { $0.critical = 0 } == ["triggers"])
    // A share by mistake for a percentage: the rule would never fire.
    for measure: AlertRule.Measure in [
      .sessionCrashFree, .userCrashFree, .sessionFailureFree, .userFailureFree,
    ] {
      let shares = fields {
        $0.measure = measure
        ($0.critical, $0.warning, $0.resolve) = (0.99, nil, nil)
      }
      #expect(shares == ["triggers"])
    }
    let rare = fields { ($0.measure, $0.critical, $0.warning) = (.sessionErrored, 0.99, nil) }
    #expect(rare == [])
    let above = Self.changed {
      $0.isAbove = true
      $0.measure = .sessionCrash
      ($0.critical, $0.warning, $0.resolve) = (5, 2, 1)
    }
    #expect(above.problems.isEmpty)
    for change: (inout AlertRule) -> Void in [
      { $0.warning = 5 }, { $0.critical = 100 }, { $0.resolve = 3 },
    ] {
      var rule = above
      change(&rule)
      #expect(rule.problems.count == 1)
    }
  }

  @Test func weeksAreComparedByTheHour() {
    let week = { (minutes: Int) in
      Self.changed {
        $0.comparison = .previousWeek
        $0.windowMinutes = minutes
        ($0.critical, $0.warning) = (-2, -1)
      }
    }
    #expect(week(90).problems.map(\.field) == ["timeWindow"])
    #expect(week(120).problems.isEmpty)
    let now = Timestamp(minute: 10_000 * 60 + 17)
    #expect(week(120).window(at: now) == 9998 * 60..<10_000 * 60)
    #expect(
      AlertRule.weekBefore(week(120).window(at: now)) == (9998 - 168) * 60..<(10_000 - 168) * 60)
  }

  @Test func windowsEndWithTheMinuteBefore() {
    let now = Timestamp(milliseconds: (10_000 * 60 + 17) * 60_000 + 59_999)
    for (minutes, first) in [(10, 7), (60, -43), (1440, 17 - 1440)] {
      let window = Self.changed { $0.windowMinutes = minutes }.window(at: now)
      #expect(window == 600_000 + first..<600_017)
    }
    // A window of more than a day begins on a full hour.
    #expect(
      Self.changed { $0.windowMinutes = 2880 }.window(at: now) == (10_000 - 48) * 60..<600_017)
  }

  @Test func rulesWithTheSameQuery() {
    #expect(
      Self.rule.queriesTheSame(
        as: Self.changed {
          ($0.critical, $0.warning, $0.period, $0.sessionsMin) = (1, nil, 9, 9)
        }))
    for change: (inout AlertRule) -> Void in [
      { $0.measure = .userCrashFree }, { $0.windowMinutes = 61 }, { $0.environment = "" },
      { $0.releases = .latest }, { $0.projects = [] }, { $0.comparison = .previousWeek },
    ] {
      #expect(!Self.rule.queriesTheSame(as: Self.changed(change)))
    }
    // The minimum is a part of what latest means.
    let latest = Self.changed { $0.releases = .latest }
    let another = Self.changed { ($0.releases, $0.sessionsMin) = (.latest, 9) }
    #expect(!latest.queriesTheSame(as: another))
  }
}
