package import ReleaseHealth

/// The counts that Hale will show for the traffic of an application, once everything has arrived.
package struct DemoTally: Sendable {
  package private(set) var counts = SessionCounts()
  /// The accepted items: session updates, and buckets of session aggregates.
  package private(set) var accepted: Int64 = 0
  /// The items that Hale rejects.
  package private(set) var rejected: Int64 = 0
  private var names: Set<String> = []

  package init() {}

  /// The number of users with a session.
  package var users: Int { names.count }

  package mutating func add(_ reports: DemoReports) {
    for update in reports.updates { add(update) }
    for item in reports.aggregates {
      for bucket in item.buckets { counts += bucket.counts }
      accepted += Int64(item.buckets.count)
    }
    rejected += Int64(reports.rejectable.count)
  }

  /// Each session has one or two updates; the second one has its end.
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
