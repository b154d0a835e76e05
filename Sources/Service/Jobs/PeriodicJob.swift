internal import Metrics
internal import ReleaseHealth
internal import Storage

/// One run of a periodic job.
protocol PeriodicJob: Sendable {
  /// Does one short step.
  ///
  /// - Returns: a short summary of the run after its last step; else nil.
  func step() throws(StoreError) -> String?

  /// Whether a successful run is logged.
  var hasNews: Bool { get }
}

extension PeriodicJob {
  var hasNews: Bool { true }
}

/// Folds the updates that arrived before a job began, a slice in each step, so that batches do not
/// wait for all of it.
struct FoldingBefore: Sendable {
  let store: any SessionStore
  let metrics: Metrics
  let time: Timestamp

  /// - Returns: whether there was something to fold.
  func step() throws(StoreError) -> Bool {
    guard let found = try store.foldPending(receivedBy: time) else { return false }
    metrics.note(found)
    return true
  }
}
