package import Access
internal import Bytes
package import Metrics
package import Ingest
package import Alerting
package import Logging
package import Locks
internal import ReleaseHealth
package import Storage

/// Runs the periodic jobs, a step at a time on the writer's thread between batches.
package final class Jobs: Sendable {
  /// The jobs, as commands and the API name them.
  package enum Name: String, CaseIterable, Sendable {
    case adoption, alerts, notices, retention
  }

  /// The names of all jobs.
  package static let names = Name.allCases.map(\.rawValue)

  /// A run of a job, and its start.
  private struct Run: Sendable {
    let name: Name
    let job: any PeriodicJob
    let started: Timestamp
    let startedMilliseconds: Int64
  }

  private let store: any SessionStore & ReleaseStore
  private let catalog: any JobRunStore
  private let queue: IngestQueue
  private let notices: NoticeSender
  private let clock: WallClock
  private let monotonicMilliseconds: @Sendable () -> Int64
  private let metrics: Metrics
  private let log: Logger
  private let alerts: AlertRunner
  private let workers: WorkQueue

  package init(
    store: any SessionStore & ReleaseStore, catalog: any JobRunStore, queue: IngestQueue,
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

  /// Starts a job. `done` is called at its end, on the thread that the job ran on.
  package func start(_ name: Name, done: @escaping @Sendable (JobRun) -> Void = { _ in }) {
    let run = begin(name)
    let step: @Sendable () -> Bool = { [self] in
      guard let ended = advance(run) else { return false }
      done(ended)
      return true
    }
    switch run.job {
    case is NotificationsJob:
      // Not on the writer's thread, because the senders wait for it to record deliveries.
      let work: @Sendable () -> Void = { _ = step() }
      if notices.startThread(work) || workers.submit(work) { return }
      done(end(run, .failure(.unavailable(operation: "start", reason: "no thread is free"))))
    case let job as AlertsJob:
      // If no reader takes it, the writer evaluates the rules.
      let isTaken = workers.submit { [queue] in
        job.evaluate()
        queue.writes.submit(in: .job, step)
      }
      if !isTaken { queue.writes.submit(in: .job, step) }
    default:
      queue.writes.submit(in: .job, step)
    }
  }

  /// Runs a job to its end on the calling thread, for commands on a directory without a running
  /// service.
  package func runToEnd(_ name: Name) -> JobRun {
    let run = begin(name)
    while true {
      if let ended = advance(run) { return ended }
    }
  }

  private func begin(_ name: Name) -> Run {
    let now = clock.now
    let folding = FoldingBefore(store: store, metrics: metrics, time: now)
    let job: any PeriodicJob =
      switch name {
      case .adoption: AdoptionJob(store: store, folding: folding)
      case .alerts: AlertsJob(alerts: alerts, notices: notices, metrics: metrics, at: now)
      case .notices: NotificationsJob(notices: notices)
      case .retention: RetentionJob(store: store, folding: folding)
      }
    return Run(
      name: name, job: job, started: now, startedMilliseconds: monotonicMilliseconds())
  }

  /// Does one step.
  ///
  /// - Returns: the run when that was the last.
  private func advance(_ run: Run) -> JobRun? {
    defer { queue.version.grow() }
    do throws(StoreError) {
      return try run.job.step().map { end(run, .success($0)) }
    } catch {
      return end(run, .failure(error))
    }
  }

  /// Records and logs a run.
  private func end(_ run: Run, _ outcome: Result<String, StoreError>) -> JobRun {
    var ended = JobRun(
      name: run.name.rawValue, started: run.started,
      durationMilliseconds: monotonicMilliseconds() - run.startedMilliseconds,
      summary: "", succeeded: true)
    do throws(StoreError) {
      ended.summary = try outcome.get()
      try catalog.recordJobRun(ended)
    } catch {
      ended.succeeded = false
      ended.summary = error.sentence
    }
    metrics.note(ended)
    log.log(
      level: ended.succeeded && !run.job.hasNews ? .debug : .info,
      "job ended",
      metadata: [
        "job": "\(ended.name)", "succeeded": "\(ended.succeeded)", "summary": "\(ended.summary)",
      ])
    return ended
  }
}

extension JobRun {
  /// The answer to a request that ran the job.
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
