import ReleaseHealth
import API
import Access
import Alerting
import Ingest
import Listener
import Locks
import Logging
import Metrics
import SQLiteStorage
import Service
import Storage

// Where the modules are put together; nothing is decided here.

/// Runs the service until a stop is requested and the listener has drained.
///
/// The directory must exist and be locked, and signals must be watched.
///
/// - Parameter bound: called once, when the store is open and the socket listens, and before the
///   service reads the catalog or answers: it creates what a first start creates, and prints the
///   address.
func runService(
  _ settings: Settings, _ clock: SystemClock, stop: StopSignal,
  bound: (_ port: UInt16, _ catalog: any CatalogStore) throws -> Void
) throws {
  ProcessLimits.configureAllocator()
  let metrics = Metrics(monotonicNanoseconds: SystemClock.monotonicNanoseconds)
  let store = try openStore(
    dataDirectory: settings.dataDirectory, retentionDays: settings.retentionDays,
    observer: metrics)
  try store.checkFile()
  let listener = try openListener(settings)
  ProcessLimits.note(listener.connectionLimit, settings.logger)
  try bound(listener.boundAddresses.first.map { UInt16($0.port) } ?? settings.listen.port, store)

  let (service, work) = try compose(settings, clock, store, listener, metrics)
  let failures = FailureLog(settings.logger)
  let threads = try ServiceThreads(
    work,
    IngestQueue.Callbacks(
      committed: { tickets, failure in
        failures.note(failure?.sentence, envelopes: tickets.count)
        CommitAnswers.answer(tickets, failure, through: listener)
      },
      hasRoom: { listener.resumeBlocked() }))
  // The watchdog gives up at 10 s; what is committed by then stays committed.
  stop.onRequest { [queries = work.dependencies.workers.queries] in
    listener.drain(deadlineMilliseconds: 8000)
    queries.close()
  }
  IdleMemory.release()
  listener.run(service)
  threads.stop()
  do throws(StoreError) {
    try store.close()
  } catch {
    // The disk may be full or failing. All acknowledged updates are on it, and the next start goes
    // on.
    settings.logger.error("shutdown incomplete", metadata: ["reason": "\(error.sentence)"])
  }
}

/// Wires the service, and returns it with the work of its threads.
private func compose(
  _ settings: Settings, _ systemClock: SystemClock, _ store: SQLiteStore, _ listener: Listener,
  _ metrics: Metrics
) throws -> (Service, ServiceThreads.Work) {
  let clock = WallClock(systemClock.now)
  let log = settings.logger
  let catalog = try CatalogCache(store)
  let alertRulesFile = try settings.alertsFile.map { path in
    try openAlertRules(path, catalog, store, clock, settings)
  }
  let queue = IngestQueue(store: store, writes: store.writes, metrics: metrics)
  let notices = NoticeSender(
    store: store, settings.notices, catalog: catalog, clock: clock,
    webURL: settings.publicURL?.text, version: queue.version, log: log)
  let path = settings.dataDirectory + "/hale.db"
  let dependencies = ServiceDependencies(
    store: store, records: store, catalog: catalog, clock: clock, queue: queue,
    workers: Workers(
      queries: QueryQueue(
        timeoutSeconds: settings.queryTimeoutSeconds,
        monotonicNanoseconds: SystemClock.monotonicNanoseconds)),
    notices: notices, log: log, random: { UInt128.random(in: .min ... .max) },
    address: APIAddress(
      pathPrefix: settings.publicURL?.path ?? "", publicOrigin: settings.publicURL?.origin),
    retentionDays: settings.retentionDays, metrics: metrics,
    processFigures: {
      ProcessFigures(of: path, listener, pendingUpdates: store.pendingUpdates)
    })
  let jobs = Jobs(dependencies)
  let schedule = Schedule(
    startingAt: SystemClock.monotonicMilliseconds(), runsJobs: !systemClock.isFile)
  return (
    Service(dependencies, jobs: jobs, sink: listener),
    ServiceThreads.Work(
      store: store, dependencies: dependencies,
      scheduler: Scheduler(
        schedule, catalog: catalog, jobs: jobs, alertRulesFile: alertRulesFile, log: log),
      clock: systemClock)
  )
}

/// Reads the operators' file of alert rules for the first time.
private func openAlertRules(
  _ path: String, _ catalog: CatalogCache, _ store: SQLiteStore, _ clock: WallClock,
  _ settings: Settings
) throws -> AlertRulesFile {
  let file = AlertRulesFile(WatchedFile(path: path), log: settings.logger) {
    [webURL = settings.publicURL?.text] bytes throws(AlertFile.Failure) in
    try AlertFile.apply(
      bytes, catalog: catalog.snapshot.catalog, alerts: store, at: clock.now, webURL: webURL)
  }
  do {
    try file.readFirst()
  } catch AlertFile.Failure.file(let sentence) {
    throw CommandFailure.usage("The alert rules file \(path): \(sentence)")
  } catch AlertFile.Failure.store(let error) {
    throw error
  }
  return file
}

private func openListener(_ settings: Settings) throws -> Listener {
  do throws(ListenerError) {
    var configuration = Listener.Configuration(
      addresses: try SocketAddress.resolve(settings.listen.text),
      controlPath: settings.dataDirectory + "/hale.sock",
      monotonicNow: SystemClock.monotonicMilliseconds,
      wallSeconds: { SystemClock.wall().seconds },
      decorateError: { _, response in response = response.openToAllOrigins })
    configuration.trustedProxies = settings.trustedProxies
    return try Listener(configuration)
  } catch {
    throw CommandFailure.failed("Cannot listen: \(error).")
  }
}
