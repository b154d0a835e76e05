/// An accepted update of a session, checked and corrected: what a store is given.
package struct SessionReport: Hashable, Sendable {
  package var key: SessionKey
  /// The start after the correction of drift: it decides the bucket.
  package var correctedStart: Timestamp
  package var status: SessionStatus
  package var errors: UInt64
  package var mechanism: HangMechanism
  package var durationMilliseconds: Int64?
  package var isInitial: Bool
  package var user: UserHash?

  package init(
    key: SessionKey, correctedStart: Timestamp, status: SessionStatus, errors: UInt64 = 0,
    mechanism: HangMechanism = .none, durationMilliseconds: Int64? = nil, isInitial: Bool = false,
    user: UserHash? = nil
  ) {
    self.key = key
    self.correctedStart = correctedStart
    self.status = status
    self.errors = errors
    self.mechanism = mechanism
    self.durationMilliseconds = durationMilliseconds
    self.isInitial = isInitial
    self.user = user
  }
}

/// Accepted sessions without an identity of their own: a bucket of aggregates, or an item without
/// a session id. Each is added once; nothing can tell a re-delivery.
package struct AnonymousSessions: Hashable, Sendable {
  package var scope: Scope
  package var correctedStart: Timestamp
  package var counts: SessionCounts
  package var mechanism: HangMechanism
  package var durationMilliseconds: Int64?
  package var user: UserHash?

  package init(
    scope: Scope, correctedStart: Timestamp, counts: SessionCounts,
    mechanism: HangMechanism = .none, durationMilliseconds: Int64? = nil, user: UserHash? = nil
  ) {
    self.scope = scope
    self.correctedStart = correctedStart
    self.counts = counts
    self.mechanism = mechanism
    self.durationMilliseconds = durationMilliseconds
    self.user = user
  }
}

/// What is remembered of a session: the join of all its updates.
///
/// Each part only grows in its own order, so merging is commutative, associative and idempotent:
/// any order, any duplication and any split of the updates gives the same session.
package struct Session: Equatable, Sendable {
  package var severity: Severity
  /// From `abnormal` updates only.
  package var mechanism: HangMechanism
  /// An `exited` update was seen: the duration counts.
  package var hasExited: Bool
  /// An update with `init` was seen.
  package var hasInitial: Bool
  /// The longest duration of any update.
  package var durationMilliseconds: Int64?
  /// Every user that an update named, ascending; of too many the first ones
  /// (``DomainLimits/usersPerSessionMax``).
  package var users: [UserID]
  /// Where corrections of drift differ, the earliest stands.
  package var earliestStart: Timestamp
  /// Decides how long the state is kept.
  package var latestStart: Timestamp

  package init(
    severity: Severity, mechanism: HangMechanism, hasExited: Bool, hasInitial: Bool,
    durationMilliseconds: Int64?, users: [UserID], earliestStart: Timestamp, latestStart: Timestamp
  ) {
    self.severity = severity
    self.mechanism = mechanism
    self.hasExited = hasExited
    self.hasInitial = hasInitial
    self.durationMilliseconds = durationMilliseconds
    self.users = users
    self.earliestStart = earliestStart
    self.latestStart = latestStart
  }

  /// What one update says by itself.
  ///
  /// - Parameter user: the store's number of the report's user.
  package init(_ report: SessionReport, user: UserID?) {
    self.init(
      severity: Severity(status: report.status, errors: report.errors),
      mechanism: report.status == .abnormal ? report.mechanism : .none,
      hasExited: report.status == .exited,
      hasInitial: report.isInitial,
      durationMilliseconds: report.durationMilliseconds,
      users: user.map { [$0] } ?? [],
      earliestStart: report.correctedStart,
      latestStart: report.correctedStart)
  }

  /// The least session that knows what both know.
  package func merged(with other: Session) -> Session {
    Session(
      severity: max(severity, other.severity),
      mechanism: max(mechanism, other.mechanism),
      hasExited: hasExited || other.hasExited,
      hasInitial: hasInitial || other.hasInitial,
      durationMilliseconds: Self.longest(durationMilliseconds, other.durationMilliseconds),
      users: Self.union(users, other.users),
      earliestStart: min(earliestStart, other.earliestStart),
      latestStart: max(latestStart, other.latestStart))
  }

  /// What the session adds to the counts.
  package var contribution: Contribution {
    Contribution(
      minute: earliestStart.minute, severity: severity, mechanism: mechanism,
      durationMilliseconds: hasExited ? durationMilliseconds : nil, users: users,
      lacksInitial: !hasInitial)
  }

  private static func longest(_ left: Int64?, _ right: Int64?) -> Int64? {
    guard let left, let right else { return left ?? right }
    return max(left, right)
  }

  /// The first ones of a union are those of the first ones: with the limit, too, any order and
  /// grouping gives the same.
  private static func union(_ left: [UserID], _ right: [UserID]) -> [UserID] {
    if right.isEmpty || left == right { return left }
    if left.isEmpty { return right }
    return Array(Set(left).union(right).sorted().prefix(DomainLimits.usersPerSessionMax))
  }
}

/// What a session adds to the counts of its scope.
package struct Contribution: Equatable, Sendable {
  /// The bucket, in minutes since 1970.
  package var minute: Int
  package var severity: Severity
  package var mechanism: HangMechanism
  /// Counted in the histogram of durations; nil while the session has not exited.
  package var durationMilliseconds: Int64?
  package var users: [UserID]
  /// No update with `init` was seen: what began the session is lost, or late.
  package var lacksInitial: Bool

  package init(
    minute: Int, severity: Severity, mechanism: HangMechanism, durationMilliseconds: Int64?,
    users: [UserID], lacksInitial: Bool
  ) {
    self.minute = minute
    self.severity = severity
    self.mechanism = mechanism
    self.durationMilliseconds = durationMilliseconds
    self.users = users
    self.lacksInitial = lacksInitial
  }
}
