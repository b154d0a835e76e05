package import ReleaseHealth
package import Storage

/// The identity of a session, by which updates belong together.
package struct SessionKey: Hashable, Sendable {
  package var series: SeriesKey
  /// The start as sent by the SDK.
  package var started: Timestamp
  package var sessionID: SessionID

  package init(series: SeriesKey, started: Timestamp, sessionID: SessionID) {
    self.series = series
    self.started = started
    self.sessionID = sessionID
  }
}

/// A report with its session's key and the content of its update, as tests make and shuffle them.
package struct NamedReport: Hashable, Sendable {
  package var key: SessionKey
  package var correctedStart: Timestamp
  package var status: SessionStatus
  package var errors: UInt64
  package var mechanism: AbnormalMechanism
  package var durationMilliseconds: Int64?
  package var isInitial: Bool
  package var user: UserHash?

  package init(
    key: SessionKey, correctedStart: Timestamp, status: SessionStatus, errors: UInt64 = 0,
    mechanism: AbnormalMechanism = .none, durationMilliseconds: Int64? = nil,
    isInitial: Bool = false, user: UserHash? = nil
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

  package var report: SessionReport {
    var update = SessionUpdate(started: key.started, release: key.series.release)
    update.status = status
    update.errors = errors
    update.mechanism = mechanism
    update.durationMilliseconds = durationMilliseconds
    update.isInitial = isInitial
    return SessionReport(
      update, sessionID: key.sessionID, correctedStart: correctedStart, user: user)
  }
}

/// Session aggregates with their series.
package struct NamedAggregate: Hashable, Sendable {
  package var series: SeriesKey
  package var sessions: AggregatedSessions

  package init(series: SeriesKey, _ sessions: AggregatedSessions) {
    self.series = series
    self.sessions = sessions
  }
}

extension IngestBatch {
  package mutating func add(_ report: NamedReport) {
    add(report.report, of: report.key.series)
  }

  package mutating func add(_ reports: some Sequence<NamedReport>) {
    for report in reports { add(report) }
  }

  package mutating func add(_ aggregates: some Sequence<NamedAggregate>) {
    for aggregate in aggregates { add(aggregate.sessions, of: aggregate.series) }
  }
}
