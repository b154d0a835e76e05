internal import Bytes
internal import ReleaseHealth
internal import Storage

/// The members of a release in a project that Sentry's API lacks, for a table of releases:
///
///     "failureFreeSessions", "failureFreeUsers": percentages beside Sentry's crash-free ones,
///     "sessions": counts, "users": counts, "firstSession", "lastSession", "versionRank",
///     "previous": {"version", "sessions": counts, "users": counts, and both rates}
///
/// The counts are those of the summary, by status, and a user counts under the worst of them.
struct ReleaseOverview {
  /// The hours in which the first and the last session started, since 1970.
  private let hours: ClosedRange<Int>?
  /// The place of the release among all of the organization in the order by version, from 0 on.
  private let rank: Int?
  /// The previous version: the next lower one among the releases of the project, package and
  /// selected environments.
  let previous: String?

  /// The overview of each entry in each of its projects. Blocks.
  static func of(
    _ entries: [ReleaseEntry], _ request: ReleasesRequest, in organization: OrganizationID,
    store: any ReleaseReading
  ) throws(StoreError) -> [GroupKey: ReleaseOverview] {
    let records = Dictionary(entries.map { ($0.record.id, $0.record) }) { first, _ in first }
    let places = try store.versionPlaces(
      of: Array(records.values), in: organization,
      projects: Set(entries.flatMap(\.projects).map(\.id)), request.environments)
    var overviews: [GroupKey: ReleaseOverview] = [:]
    for entry in entries {
      let place = places[entry.record.id]
      for project in entry.projects {
        overviews[GroupKey(project: project.id, release: entry.record.version)] = ReleaseOverview(
          hours: try store.sessionHours(
            ofRelease: entry.record.id, projects: [project.id],
            environments: request.environments),
          rank: place?.rank, previous: place?.previous[project.id])
      }
    }
    return overviews
  }

  /// - Parameter before: the counts of the previous release; nil when there are none.
  func writeMembers(_ summary: HealthCell, before: HealthCell?, to json: inout JSONWriter) {
    func time(ofHour hour: Int) -> Timestamp { Timestamp(minute: hour * 60) }
    Self.writeHealth(summary, to: &json)
    json.member("firstSession", hours.map { time(ofHour: $0.lowerBound) })
    json.member("lastSession", hours.map { time(ofHour: $0.upperBound) })
    json.member("versionRank", rank)
    json.member("previous") { json in
      guard let previous else { return json.null() }
      json.object { json in
        json.member("version", previous)
        Self.writeHealth(before ?? HealthCell(), to: &json)
      }
    }
  }

  private static func writeHealth(_ cell: HealthCell, to json: inout JSONWriter) {
    json.member("failureFreeSessions", cell.sessions.failureFreeRate.map { $0 * 100 })
    json.member("failureFreeUsers", cell.users.failureFreeRate.map { $0 * 100 })
    json.member("sessions", cell.sessions)
    json.member("users", cell.users.byWorst)
  }
}
