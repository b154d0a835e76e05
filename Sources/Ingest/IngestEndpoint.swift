internal import Bytes
package import Access
package import Metrics
internal import Compression
internal import Envelopes
package import HTTP
package import ReleaseHealth
internal import Storage

/// The endpoints that SDKs send to: `POST /api/{project}/envelope/` and `/store/`.
///
/// It is a class, so that each body reader holds one reference to all the dependencies.
package final class IngestEndpoint {
  /// The dependencies of ingest.
  package struct Dependencies: Sendable {
    package var catalog: CatalogCache
    package var clock: WallClock
    package var queue: IngestQueue
    package var metrics: Metrics
    /// Makes ids for events without one.
    package var random: @Sendable () -> UInt128

    package init(
      catalog: CatalogCache, clock: WallClock, queue: IngestQueue, metrics: Metrics,
      random: @escaping @Sendable () -> UInt128
    ) {
      self.catalog = catalog
      self.clock = clock
      self.queue = queue
      self.metrics = metrics
      self.random = random
    }
  }

  let dependencies: Dependencies
  let decoding = DecodingBuffer()
  private let known = KnownRequests()
  private let requests = RequestQuotas()

  package init(_ dependencies: Dependencies) {
    self.dependencies = dependencies
  }

  /// - Parameter project: the project in the path; nil where it has none.
  package func begin(
    _ head: RequestHead, _ kind: IngestKind, project: Substring?, exchange: ExchangeID,
    tenant: inout Tenant?
  ) -> RequestDisposition {
    switch head.method {
    case .post: break
    case .get where kind == .store: break
    case .options: return .respond(Response(headers: CrossOrigin.preflight(of: head)))
    default:
      let allowed = kind == .store ? "GET, POST, OPTIONS" : "POST, OPTIONS"
      return .respond(.methodNotAllowed(allowed).openToAllOrigins)
    }
    do throws(IngestRefusal) {
      if head.method == .get { return .read(try pixel(head, project: project)) }
      let reader = try reader(head, kind, project: project, exchange)
      tenant = reader.tenant
      return .read(reader)
    } catch {
      return .respond(dependencies.answer(error))
    }
  }

  /// Begins a request that equals an earlier one, without routing.
  ///
  /// - Returns: nil when there was none; the request is then routed.
  package func beginKnown(
    _ head: RequestHead, exchange: ExchangeID, tenant: inout Tenant?
  ) -> RequestDisposition? {
    let snapshot = dependencies.catalog.snapshot
    guard let entry = known.find(head, snapshot) else { return nil }
    dependencies.metrics.count(Metrics.Endpoint(entry.kind))
    tenant = entry.access.tenant
    do throws(IngestRefusal) {
      return .read(
        try reader(
          head, entry.kind,
          EnvelopePipeline.Request(
            exchange: exchange, access: entry.access, project: entry.project, snapshot: snapshot)))
    } catch {
      return .respond(dependencies.answer(error))
    }
  }

  /// Receives an envelope of a command on this machine, which needs no key, as if it arrived at
  /// another time.
  package func beginForOwner(
    project: ProjectID, receivedAt: Timestamp, exchange: ExchangeID
  ) -> any BodyReader {
    EnvelopePipeline(
      self, source: BodySource(.identity, buffer: decoding),
      EnvelopePipeline.Request(
        exchange: exchange, access: IngestAccess(command: project), project: project,
        snapshot: dependencies.catalog.snapshot, receivedAt: receivedAt))
  }

  private func reader(
    _ head: RequestHead, _ kind: IngestKind, project: Substring?, _ exchange: ExchangeID
  ) throws(IngestRefusal) -> any BodyReader {
    let projectID = try project.map(Self.projectID)
    let snapshot = dependencies.catalog.snapshot
    var access: IngestAccess?
    if let publicKey = try publicKey(of: head) {
      let found = try IngestAccess(publicKey: publicKey, project: projectID, snapshot: snapshot)
      known.remember(head, .init(kind: kind, project: projectID, access: found), snapshot)
      access = found
    } else if kind == .store {
      throw .missingAuthorization
    }
    return try reader(
      head, kind,
      EnvelopePipeline.Request(
        exchange: exchange, access: access, project: projectID, snapshot: snapshot))
  }

  private func reader(
    _ head: RequestHead, _ kind: IngestKind, _ request: consuming EnvelopePipeline.Request
  ) throws(IngestRefusal) -> any BodyReader {
    if let access = request.access { try count(access) }
    let source = BodySource(try coding(of: head), buffer: decoding)
    let isEnvelope =
      kind == .envelope
      || head.headers["Content-Type"]?.lowercased().hasPrefix("application/x-sentry-envelope")
        == true
    if isEnvelope {
      request.origin = head.headers["Origin"]
      return EnvelopePipeline(self, source: source, request)
    }
    guard let access = request.access else { throw .missingAuthorization }
    return EventPipeline(dependencies, source: source, access)
  }

  /// Counts a request once its key is known, and refuses it beyond a quota.
  func count(_ access: IngestAccess) throws(IngestRefusal) {
    guard let quotas = access.quotas else { return }
    do throws(IngestRefusal) {
      try requests.take(quotas, at: dependencies.clock.now)
    } catch {
      dependencies.metrics.countRequestBeyondQuota(of: quotas.project)
      throw error
    }
  }

  private func coding(of head: RequestHead) throws(IngestRefusal) -> ContentCoding {
    guard head.headers.contains("Content-Encoding") else { return .identity }
    let names = head.headers.all("Content-Encoding").joined(separator: ", ")
    guard let coding = ContentCoding(contentEncoding: names) else {
      throw IngestRefusal(
        415, "unsupported content encoding; accepted are \(ContentCoding.acceptEncoding)",
        headers: ["Accept-Encoding": ContentCoding.acceptEncoding])
    }
    return coding
  }

  /// A project id is an unsigned integer of 64 bits, as in Relay. Hale assigns at most 63 bits.
  private static func projectID(_ text: Substring) throws(IngestRefusal) -> ProjectID {
    let text = percentDecoded(String(text), plusIsSpace: false) ?? ""
    guard let number = decimalNumber(text) else {
      throw IngestRefusal(400, "bad project path parameter")
    }
    return ProjectID(rawValue: Int64(exactly: number) ?? -1)
  }

  /// Serves the oldest form of ingest: an event in the URL of an image.
  private func pixel(
    _ head: RequestHead, project: Substring?
  ) throws(IngestRefusal) -> SkippedItem {
    guard let publicKey = try publicKey(of: head) else { throw .missingAuthorization }
    let access = try IngestAccess(
      publicKey: publicKey, project: try project.map(Self.projectID),
      snapshot: dependencies.catalog.snapshot)
    try count(access)
    let data = QueryParameters(queryItems(head.query)).one("sentry_data") ?? ""
    guard !data.isEmpty else { throw .emptyBody }
    _ = try StoredEvent(Array(data.utf8))
    return SkippedItem(
      dependencies, project: access.project,
      answer: Response(headers: ["Content-Type": "image/gif"], body: Self.transparentPixel)
        .openToAllOrigins)
  }

  /// A GIF of one transparent pixel.
  private static let transparentPixel: [UInt8] = [
    0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xff, 0xff, 0xff, 0x21, 0xf9, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x01, 0x00, 0x00, 0x02, 0x01, 0x44, 0x00, 0x3b,
  ]

  private func publicKey(of head: RequestHead) throws(IngestRefusal) -> String? {
    do throws(IngestAuthError) {
      return try IngestAuth.find(
        sentryAuth: head.headers.all("X-Sentry-Auth"),
        authorization: head.headers.all("Authorization"), query: head.query)
    } catch {
      throw IngestRefusal(error.status, error.detail, causes: error.causes)
    }
  }
}

/// The two forms of ingest requests.
package enum IngestKind: Sendable {
  /// `/api/PROJECT/envelope/`
  case envelope
  /// `/api/PROJECT/store/`, of clients older than envelopes.
  case store
}

extension Metrics.Endpoint {
  package init(_ kind: IngestKind) {
    self = kind == .envelope ? .envelope : .store
  }
}
