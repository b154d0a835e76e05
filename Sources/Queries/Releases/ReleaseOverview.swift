internal import Bytes
internal import ReleaseHealth
internal import Storage

/// The members of a release in a project that Sentry's API lacks, for a table of releases:
///
///     "sessions": counts, "users": counts, "firstSession", "lastSession",
///     "previous": {"version", "sessions": counts, "users": counts}
///
/// The counts are those of the summary, by status, and a user counts under the worst of them.
struct ReleaseOverview {
  /// The hours in which the first and the last session started, since 1970.
  private let hours: ClosedRange<Int>?
  /// The previous version: the next lower one among the releases of the project, package and
  /// selected environments.
  let previous: String?

  /// The overview of each entry in each of its projects. Blocks.
  static func of(
    _ entries: some Sequence<ReleaseEntry>, among records: [ReleaseRecord],
    _ request: ReleasesRequest, store: any ReleaseStore
  ) throws(StoreError) -> [GroupKey: ReleaseOverview] {
    let orders = Dictionary(
      uniqueKeysWithValues: request.projects.map {
        ($0.id, ReleaseOrder(records, project: $0.id, request.environments))
      })
    var overviews: [GroupKey: ReleaseOverview] = [:]
    for entry in entries {
      for project in entry.projects {
        overviews[GroupKey(project: project.id, release: entry.record.version)] = ReleaseOverview(
          hours: try store.sessionHours(
            ofRelease: entry.record.id, projects: [project.id],
            environments: request.environments),
          previous: orders[project.id]?.previous(of: entry.record.id))
      }
    }
    return overviews
  }

  /// - Parameter before: the counts of the previous release; nil when there are none.
  func writeMembers(_ summary: HealthCell, before: HealthCell?, to json: inout JSONWriter) {
    func time(ofHour hour: Int) -> Timestamp { Timestamp(minute: hour * 60) }
    json.member("sessions", summary.sessions)
    json.member("users", summary.users.byWorst)
    json.member("firstSession", hours.map { time(ofHour: $0.lowerBound) })
    json.member("lastSession", hours.map { time(ofHour: $0.upperBound) })
    json.member("previous") { json in
      guard let previous else { return json.null() }
      json.object { json in
        json.member("version", previous)
        json.member("sessions", before?.sessions ?? SessionCounts())
        json.member("users", before?.users.byWorst ?? SessionCounts())
      }
    }
  }
}

/// The releases of a project in the order of their versions; those without a version by age.
private struct ReleaseOrder {
  private var previous: [Int64: String] = [:]

  init(_ records: [ReleaseRecord], project: ProjectID, _ environments: EnvironmentSelection) {
    let seen = records.filter { record in
      record.places.contains {
        $0.project == project && environments.includes($0.environment)
      }
    }
    let keyed = seen.map { ($0, ReleaseVersion($0.version)) }
    for (_, family) in Dictionary(grouping: keyed, by: { $0.1.package }) {
      let ordered = family.map { ($0.0, $0.1.semverKey) }.sorted { left, right in
        if left.1 != right.1 { return left.1 < right.1 }
        return (left.0.created, left.0.id) < (right.0.created, right.0.id)
      }
      for (before, after) in zip(ordered, ordered.dropFirst()) {
        previous[after.0.id] = before.0.version
      }
    }
  }

  func previous(of id: Int64) -> String? { previous[id] }
}
