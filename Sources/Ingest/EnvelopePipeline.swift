internal import Access
internal import Envelopes
internal import HTTP
internal import ReleaseHealth
internal import Storage

/// What is kept of an envelope while it is read: its session updates, and what became of its items.
struct EnvelopeContent: ~Copyable {
  private(set) var submission: Submission
  /// As the header has it.
  private(set) var eventID: String?
  /// Some item makes the envelope one about an event. Known once it was read to its end.
  private(set) var hasEventItem = false

  /// nil until the envelope's own DSN gave it.
  private var access: IngestAccess?
  private let project: ProjectID?
  private let snapshot: CatalogSnapshot
  private let origin: String?
  private var reader = EnvelopeReader()
  private var normalization: Normalization
  private var share: HeldShare

  init(
    receivedAt: Timestamp, access: IngestAccess?, project: ProjectID?, snapshot: CatalogSnapshot,
    origin: String?, memory: HeldMemory
  ) {
    self.access = access
    self.project = project
    self.snapshot = snapshot
    self.origin = origin
    normalization = Normalization(receivedAt: receivedAt, sentAt: nil)
    submission = Submission(receivedAt: receivedAt, project: access?.project)
    share = HeldShare(of: memory)
  }

  /// Reads a slice of the envelope.
  mutating func take(_ slice: Span<UInt8>) throws(IngestRefusal) {
    var index = 0
    while let item = try next(slice, &index) { try take(item) }
    try share.hold(heldBytes)
  }

  /// What is held until the envelope's end, at most.
  private var heldBytes: Int {
    reader.heldBytes
      + (submission.reports.count + submission.anonymous.count) * Self.updateBytes
  }

  /// Of an update with its names.
  private static var updateBytes: Int {
    max(MemoryLayout<SessionReport>.stride, MemoryLayout<AnonymousSessions>.stride)
      + DomainLimits.releaseBytesMax + DomainLimits.environmentBytesMax
  }

  /// Ends the envelope.
  ///
  /// - Parameter arrival: when it was whole; nil where that is when it began. Drift and ages are
  ///   always those of its beginning, which is when the SDK sent it.
  mutating func finish(at arrival: Timestamp? = nil) throws(IngestRefusal) {
    let last: EnvelopeItem?
    do throws(EnvelopeError) {
      last = try reader.finish()
    } catch {
      throw refusal(of: error)
    }
    if let last { try take(last) }
    hasEventItem = reader.hasEventItem
    if let arrival { submission.receivedAt = arrival }
    share.giveBack()
  }

  private mutating func next(
    _ slice: Span<UInt8>, _ index: inout Int
  ) throws(IngestRefusal) -> EnvelopeItem? {
    do throws(EnvelopeError) {
      return try reader.next(slice, &index)
    } catch {
      throw refusal(of: error)
    }
  }

  /// A header that cannot be read could have held the authorization that is missing.
  private func refusal(of error: EnvelopeError) -> IngestRefusal {
    if access == nil, case .invalidEnvelopeHeader = error {
      return IngestRefusal(401, "bad envelope authentication header", causes: error.causes)
    }
    return IngestRefusal(error)
  }

  // MARK: Items

  private mutating func take(_ item: EnvelopeItem) throws(IngestRefusal) {
    switch item {
    case .header(let header): try take(header)
    case .session(.success(let update)): take(update)
    case .sessions(.success(let aggregates)): accept(aggregates)
    case .session(.failure(let reason)), .sessions(.failure(let reason)): count(.rejected(reason))
    case .skipped: count(.skipped)
    }
  }

  /// The header comes first: it may bring the authorization, and must not contradict the
  /// request's. Hosts are not compared: tunnels and proxies have their own.
  private mutating func take(_ header: EnvelopeHeader) throws(IngestRefusal) {
    eventID = header.eventID
    if let dsn = header.dsn {
      if let project = access?.project ?? project, dsn.projectID != project {
        throw IngestRefusal(.projectMismatch)
      }
      if let access, dsn.publicKey != access.publicKey { throw IngestRefusal(.publicKeyMismatch) }
      if access == nil {
        access = try IngestAccess(
          publicKey: dsn.publicKey, project: dsn.projectID, snapshot: snapshot)
        submission.project = access?.project
      }
    }
    if access == nil { throw .missingAuthorization }
    if let stated = header.origin, let origin, stated != origin {
      throw IngestRefusal(.originMismatch)
    }
    normalization = Normalization(receivedAt: submission.receivedAt, sentAt: header.sentAt)
  }

  private mutating func take(_ update: SessionUpdate) {
    do throws(RejectionReason) {
      try accept(update)
      submission.accepted += 1
    } catch {
      count(.rejected(error))
    }
  }

  private mutating func accept(_ update: SessionUpdate) throws(RejectionReason) {
    guard let project = submission.project else { return }
    let start = try normalization.correctedStart(update.started, timestamp: update.timestamp)
    let scope = try normalization.scope(
      project: project, release: update.release, environment: update.environment)
    let user = update.distinctID.map(snapshot.hasher.hash)
    guard let sessionID = update.sessionID else {
      // A session of its own, which no later update can name.
      let said = Severity(status: update.status, errors: update.errors)
      var counts = SessionCounts()
      counts[said] = 1
      submission.anonymous.append(
        AnonymousSessions(
          scope: scope, correctedStart: start, counts: counts,
          mechanism: update.status == .abnormal ? update.mechanism : .none,
          durationMilliseconds: update.status == .exited ? update.durationMilliseconds : nil,
          user: user))
      return
    }
    submission.reports.append(
      SessionReport(
        key: SessionKey(scope: scope, started: update.started, sessionID: sessionID),
        correctedStart: start, status: update.status, errors: update.errors,
        mechanism: update.mechanism, durationMilliseconds: update.durationMilliseconds,
        isInitial: update.isInitial, user: user))
  }

  /// Each bucket stands or falls by itself.
  private mutating func accept(_ aggregates: SessionAggregates) {
    count(.rejected(.invalidStart), aggregates.unreadableBuckets)
    // Nothing in it counts; but it was sent.
    if aggregates.buckets.isEmpty, aggregates.unreadableBuckets == 0 { count(.skipped) }
    // The limit of an item holds for all items of the envelope together, so that what is kept of
    // it until its end stays small.
    if submission.anonymous.count + aggregates.buckets.count > EnvelopeLimits.bucketsMax {
      count(.rejected(.tooLarge), aggregates.buckets.count)
      return
    }
    for bucket in aggregates.buckets {
      do throws(RejectionReason) {
        try accept(bucket, of: aggregates)
        count(.acceptedAnonymous)
      } catch {
        count(.rejected(error))
      }
    }
  }

  private mutating func accept(
    _ bucket: SessionAggregate, of aggregates: SessionAggregates
  ) throws(RejectionReason) {
    guard let project = submission.project else { return }
    let start = try normalization.correctedStart(bucket.started, timestamp: nil)
    let scope = try normalization.scope(
      project: project, release: aggregates.release, environment: aggregates.environment)
    submission.anonymous.append(
      AnonymousSessions(
        scope: scope, correctedStart: start, counts: bucket.counts,
        user: bucket.distinctID.map(snapshot.hasher.hash)))
  }

  private mutating func count(_ outcome: Outcome, _ quantity: Int = 1) {
    guard quantity > 0, let project = submission.project else { return }
    submission.outcomes[OutcomeKey(project: project, outcome: outcome), default: 0] +=
      Int64(quantity)
  }
}
