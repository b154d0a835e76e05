/// The numbers of sessions by severity. They are signed, so that a difference of counts is one too.
package struct SessionCounts: Hashable, Sendable {
  package var healthy: Int64 = 0
  package var errored: Int64 = 0
  package var unhandled: Int64 = 0
  package var abnormal: Int64 = 0
  package var crashed: Int64 = 0

  @inlinable
  package init() {}

  package init(
    healthy: Int64 = 0, errored: Int64 = 0, unhandled: Int64 = 0, abnormal: Int64 = 0,
    crashed: Int64 = 0
  ) {
    self.healthy = healthy
    self.errored = errored
    self.unhandled = unhandled
    self.abnormal = abnormal
    self.crashed = crashed
  }

  /// The number of all sessions: the sum of the five.
  package var total: Int64 { healthy + errored + unhandled + abnormal + crashed }

  package var isZero: Bool { self == SessionCounts() }

  package subscript(_ severity: Severity) -> Int64 {
    get {
      switch severity {
      case .healthy: healthy
      case .errored: errored
      case .unhandled: unhandled
      case .abnormal: abnormal
      case .crashed: crashed
      }
    }
    set {
      switch severity {
      case .healthy: healthy = newValue
      case .errored: errored = newValue
      case .unhandled: unhandled = newValue
      case .abnormal: abnormal = newValue
      case .crashed: crashed = newValue
      }
    }
  }

  /// Adds with saturation at 2⁶⁰: aggregates have numbers that anyone can make up, and an overflow
  /// would end the service. Five saturated counts still add up without an overflow.
  @inlinable @inline(__always)
  package static func saturated(_ count: Int64) -> Int64 {
    min(max(count, -1 << 60), 1 << 60)
  }

  @inlinable @inline(__always)
  package static func += (left: inout SessionCounts, right: SessionCounts) {
    left.healthy = saturated(left.healthy + right.healthy)
    left.errored = saturated(left.errored + right.errored)
    left.unhandled = saturated(left.unhandled + right.unhandled)
    left.abnormal = saturated(left.abnormal + right.abnormal)
    left.crashed = saturated(left.crashed + right.crashed)
  }

  package static func -= (left: inout SessionCounts, right: SessionCounts) {
    left.healthy = saturated(left.healthy - right.healthy)
    left.errored = saturated(left.errored - right.errored)
    left.unhandled = saturated(left.unhandled - right.unhandled)
    left.abnormal = saturated(left.abnormal - right.abnormal)
    left.crashed = saturated(left.crashed - right.crashed)
  }
}
