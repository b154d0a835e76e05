internal import Access
internal import Bytes
internal import Envelopes
internal import HTTP
internal import Metrics
internal import ReleaseHealth
internal import Storage

/// Decodes, reads and normalizes an envelope slice by slice as it arrives. Nothing is enqueued
/// before the envelope is known to be complete.
///
/// Used on the loop thread only.
final class EnvelopePipeline: BodyReader {
  /// The part of a request that is known before its body.
  struct Request {
    var exchange: ExchangeID
    /// The access; nil until the DSN in the envelope's header gives it.
    var access: IngestAccess?
    /// The project in the path.
    var project: ProjectID?
    var snapshot: CatalogSnapshot
    /// The header `Origin`.
    var origin: String?
    /// The time of arrival of a replayed envelope; nil for now.
    var receivedAt: Timestamp?
  }

  private let endpoint: IngestEndpoint
  private var request: Request
  private var source: BodySource
  private var reader = EnvelopeReader()
  /// The normalizer; nil until the envelope's header was read.
  private var normalizer: Normalizer?
  private var submission: Submission
  /// The event id in the envelope's header.
  private var eventID: String?
  /// The time at which the whole envelope was read, by ``Metrics/seconds``; after that it waits for
  /// room in the queue.
  private var wholeAt: Double?
  let isCostly: Bool

  var tenant: Tenant? { request.access?.tenant }

  init(_ endpoint: IngestEndpoint, source: consuming BodySource, _ request: consuming Request) {
    self.endpoint = endpoint
    isCostly = source.isCostly
    self.source = source
    submission = Submission(
      receivedAt: request.receivedAt ?? endpoint.dependencies.clock.now,
      project: request.access?.project)
    self.request = request
  }

  func read(_ bytes: Span<UInt8>) -> BodyProgress {
    do throws(IngestRefusal) {
      return try source.read(bytes) { (slice) throws(IngestRefusal) in try readItems(slice) }
    } catch {
      return .respond(endpoint.dependencies.answer(error))
    }
  }

  func end() -> BodyProgress {
    do throws(IngestRefusal) {
      return enqueue(wholeAt: try finish())
    } catch {
      return .respond(endpoint.dependencies.answer(error))
    }
  }

  func bytesNeeded(for bytes: Span<UInt8>) -> Int { source.bytesNeeded(for: bytes) }

  private func readItems(_ slice: Span<UInt8>) throws(IngestRefusal) {
    var index = 0
    while let item = try next(slice, &index) { try process(item) }
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

  /// The bytes held until the envelope's end, at most.
  var heldBytes: Int {
    let names = DomainLimits.releaseBytesMax + DomainLimits.environmentBytesMax
    return source.heldBytes + reader.heldBytes
      + submission.batch.reports.count * MemoryLayout<SessionReport>.stride
      + submission.batch.aggregated.count * MemoryLayout<AggregatedSessions>.stride
      + submission.batch.series.count * (MemoryLayout<SeriesKey>.stride + names)
  }

  /// Reads the envelope to its end, unless that is done already.
  ///
  /// - Returns: ``wholeAt``
  private func finish() throws(IngestRefusal) -> Double {
    if let wholeAt { return wholeAt }
    let now = endpoint.dependencies.metrics.seconds
    try source.finish()
    guard source.hasBytes else { throw .emptyBody }
    let last: EnvelopeItem?
    do throws(EnvelopeError) {
      last = try reader.finish()
    } catch {
      throw refusal(of: error)
    }
    if let last { try process(last) }
    // Drift and ages are those of the envelope's beginning, which is when the SDK sent it. One that
    // took minutes to arrive would fit no batch of that time.
    if request.receivedAt == nil { submission.batch.received(at: endpoint.dependencies.clock.now) }
    if let quotas = request.access?.quotas, quotas.limitsSessions, submission.hasUpdates {
      submission.batch.limit(by: quotas)
    }
    wholeAt = now
    return now
  }

  private func enqueue(wholeAt: Double) -> BodyProgress {
    let eventID =
      eventID
      ?? (reader.hasEventItem ? Hexadecimal.text(endpoint.dependencies.random()) : nil)
    let ticket =
      submission.hasUpdates
      ? Ticket(exchange: request.exchange, wholeAt: wholeAt, eventID: eventID) : nil
    guard endpoint.dependencies.queue.submit(submission, ticket: ticket) else { return .blocked }
    return ticket == nil ? .respond(.accepted(eventID: eventID)) : .pending
  }

  /// The refusal for a header that cannot be read: it could contain the missing authorization.
  private func refusal(of error: EnvelopeError) -> IngestRefusal {
    if request.access == nil, case .invalidEnvelopeHeader = error {
      return IngestRefusal(401, "bad envelope authentication header", causes: error.causes)
    }
    return IngestRefusal(error)
  }

  // MARK: Items

  private func process(_ item: EnvelopeItem) throws(IngestRefusal) {
    switch item {
    case .header(let header): try process(header)
    case .session(.success(let update)): process(update)
    case .sessions(.success(let aggregates)): process(aggregates)
    case .session(.failure(let reason)), .sessions(.failure(let reason)): submission.reject(reason)
    case .clientReport(let report):
      submission.count(.skipped)
      for (reason, quantity) in report.dropped { submission.count(.dropped(reason), Int(quantity)) }
    case .skipped: submission.count(.skipped)
    }
  }

  /// The header comes first: it may contain the authorization, and must not contradict that of the
  /// request. Hosts are not compared, because tunnels and proxies have their own.
  private func process(_ header: EnvelopeHeader) throws(IngestRefusal) {
    eventID = header.eventID
    if let dsn = header.dsn {
      if let project = request.access?.project ?? request.project, dsn.projectID != project {
        throw IngestRefusal(.projectMismatch)
      }
      if let access = request.access, dsn.publicKey != access.publicKey {
        throw IngestRefusal(.publicKeyMismatch)
      }
      if request.access == nil {
        let access = try IngestAccess(
          publicKey: dsn.publicKey, project: dsn.projectID, snapshot: request.snapshot)
        try endpoint.count(access)
        request.access = access
      }
    }
    guard let access = request.access else { throw .missingAuthorization }
    if let stated = header.origin, let origin = request.origin, stated != origin {
      throw IngestRefusal(.originMismatch)
    }
    submission.project = access.project
    normalizer = Normalizer(
      project: access.project,
      times: Normalization(receivedAt: submission.batch.receivedAt, sentAt: header.sentAt),
      snapshot: request.snapshot)
  }

  private func process(_ update: SessionUpdate) {
    guard let normalizer else { return }
    do throws(RejectionReason) {
      switch try normalizer.normalize(update) {
      case .report(let report, let series): submission.batch.add(report, of: series)
      case .aggregated(let sessions, let series): submission.batch.add(sessions, of: series)
      }
      submission.accepted += 1
    } catch {
      submission.reject(error)
    }
  }

  /// Accepts or rejects each bucket by itself.
  private func process(_ aggregates: SessionAggregates) {
    guard let normalizer else { return }
    let buckets = aggregates.buckets
    submission.reject(.invalidStart, aggregates.unreadableBuckets)
    // It counts nothing, but it has an outcome.
    if buckets.isEmpty, aggregates.unreadableBuckets == 0 { submission.count(.skipped) }
    // The limit of an item holds for all items of the envelope together, so that the part held
    // until its end stays small.
    if submission.batch.aggregated.count + buckets.count > EnvelopeLimits.bucketsMax {
      return submission.reject(.tooLarge, buckets.count)
    }
    let series = Result { () throws(RejectionReason) in try normalizer.series(of: aggregates) }
    var accepted = 0
    for bucket in buckets {
      do throws(RejectionReason) {
        let sessions = try normalizer.normalize(bucket)
        submission.batch.add(sessions, of: try series.get())
        accepted += 1
      } catch {
        submission.reject(error)
      }
    }
    submission.count(.acceptedAggregate, accepted)
  }
}
