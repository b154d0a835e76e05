package import ReleaseHealth

/// What was told of an application so far: how its sessions are counted, when all of it arrives.
package struct DemoTally: Sendable {
  package private(set) var counts = SessionCounts()
  /// Items that are taken: updates of sessions, and buckets of requests.
  package private(set) var accepted: Int64 = 0
  /// Items that no service takes.
  package private(set) var refused: Int64 = 0
  private var names: Set<String> = []

  package init() {}

  /// How many had a session.
  package var users: Int { names.count }

  package mutating func add(_ reports: DemoReports) {
    for update in reports.updates { add(update) }
    for item in reports.aggregates {
      for bucket in item.buckets { counts += bucket.counts }
      accepted += Int64(item.buckets.count)
    }
    refused += Int64(reports.refusable.count)
  }

  package mutating func add(_ other: DemoTally) {
    counts += other.counts
    names.formUnion(other.names)
    accepted += other.accepted
    refused += other.refused
  }

  /// Each session is told of once or twice; how badly it ended comes with the second time.
  private mutating func add(_ update: SessionUpdate) {
    if update.isInitial {
      counts.healthy += 1
    } else {
      counts.healthy -= 1
      counts[Severity(status: update.status, errors: update.errors)] += 1
    }
    if let name = update.distinctID { names.insert(name) }
    accepted += 1
  }
}
