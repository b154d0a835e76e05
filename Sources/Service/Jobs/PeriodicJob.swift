internal import Alerting
internal import ReleaseHealth
internal import Storage
internal import Synchronization

/// One run of a periodic job.
protocol PeriodicJob: Sendable {
  /// Does one short step.
  ///
  /// - Returns: a short summary of the run after its last step; else nil.
  func step() throws(StoreError) -> String?

  /// Whether the updates that arrived before the run have to be folded first.
  var countsSessions: Bool { get }

  /// Whether a successful run is logged.
  var hasNews: Bool { get }
}

extension PeriodicJob {
  var countsSessions: Bool { false }
  var hasNews: Bool { true }
}

/// Computes the adoption stages of the hours since the last run.
struct AdoptionJob: PeriodicJob {
  let store: any ReleaseStore
  let time: Timestamp
  let countsSessions = true

  func step() throws(StoreError) -> String? {
    let runs = try store.runAdoption(at: time)
    return runs == 1 ? "1 hourly run" : "\(runs) hourly runs"
  }
}

/// Closes hours and days, and deletes what is older than its retention.
final class RetentionJob: PeriodicJob {
  private let store: any SessionStore
  private let time: Timestamp
  private let steps = Atomic(0)
  let countsSessions = true

  init(store: any SessionStore, time: Timestamp) {
    self.store = store
    self.time = time
  }

  func step() throws(StoreError) -> String? {
    guard try store.housekeep(at: time) else { return "\(steps.load(ordering: .relaxed)) steps" }
    steps.add(1, ordering: .relaxed)
    return nil
  }
}

/// Delivers the notifications that are due. It has a thread of its own, because it waits for other
/// machines and the writer must not.
struct NotificationsJob: PeriodicJob {
  let notices: NoticeSender

  func step() throws(StoreError) -> String? {
    try notices.runDue().summary
  }
}
