internal import Access
internal import Envelopes
internal import ReleaseHealth

/// Turns what was read of an envelope into what the store takes: it corrects starts by the drift of
/// the device's clock, checks ages and names, and hashes users. An item that fails a check is
/// rejected by itself.
struct Normalizer {
  /// The normalized form of an update.
  enum Item {
    case report(SessionReport, of: SeriesKey)
    /// A session without an id, which no later update can name.
    case aggregated(AggregatedSessions, of: SeriesKey)
  }

  let project: ProjectID
  let times: Normalization
  let snapshot: CatalogSnapshot

  func normalize(_ update: SessionUpdate) throws(RejectionReason) -> Item {
    let start = try times.correctedStart(update.started, timestamp: update.timestamp)
    let series = try times.seriesKey(
      project: project, release: update.release, environment: update.environment)
    let user = hash(update.distinctID)
    guard let sessionID = update.sessionID else {
      return .aggregated(AggregatedSessions(update, correctedStart: start, user: user), of: series)
    }
    return .report(
      SessionReport(update, sessionID: sessionID, correctedStart: start, user: user), of: series)
  }

  /// The series that all buckets of an item share.
  func series(of aggregates: SessionAggregates) throws(RejectionReason) -> SeriesKey {
    try times.seriesKey(
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
