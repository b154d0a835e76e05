internal import Envelopes
internal import HTTP
internal import ReleaseHealth
internal import Storage

/// Reads one envelope as it comes in, keeps its session updates, and hands them to the writer
/// when the envelope turned out to be whole.
final class EnvelopeIntake: BodyReader {
  private let dependencies: ServiceDependencies
  private var source: BodySource
  /// nil until the envelope's own DSN gave it.
  private var access: IngestAccess?
  private let project: ProjectID?
  private let snapshot: CatalogSnapshot
  private let origin: String?
  private let exchange: ExchangeID
  private var reader = EnvelopeReader()
  private var header = EnvelopeHeader()
  private var normalization: Normalization
  private var submission: Submission
  /// The envelope was read to its end; only the queue's room is waited for.
  private var isComplete = false

  init(
    _ dependencies: ServiceDependencies, source: consuming BodySource, access: IngestAccess?,
    project: ProjectID?, snapshot: CatalogSnapshot, origin: String?, exchange: ExchangeID
  ) {
    self.dependencies = dependencies
    self.source = source
    self.access = access
    self.project = project
    self.snapshot = snapshot
    self.origin = origin
    self.exchange = exchange
    let now = dependencies.clock.now
    normalization = Normalization(receivedAt: now, sentAt: nil)
    submission = Submission(receivedAt: now)
  }

  var isCostly: Bool { source.isCostly }

  func read(_ bytes: Span<UInt8>) -> BodyProgress {
    do throws(IngestRefusal) {
      return try source.read(bytes) { (slice) throws(IngestRefusal) in try take(slice) }
    } catch {
      return .respond(error.response)
    }
  }

  func end() -> BodyProgress {
    do throws(IngestRefusal) {
      if !isComplete {
        try source.finish()
        guard source.hasBytes else { throw .emptyBody }
        try finish()
        isComplete = true
      }
      let isTaken = dependencies.queue.submit(
        submission,
        ticket: submission.hasUpdates ? Ticket(exchange: exchange, eventID: eventID) : nil)
      if !isTaken { return .blocked }
      return submission.hasUpdates ? .pending : .respond(.accepted(eventID: eventID))
    } catch {
      return .respond(error.response)
    }
  }

  // MARK: Items

  private func take(_ slice: Span<UInt8>) throws(IngestRefusal) {
    var index = 0
    while let item = try next(slice, &index) { try take(item) }
  }

  private func next(
    _ slice: Span<UInt8>, _ index: inout Int
  ) throws(IngestRefusal) -> EnvelopeItem? {
    do throws(EnvelopeError) {
      return try reader.next(slice, &index)
    } catch {
      throw refusal(of: error)
    }
  }

  private func finish() throws(IngestRefusal) {
    let last: EnvelopeItem?
    do throws(EnvelopeError) {
      last = try reader.finish()
    } catch {
      throw refusal(of: error)
    }
    if let last { try take(last) }
  }

  /// A header that cannot be read could have held the authorization that is missing.
  private func refusal(of error: EnvelopeError) -> IngestRefusal {
    if access == nil, case .invalidEnvelopeHeader = error {
      return IngestRefusal(401, "bad envelope authentication header", causes: error.causes)
    }
    return IngestRefusal(error)
  }

  private func take(_ item: EnvelopeItem) throws(IngestRefusal) {
    switch item {
    case .header(let header): try take(header)
    case .session(.success(let update)): count { () throws(RejectionReason) in try accept(update) }
    case .sessions(.success(let aggregates)): accept(aggregates)
    case .session(.failure(let reason)), .sessions(.failure(let reason)): count(.rejected(reason))
    case .skipped: count(.skipped)
    }
  }

  /// The header comes first: it may bring the authorization, and must not contradict the
  /// request's. Hosts are not compared: tunnels and proxies have their own.
  private func take(_ header: EnvelopeHeader) throws(IngestRefusal) {
    self.header = header
    if let dsn = header.dsn {
      if let project = access?.project ?? project, dsn.projectID != project {
        throw IngestRefusal(.projectMismatch)
      }
      if let access, dsn.publicKey != access.publicKey { throw IngestRefusal(.publicKeyMismatch) }
      if access == nil {
        access = try IngestAccess(
          publicKey: dsn.publicKey, project: dsn.projectID, snapshot: snapshot)
      }
    }
    if access == nil { throw .missingAuthorization }
    if let stated = header.origin, let origin, stated != origin {
      throw IngestRefusal(.originMismatch)
    }
    normalization = Normalization(receivedAt: submission.receivedAt, sentAt: header.sentAt)
  }

  private func accept(_ update: SessionUpdate) throws(RejectionReason) {
    guard let project = access?.project else { return }
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
  private func accept(_ aggregates: SessionAggregates) {
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
      count(.acceptedAnonymous) { () throws(RejectionReason) in
        guard let project = access?.project else { return }
        let start = try normalization.correctedStart(bucket.started, timestamp: nil)
        let scope = try normalization.scope(
          project: project, release: aggregates.release, environment: aggregates.environment)
        submission.anonymous.append(
          AnonymousSessions(
            scope: scope, correctedStart: start, counts: bucket.counts,
            user: bucket.distinctID.map(snapshot.hasher.hash)))
      }
    }
  }

  // MARK: Outcomes

  private func count(
    _ outcome: Outcome = .accepted, _ accept: () throws(RejectionReason) -> Void
  ) {
    do throws(RejectionReason) {
      try accept()
      count(outcome)
    } catch {
      count(.rejected(error))
    }
  }

  private func count(_ outcome: Outcome, _ quantity: Int = 1) {
    guard quantity > 0, let project = access?.project else { return }
    submission.outcomes[OutcomeKey(project: project, outcome: outcome), default: 0] +=
      Int64(quantity)
  }

  // MARK: The answer

  /// What the answer names: the envelope's event, if it has one or ought to.
  private var eventID: String? {
    header.eventID ?? (reader.hasEventItem ? EventID.text(dependencies.random()) : nil)
  }
}

extension Response {
  /// 200 for an SDK. Never compressed: an SDK (Unity) mishandles a compressed small answer.
  static func accepted(eventID: String?) -> Response {
    let body = eventID.map { "{\"id\":\"\($0)\"}" } ?? "{}"
    return .json(Array(body.utf8), headers: CrossOrigin.headers)
  }
}

/// Ids of events, as SDKs write them.
enum EventID {
  /// 32 hexadecimal digits in lower case, of a UUID with or without its hyphens; nil for anything
  /// else.
  static func normalized(_ text: String) -> String? {
    let digits = text.lowercased().filter { $0 != "-" }
    let isID =
      digits.utf8.count == 32
      && digits.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    return isID ? digits : nil
  }

  /// 32 hexadecimal digits.
  static func text(_ value: UInt128) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 32 - digits.utf8.count) + digits
  }
}
