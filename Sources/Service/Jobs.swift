package import Logging
internal import ReleaseHealth
package import Storage
internal import Synchronization

/// The periodic jobs, run on the writer's thread between batches; notices on one of their own.
package final class Jobs: Sendable {
  /// The jobs by name, as commands call them.
  package static let names = ["adoption", "notices", "retention"]

  private let store: any SessionStore & ReleaseStore
  private let catalog: any CatalogStore
  private let queue: IngestQueue
  private let notices: NoticeSender
  private let clock: WallClock
  private let monotonicMilliseconds: @Sendable () -> Int64
  private let metrics: Metrics
  private let log: Logger

  package init(
    store: any SessionStore & ReleaseStore, catalog: any CatalogStore, queue: IngestQueue,
    notices: NoticeSender, clock: WallClock, monotonicMilliseconds: @escaping @Sendable () -> Int64,
    metrics: Metrics = Metrics(), log: Logger
  ) {
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
      log.info(
        "job ended",
        metadata: [
          "job": "\(name)", "succeeded": "\(ended.succeeded)", "summary": "\(ended.summary)",
        ])
      done(ended)
      return true
    }
    // Notices wait for other machines, which the writer does not.
    guard name == "notices", notices.startThread({ _ = work() }) else {
      queue.perform(work)
      return true
    }
    return true
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

  /// One step; the run when that was the last.
  private func step(_ run: RunningJob, _ begin: Int64) -> JobRun? {
    var ended = JobRun(
      name: run.name, started: run.started, durationMilliseconds: monotonicMilliseconds() - begin,
      summary: "", succeeded: true)
    do throws(StoreError) {
      switch run.name {
      case "adoption":
        let runs = try store.runAdoption(at: run.started)
        ended.summary = runs == 1 ? "1 hourly run" : "\(runs) hourly runs"
      case "notices":
        ended.summary = try notices.runDue().summary
        ended.durationMilliseconds = monotonicMilliseconds() - begin
      default:
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
