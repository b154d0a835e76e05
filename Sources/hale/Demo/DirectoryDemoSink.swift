import Access
import HTTP
import Ingest
import Metrics
import ReleaseHealth
import SQLiteStorage

/// A data directory without a running service: envelopes take the same way in this process.
final class DirectoryDemoSink: DemoSink {
  private let store: SQLiteStore
  private let queue: IngestQueue
  private let clock: SystemClock
  /// nil until the catalog has the projects.
  private var endpoint: IngestEndpoint?

  /// - Precondition: this process holds the directory's lock.
  init(_ settings: Settings) throws {
    clock = try SystemClock(settings.now)
    store = try openStore(
      dataDirectory: settings.dataDirectory, retentionDays: settings.retentionDays)
    queue = IngestQueue(store: store, writes: store.writes)
  }

  func now() -> Timestamp { clock.now() }

  func send(_ envelope: [UInt8], to project: ProjectID, at time: Timestamp) throws {
    let body = try begun().beginForOwner(
      project: project, receivedAt: time, exchange: ExchangeID(rawValue: 0))
    if case .respond(let response) = body.read(envelope.span) { throw refused(response) }
    while true {
      switch body.end() {
      case .blocked: try commit()
      case .respond(let response) where response.status != 200: throw refused(response)
      default: return
      }
    }
  }

  private func begun() throws -> IngestEndpoint {
    if let endpoint { return endpoint }
    let endpoint = IngestEndpoint(
      IngestEndpoint.Dependencies(
        catalog: try CatalogCache(store), clock: WallClock { [clock] in clock.now() }, queue: queue,
        metrics: Metrics(), random: { 0 }))
    self.endpoint = endpoint
    return endpoint
  }

  private func refused(_ response: Response) -> CommandFailure {
    .failed("An envelope was answered \(response.status).")
  }

  func commit() throws {
    queue.runUntilEmpty(IngestQueue.Callbacks(committed: { _, _ in }, hasRoom: {}))
    if let error = queue.recentFailure { throw error }
  }

  func adopt(_ projects: [ProjectID], hour: Int) throws {
    for project in projects { try store.runAdoption(of: project, hour: hour) }
  }

  func finish(at now: Timestamp) throws {
    while try store.housekeep(at: now) {}
    try store.close()
  }
}
