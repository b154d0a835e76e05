internal import Synchronization

/// Counts whatever can have changed what the API answers, since the start of the process: batches
/// and jobs, and changes over the API. What other processes change is in the version of the catalog.
///
/// It grows after the change is there. So an answer that was asked for at a version has at least
/// all of that version, and one that has more is only asked for once more than needed.
package final class DataVersion: Sendable {
  private let count = Atomic<UInt64>(0)

  package init() {}

  package var current: UInt64 { count.load(ordering: .acquiring) }

  package func grow() {
    count.add(1, ordering: .releasing)
  }
}
