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
  /// The session has too many users, and one was omitted.
  package var hasTooManyUsers = false
}

/// Folds reports into sessions.
package enum SessionReducer {
  /// - Parameters:
  ///   - known: the session as the store has it; nil if it has none.
  ///   - user: the store's number of the report's user.
  ///   - hashes: see ``SessionUsers/insert(_:hashes:)``.
  package static func reduce(
    _ known: Session?, _ report: SessionReport, user: UserID?, hashes: [UserID: UserHash] = [:]
  ) -> Transition {
    guard let known else {
      let session = Session(report, user: user)
      return Transition(
        session: session, isChanged: true, withdrawn: nil, added: session.contribution)
    }
    var session = known
    let hasRoom = session.join(report, user: user, hashes: hashes)
    let before = known.contribution
    let after = session.contribution
    return Transition(
      session: session, isChanged: session != known, withdrawn: before == after ? nil : before,
      added: before == after ? nil : after, hasTooManyUsers: !hasRoom)
  }
}
