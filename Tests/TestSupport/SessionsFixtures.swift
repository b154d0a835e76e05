package import API
package import Queries
package import ReleaseHealth
package import Storage

package enum SessionsFixtures {
  /// 2026-03-15T12:34:56Z
  package static let now = Timestamp(seconds: 1_773_578_096)

  package static let projects = [
    project(1, "shop"), project(2, "till"), project(30, "7"), project(7, "seven"),
  ]

  package static func project(_ id: Int64, _ slug: String) -> Project {
    Project(
      id: ProjectID(rawValue: id), organization: OrganizationID(rawValue: 1), slug: slug,
      settings: ProjectSettings(), created: now)
  }

  package static func items(_ query: String) -> [(name: String, value: String)] {
    query.split(separator: "&").map { item in
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
    }
  }

  package static func parse(
    _ query: String, now: Timestamp = now, limits: SessionsLimits = SessionsLimits()
  ) throws(APIError) -> SessionsRequest {
    try SessionsRequest(items(query), projects: projects, now: now, limits: limits)
  }

  /// The status and text of the refusal; nil when the request is accepted.
  package static func refusal(
    _ query: String, limits: SessionsLimits = SessionsLimits()
  ) -> APIError? {
    do {
      _ = try parse(query, limits: limits)
      return nil
    } catch {
      return error
    }
  }

  package static func answer(_ query: String, _ groups: [HealthGroup]) throws -> SessionsAnswer {
    SessionsAnswer(try parse(query), groups: groups)
  }

  package static func json(_ query: String, _ groups: [HealthGroup]) throws -> String {
    String(decoding: try answer(query, groups).json, as: UTF8.self)
  }

  package static func cell(
    _ sessions: SessionCounts = SessionCounts(), users: UserCounts = UserCounts()
  ) -> HealthCell {
    HealthCell(sessions: sessions, users: users)
  }

  /// Makes a group of sessions, whose totals are the sum of its series.
  package static func group(
    project: Int64? = nil, release: String? = nil, environment: String? = nil,
    _ series: [SessionCounts]
  ) -> HealthGroup {
    var totals = SessionCounts()
    for counts in series { totals += counts }
    return HealthGroup(
      key: GroupKey(
        project: project.map(ProjectID.init(rawValue:)), release: release,
        environment: environment),
      totals: cell(totals), series: series.map { cell($0) })
  }
}
