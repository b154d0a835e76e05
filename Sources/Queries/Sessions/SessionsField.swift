package import Bytes
package import API
package import ReleaseHealth
package import Storage

/// A field of the sessions endpoint. The raw values are the names in Sentry's sessions API, but for
/// the failure-free rates, which are Hale's own.
package enum SessionsField: String, CaseIterable, Sendable {
  case sessionCount = "sum(session)"
  case userCount = "count_unique(user)"
  case sessionCrashRate = "crash_rate(session)"
  case userCrashRate = "crash_rate(user)"
  case sessionCrashFreeRate = "crash_free_rate(session)"
  case userCrashFreeRate = "crash_free_rate(user)"
  case sessionFailureFreeRate = "failure_free_rate(session)"
  case userFailureFreeRate = "failure_free_rate(user)"
  case sessionUnhandledRate = "unhandled_rate(session)"
  case userUnhandledRate = "unhandled_rate(user)"
  case sessionErroredRate = "errored_rate(session)"
  case userErroredRate = "errored_rate(user)"
  case sessionAbnormalRate = "abnormal_rate(session)"
  case userAbnormalRate = "abnormal_rate(user)"
  case sessionUnhealthyRate = "unhealthy_rate(session)"
  case anrRate = "anr_rate()"
  case foregroundANRRate = "foreground_anr_rate()"

  case durationAverage = "avg(session.duration)"
  case durationP50 = "p50(session.duration)"
  case durationP75 = "p75(session.duration)"
  case durationP90 = "p90(session.duration)"
  case durationP95 = "p95(session.duration)"
  case durationP99 = "p99(session.duration)"
  case durationLongest = "max(session.duration)"

  /// - Parameter name: a value of the parameter `field`.
  package init(name: String) throws(APIError) {
    guard let field = SessionsField(rawValue: name) else {
      throw .unknown(
        "Invalid field: \"\(name)\"", name, among: SessionsField.allCases.map(\.rawValue))
    }
    self = field
  }

  /// Whether the field is a count, which can be split and filtered by `session.status`; a rate is
  /// already about one status.
  package var isCount: Bool { self == .sessionCount || self == .userCount }

  /// Whether the field is a duration. Durations are reported for sessions that exited, and Sentry's
  /// API has them under `healthy`.
  package var isDuration: Bool { measure == .durations }

  /// Whether the field has a value where only some severities count; nil stands for all.
  package func speaks(of statuses: SeveritySet?) -> Bool {
    !isDuration || statuses?.contains(.healthy) ?? true
  }

  /// The measures that the store counts for the field.
  package var measure: HealthQuery.Measures {
    switch self {
    case .sessionCount, .sessionCrashRate, .sessionCrashFreeRate, .sessionFailureFreeRate,
      .sessionUnhandledRate, .sessionErroredRate, .sessionAbnormalRate, .sessionUnhealthyRate:
      .sessions
    case .userCount, .userCrashRate, .userCrashFreeRate, .userFailureFreeRate, .userUnhandledRate,
      .userErroredRate, .userAbnormalRate, .anrRate, .foregroundANRRate:
      .users
    case .durationAverage, .durationP50, .durationP75, .durationP90, .durationP95, .durationP99,
      .durationLongest:
      .durations
    }
  }

  /// The value of each cell of a series.
  package func values(in cells: [HealthCell], statuses: SeveritySet?) -> [JSONNumber] {
    let cells = cells.span
    return cells.indices.map { value(in: cells[$0], statuses: statuses) }
  }

  /// - Parameter statuses: which severities count; nil for all. Has no effect on rates.
  package func value(in cell: HealthCell, statuses: SeveritySet?) -> JSONNumber {
    func durations() -> DurationSummary? { speaks(of: statuses) ? cell.durations : nil }
    return switch self {
    case .sessionCount: .integer(cell.sessions.sum(of: statuses ?? .all))
    case .userCount: .integer(cell.users.byWorst.sum(of: statuses ?? .all))
    case .sessionCrashRate: .share(cell.sessions.crashRate)
    case .userCrashRate: .share(cell.users.crashRate)
    case .sessionCrashFreeRate: .share(cell.sessions.crashFreeRate)
    case .userCrashFreeRate: .share(cell.users.crashFreeRate)
    case .sessionFailureFreeRate: .share(cell.sessions.failureFreeRate)
    case .userFailureFreeRate: .share(cell.users.failureFreeRate)
    case .sessionUnhandledRate: .share(cell.sessions.unhandledRate)
    case .userUnhandledRate: .share(cell.users.unhandledRate)
    case .sessionErroredRate: .share(cell.sessions.erroredRate)
    case .userErroredRate: .share(cell.users.erroredRate)
    case .sessionAbnormalRate: .share(cell.sessions.abnormalRate)
    case .userAbnormalRate: .share(cell.users.abnormalRate)
    case .sessionUnhealthyRate: .share(cell.sessions.unhealthyRate)
    case .anrRate: .share(cell.users.anrRate)
    case .foregroundANRRate: .share(cell.users.foregroundANRRate)
    case .durationAverage: .decimal(durations()?.average)
    case .durationP50: .decimal(durations()?.p50)
    case .durationP75: .decimal(durations()?.p75)
    case .durationP90: .decimal(durations()?.p90)
    case .durationP95: .decimal(durations()?.p95)
    case .durationP99: .decimal(durations()?.p99)
    case .durationLongest: .decimal(durations()?.longest)
    }
  }
}

extension JSONNumber {
  /// The value that groups are ordered by; nil comes last in either direction.
  package var rank: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .share(let number), .decimal(let number): number
    }
  }
}
