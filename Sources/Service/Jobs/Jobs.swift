internal import Ingest
internal import Access
internal import Alerting
internal import Bytes
internal import Locks
internal import Logging
internal import Metrics
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
    let startedNanoseconds: Int64
  }

  private let dependencies: ServiceDependencies

  package init(_ dependencies: ServiceDependencies) {
    self.dependencies = dependencies
  }

  /// Starts a job. `done` is called at its end, on the thread that the job ran on.
  package func start(_ name: Name, done: @escaping @Sendable (JobRun) -> Void = { _ in }) {
    let run = begin(name)
    let workers = dependencies.workers
    let writes = dependencies.queue.writes
    let step: @Sendable () -> Bool = { [self] in
      guard let ended = advance(run) else { return false }
      done(ended)
      return true
    }
    switch run.job {
    case is NotificationsJob:
      // Not on the writer's thread, because the senders wait for it to record deliveries.
      let work: @Sendable () -> Void = { _ = step() }
      if dependencies.notices.startThread(work) { return }
      done(end(run, .failure(.unavailable(operation: "start", reason: "no thread is free"))))
    case let job as AlertsJob:
      // If the thread does not take it, the writer evaluates the rules.
      let isTaken = workers.changes.submit {
        job.evaluate()
        writes.submit(in: .job, step)
      }
      if !isTaken { writes.submit(in: .job, step) }
    default:
      writes.submit(in: .job, step)
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
    let now = dependencies.clock.now
    let job: any PeriodicJob =
      switch name {
      case .adoption: AdoptionJob(store: dependencies.store, time: now)
      case .alerts: AlertsJob(dependencies, at: now)
      case .notices: NotificationsJob(notices: dependencies.notices)
      case .retention: RetentionJob(store: dependencies.store, time: now)
      }
    return Run(
      name: name, job: job, started: now,
      startedNanoseconds: dependencies.metrics.monotonicNanoseconds)
  }

  /// Does one step. What arrived before the job began is folded first, a slice in each step, so
  /// that batches do not wait for all of it.
  ///
  /// - Returns: the run when that was the last.
  private func advance(_ run: Run) -> JobRun? {
    defer { dependencies.queue.version.grow() }
    do throws(StoreError) {
      if run.job.countsSessions,
        let folded = try dependencies.store.foldPending(receivedBy: run.started)
      {
        dependencies.metrics.note(folded)
        return nil
      }
      return try run.job.step().map { end(run, .success($0)) }
    } catch {
      return end(run, .failure(error))
    }
  }

  /// Records and logs a run.
  private func end(_ run: Run, _ outcome: Result<String, StoreError>) -> JobRun {
    let nanoseconds = dependencies.metrics.monotonicNanoseconds - run.startedNanoseconds
    var ended = JobRun(
      name: run.name.rawValue, started: run.started,
      durationMilliseconds: nanoseconds / 1_000_000, summary: "", succeeded: true)
    do throws(StoreError) {
      ended.summary = try outcome.get()
      try dependencies.records.recordJobRun(ended)
    } catch {
      ended.succeeded = false
      ended.summary = error.sentence
    }
    dependencies.metrics.note(ended)
    dependencies.log.log(
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
      json.member("name") { $0.value(name) }
      json.member("succeeded") { $0.value(succeeded) }
      json.member("summary") { $0.value(summary) }
      json.member("durationMilliseconds") { $0.value(durationMilliseconds) }
    }
    return json.bytes
  }
}
