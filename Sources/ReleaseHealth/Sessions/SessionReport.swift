/// One normalized update of a session: what a store is given, what waits between its commit and its
/// folding, and what the reducer takes.
///
/// It has no references, so that thousands are copied and sorted without counting any.
package struct SessionReport: Hashable, Sendable {
  package var sessionID: SessionID
  /// The keyed hash of the user that the update names.
  package var user: UserHash?
  /// The severity that the update proves by itself.
  package var severity: Severity
  /// The mechanism of an abnormal session; none for any other.
  package var mechanism: AbnormalMechanism
  /// The update says that the session ended in order: its duration counts.
  package var hasExited: Bool
  /// The update is the first of its session.
  package var isInitial: Bool
  /// The report waited when its store was opened. It may be part of its session already, so that
  /// finding nothing new in it means nothing.
  package var isRecovered = false
  /// The start as the SDK sent it, truncated to milliseconds: a part of the session's key.
  package var started: Timestamp
  /// The start after the correction of drift: it decides the bucket.
  package var correctedStart: Timestamp
  /// The time at which the batch of the report was opened. The batch sets it.
  package var receivedAt = Timestamp(milliseconds: 0)
  /// The place of the series among those of the batch, which sets it; within a store, the number
  /// that the store gave to the series.
  package var series = 0
  package var durationMilliseconds: Int64?

  /// A report of a healthy session about which nothing else is known.
  package init(sessionID: SessionID, started: Timestamp) {
    self.sessionID = sessionID
    self.started = started
    correctedStart = started
    severity = .healthy
    mechanism = .none
    hasExited = false
    isInitial = false
  }

  /// - Parameters:
  ///   - correctedStart: the update's start after the correction of drift.
  ///   - user: the keyed hash of the update's user.
  package init(
    _ update: SessionUpdate, sessionID: SessionID, correctedStart: Timestamp, user: UserHash?
  ) {
    self.sessionID = sessionID
    self.user = user
    severity = Severity(status: update.status, errors: update.errors)
    mechanism = update.status == .abnormal ? update.mechanism : .none
    hasExited = update.status == .exited
    isInitial = update.isInitial
    started = update.started
    self.correctedStart = correctedStart
    durationMilliseconds = update.durationMilliseconds
  }
}

/// Normalized session aggregates: a bucket, or one session without an id. Each is added once;
/// nothing can tell that it was sent again.
package struct AggregatedSessions: Hashable, Sendable {
  /// The place of the series among those of the batch, which sets it.
  package var series = 0
  package var correctedStart: Timestamp
  package var counts: SessionCounts
  /// This is one session without an id, rather than a bucket.
  package var isItem = false
  /// The mechanism of one abnormal session.
  package var mechanism = AbnormalMechanism.none
  /// The duration of one session that exited.
  package var durationMilliseconds: Int64?
  package var user: UserHash?

  package init(correctedStart: Timestamp, counts: SessionCounts, user: UserHash? = nil) {
    self.correctedStart = correctedStart
    self.counts = counts
    self.user = user
  }

  /// One session that has no id, so that no later update can name it.
  package init(_ update: SessionUpdate, correctedStart: Timestamp, user: UserHash?) {
    var counts = SessionCounts()
    counts[Severity(status: update.status, errors: update.errors)] = 1
    self.init(correctedStart: correctedStart, counts: counts, user: user)
    isItem = true
    mechanism = update.status == .abnormal ? update.mechanism : .none
    durationMilliseconds = update.status == .exited ? update.durationMilliseconds : nil
  }
}
