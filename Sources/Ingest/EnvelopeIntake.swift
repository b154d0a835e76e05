internal import Bytes
internal import Metrics
internal import Storage
internal import Access
internal import Envelopes
internal import HTTP
internal import ReleaseHealth

/// Reads one envelope as it comes in, and hands its session updates to the writer when it turned
/// out to be whole.
final class EnvelopeIntake: BodyReader {
  private let endpoint: IngestEndpoint
  private let exchange: ExchangeID
  private var source: BodySource
  private var content: EnvelopeContent
  /// When the envelope was read to its end, by ``Metrics/seconds``; from then on only the queue's room
  /// is waited for.
  private var wholeAt: Double?
  /// It arrives when it is whole, and not at a time that was given.
  private let isLive: Bool
  let isCostly: Bool

  /// - Parameter receivedAt: nil for now; another time where a past is brought in.
  init(
    _ endpoint: IngestEndpoint, source: consuming BodySource, access: IngestAccess?,
    project: ProjectID?, snapshot: CatalogSnapshot, origin: String?, exchange: ExchangeID,
    receivedAt: Timestamp? = nil
  ) {
    self.endpoint = endpoint
    self.exchange = exchange
    isLive = receivedAt == nil
    isCostly = source.isCostly
    self.source = source
    content = EnvelopeContent(
      receivedAt: receivedAt ?? endpoint.dependencies.clock.now, access: access, project: project,
      snapshot: snapshot, origin: origin, memory: endpoint.held)
  }

  func read(_ bytes: Span<UInt8>) -> BodyProgress {
    do throws(IngestRefusal) {
      return try source.read(bytes) { (slice) throws(IngestRefusal) in try content.take(slice) }
    } catch {
      return .respond(endpoint.dependencies.answer(error))
    }
  }

  func end() -> BodyProgress {
    do throws(IngestRefusal) {
      let wholeAt = try finish()
      return submit(content.submission, wholeAt: wholeAt, eventID: eventID)
    } catch {
      return .respond(endpoint.dependencies.answer(error))
    }
  }

  /// Reads the envelope to its end, if that was not done.
  ///
  /// - Returns: ``wholeAt``
  private func finish() throws(IngestRefusal) -> Double {
    if let wholeAt { return wholeAt }
    let now = endpoint.dependencies.metrics.seconds
    try source.finish()
    guard source.hasBytes else { throw .emptyBody }
    // One that took minutes would otherwise fit no batch of those that arrived with it.
    try content.finish(at: isLive ? endpoint.dependencies.clock.now : nil)
    wholeAt = now
    return now
  }

  private func submit(
    _ submission: Submission, wholeAt: Double, eventID: String?
  ) -> BodyProgress {
    let ticket =
      submission.hasUpdates
      ? Ticket(exchange: exchange, wholeAt: wholeAt, eventID: eventID) : nil
    guard endpoint.dependencies.queue.submit(submission, ticket: ticket) else { return .blocked }
    return ticket == nil ? .respond(.accepted(eventID: eventID)) : .pending
  }

  /// What the answer names: the envelope's event, if it has one or ought to.
  private var eventID: String? {
    content.eventID
      ?? (content.hasEventItem ? Hexadecimal.text(endpoint.dependencies.random()) : nil)
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
    Hexadecimal.number(text.utf8.span).map { Hexadecimal.text($0) }
  }
}
