/// An alert rule: a query, and the thresholds from which it notifies.
package struct AlertRule: Codable, Equatable, Sendable {
  /// The measure that the rule queries; the raw values are the fields of the sessions API.
  package enum Measure: String, CaseIterable, Codable, Sendable {
    case sessionCrashFree = "crash_free_rate(session)"
    case userCrashFree = "crash_free_rate(user)"
    case sessionFailureFree = "failure_free_rate(session)"
    case userFailureFree = "failure_free_rate(user)"
    case sessionCrash = "crash_rate(session)"
    case userCrash = "crash_rate(user)"
    case sessionErrored = "errored_rate(session)"
    case userErrored = "errored_rate(user)"
    case sessionUnhandled = "unhandled_rate(session)"
    case userUnhandled = "unhandled_rate(user)"
    case sessionAbnormal = "abnormal_rate(session)"
    case userAbnormal = "abnormal_rate(user)"
    case sessionUnhealthy = "unhealthy_rate(session)"
    /// The ANR rate: the share of users with an application not responding.
    case anr = "anr_rate()"
    case foregroundANR = "foreground_anr_rate()"
    case sessions = "sum(session)"
    case users = "count_unique(user)"
  }

  /// The releases that a rule counts.
  package enum Releases: Codable, Equatable, Sendable {
    case all
    case one(String)
    /// The releases that match a text with `*` as a wildcard.
    case pattern(String)
    /// One release with sessions in the window: see ``SeenRelease``.
    case latest
  }

  package enum Comparison: String, CaseIterable, Codable, Sendable {
    /// The previous release in the same window.
    case previousRelease
    /// The same window seven days earlier.
    case previousWeek
  }

  package var measure: Measure
  /// The projects, which are counted together; ascending.
  package var projects: [ProjectID]
  /// The environment; nil for all, empty for sessions without an environment.
  package var environment: String?
  package var releases: Releases
  package var windowMinutes: Int
  /// The comparison; nil if the value is the rate in percent or the number itself. With a
  /// comparison the value is the change, in percentage points or in percent.
  package var comparison: Comparison?

  /// Whether the rule notifies of values above its thresholds; otherwise of values below.
  package var isAbove: Bool
  package var critical: Double
  package var warning: Double?
  /// The value at which the rule resolves; nil to resolve as soon as no threshold is exceeded.
  package var resolve: Double?
  /// The minimum sessions; an evaluation with fewer has no data.
  package var sessionsMin: Int64
  /// The number of consecutive evaluations that have to agree before the level changes.
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
    case .userCrashFree, .userFailureFree, .userCrash, .userErrored, .userUnhandled,
      .userAbnormal, .anr, .foregroundANR, .users:
      true
    default: false
    }
  }

  /// Whether the value is a number and not a percentage.
  package var isCount: Bool { self == .sessions || self == .users }

  /// The measure as a part of a sentence.
  package var phrase: String {
    switch self {
    case .sessionCrashFree: "crash-free sessions"
    case .userCrashFree: "crash-free users"
    case .sessionFailureFree: "failure-free sessions"
    case .userFailureFree: "failure-free users"
    case .sessionCrash: "crashed sessions"
    case .userCrash: "crashed users"
    case .sessionErrored: "errored sessions"
    case .userErrored: "errored users"
    case .sessionUnhandled: "unhandled sessions"
    case .userUnhandled: "users with unhandled sessions"
    case .sessionAbnormal: "abnormal sessions"
    case .userAbnormal: "users with abnormal sessions"
    case .sessionUnhealthy: "unhealthy sessions"
    case .anr: "users whose application did not respond"
    case .foregroundANR: "users whose application did not respond in the foreground"
    case .sessions: "sessions"
    case .users: "users"
    }
  }
}

extension AlertRule.Releases {
  /// The single release that the rule names.
  var single: String? {
    if case .one(let name) = self { name } else { nil }
  }

  /// The text of a rule's `release`; nil for all.
  package var text: String? {
    switch self {
    case .all: nil
    case .one(let name), .pattern(let name): name
    case .latest: "latest"
    }
  }

  /// Whether a session can have such a release.
  fileprivate var canMatch: Bool {
    switch self {
    case .all, .latest: true
    case .one(let name): Normalization.isValidRelease(name)
    // What a star stands for may be anything that a name has.
    case .pattern(let text):
      Normalization.isValidRelease(String(text.map { $0 == "*" ? "x" : $0 }))
    }
  }

  /// Reads a rule's `release`. No release is named `latest`: sessions that report it are rejected.
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
  /// An invalid field of a rule, by its name in the API, and the reason.
  package struct Problem: Error, Equatable, Sendable {
    package var field: String
    package var reason: String

    package init(_ field: String, _ reason: String) {
      self.field = field
      self.reason = reason
    }
  }

  /// The accepted windows: from ten minutes up to a day, and in whole hours up to a week.
  package static let windowMinutesRange = 10...7 * 1440
  package static let periodRange = 1...100
  package static let sessionsMinMax: Int64 = 1_000_000_000
  package static let projectsMax = 100

  private static let numberMax = 1e12

  /// The problems that make the rule invalid.
  package var problems: [Problem] {
    seriesProblems + windowProblems + thresholdProblems + numberProblems
  }

  private var seriesProblems: [Problem] {
    var found: [Problem] = []
    found.add("projects", "Name at least one project.", if: projects.isEmpty)
    found.add(
      "projects", "Name at most \(Self.projectsMax) projects.",
      if: projects.count > Self.projectsMax)
    // The empty one stands for sessions without an environment.
    if let environment, !environment.isEmpty {
      found.add(
        "environment",
        "No session has the environment \"\(environment)\". \(Normalization.environmentRule)",
        if: !Normalization.isValidEnvironment(environment))
      found.add(
        "environment", "A rule's environment is one name without *; null stands for all of them.",
        if: environment.contains("*"))
    }
    found.add(
      "release",
      "No session has the release \"\(releases.text ?? "")\". \(Normalization.releaseRule) "
        + "The latest one is latest, in small letters.",
      if: !releases.canMatch)
    if comparison == .previousRelease, releases != .latest, releases.single == nil {
      found.add("comparison", "previousRelease needs one release: give its name, or latest.")
    }
    return found
  }

  private var windowProblems: [Problem] {
    let isWhole = windowMinutes % 60 == 0
    let reason: String
    if !Self.windowMinutesRange.contains(windowMinutes) {
      reason = "give 10 (ten minutes) to 10080 (seven days)."
    } else if windowMinutes > 1440, !isWhole {
      reason = "above a day, give whole hours, such as 2880."
    } else if comparison == .previousWeek, !isWhole {
      reason =
        "with previousWeek, give whole hours, such as 60: a week ago only hours are stored."
    } else {
      return []
    }
    return [Problem("timeWindow", "\(windowMinutes) minutes: \(reason)")]
  }

  /// The range of a threshold as text.
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
      found.add(field, "\(name) is \(value): give \(unit).")
    }
    if !found.isEmpty { return found }
    let side = isAbove ? "above" : "below"
    // The comparison is strict: no value exceeds the end of the range.
    found.add(
      "triggers", "No value can be \(side) \(critical): critical would never be reached.",
      if: critical == (isAbove ? valueRange.upperBound : valueRange.lowerBound))
    let shares: [Measure] = [
      .sessionCrashFree, .userCrashFree, .sessionFailureFree, .userFailureFree,
    ]
    let isFreeRate = shares.contains(measure) && comparison == nil
    found.add(
      "triggers",
      "The alertThreshold of critical is \(critical), but it takes a percentage like 99.5.",
      if: isFreeRate && !isAbove && critical > 0 && critical <= 1)
    if let warning, isAbove ? warning >= critical : warning <= critical {
      found.add(
        "triggers",
        "The alertThreshold of warning has to be reached before that of critical: with this "
          + "thresholdType, give one \(isAbove ? "below" : "above") \(critical).")
    }
    let first = warning ?? critical
    if let resolve, isAbove ? resolve > first : resolve < first {
      found.add(
        "resolveThreshold",
        "The rule notifies of values \(side) \(first), so it cannot resolve at \(resolve): give "
          + "\(first) or \(isAbove ? "less" : "more").")
    }
    return found
  }

  private var numberProblems: [Problem] {
    var found: [Problem] = []
    found.add(
      "thresholdPeriod", "\(period) evaluations: give 1 to \(Self.periodRange.upperBound).",
      if: !Self.periodRange.contains(period))
    if !(0...Self.sessionsMinMax).contains(sessionsMin) {
      found.add("minSessions", "\(sessionsMin) sessions: give 0 to \(Self.sessionsMinMax).")
    } else if sessionsMin > 0, measure.isCount, comparison == nil {
      found.add(
        "minSessions", "A rule about \(measure.rawValue) must not have a minimum of sessions.")
    }
    return found
  }

  /// Whether both rules have the same query.
  package func queriesTheSame(as other: AlertRule) -> Bool {
    measure == other.measure && projects == other.projects && environment == other.environment
      && releases == other.releases && windowMinutes == other.windowMinutes
      && comparison == other.comparison
      // The minimum is a part of what `latest` means.
      && (releases != .latest || sessionsMin == other.sessionsMin)
  }
}

extension [AlertRule.Problem] {
  fileprivate mutating func add(_ field: String, _ reason: String, if isPresent: Bool = true) {
    if isPresent { append(AlertRule.Problem(field, reason)) }
  }
}

// MARK: Windows

extension AlertRule {
  /// The window of an evaluation in minutes since 1970, up to and without the current minute. A
  /// window of more than a day begins on a full hour; with ``Comparison/previousWeek`` it consists
  /// of whole hours, since minutes of a week ago are not stored.
  package func window(at now: Timestamp) -> Range<Int> {
    let end = comparison == .previousWeek ? now.hour * 60 : now.minute
    let start = end - windowMinutes
    return (windowMinutes > 1440 ? start.flooredDivision(by: 60) * 60 : start)..<end
  }

  /// The window that ``Comparison/previousWeek`` compares with.
  package static func weekBefore(_ window: Range<Int>) -> Range<Int> {
    window.lowerBound - 7 * 1440..<window.upperBound - 7 * 1440
  }
}
