internal import Metrics
internal import ReleaseHealth
internal import Storage

/// One run of a periodic job.
protocol PeriodicJob: Sendable {
  /// Does one short step.
  ///
  /// - Returns: what the run did, in some words, when that was the last step; else nil.
  func step() throws(StoreError) -> String?

  /// Whether the run, when it has succeeded, is worth a line of the log.
  var hasNews: Bool { get }
}

extension PeriodicJob {
  var hasNews: Bool { true }
}

/// Folds, a slice in each step, what arrived before a job began: all of it at once would hold up the
/// batches that come meanwhile.
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
