internal import Storage
internal import Synchronization

/// Closes hours and days, and deletes what is older than its retention.
final class RetentionJob: PeriodicJob {
  private let store: any SessionStore
  private let folding: FoldingBefore
  private let steps = Atomic(0)

  init(store: any SessionStore, folding: FoldingBefore) {
    self.store = store
    self.folding = folding
  }

  func step() throws(StoreError) -> String? {
    if try folding.step() { return nil }
    guard try store.housekeep(at: folding.time) else {
      return "\(steps.load(ordering: .relaxed)) steps"
    }
    steps.add(1, ordering: .relaxed)
    return nil
  }
}
