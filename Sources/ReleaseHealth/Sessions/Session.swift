/// What is remembered of a session: the join of all its updates.
///
/// Each part only grows in its own order, so merging is commutative, associative and idempotent:
/// any order, any duplication and any split of the updates gives the same session.
package struct Session: Equatable, Sendable {
  package var severity: Severity
  /// From `abnormal` updates only.
  package var mechanism: AbnormalMechanism
  /// An `exited` update was seen: the duration counts.
  package var hasExited: Bool
  /// An update with `init` was seen.
  package var hasInitial: Bool
  /// The longest duration of any update.
  package var durationMilliseconds: Int64?
  /// Every user that an update named; of too many those with the least hashes.
  package var users: SessionUsers
  /// Where corrections of drift differ, the earliest stands.
  package var earliestStart: Timestamp
  /// Decides how long the state is kept.
  package var latestStart: Timestamp

  /// A healthy session about which nothing else is known.
  package init(start: Timestamp) {
    severity = .healthy
    mechanism = .none
    hasExited = false
    hasInitial = false
    users = SessionUsers()
    earliestStart = start
    latestStart = start
  }

  /// The session as one report alone has it.
  ///
  /// - Parameter user: the store's number of the report's user.
  package init(_ report: SessionReport, user: UserID?) {
    severity = report.severity
    mechanism = report.mechanism
    hasExited = report.hasExited
    hasInitial = report.isInitial
    durationMilliseconds = report.durationMilliseconds
    users = SessionUsers(user)
    earliestStart = report.correctedStart
    latestStart = report.correctedStart
  }

  /// Joins a report to the session: afterwards it is the least session that knows both.
  ///
  /// - Parameter hashes: see ``SessionUsers/insert(_:hashes:)``.
  /// - Returns: false when the session has too many users, and one was omitted.
  package mutating func join(
    _ report: SessionReport, user: UserID?, hashes: [UserID: UserHash]
  ) -> Bool {
    severity = max(severity, report.severity)
    mechanism = max(mechanism, report.mechanism)
    hasExited = hasExited || report.hasExited
    hasInitial = hasInitial || report.isInitial
    if let duration = report.durationMilliseconds {
      durationMilliseconds = max(durationMilliseconds ?? duration, duration)
    }
    earliestStart = min(earliestStart, report.correctedStart)
    latestStart = max(latestStart, report.correctedStart)
    return user.map { users.insert($0, hashes: hashes) } ?? true
  }

  /// What the session adds to the counts.
  package var contribution: Contribution {
    Contribution(
      minute: earliestStart.minute, severity: severity, mechanism: mechanism,
      durationMilliseconds: hasExited ? durationMilliseconds : nil, users: users,
      lacksInitial: !hasInitial)
  }
}

/// What a session adds to the counts of its series.
package struct Contribution: Equatable, Sendable {
  /// The bucket, in minutes since 1970.
  package var minute: Int
  package var severity: Severity
  package var mechanism: AbnormalMechanism
  /// Counted in the histogram of durations; nil while the session has not exited.
  package var durationMilliseconds: Int64?
  package var users: SessionUsers
  /// No update with `init` was seen: what began the session is lost, or late.
  package var lacksInitial: Bool
}

/// The users of one session, ascending. Nearly every session has none or one, which need no memory
/// of their own.
package struct SessionUsers: Equatable, Sendable {
  @usableFromInline package private(set) var first: UserID?
  @usableFromInline package private(set) var others: [UserID] = []

  /// - Parameter user: the only one; nil for none.
  package init(_ user: UserID? = nil) {
    first = user
  }

  /// Adds a user that is greater than all others, as users were stored.
  package mutating func append(_ user: UserID) {
    if first == nil { first = user } else { others.append(user) }
  }

  @inlinable
  package var count: Int { first == nil ? 0 : others.count + 1 }

  @inlinable
  package func forEach(_ body: (UserID) -> Void) {
    guard let first else { return }
    body(first)
    for user in others { body(user) }
  }

  /// Whether the next user is one too many (``DomainLimits/usersPerSessionMax``).
  package var isFull: Bool { count >= DomainLimits.usersPerSessionMax }

  /// Adds a user. Of too many those with the least hashes stay: the numbers follow the order of
  /// arrival, and any order of the updates has to leave the same users.
  ///
  /// - Parameter hashes: those of all users and of the new one; needed only where ``isFull``. A
  ///   user without a hash is the first to be omitted.
  /// - Returns: false when a user was omitted, which may be the new one.
  package mutating func insert(_ user: UserID, hashes: [UserID: UserHash]) -> Bool {
    guard let first else {
      self.first = user
      return true
    }
    if user == first { return true }
    if user < first {
      others.insert(first, at: 0)
      self.first = user
    } else {
      let place = others.firstIndex { $0 >= user } ?? others.count
      if place < others.count, others[place] == user { return true }
      others.insert(user, at: place)
    }
    guard count > DomainLimits.usersPerSessionMax else { return true }
    omitGreatest(hashes)
    return false
  }

  private mutating func omitGreatest(_ hashes: [UserID: UserHash]) {
    func hash(_ user: UserID) -> UInt128 { hashes[user]?.value ?? .max }
    guard let first, let place = others.indices.max(by: { hash(others[$0]) < hash(others[$1]) })
    else { return }
    if hash(first) > hash(others[place]) {
      self.first = others.removeFirst()
    } else {
      others.remove(at: place)
    }
  }
}
