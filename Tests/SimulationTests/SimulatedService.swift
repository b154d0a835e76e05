import API
import Alerting
import Access
import Ingest
import Foundation
import HTTP
import Logging
import Metrics
import Outbound
import ReleaseHealth
import SQLiteStorage
import Service
import Storage
import Locks
import TestSupport

/// A clock that stays where it is set.
final class SimulatedClock: Sendable {
  private let time: Locked<Timestamp>
  private let monotonic = Locked(Int64(0))

  init(_ now: Timestamp) {
    time = Locked(now)
  }

  var now: Timestamp {
    get { time.withLock { $0 } }
    set { time.withLock { $0 = newValue } }
  }

  /// The time of a clock that is never set back.
  var monotonicMilliseconds: Int64 {
    get { monotonic.withLock { $0 } }
    set { monotonic.withLock { $0 = newValue } }
  }
}

/// The whole service in process, on a clock that the simulation sets and a directory that survives
/// its restarts.
final class SimulatedService {
  let clock: SimulatedClock
  private let directory: TemporaryDirectory
  private let retentionDays: Int
  private let answers = Answers()
  private var running: Running
  private var nextExchange: UInt64 = 1

  private static let keys = ["a", "b"].map { String(repeating: $0, count: 32) }

  init(startingAt now: Timestamp, retentionDays: Int) throws {
    directory = try TemporaryDirectory()
    self.retentionDays = retentionDays
    clock = SimulatedClock(now)
    running = try Running(directory.path, retentionDays, clock, answers) { sqlite in
      let organization = try sqlite.createOrganization(slug: "default", at: now)
      for (index, key) in Self.keys.enumerated() {
        _ = try sqlite.createProject(
          organization: organization.id, slug: "project-\(index + 1)", settings: ProjectSettings(),
          id: ProjectID(rawValue: Int64(index + 1)), publicKey: key, at: now)
      }
    }
  }

  var databasePath: String { directory.path + "/hale.db" }

  var store: FaultyStore { running.store }

  var alerts: any AlertStore { running.sqlite }

  func releases() throws -> [ReleaseRecord] {
    try running.sqlite.releases(of: OrganizationID(rawValue: 1))
  }

  /// - Parameter isCrash: whether to skip the shutdown; what was committed is in the WAL.
  func restart(isCrash: Bool) throws {
    if !isCrash { try running.sqlite.close() }
    running = try Running(directory.path, retentionDays, clock, answers) { _ in }
  }

  /// Posts an envelope in slices, and returns the status of the answer.
  func post(_ envelope: [[UInt8]], project: Int64) -> Int {
    let head = RequestHead(
      method: .post, path: "/api/\(project)/envelope/",
      headers: ["X-Sentry-Auth": "Sentry sentry_key=\(Self.keys[Int(project) - 1])"])
    let exchange = ExchangeID(rawValue: nextExchange)
    nextExchange += 1
    let response = running.service.take(head, body: envelope, exchange: exchange).response
    // This thread is the writer's. A batch of outcomes is stored as well, although nobody waits for
    // it: if it stayed open, later updates would get its time.
    running.queue.runUntilEmpty(
      IngestQueue.Callbacks(
        committed: { [answers] tickets, failure in
          CommitAnswers.answer(tickets, failure, through: answers)
        }, hasRoom: {}))
    return response?.status ?? answers.wait(for: exchange).status
  }

  /// Makes the scheduler do what is due.
  ///
  /// - Returns: the jobs that ran.
  func tick() -> [JobRun] {
    let due = running.scheduler.tick(
      at: clock.now, monotonicMilliseconds: clock.monotonicMilliseconds)
    running.queue.writes.doSubmitted()
    let runs = running.metrics.current.jobs
    return due.compactMap { task in
      if case .job(let name) = task { runs[name.rawValue] } else { nil }
    }
  }

  /// The part of the service that ends with a restart.
  private struct Running {
    let sqlite: SQLiteStore
    let store: FaultyStore
    let queue: IngestQueue
    let scheduler: Scheduler
    let metrics = Metrics()
    let service: Service

    init(
      _ directory: String, _ retentionDays: Int, _ clock: SimulatedClock, _ answers: Answers,
      prepare: (SQLiteStore) throws -> Void
    ) throws {
      sqlite = try SQLiteStore(
        .init(
          path: directory + "/hale.db", retentionDays: retentionDays,
          newSecret: [UInt8](repeating: 1, count: 32),
          // The limits are small, so that restarts meet runs that are folded in part.
          folding: .init(directUpdatesMax: 1, pendingUpdatesMax: 12, sliceUpdatesMax: 5)))
      try prepare(sqlite)
      store = FaultyStore(sqlite)
      let wall = WallClock { clock.now }
      queue = IngestQueue(store: store, writes: sqlite.writes)
      let log = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
      let catalog = try CatalogCache(sqlite)
      let notices = NoticeSender(
        store: sqlite,
        clients: NotificationClients(
          client: OutboundClient(addresses: .publicOnly), addresses: .publicOnly),
        catalog: catalog, clock: wall, random: { 7 }, webURL: nil, changed: {},
        startThread: { _ in false }, log: log)
      // There are no reader threads: this thread does all work.
      let workers = Workers(changes: WorkQueue(waitingMax: 0))
      let dependencies = ServiceDependencies(
        store: store, records: sqlite, catalog: catalog, clock: wall, queue: queue,
        workers: workers, notices: notices, log: log, random: { 7 }, retentionDays: retentionDays,
        metrics: metrics)
      let jobs = Jobs(dependencies)
      scheduler = Scheduler(
        Schedule(startingAt: clock.monotonicMilliseconds, runsJobs: true), catalog: catalog,
        jobs: jobs, alertRulesFile: nil, log: log)
      service = Service(dependencies, jobs: jobs, sink: answers)
    }
  }
}
