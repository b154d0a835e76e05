/// The status that an update of a session carries.
package enum SessionStatus: Hashable, Sendable {
  /// The session goes on.
  case ok
  /// It ended in order.
  case exited
  /// It ended in order, with errors. SDKs send it in aggregates only.
  case errored
  /// An error that nobody handled, but the process lived on.
  case unhandled
  /// It was killed, froze or lost its power.
  case abnormal
  /// The application crashed.
  case crashed
  /// A status that this version does not know; it counts as an error, as Relay counts it.
  case unknown

  /// - Parameter name: the status as it stands on the wire.
  package init(name: String) {
    self =
      switch name {
      case "ok": .ok
      case "exited": .exited
      case "errored": .errored
      case "unhandled": .unhandled
      case "abnormal": .abnormal
      case "crashed": .crashed
      default: .unknown
      }
  }

  /// As it stands on the wire.
  package var name: String {
    switch self {
    case .ok: "ok"
    case .exited: "exited"
    case .errored: "errored"
    case .unhandled: "unhandled"
    case .abnormal: "abnormal"
    case .crashed: "crashed"
    case .unknown: "unknown"
    }
  }
}

/// How badly a session went, from best to worst: the status under which it is counted.
package enum Severity: UInt8, CaseIterable, Comparable, Sendable {
  case healthy = 0
  case errored = 1
  case unhandled = 2
  case abnormal = 3
  case crashed = 4

  /// The severity that one update proves by itself.
  ///
  /// A session that is `ok` or `exited` is errored once it reported an error.
  package init(status: SessionStatus, errors: UInt64) {
    self =
      switch status {
      case .crashed: .crashed
      case .abnormal: .abnormal
      case .unhandled: .unhandled
      case .errored, .unknown: .errored
      case .ok, .exited: errors > 0 ? .errored : .healthy
      }
  }

  package static func < (left: Severity, right: Severity) -> Bool {
    left.rawValue < right.rawValue
  }

  /// The name in Sentry's API.
  package var name: String {
    switch self {
    case .healthy: "healthy"
    case .errored: "errored"
    case .unhandled: "unhandled"
    case .abnormal: "abnormal"
    case .crashed: "crashed"
    }
  }
}

/// What made an abnormal session hang ("application not responding"), from least to most telling.
package enum AbnormalMechanism: UInt8, CaseIterable, Comparable, Sendable {
  case none = 0
  case background = 1
  case foreground = 2

  package static func < (left: AbnormalMechanism, right: AbnormalMechanism) -> Bool {
    left.rawValue < right.rawValue
  }
}
