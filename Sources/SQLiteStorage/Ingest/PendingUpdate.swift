internal import ReleaseHealth

/// An accepted update of a session with its scope as a number: what is folded into the session's
/// state, at once or later. Without references, so that thousands are sorted without counting any.
struct PendingUpdate {
  var started: Timestamp
  var sessionID: SessionID
  var scope: Int64
  /// As ``SessionRow`` has them.
  var flags: UInt8
  var correctedStart: Timestamp
  var durationMilliseconds: Int64?
  var user: UserHash?
  /// When its batch arrived.
  var receivedAt: Timestamp
  /// Whose outcomes tell of a repetition; nil for an update that a start of the service found: part
  /// of what was found may have been folded before, so that nothing can be said of repetitions.
  var project: ProjectID?
}

extension PendingUpdate {
  init(_ report: SessionReport, scope: Int64, at now: Timestamp) {
    self.init(
      started: report.key.started, sessionID: report.key.sessionID, scope: scope,
      flags: UInt8(SessionRow.flags(Session(report, user: nil))),
      correctedStart: report.correctedStart, durationMilliseconds: report.durationMilliseconds,
      user: report.user, receivedAt: now, project: report.key.scope.project)
  }

  /// What the update says by itself; nil when its flags are damaged.
  func said(user: UserID?) -> Session? {
    SessionRow.session(
      flags: Int64(flags), durationMilliseconds: durationMilliseconds,
      users: user.map { [$0] } ?? [], earliestStart: correctedStart, latestStart: correctedStart)
  }

  /// The order of the keys of `session`: neighbours on disk are neighbours in time.
  static func isOrdered(_ left: PendingUpdate, _ right: PendingUpdate) -> Bool {
    if left.started != right.started { return left.started < right.started }
    if left.sessionID.value != right.sessionID.value {
      return left.sessionID.value < right.sessionID.value
    }
    return left.scope < right.scope
  }
}
