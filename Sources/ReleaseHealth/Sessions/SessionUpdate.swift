/// One report about one session, as an SDK sent it: a `session` item.
package struct SessionUpdate: Equatable, Sendable {
  /// nil when the SDK sent none: the update is then a session of its own.
  package var sessionID: SessionID?
  /// The user or device as sent, in clear; nil when absent or the nil UUID. Never stored.
  package var distinctID: String?
  /// The first report of the session.
  package var isInitial = false
  package var started: Timestamp
  /// When the SDK made this report; nil when absent.
  package var timestamp: Timestamp?
  /// How long the session lasted so far, in milliseconds.
  package var durationMilliseconds: Int64?
  package var status = SessionStatus.ok
  /// The running count of errors.
  package var errors: UInt64 = 0
  package var mechanism = AbnormalMechanism.none
  package var release: String
  package var environment: String?

  package init(started: Timestamp, release: String) {
    self.started = started
    self.release = release
  }
}

/// Sessions that an SDK counted up by itself: one bucket of a `sessions` item.
package struct SessionAggregate: Equatable, Sendable {
  package var started: Timestamp
  /// The user or device as sent; nil when absent or the nil UUID.
  package var distinctID: String?
  package var counts: SessionCounts

  package init(started: Timestamp, distinctID: String? = nil, counts: SessionCounts) {
    self.started = started
    self.distinctID = distinctID
    self.counts = counts
  }
}

/// A `sessions` item: buckets that share a release and an environment.
package struct SessionAggregates: Equatable, Sendable {
  package var release: String
  package var environment: String?
  package var buckets: [SessionAggregate]
  /// The number of buckets that are rejected because their start cannot be read.
  package var unreadableBuckets: Int

  package init(
    release: String, environment: String?, buckets: [SessionAggregate], unreadableBuckets: Int = 0
  ) {
    self.release = release
    self.environment = environment
    self.buckets = buckets
    self.unreadableBuckets = unreadableBuckets
  }
}
