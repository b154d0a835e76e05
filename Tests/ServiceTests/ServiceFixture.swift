import API
import Locks
import Access
@testable import Metrics
@testable import Ingest
import Alerting
import Foundation
import HTTP
import Logging
import Outbound
import ReleaseHealth
import SQLiteStorage
import Service
import Storage
import Synchronization
import TestSupport
import Testing

/// The whole service in process: requests in, responses out, no socket. The clock stands, unless
/// another one is given.
final class ServiceFixture {
  static let key = String(repeating: "a", count: 32)
  static let token = "a-token"
  static let adminToken = "an-admin-token"
  static let now = Timestamp(seconds: 1_767_225_600 + 12 * 3600)

  let directory: TemporaryDirectory
  let store: FaultyStore
  private let sqlite: SQLiteStore
  let queue: IngestQueue
  let catalog: CatalogCache
  let notices: NoticeSender
  let service: Service
  let dependencies: ServiceDependencies
  let jobs: Jobs
  let metrics: Metrics
  /// The client of the requests.
  var peer: PeerAddress?
  private let sink = Answers()
  private let workers: Workers
  private var nextExchange: UInt64 = 1

  /// - Parameter prepare: fills the catalog further before the service sees it.
  init(
    batchUpdatesMax: Int = 10_000, pathPrefix: String = "",
    clients: NotificationClients = NotificationClients(
      client: OutboundClient(addresses: .all), addresses: .all),
    clock: WallClock = WallClock { ServiceFixture.now }, metrics: Metrics = Metrics(),
    log: Logger? = nil,
    workers: Workers = Workers(),
    prepare: (SQLiteStore) throws -> Void = { _ in }
  ) throws {
    directory = try TemporaryDirectory()
    sqlite = try SQLiteStore(
      .init(path: directory.path + "/hale.db", newSecret: [UInt8](repeating: 1, count: 32)))
    let organization = try sqlite.createOrganization(slug: "default", at: Self.now)
    _ = try sqlite.createProject(
      organization: organization.id, slug: "shop", settings: ProjectSettings(), id: nil,
      publicKey: Self.key,
      at: Self.now)
    _ = try sqlite.createToken(
      organization: organization.id, name: "test", scope: .read,
      digest: TokenDigest.digest(Self.token), at: Self.now)
    _ = try sqlite.createToken(
      organization: organization.id, name: "admin", scope: .admin,
      digest: TokenDigest.digest(Self.adminToken), at: Self.now)
    try prepare(sqlite)
    store = FaultyStore(sqlite)
    self.metrics = metrics
    self.workers = workers
    sqlite.writes.handOver()
    queue = IngestQueue(
      store: store, writes: sqlite.writes, metrics: metrics, batchUpdatesMax: batchUpdatesMax)
    catalog = try CatalogCache(sqlite)
    let log = log ?? Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    notices = NoticeSender(
      store: sqlite, clients: clients, catalog: catalog, clock: clock,
      random: { UInt128.random(in: .min ... .max) }, webURL: nil,
      changed: { [version = queue.version] in version.grow() },
      startThread: { body in
        Thread.detachNewThread(body)
        return true
      }, log: log)
    dependencies = ServiceDependencies(
      store: store, records: sqlite, catalog: catalog, clock: clock, queue: queue,
      workers: workers, notices: notices, log: log, random: { 7 },
      address: APIAddress(pathPrefix: pathPrefix), retentionDays: 90, metrics: metrics)
    jobs = Jobs(dependencies)
    service = Service(dependencies, jobs: jobs, sink: sink)
    Thread.detachNewThread { [writes = sqlite.writes] in writes.run() }
    Thread.detachNewThread { [workers] in workers.queries.run() }
    Thread.detachNewThread { [workers] in workers.changes.run() }
  }

  deinit {
    workers.queries.close()
    workers.changes.close()
    sqlite.writes.close()
  }

  /// Sends a request whose body comes in slices.
  func send(
    _ method: HTTP.Method = .post, _ target: String = "/api/1/envelope/",
    headers: Headers = ["X-Sentry-Auth": "Sentry sentry_key=\(key)"], body: [[UInt8]] = [],
    isControl: Bool = false
  ) -> Response {
    let exchange = begin(method, target, headers: headers, body: body, isControl: isControl)
    if let response = exchange.response { return response }
    drain()
    return sink.wait(for: exchange.id)
  }

  func send(_ text: String) -> Response {
    send(body: [Array(text.utf8)])
  }

  /// A request whose answer may come later; `blocked` when the body reader said so at its end.
  func begin(
    _ method: HTTP.Method = .post, _ target: String = "/api/1/envelope/",
    headers: Headers = ["X-Sentry-Auth": "Sentry sentry_key=\(key)"], body: [[UInt8]] = [],
    isControl: Bool = false
  ) -> (id: ExchangeID, response: Response?, blocked: (any BodyReader)?) {
    let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
    var head = RequestHead(
      method: method, path: parts[0], query: parts.count > 1 ? parts[1] : nil, headers: headers,
      isControl: isControl)
    head.peer = peer
    let id = ExchangeID(rawValue: nextExchange)
    nextExchange += 1
    let taken = service.take(head, body: body, exchange: id)
    return (id, taken.response, taken.blocked)
  }

  /// Has the writer store the open batch.
  @discardableResult
  func drain() -> Int {
    let rooms = Atomic(0)
    queue.runUntilEmpty(
      IngestQueue.Callbacks(
        committed: { [sink] tickets, failure in
          CommitAnswers.answer(tickets, failure, through: sink)
        },
        hasRoom: { rooms.add(1, ordering: .relaxed) }))
    return rooms.load(ordering: .relaxed)
  }

  func answer(to exchange: ExchangeID) -> Response {
    sink.wait(for: exchange)
  }

  /// Changes something over the API.
  func change(
    _ method: HTTP.Method, _ target: String, _ body: String = "",
    token: String = ServiceFixture.adminToken
  ) -> (status: Int, text: String) {
    let response = send(
      method, target, headers: ["Authorization": "Bearer \(token)"],
      body: body.isEmpty ? [] : [Array(body.utf8)])
    return (response.status, String(decoding: response.body, as: UTF8.self))
  }

  /// Changes the catalog as a command would, and lets the service see it.
  func change(_ body: (any CatalogStore) throws(StoreError) -> Void) throws {
    try body(sqlite)
    try catalog.refresh()
  }

  /// Asks the API.
  func ask(_ target: String, token: String? = ServiceFixture.token) -> (status: Int, text: String) {
    let headers: Headers = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
    let response = send(.get, target, headers: headers)
    return (response.status, String(decoding: response.body, as: UTF8.self))
  }

  /// The JSON that the API answers a query with.
  func json<Value>(_ target: String, as type: Value.Type = [String: Any].self) throws -> Value {
    let answer = ask(target)
    #expect(answer.status == 200, "\(answer.text)")
    return try object(answer.text, as: type)
  }
}

/// The value of a JSON text.
func object<Value>(
  _ text: String, as type: Value.Type = [String: Any].self
) throws -> Value {
  try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? Value)
}
