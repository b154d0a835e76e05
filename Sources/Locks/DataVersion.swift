internal import Synchronization

/// Counts the changes of stored data since the start of the process: batches, jobs and changes over
/// the API. Changes by other processes are in the version of the catalog.
///
/// It grows after the change is visible. So an answer that is tagged with a version contains at
/// least all changes of that version; if it contains more, the next poll is one query too many.
package final class DataVersion: Sendable {
  private let count = Atomic<UInt64>(0)

  package init() {}

  package var current: UInt64 { count.load(ordering: .acquiring) }

  package func grow() {
    count.add(1, ordering: .releasing)
  }
}
