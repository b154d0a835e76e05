import Access
import Ingest
import ReleaseHealth
import SQLiteStorage
import Service
import Storage

/// A data directory that no service runs on: the parts of the service do its work here.
final class DirectoryDemoSink: DemoSink {
  private let store: SQLiteStore
  private let queue: IngestQueue
  private let clock: SystemClock
  private var replay: EnvelopeReplay?

  /// The directory is locked.
  init(_ settings: Settings) throws {
    let clock = try SystemClock(settings.now)
    store = try openStore(
      dataDirectory: settings.dataDirectory, retentionDays: settings.retentionDays)
    queue = IngestQueue(store: store, writes: store.writes)
    self.clock = clock
  }

  func now() -> Timestamp { clock.now() }

  func send(_ envelope: [UInt8], to project: ProjectID, at time: Timestamp) throws {
    let replay = try replay ?? EnvelopeReplay(CatalogCache(store).snapshot, into: queue)
    self.replay = replay
    while !replay.take(envelope, for: project, at: time) { try commit() }
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
