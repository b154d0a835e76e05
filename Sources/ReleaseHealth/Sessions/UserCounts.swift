/// The distinct users of a range: each once by the worst of their sessions, and once by each kind
/// of session that they had.
package struct UserCounts: Hashable, Sendable {
  /// Users by their worst session: the five add up to ``total``.
  package var byWorst: SessionCounts
  /// Users with at least one unhandled session.
  package var withUnhandled: Int64 = 0
  /// Users with at least one session that crashed or was unhandled.
  package var withFailure: Int64 = 0
  /// Users with at least one abnormal session.
  package var withAbnormal: Int64 = 0
  /// Users with at least one ANR, in the foreground or the background.
  package var withANR: Int64 = 0
  /// Users with at least one ANR in the foreground.
  package var withForegroundANR: Int64 = 0

  package init(byWorst: SessionCounts = SessionCounts()) {
    self.byWorst = byWorst
  }

  package var total: Int64 { byWorst.total }
}
