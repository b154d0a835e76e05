import API
import Access
import Metrics
import Ingest
import Alerting
import Dispatch
import Listener
import Logging
import ReleaseHealth
import SQLiteStorage
import Service
import Storage
import Locks
import Synchronization

// Where the modules are put together; nothing is decided here.

/// The periodic jobs that can be run by name, in the order in which they are listed.
let periodicJobNames = Jobs.names

/// Opens the catalog in a data directory that exists, and creates the database where there is none.
func openCatalog(dataDirectory: String) throws -> any CatalogStore & JobRunStore & NoticeStore
  & AlertStore
{
  try openStore(dataDirectory: dataDirectory, ownsSessions: false)
}

/// When an alert rule would have fired; a service may run on the directory.
///
/// - Parameters:
///   - name: of a rule; nil for the rule in `bytes`, as JSON.
/// - Returns: JSON, as the API answers.
func backTestAlert(
  dataDirectory: String, named name: String?, bytes: [UInt8], start: Timestamp, end: Timestamp,
  organization: Organization, projects: [Project]
) throws -> [UInt8] {
  do {
    return try AlertBackTest.run(
      named: name, bytes: bytes, start: start, end: end, organization: organization,
      projects: projects, store: openStore(dataDirectory: dataDirectory, ownsSessions: false))
  } catch let failure as AlertFile.Failure {
    throw CommandFailure.failed(failure.description)
  }
}

/// Verifies a database file; only reads it.
func verifyData(path: String, progress: DataFile.Progress) throws -> VerificationReport {
  try DataFile.verify(path: path, progress: progress)
}

/// Copies a database file as it is at one moment into an empty one.
///
/// - Returns: its bytes.
func copyData(from source: String, to path: String, progress: DataFile.Progress) throws -> Int64 {
  try DataFile.copy(from: source, to: path, progress: progress)
}

/// Brings the log of a database that nobody uses into its file.
func bringLogIn(path: String) throws {
  try DataFile.bringLogIn(path: path)
}

/// Whether a database file has the schema of this program, and not an older one.
func isCurrentData(path: String) throws -> Bool {
  try DataFile.isCurrent(path: path)
}

/// SHA-256 of a token, 32 bytes.
func tokenDigest(_ token: String) -> [UInt8] {
  TokenDigest.digest(token)
}

/// Runs the service until it is asked to stop and has drained.
///
/// The directory exists and is locked, signals are watched.
///
/// - Parameters:
///   - stop: `stop.onRequest { … }` names what starts the draining; it is called on another thread.
///   - bound: called once, when the store is open and the listener's socket listens, and before the
///     service reads the catalog or answers: it creates what a first start creates, and prints the
///     address. Its arguments are the port that the socket got and the open catalog.
func runService(
  _ settings: ServeSettings, stop: StopSignal,
  bound: (_ port: UInt16, _ catalog: any CatalogStore) throws -> Void
) throws {
  Allocator.configure()
  let metrics = Metrics(monotonicNanoseconds: SystemClock.monotonicNanoseconds)
  let store = try openStore(
    dataDirectory: settings.dataDirectory, retentionDays: settings.retentionDays,
    observer: metrics)
  try store.checkFile()
  let listener = try openListener(settings)
  try bound(listener.boundAddresses.first.map { UInt16($0.port) } ?? settings.listen.port, store)

  let clock = WallClock(settings.clock.now)
  let catalog = try CatalogCache(store)
  let declareAlerts: Ticker.DeclareAlerts = { [webURL = settings.publicURL?.text] bytes in
    try AlertFile.apply(
      bytes, catalog: catalog.snapshot.catalog, alerts: store, at: clock.now, webURL: webURL)
  }
  let alertFile = try settings.alertsFile.map { path in
    var file = WatchedFile(path: path)
    do {
      if let bytes = try file.bytesIfChanged() { _ = try declareAlerts(bytes) }
    } catch AlertFile.Failure.file(let sentence) {
      throw CommandFailure.usage("The alert rules file \(path): \(sentence)")
    } catch AlertFile.Failure.store(let error) {
      throw error
    }
    return file
  }
  let queue = IngestQueue(store: store, metrics: metrics)
  let workers = WorkQueue()
  let notices = makeNoticeSender(
    store: store, settings.notices, catalog: catalog, clock: clock,
    webURL: settings.publicURL?.text,
    version: queue.version, logger: settings.logger)
  let jobs = Jobs(
    store: store, catalog: store, queue: queue, notices: notices, clock: clock,
    monotonicMilliseconds: SystemClock.monotonicMilliseconds, metrics: metrics,
    log: settings.logger,
    alerts: AlertRunner(
      store: store, alerts: store, catalog: catalog, webURL: settings.publicURL?.text),
    workers: workers)
  let path = settings.dataDirectory + "/hale.db"
  let service = Service(
    ServiceDependencies(
      store: store, alerts: store, catalog: catalog, clock: clock, queue: queue,
      workers: workers, jobs: jobs, notices: notices, log: settings.logger,
      random: { UInt128.random(in: .min ... .max) },
      address: APIAddress(
        pathPrefix: settings.publicURL?.path ?? "", publicOrigin: settings.publicURL?.origin),
      retentionDays: settings.retentionDays, metrics: metrics,
      processFigures: {
        ProcessFigures(
          of: path, connections: listener.connectionCount, pendingUpdates: store.pendingUpdates)
      }),
    sink: listener)

  let failures = FailureLog(settings.logger)
  let writer = try ServiceThread {
    queue.run(
      IngestQueue.Callbacks(
        committed: { tickets, failure in
          failures.note(failure?.sentence, envelopes: tickets.count)
          CommitAnswers.answer(tickets, failure, through: listener)
        },
        hasRoom: { listener.resumeBlocked() }))
  }
  let checkpoints = try ServiceThread {
    do throws(StoreError) {
      try store.runCheckpoints()
    } catch {
      settings.logger.error("WAL checkpoint failed", metadata: ["reason": "\(error.sentence)"])
    }
  }
  let readers = try (1...2).map { _ in try ServiceThread(workers.run) }
  let ticker = Ticker(
    catalog: catalog, jobs: jobs, clock: clock, runsJobs: !settings.clock.isFile,
    logger: settings.logger, alertFile: alertFile, declareAlerts: declareAlerts)
  let tick = try ServiceThread(ticker.run)
  // Where the time is a file's, notices go as other jobs do: when they are asked to.
  let sending = settings.clock.isFile ? nil : try ServiceThread(notices.run)

  // The watchdog gives up at 10 s; what is committed by then stays committed.
  stop.onRequest { listener.drain(deadlineMilliseconds: 8000) }
  IdleMemory.release()
  listener.run(service)

  ticker.stop()
  notices.stop()
  queue.close()
  workers.close()
  for thread in [writer, tick] + readers { thread.join() }
  sending?.join()
  store.stopCheckpoints()
  checkpoints.join()
  do throws(StoreError) {
    try store.close()
  } catch {
    // A full disk, maybe, or a failing one. What was answered is on it all the same, and the next
    // start goes on with it.
    settings.logger.error(
      "shutdown incomplete", metadata: ["reason": "\(error.sentence)"])
  }
}

/// Runs a job once on a directory that no service runs on; it is locked. A job that fails is a
/// result that says so, and is recorded; an error is thrown where it could not even begin.
func runJobOnDirectory(
  name: String, dataDirectory: String, retentionDays: Int, notices: NoticeSettings, now: Timestamp
) throws -> JobRun {
  let store = try openStore(dataDirectory: dataDirectory, retentionDays: retentionDays)
  let clock = WallClock { now }
  let queue = IngestQueue(store: store)
  let catalog = try CatalogCache(store)
  let log = Logger(label: "hale", factory: { _ in SwiftLogNoOpLogHandler() })
  let jobs = Jobs(
    store: store, catalog: store, queue: queue,
    notices: makeNoticeSender(
      store: store, notices, catalog: catalog, clock: clock, webURL: nil,
      version: queue.version, logger: log),
    clock: clock, monotonicMilliseconds: SystemClock.monotonicMilliseconds, log: log,
    alerts: AlertRunner(store: store, alerts: store, catalog: catalog, webURL: nil),
    workers: WorkQueue())
  guard let run = jobs.runToEnd(name) else {
    throw CommandFailure.usage(
      "There is no job '\(name)'; the jobs are: \(Jobs.names.joined(separator: ", ")).")
  }
  try store.close()
  return run
}

/// Sends a test through a channel of a directory, whether a service runs on it or not.
func testChannel(
  _ channel: NoticeChannel, dataDirectory: String, _ settings: Settings, now: Timestamp
) throws -> NoticeRecord {
  let store = try openStore(dataDirectory: dataDirectory, ownsSessions: false)
  let sender = makeNoticeSender(
    store: store, settings.notices, catalog: try CatalogCache(store), clock: WallClock { now },
    webURL: settings.publicURL?.text, version: DataVersion(),
    logger: Logger(label: "hale", factory: { _ in SwiftLogNoOpLogHandler() }))
  guard let record = try sender.test(channel) else {
    preconditionFailure("A new sender is not busy.")
  }
  try store.close()
  return record
}

private func makeNoticeSender(
  store: SQLiteStore, _ settings: NoticeSettings, catalog: CatalogCache, clock: WallClock,
  webURL: String?, version: DataVersion, logger: Logger
) -> NoticeSender {
  NoticeSender(
    store: store, outlets: settings.outlets, catalog: catalog, clock: clock,
    random: { UInt128.random(in: .min ... .max) }, webURL: webURL, changed: { version.grow() },
    startThread: { body in (try? ServiceThread(body)) != nil }, log: logger)
}

/// - Parameter ownsSessions: the directory is locked, so that no other process writes sessions.
func openStore(
  dataDirectory: String, retentionDays: Int = 90, ownsSessions: Bool = true,
  observer: (any StoreObserver)? = nil
) throws -> SQLiteStore {
  var generator = SystemRandomNumberGenerator()
  return try SQLiteStore(
    SQLiteStore.Settings(
      path: dataDirectory + "/hale.db", retentionDays: retentionDays,
      newSecret: (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) },
      ownsSessions: ownsSessions, observer: observer))
}

private func openListener(_ settings: ServeSettings) throws -> Listener {
  do throws(ListenerError) {
    return try Listener(
      Listener.Configuration(
        addresses: try SocketAddress.resolve(settings.listen.text),
        controlPath: settings.dataDirectory + "/hale.sock",
        monotonicNow: SystemClock.monotonicMilliseconds,
        wallSeconds: { SystemClock.wall().seconds },
        decorateError: { _, response in response = response.openToAllOrigins }))
  } catch {
    throw CommandFailure.failed("Cannot listen: \(error).")
  }
}

/// Tells of batches that were not stored: the first time, every ten seconds, and when one is stored
/// again. A full disk fails a thousand times a second.
private final class FailureLog: Sendable {
  private struct State {
    var reason: String?
    var envelopes = 0
    var next: Int64 = 0
  }

  private let logger: Logger
  private let state = Locked(State())

  init(_ logger: Logger) {
    self.logger = logger
  }

  /// - Parameter reason: nil when the batch was stored.
  func note(_ reason: String?, envelopes: Int) {
    state.withLock { state in
      guard let reason else {
        if state.reason != nil { logger.notice("batch writes recovered") }
        state = State()
        return
      }
      state.envelopes += envelopes
      let now = SystemClock.monotonicMilliseconds()
      if reason == state.reason, now < state.next { return }
      logger.error(
        "batch write failed", metadata: ["envelopes": "\(state.envelopes)", "reason": "\(reason)"])
      state = State(reason: reason, envelopes: 0, next: now + 10_000)
    }
  }
}

/// Keeps the service in step with what time and other processes do.
private final class Ticker: Sendable {
  private let catalog: CatalogCache
  private let jobs: Jobs
  private let clock: WallClock
  private let runsJobs: Bool
  private let logger: Logger
  private let stopped = DispatchSemaphore(value: 0)
  /// One that takes longer than the time to the next one is waited for.
  private let isRetentionRunning = Atomic(false)
  /// As it was read at the start.
  private let alertFile: WatchedFile?
  private let declareAlerts: DeclareAlerts

  /// Makes the declared alert rules those of the file's bytes, and tells how many there are.
  typealias DeclareAlerts = @Sendable ([UInt8]) throws -> Int

  /// Changes by commands take effect within this time.
  private static let catalogMilliseconds = 500
  private static let retentionMilliseconds: Int64 = 10 * 60_000

  init(
    catalog: CatalogCache, jobs: Jobs, clock: WallClock, runsJobs: Bool, logger: Logger,
    alertFile: WatchedFile?, declareAlerts: @escaping DeclareAlerts
  ) {
    self.alertFile = alertFile
    self.declareAlerts = declareAlerts
    self.catalog = catalog
    self.jobs = jobs
    self.clock = clock
    self.runsJobs = runsJobs
    self.logger = logger
  }

  func run() {
    var nextRetention = SystemClock.monotonicMilliseconds() + 60_000
    var adoptionHour: Int?
    var isNewMinute = false
    var alertMinute: Int?
    var alertFile = alertFile
    var isStoreFailing = false
    while stopped.wait(timeout: .now() + .milliseconds(Self.catalogMilliseconds)) == .timedOut {
      do throws(StoreError) {
        try catalog.refresh()
      } catch {
        logger.error("catalog refresh failed", metadata: ["reason": "\(error.sentence)"])
      }
      declareAlerts(&alertFile, &isStoreFailing)
      guard runsJobs else { continue }
      // Half a second after the jobs of a minute: nothing needs their memory until the next.
      if isNewMinute { IdleMemory.release() }
      isNewMinute = clock.now.minute != alertMinute
      if clock.now.hour != adoptionHour {
        // After a standstill the first run makes up for the hours that were missed.
        adoptionHour = clock.now.hour
        _ = jobs.start("adoption") { _ in }
      }
      if isNewMinute {
        // The first run after a standstill is about the minute that runs; those missed stay so.
        alertMinute = clock.now.minute
        _ = jobs.start("alerts") { _ in }
      }
      if SystemClock.monotonicMilliseconds() >= nextRetention,
        !isRetentionRunning.exchange(true, ordering: .relaxed)
      {
        nextRetention = SystemClock.monotonicMilliseconds() + Self.retentionMilliseconds
        _ = jobs.start("retention") { [self] _ in
          isRetentionRunning.store(false, ordering: .relaxed)
        }
      }
    }
  }

  /// Takes over the operators' file where it has changed. What is wrong with it is told once, and
  /// the rules stay as they are. Where it is the store that fails, the file is read again until its
  /// rules are taken.
  ///
  /// - Parameter isStoreFailing: it did when it was last given rules, which was told.
  private func declareAlerts(_ file: inout WatchedFile?, _ isStoreFailing: inout Bool) {
    guard let path = file?.path else { return }
    do {
      guard let bytes = try file?.bytesIfChanged() else { return }
      let count = try declareAlerts(bytes)
      isStoreFailing = false
      logger.notice("alert rules loaded", metadata: ["file": "\(path)", "rules": "\(count)"])
    } catch {
      let wasStoreFailing = isStoreFailing
      isStoreFailing = false
      if case AlertFile.Failure.store = error {
        isStoreFailing = true
        file?.forget()
        if wasStoreFailing { return }
      }
      logger.error(
        "alert rules not applied, keeping previous rules",
        metadata: ["file": "\(path)", "reason": "\(error)"])
    }
  }

  func stop() {
    stopped.signal()
  }
}
