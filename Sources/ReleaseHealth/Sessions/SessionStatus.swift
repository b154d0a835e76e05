/// The status that an update of a session reports.
package enum SessionStatus: Hashable, Sendable {
  /// The session continues.
  case ok
  /// The session ended in order.
  case exited
  /// The session ended in order, with errors. SDKs send this status in session aggregates only.
  case errored
  /// An error was not handled, but the process went on.
  case unhandled
  /// The application was killed, froze or lost its power.
  case abnormal
  /// The application crashed.
  case crashed
  /// An unknown status; it counts as an error, as in Relay.
  case unknown

  /// - Parameter name: the status on the wire.
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

  /// The name on the wire.
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

/// The severity of a session, from best to worst: the status under which it is counted.
package enum Severity: UInt8, CaseIterable, Comparable, Sendable {
  case healthy = 0
  case errored = 1
  case unhandled = 2
  case abnormal = 3
  case crashed = 4

  /// The severity of one update by itself.
  ///
  /// A session with the status `ok` or `exited` is errored once it has reported an error.
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

/// The abnormal mechanism: whether an ANR (application not responding) ended the session, from
/// least to most severe.
package enum AbnormalMechanism: UInt8, CaseIterable, Comparable, Sendable {
  case none = 0
  case background = 1
  case foreground = 2

  package static func < (left: AbnormalMechanism, right: AbnormalMechanism) -> Bool {
    left.rawValue < right.rawValue
  }
}
