internal import Bytes
package import Metrics
package import Ingest
package import Alerting
package import Logging
package import Locks
internal import ReleaseHealth
package import Storage
internal import Synchronization

/// The periodic jobs, run on the writer's thread between batches. The questions of alert rules are
/// asked on a reader's, so that no batch waits for them; notices go on a thread of their own.
package final class Jobs: Sendable {
  /// The jobs by name, as commands call them.
  package static let names = ["adoption", "alerts", "notices", "retention"]

  private let store: any SessionStore & ReleaseStore
  private let catalog: any CatalogStore
  private let queue: IngestQueue
  private let notices: NoticeSender
  private let clock: WallClock
  private let monotonicMilliseconds: @Sendable () -> Int64
  private let metrics: Metrics
  private let log: Logger
  private let alerts: AlertRunner
  private let workers: WorkQueue

  package init(
    store: any SessionStore & ReleaseStore, catalog: any CatalogStore, queue: IngestQueue,
    notices: NoticeSender, clock: WallClock, monotonicMilliseconds: @escaping @Sendable () -> Int64,
    metrics: Metrics = Metrics(), log: Logger, alerts: AlertRunner, workers: WorkQueue
  ) {
    self.alerts = alerts
    self.workers = workers
    self.store = store
    self.catalog = catalog
    self.queue = queue
    self.notices = notices
    self.clock = clock
    self.monotonicMilliseconds = monotonicMilliseconds
    self.metrics = metrics
    self.log = log
  }

  /// Starts a job; `done` is called when it has ended, on the thread that it ran on.
  ///
  /// - Returns: false when there is no job of the name.
  package func start(_ name: String, done: @escaping @Sendable (JobRun) -> Void) -> Bool {
    guard Self.names.contains(name) else { return false }
    let run = RunningJob(name: name, started: clock.now)
    let begin = monotonicMilliseconds()
    let work: @Sendable () -> Bool = { [self] in
      defer { queue.version.grow() }
      guard let ended = step(run, begin) else { return false }
      metrics.note(ended)
      // Alert rules are evaluated each minute: only what changes is worth a line.
      let isQuiet = run.name == "alerts" && ended.succeeded && !run.hasNews
      log.log(
        level: isQuiet ? .debug : .info,
        "job ended",
        metadata: [
          "job": "\(run.name)", "succeeded": "\(ended.succeeded)", "summary": "\(ended.summary)",
        ])
      done(ended)
      return true
    }
    switch name {
    // Notices wait for other machines, which the writer does not.
    case "notices" where notices.startThread({ _ = work() }): break
    // Where no reader takes it, the writer asks.
    case "alerts"
    where workers.submit({ [self] in
      evaluate(run)
      queue.perform(work)
    }):
      break
    default: queue.perform(work)
    }
    return true
  }

  private func evaluate(_ run: RunningJob) {
    do throws(StoreError) {
      let results = try alerts.evaluate(at: run.started)
      run.evaluated.withLock { $0 = .success(results) }
    } catch {
      run.evaluated.withLock { $0 = .failure(error) }
    }
  }

  /// Runs a job to its end on the calling thread, for commands that work on a directory which no
  /// service has.
  package func runToEnd(_ name: String) -> JobRun? {
    guard Self.names.contains(name) else { return nil }
    let run = RunningJob(name: name, started: clock.now)
    let begin = monotonicMilliseconds()
    while true {
      if let ended = step(run, begin) { return ended }
    }
  }

  /// Brings in, as a step of its own, what arrived before a job began: all of it at once would hold
  /// up the batches that come meanwhile.
  ///
  /// - Returns: whether there was something.
  private func settle(before run: RunningJob) throws(StoreError) -> Bool {
    guard let found = try store.settle(whatArrivedBy: run.started) else { return false }
    metrics.note(found)
    return true
  }

  /// One step; the run when that was the last.
  private func step(_ run: RunningJob, _ begin: Int64) -> JobRun? {
    var ended = JobRun(
      name: run.name, started: run.started, durationMilliseconds: monotonicMilliseconds() - begin,
      summary: "", succeeded: true)
    do throws(StoreError) {
      switch run.name {
      case "adoption":
        if try settle(before: run) { return nil }
        let runs = try store.runAdoption(at: run.started)
        ended.summary = runs == 1 ? "1 hourly run" : "\(runs) hourly runs"
      case "notices":
        ended.summary = try notices.runDue().summary
        ended.durationMilliseconds = monotonicMilliseconds() - begin
      case "alerts":
        if run.evaluated.withLock({ $0 }) == nil { evaluate(run) }
        let results = try run.evaluated.withLock({ $0 })?.get() ?? []
        let changes = try alerts.keep(results)
        run.steps.store(changes, ordering: .relaxed)
        ended.summary =
          (results.count == 1 ? "1 rule" : "\(results.count) rules")
          + (changes == 1 ? ", 1 change" : ", \(changes) changes")
        metrics.note(results)
        if changes > 0 { notices.wake() }
      default:
        if try settle(before: run) { return nil }
        if try store.housekeep(at: run.started) {
          run.steps.add(1, ordering: .relaxed)
          return nil
        }
        ended.summary = "\(run.steps.load(ordering: .relaxed)) steps"
      }
      try catalog.recordJobRun(ended)
    } catch {
      ended.succeeded = false
      ended.summary = error.sentence
    }
    return ended
  }
}

/// How far a job came.
private final class RunningJob: Sendable {
  let name: String
  let started: Timestamp
  let steps = Atomic<Int>(0)
  /// What the rules found; nil before they were evaluated.
  let evaluated = Locked<Result<[AlertResult], StoreError>?>(nil)

  /// A level of a rule changed.
  var hasNews: Bool { steps.load(ordering: .relaxed) > 0 }

  init(name: String, started: Timestamp) {
    self.name = name
    self.started = started
  }
}

extension JobRun {
  /// The answer to whoever had the job run.
  var json: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.key("name")
      json.value(name)
      json.key("succeeded")
      json.value(succeeded)
      json.key("summary")
      json.value(summary)
      json.key("durationMilliseconds")
      json.value(durationMilliseconds)
    }
    return json.bytes
  }
}
