package import Locks
package import API
package import Access
package import Metrics
package import Ingest
package import Alerting
internal import Dashboard
package import HTTP
package import Logging
package import Storage

/// Puts the endpoints of the modules below together: routes, jobs, metrics and health.
///
/// Invariant of this module: it uses no sockets and no SQL, and reads no clock of its own.

/// The dependencies of the service.
package struct ServiceDependencies: Sendable {
  package var store: any SessionStore & ReleaseStore & OutcomeStore
  /// Alert rules, notifications and the runs of jobs.
  package var records: any AlertStore & NoticeStore & JobRunStore
  package var catalog: CatalogCache
  package var clock: WallClock
  package var queue: IngestQueue
  /// The queues of work that may block.
  package var workers: Workers
  package var notices: NoticeSender
  package var log: Logger
  /// Makes ids for events without one.
  package var random: @Sendable () -> UInt128
  package var address: APIAddress
  /// The retention of counts, in days.
  package var retentionDays: Int
  package var metrics: Metrics
  /// Reads the current figures of the process.
  package var processFigures: @Sendable () -> ProcessFigures

  package init(
    store: any SessionStore & ReleaseStore & OutcomeStore,
    records: any AlertStore & NoticeStore & JobRunStore, catalog: CatalogCache, clock: WallClock,
    queue: IngestQueue, workers: Workers, notices: NoticeSender, log: Logger,
    random: @escaping @Sendable () -> UInt128 = { 0 }, address: APIAddress = APIAddress(),
    retentionDays: Int, metrics: Metrics = Metrics(),
    processFigures: @escaping @Sendable () -> ProcessFigures = { ProcessFigures() }
  ) {
    self.store = store
    self.records = records
    self.catalog = catalog
    self.clock = clock
    self.queue = queue
    self.workers = workers
    self.notices = notices
    self.log = log
    self.random = random
    self.address = address
    self.retentionDays = retentionDays
    self.metrics = metrics
    self.processFigures = processFigures
  }
}

/// Routes each request to its endpoint.
package final class Service: RequestHandler {
  private let dependencies: ServiceDependencies
  /// Takes asynchronous answers.
  private let sink: any ResponseSink
  private let ingest: IngestEndpoint
  private let api: APIEndpoint
  private let control: ControlEndpoint
  private let dashboard: DashboardEndpoint
  private let signIn: SignIn
  /// Loaded with the first request, as the files of the page are.
  private let document = Locked<StaticFile?>(nil)
  private let readiness: Readiness
  private let metricsPage: MetricsPage

  package init(_ dependencies: ServiceDependencies, jobs: Jobs, sink: any ResponseSink) {
    self.dependencies = dependencies
    self.sink = sink
    ingest = IngestEndpoint(dependencies.ingest)
    let failures = AuthenticationFailures(metrics: dependencies.metrics, log: dependencies.log)
    api = APIEndpoint(
      dependencies.routes, dependencies.api, failures: failures,
      start: String(dependencies.random(), radix: 36), sink: sink)
    control = ControlEndpoint(
      dependencies: dependencies, jobs: jobs, ingest: ingest, api: api, sink: sink)
    readiness = Readiness(dependencies, sink: sink)
    dashboard = DashboardEndpoint(pathPrefix: dependencies.address.pathPrefix)
    metricsPage = MetricsPage(dependencies, sink: sink)
    signIn = SignIn(dependencies.catalog, address: dependencies.address, failures: failures)
  }

  package func begin(
    _ head: RequestHead, exchange: ExchangeID, tenant: inout Tenant?
  ) -> RequestDisposition {
    if let known = ingest.beginKnown(head, exchange: exchange, tenant: &tenant) { return known }
    let path = Route.components(of: head.path, prefix: dependencies.address.pathPrefix)
    if head.isControl { return control.begin(head, path, exchange) }
    let route = Route(path)
    dependencies.metrics.count(Metrics.Endpoint(route))
    switch route {
    case .ingest(let kind, let project):
      return ingest.begin(
        head, kind, project: project, exchange: exchange, tenant: &tenant)
    case .api(let rest):
      return api.begin(head, rest, exchange: exchange, tenant: &tenant)
    case .document:
      return onlyReading(head) { .respond(document(head)) }
    case .health:
      return onlyReading(head) { .respond(.json(Array(#"{"status":"ok"}"#.utf8))) }
    case .readiness:
      return onlyReading(head) { readiness.answer(exchange) }
    case .metrics:
      return onlyReading(head) { metricsPage.answer(exchange) }
    case .page:
      return onlyReading(head) {
        .respond(signIn.isDone(head) ? dashboard.page(head) : signIn.redirection(head))
      }
    case .asset(let version, let name):
      return onlyReading(head) {
        .respond(dashboard.file(name, version: String(version), head))
      }
    case .signIn where head.method == .post:
      return signIn.begin(head)
    case .signIn:
      return onlyReading(head, allowed: "GET, HEAD, POST") { .respond(dashboard.page(head)) }
    case .signOut:
      guard head.method == .post else { return .respond(.methodNotAllowed("POST")) }
      return .respond(signIn.end(head))
    case nil:
      // An SDK in a web page with a wrong address must be able to read this.
      return .respond(.failure(404, "there is nothing at \(head.path)").openToAllOrigins)
    }
  }

  /// Ends the query of an exchange. The sink drops other answers to one that has ended.
  package func abandon(_ exchange: ExchangeID) {
    api.abandon(exchange)
  }

  private func onlyReading(
    _ head: RequestHead, allowed: String = "GET, HEAD", _ answer: () -> RequestDisposition
  ) -> RequestDisposition {
    head.method.isReading ? answer() : .respond(.methodNotAllowed(allowed))
  }

  /// Answers the OpenAPI 3.1 document, which describes every route. It is public, open to pages of
  /// any origin, and changes only with the program.
  private func document(_ head: RequestHead) -> Response {
    let file = document.withLock { document in
      if let document { return document }
      var text = PackageResources.openapi_json
      if let place = text.prefix(1000).firstRange(of: "{{version}}".utf8) {
        text.replaceSubrange(place, with: dependencies.processFigures().version.utf8)
      }
      let file = StaticFile("application/json", text)
      document = file
      return file
    }
    return file.answer(head, cacheControl: "public, max-age=3600").openToAllOrigins
  }
}
