/// What an update changed: the counts lose `withdrawn` and gain `added`.
package struct Transition: Equatable, Sendable {
  /// The session after the update.
  package var session: Session
  /// The session is to be written: something about it is new.
  package var isChanged: Bool
  /// nil for a new session, and when the counts stay.
  package var withdrawn: Contribution?
  /// nil when the counts stay.
  package var added: Contribution?
  /// The session had its fill of users, and one was left out.
  package var hasTooManyUsers = false
}

/// Folds updates into sessions.
package enum SessionReducer {
  /// - Parameters:
  ///   - known: the session as the store has it; nil if it has none.
  ///   - report: what one update says by itself.
  package static func reduce(_ known: Session?, _ report: Session) -> Transition {
    guard let known else {
      return Transition(
        session: report, isChanged: true, withdrawn: nil, added: report.contribution)
    }
    let merged = known.merged(with: report)
    let before = known.contribution
    let after = merged.contribution
    return Transition(
      session: merged, isChanged: merged != known, withdrawn: before == after ? nil : before,
      added: before == after ? nil : after,
      hasTooManyUsers: merged.users.count == DomainLimits.usersPerSessionMax
        && !Set(merged.users).isSuperset(of: known.users + report.users))
  }
}
