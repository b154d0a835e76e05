/// What an alert rule watches, and from which value on it tells.
package struct AlertRule: Codable, Equatable, Sendable {
  /// The question; the raw values are the fields of the sessions API.
  package enum Measure: String, CaseIterable, Codable, Sendable {
    case sessionCrashFree = "crash_free_rate(session)"
    case userCrashFree = "crash_free_rate(user)"
    case sessionCrash = "crash_rate(session)"
    case userCrash = "crash_rate(user)"
    case sessionErrored = "errored_rate(session)"
    case userErrored = "errored_rate(user)"
    case sessionUnhandled = "unhandled_rate(session)"
    case userUnhandled = "unhandled_rate(user)"
    case sessionAbnormal = "abnormal_rate(session)"
    case userAbnormal = "abnormal_rate(user)"
    case sessionUnhealthy = "unhealthy_rate(session)"
    /// Applications that did not respond, by the users who saw one.
    case hang = "anr_rate()"
    case foregroundHang = "foreground_anr_rate()"
    case sessions = "sum(session)"
    case users = "count_unique(user)"
  }

  /// The releases whose sessions count.
  package enum Releases: Codable, Equatable, Sendable {
    case all
    case one(String)
    /// A text with `*` for anything.
    case pattern(String)
    /// The newest that has sessions in the window: see ``AlertReleases``.
    case latest
  }

  package enum Comparison: String, CaseIterable, Codable, Sendable {
    /// The release before, in the same window.
    case previousRelease
    /// The same window seven days earlier.
    case previousWeek
  }

  package var measure: Measure
  /// Counted together; ascending.
  package var projects: [ProjectID]
  /// nil for all; the empty one for sessions without any.
  package var environment: String?
  package var releases: Releases
  package var windowMinutes: Int
  /// nil: the value is the rate in percent, or the number. Otherwise it is how that changed: in
  /// percentage points, or in percent.
  package var comparison: Comparison?

  /// The rule tells of values above its thresholds; otherwise of those below.
  package var isAbove: Bool
  package var critical: Double
  package var warning: Double?
  /// nil: as soon as the value is not beyond the thresholds any more.
  package var resolve: Double?
  /// With fewer, an evaluation changes nothing.
  package var sessionsMin: Int64
  /// So many evaluations in a row have to agree before the state changes.
  package var period: Int

  package init(
    measure: Measure, projects: [ProjectID], environment: String? = nil, releases: Releases = .all,
    windowMinutes: Int = 60, comparison: Comparison? = nil, isAbove: Bool = false,
    critical: Double, warning: Double? = nil, resolve: Double? = nil, sessionsMin: Int64 = 0,
    period: Int = 1
  ) {
    self.measure = measure
    self.projects = projects
    self.environment = environment
    self.releases = releases
    self.windowMinutes = windowMinutes
    self.comparison = comparison
    self.isAbove = isAbove
    self.critical = critical
    self.warning = warning
    self.resolve = resolve
    self.sessionsMin = sessionsMin
    self.period = period
  }
}

extension AlertRule.Measure {
  package var isOfUsers: Bool {
    switch self {
    case .userCrashFree, .userCrash, .userErrored, .userUnhandled, .userAbnormal, .hang,
      .foregroundHang, .users:
      true
    default: false
    }
  }

  /// The value is a number, not a share of 100.
  package var isCount: Bool { self == .sessions || self == .users }

  /// What can be said of it in a sentence.
  package var phrase: String {
    switch self {
    case .sessionCrashFree: "crash-free sessions"
    case .userCrashFree: "crash-free users"
    case .sessionCrash: "crashed sessions"
    case .userCrash: "crashed users"
    case .sessionErrored: "errored sessions"
    case .userErrored: "errored users"
    case .sessionUnhandled: "unhandled sessions"
    case .userUnhandled: "users with unhandled sessions"
    case .sessionAbnormal: "abnormal sessions"
    case .userAbnormal: "users with abnormal sessions"
    case .sessionUnhealthy: "unhealthy sessions"
    case .hang: "users whose application did not respond"
    case .foregroundHang: "users whose application did not respond in the foreground"
    case .sessions: "sessions"
    case .users: "users"
    }
  }
}

extension AlertRule.Releases {
  /// As a rule writes it; nil for all.
  package var text: String? {
    switch self {
    case .all: nil
    case .one(let name), .pattern(let name): name
    case .latest: "latest"
    }
  }

  /// No release can be called `latest`: SDKs' sessions with that name are refused.
  package init(_ text: String?) {
    switch text {
    case nil, "": self = .all
    case "latest": self = .latest
    case .some(let text): self = text.utf8.contains(UInt8(ascii: "*")) ? .pattern(text) : .one(text)
    }
  }
}

// MARK: What cannot be

extension AlertRule {
  /// A field of a rule, by its name in the API, and why its value cannot be.
  package struct Problem: Error, Equatable, Sendable {
    package var field: String
    package var reason: String

    package init(_ field: String, _ reason: String) {
      self.field = field
      self.reason = reason
    }
  }

  /// From ten minutes; by the minute up to a day, by the hour up to a week.
  package static let windowMinutesRange = 10...7 * 1440
  package static let periodRange = 1...100
  package static let sessionsMinMax: Int64 = 1_000_000_000
  package static let projectsMax = 100

  private static let numberMax = 1e12

  /// Everything that keeps the rule from being one.
  package var problems: [Problem] {
    scopeProblems + windowProblems + thresholdProblems + numberProblems
  }

  private var scopeProblems: [Problem] {
    var found: [Problem] = []
    if projects.isEmpty { found.append(Problem("projects", "Name at least one project.")) }
    if projects.count > Self.projectsMax {
      found.append(Problem("projects", "Name at most \(Self.projectsMax) projects."))
    }
    if let environment, environment.utf8.count > DomainLimits.environmentBytesMax {
      found.append(
        Problem(
          "environment", "An environment has at most \(DomainLimits.environmentBytesMax) bytes."))
    }
    if let text = releases.text, text.utf8.count > DomainLimits.releaseBytesMax {
      found.append(
        Problem("release", "A release has at most \(DomainLimits.releaseBytesMax) bytes."))
    }
    if comparison == .previousRelease {
      switch releases {
      case .one, .latest: break
      case .all, .pattern:
        found.append(
          Problem(
            "comparison", "previousRelease needs one release: give its name, or latest."))
      }
    }
    return found
  }

  private var windowProblems: [Problem] {
    var found: [Problem] = []
    let isWhole = windowMinutes % 60 == 0
    if !Self.windowMinutesRange.contains(windowMinutes) {
      found.append(
        Problem(
          "timeWindow", "\(windowMinutes) minutes: give 10 (ten minutes) to 10080 (seven days)."))
    } else if windowMinutes > 1440, !isWhole {
      found.append(
        Problem(
          "timeWindow", "\(windowMinutes) minutes: above a day, give whole hours, such as 2880."))
    } else if comparison == .previousWeek, !isWhole {
      found.append(
        Problem(
          "timeWindow",
          "\(windowMinutes) minutes: with previousWeek, give whole hours, such as 60; of a week ago "
            + "hours are kept, not minutes."))
    }
    return found
  }

  /// What a threshold can be.
  private var valueRange: ClosedRange<Double> {
    switch (measure.isCount, comparison == nil) {
    case (false, true): 0...100
    case (false, false): -100...100
    case (true, true): 0...Self.numberMax
    case (true, false): -100...Self.numberMax
    }
  }

  private var unit: String {
    switch (measure.isCount, comparison == nil) {
    case (false, true): "a percentage from 0 to 100"
    case (false, false): "percentage points from -100 to 100"
    case (true, true): "a number from 0"
    case (true, false): "a change in percent from -100"
    }
  }

  private var thresholdProblems: [Problem] {
    var found: [Problem] = []
    for (field, name, value) in [
      ("triggers", "The alertThreshold of critical", critical),
      ("triggers", "The alertThreshold of warning", warning),
      ("resolveThreshold", "The resolveThreshold", resolve),
    ] {
      guard let value, !(value.isFinite && valueRange.contains(value)) else { continue }
      found.append(Problem(field, "\(name) is \(value): give \(unit)."))
    }
    if !found.isEmpty { return found }
    let side = isAbove ? "above" : "below"
    // Comparison is strict: at the end of the range nothing lies beyond.
    if critical == (isAbove ? valueRange.upperBound : valueRange.lowerBound) {
      found.append(
        Problem("triggers", "No value can be \(side) \(critical): critical would never be told."))
    }
    if let warning, isAbove ? warning >= critical : warning <= critical {
      found.append(
        Problem(
          "triggers",
          "The alertThreshold of warning has to be reached before that of critical: with this "
            + "thresholdType, give one \(isAbove ? "below" : "above") \(critical)."))
    }
    let first = warning ?? critical
    if let resolve, isAbove ? resolve > first : resolve < first {
      found.append(
        Problem(
          "resolveThreshold",
          "The rule tells of values \(side) \(first), so it cannot be resolved at \(resolve): give "
            + "\(first) or \(isAbove ? "less" : "more")."))
    }
    return found
  }

  private var numberProblems: [Problem] {
    var found: [Problem] = []
    if !Self.periodRange.contains(period) {
      found.append(
        Problem(
          "thresholdPeriod", "\(period) evaluations: give 1 to \(Self.periodRange.upperBound)."))
    }
    if !(0...Self.sessionsMinMax).contains(sessionsMin) {
      found.append(
        Problem("minSessions", "\(sessionsMin) sessions: give 0 to \(Self.sessionsMinMax)."))
    } else if sessionsMin > 0, measure.isCount, comparison == nil {
      found.append(
        Problem(
          "minSessions", "A rule about \(measure.rawValue) has none: few are what it looks for."))
    }
    return found
  }

  /// Whether both rules ask for the same value.
  package func asksTheSame(as other: AlertRule) -> Bool {
    measure == other.measure && projects == other.projects && environment == other.environment
      && releases == other.releases && windowMinutes == other.windowMinutes
      && comparison == other.comparison
  }
}

// MARK: Windows

extension AlertRule {
  /// The minutes since 1970 that count at an instant: up to the running one, which is left out. A
  /// window of more than a day begins on a full hour; with ``Comparison/previousWeek`` it is of
  /// whole hours, as of a week ago there are no others.
  package func window(at now: Timestamp) -> Range<Int> {
    let end = comparison == .previousWeek ? now.hour * 60 : now.minute
    let start = end - windowMinutes
    return (windowMinutes > 1440 ? start.flooredDivision(by: 60) * 60 : start)..<end
  }

  /// What ``Comparison/previousWeek`` compares with.
  package static func weekBefore(_ window: Range<Int>) -> Range<Int> {
    window.lowerBound - 7 * 1440..<window.upperBound - 7 * 1440
  }
}
