internal import Access
internal import Envelopes
internal import ReleaseHealth

/// The stage that turns what was read of an envelope into what a store is given: starts are
/// corrected by the drift of the device's clock, ages and names are checked, users are hashed. What
/// fails a check is rejected alone.
struct Normalizer {
  /// What an update becomes.
  enum Item {
    case report(SessionReport, of: Scope)
    /// A session without an id, which no later update can name.
    case aggregated(AggregatedSessions, of: Scope)
  }

  let project: ProjectID
  let times: Normalization
  let snapshot: CatalogSnapshot

  func normalize(_ update: SessionUpdate) throws(RejectionReason) -> Item {
    let start = try times.correctedStart(update.started, timestamp: update.timestamp)
    let series = try times.scope(
      project: project, release: update.release, environment: update.environment)
    let user = hash(update.distinctID)
    guard let sessionID = update.sessionID else {
      return .aggregated(
        AggregatedSessions(update, correctedStart: start, user: user), of: series)
    }
    return .report(
      SessionReport(update, sessionID: sessionID, correctedStart: start, user: user), of: series)
  }

  /// The series that all buckets of an item share.
  func series(of aggregates: SessionAggregates) throws(RejectionReason) -> Scope {
    try times.scope(
      project: project, release: aggregates.release, environment: aggregates.environment)
  }

  func normalize(_ bucket: SessionAggregate) throws(RejectionReason) -> AggregatedSessions {
    let start = try times.correctedStart(bucket.started, timestamp: nil)
    return AggregatedSessions(
      correctedStart: start, counts: bucket.counts, user: hash(bucket.distinctID))
  }

  private func hash(_ distinctID: String?) -> UserHash? {
    if let distinctID { snapshot.hasher.hash(distinctID) } else { nil }
  }
}
