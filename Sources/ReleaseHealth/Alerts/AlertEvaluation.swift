/// The level of an alert rule.
package enum AlertLevel: Int, CaseIterable, Comparable, Sendable {
  case ok
  case warning
  case critical

  package var name: String {
    switch self {
    case .ok: "ok"
    case .warning: "warning"
    case .critical: "critical"
    }
  }

  package static func < (left: AlertLevel, right: AlertLevel) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The state of a rule between evaluations.
package struct AlertState: Equatable, Sendable {
  package var level: AlertLevel
  /// The consecutive evaluations, at most the rule's period, that call for at least warning.
  package var alarming: Int
  /// The same for critical.
  package var critical: Int
  /// The same for at most warning.
  package var eased: Int
  /// The same for ok.
  package var resolved: Int

  package init(
    level: AlertLevel = .ok, alarming: Int = 0, critical: Int = 0, eased: Int = 0, resolved: Int = 0
  ) {
    self.level = level
    self.alarming = alarming
    self.critical = critical
    self.eased = eased
    self.resolved = resolved
  }
}

/// The counts of a window.
package struct AlertCounts: Equatable, Sendable {
  package var sessions: SessionCounts
  package var users: UserCounts

  package init(sessions: SessionCounts = SessionCounts(), users: UserCounts = UserCounts()) {
    self.sessions = sessions
    self.users = users
  }
}

/// The counts that one evaluation of a rule compares.
package struct AlertReading: Equatable, Sendable {
  package var current: AlertCounts
  /// The counts to compare with; nil without a comparison, or if there are none.
  package var base: AlertCounts?
  /// The release, if the rule is about a single one. ``baseRelease`` is that of the base.
  package var release: String?
  package var baseRelease: String?
}

extension AlertRule.Measure {
  /// The number, or the rate in percent; nil if its denominator is 0.
  ///
  /// Rates are rounded to a millionth of a percent, far finer than one session in any window, so
  /// that floating point does not make 99.3 % of 1000 a little less.
  func value(of counts: AlertCounts) -> Double? {
    let (sessions, users) = (counts.sessions, counts.users)
    switch self {
    case .sessions: return Double(sessions.total)
    case .users: return Double(users.total)
    case .sessionCrashFree: return percentage(sessions.total - sessions.crashed, of: sessions.total)
    case .sessionFailureFree:
      return percentage(sessions.total - sessions.failed, of: sessions.total)
    case .sessionCrash: return percentage(sessions.crashed, of: sessions.total)
    case .sessionErrored: return percentage(sessions.errored, of: sessions.total)
    case .sessionUnhandled: return percentage(sessions.unhandled, of: sessions.total)
    case .sessionAbnormal: return percentage(sessions.abnormal, of: sessions.total)
    case .sessionUnhealthy: return percentage(sessions.total - sessions.healthy, of: sessions.total)
    case .userCrashFree: return percentage(users.total - users.byWorst.crashed, of: users.total)
    case .userFailureFree: return percentage(users.total - users.withFailure, of: users.total)
    case .userCrash: return percentage(users.byWorst.crashed, of: users.total)
    case .userErrored: return percentage(users.byWorst.errored, of: users.total)
    case .userUnhandled: return percentage(users.withUnhandled, of: users.total)
    case .userAbnormal: return percentage(users.withAbnormal, of: users.total)
    case .anr: return percentage(users.withANR, of: users.total)
    case .foregroundANR: return percentage(users.withForegroundANR, of: users.total)
    }
  }

  private func percentage(_ part: Int64, of total: Int64) -> Double? {
    total > 0 ? AlertRule.rounded(Double(part) / Double(total) * 100) : nil
  }
}

extension AlertRule {
  fileprivate static func rounded(_ value: Double) -> Double {
    (value * 1e6).rounded() / 1e6
  }

  /// The value to compare with the thresholds; nil without data, or with fewer than the minimum
  /// sessions.
  ///
  /// For a number without a comparison zero is data: such a rule detects missing sessions.
  package func value(of reading: AlertReading) -> Double? {
    guard comparison != nil else {
      guard measure.isCount || reading.current.sessions.total >= sessionsMin else { return nil }
      return measure.value(of: reading.current)
    }
    // The base always needs the minimum sessions; a rule about a number detects too few now.
    guard let base = reading.base, base.sessions.total >= sessionsMin,
      measure.isCount || reading.current.sessions.total >= sessionsMin,
      let now = measure.value(of: reading.current), let before = measure.value(of: base)
    else { return nil }
    guard measure.isCount else { return Self.rounded(now - before) }
    return before > 0 ? Self.rounded((now / before - 1) * 100) : nil
  }

  /// The level that a value calls for, when the rule is at `level`.
  ///
  /// The comparison is strict, and the resolve threshold itself resolves. Between the first
  /// threshold and the resolve threshold the level stays, except that critical becomes warning if
  /// the rule has one.
  package func wanted(_ value: Double, at level: AlertLevel) -> AlertLevel {
    func isBeyond(_ threshold: Double) -> Bool { isAbove ? value > threshold : value < threshold }
    if isBeyond(critical) { return .critical }
    if let warning, isBeyond(warning) { return .warning }
    if level == .ok { return .ok }
    guard let resolve, isBeyond(resolve) else { return .ok }
    return warning == nil ? level : .warning
  }

  /// The state after an evaluation; unchanged without a value.
  package func state(after value: Double?, from previous: AlertState) -> AlertState {
    guard let value else { return previous }
    let wanted = wanted(value, at: previous.level)
    var next = previous
    func count(_ run: Int, _ goesOn: Bool) -> Int { goesOn ? min(run + 1, period) : 0 }
    next.alarming = count(previous.alarming, wanted >= .warning)
    next.critical = count(previous.critical, wanted == .critical)
    next.eased = count(previous.eased, wanted <= .warning)
    next.resolved = count(previous.resolved, wanted == .ok)
    switch previous.level {
    case .ok:
      if next.critical >= period {
        next.level = .critical
      } else if next.alarming >= period {
        next.level = warning == nil ? .critical : .warning
      }
    case .warning:
      if next.critical >= period {
        next.level = .critical
      } else if next.resolved >= period {
        next.level = .ok
      }
    case .critical:
      if next.resolved >= period {
        next.level = .ok
      } else if next.eased >= period {
        next.level = warning == nil ? .ok : .warning
      }
    }
    return next
  }
}

/// The releases of a window, from which a rule selects.
package struct AlertReleases {
  package var counts: [(release: String, counts: AlertCounts)]
  /// What is known of the releases beside their counts.
  package var known: [Name: ReleaseStanding]
  /// The end of the window.
  package var end: Timestamp

  package init(
    _ counts: [(release: String, counts: AlertCounts)], known: [Name: ReleaseStanding] = [:],
    end: Timestamp
  ) {
    self.counts = counts.filter { $0.counts.sessions.total > 0 }
    self.known = known
    self.end = end
  }

  private func entry(_ release: String, _ counts: AlertCounts) -> SeenRelease {
    SeenRelease(release, sessions: counts.sessions.total, known[Name(release)])
  }

  private var seen: [SeenRelease] { counts.map { entry($0.release, $0.counts) } }

  /// The release that `latest` stands for.
  package func latest(sessionsMin: Int64) -> String? {
    seen.latest(at: end, sessionsMin: sessionsMin)?.name
  }

  /// The next lower release of the same package with sessions in the window.
  package func previous(to release: String) -> String? {
    seen.previous(to: entry(release, one(release)))?.name
  }

  package func one(_ release: String) -> AlertCounts {
    counts.first { Name($0.release) == Name(release) }?.counts ?? AlertCounts()
  }
}

extension AlertRule {
  /// Whether the rule needs counts by release.
  package var needsReleases: Bool { releases == .latest || comparison == .previousRelease }

  /// The reading of the rule.
  ///
  /// - Parameters:
  ///   - current: the releases of the window; without ``needsReleases`` one entry with the sum.
  ///   - base: the same of the week before.
  package func reading(_ current: AlertReleases, weekBefore base: AlertReleases?) -> AlertReading {
    guard needsReleases else {
      return AlertReading(
        current: current.counts.first?.counts ?? AlertCounts(),
        base: base.map { $0.counts.first?.counts ?? AlertCounts() }, release: releases.single)
    }
    let name = releases.single ?? current.latest(sessionsMin: sessionsMin)
    var reading = AlertReading(
      current: name.map { current.one($0) } ?? AlertCounts(), release: name)
    if comparison == .previousRelease {
      reading.baseRelease = name.flatMap { current.previous(to: $0) }
      reading.base = reading.baseRelease.map { current.one($0) }
    } else if let base {
      reading.baseRelease = base.latest(sessionsMin: sessionsMin)
      reading.base = reading.baseRelease.map { base.one($0) }
    }
    return reading
  }
}
