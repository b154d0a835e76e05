internal import Locks
internal import Storage

/// The limit of queries of the service itself: they end when the service stops.
final class UntilClosed: QueryLimit {
  private let queries: QueryQueue

  init(_ queries: QueryQueue) {
    self.queries = queries
  }

  func check() throws(StoreError) {
    if queries.isClosed { throw .stopped(.closed) }
  }

  func checkWaiting() throws(StoreError) { try check() }

  func hold(_ bytes: Int) {}

  /// Does nothing: they are few and short.
  func restart() {}
}
