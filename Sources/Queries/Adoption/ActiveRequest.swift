internal import HTTP
internal import Bytes
internal import API
internal import ReleaseHealth
internal import Storage

/// `GET …/active/`, beside Sentry's API: sessions and users that started in the last 24 hours, to
/// the minute, by project and, with `groupBy`, release and environment.
///
///     {"start", "end", "groups": [{"by": {"project", …}, "sessions", "users"}]}
struct ActiveRequest {
  let query: HealthQuery
  private let environments: EnvironmentSelection

  /// The maximum number of groups of an answer; of more, those with the most sessions are answered.
  private static let groupsMax = 5000

  static let names = AcceptedNames.only(AcceptedNames.selection + ["groupBy"])

  init(_ call: APICall) throws(APIError) {
    let parameters = QueryParameters(call.items)
    let selected = try call.projects().named(by: parameters)
    var query = HealthQuery(
      projects: Set(selected.map(\.id)), minutes: HealthPeriod.day24.window(until: call.now))
    query.groupBy = [.project]
    query.measures = [.sessions, .users]
    query.groupsMax = Self.groupsMax
    for name in parameters.all("groupBy") {
      switch name {
      case "project": continue
      case "release": query.groupBy.insert(.release)
      case "environment": query.groupBy.insert(.environment)
      default:
        throw .unknown(
          "Invalid groupBy: \"\(name)\"", name, among: ["project", "release", "environment"])
      }
    }
    environments = EnvironmentSelection(parameters.all("environment"))
    query.filter = .environments(environments)
    self.query = query
  }

  /// Queries the store and writes the answer. Blocks.
  func response(
    of organization: OrganizationID, store: any StoreSnapshot
  ) throws(StoreError) -> Response {
    let groups = try store.health(query)
    let unknown = try UnknownEnvironments(
      environments, of: query.projects, organization, isNothingFound: groups.isEmpty, store)
    if let unknown { return unknown.refusal }
    let json = JSONWriter.object { json in
      json.member("start", Timestamp(minute: query.minutes.lowerBound))
      json.member("end", Timestamp(minute: query.minutes.upperBound))
      json.objects("groups", of: groups) { json, group in
        json.object("by") { group.key.writeMembers(to: &$0) }
        json.member("sessions", group.totals.sessions.total)
        json.member("users", group.totals.users.total)
      }
    }
    return .json(json)
  }
}
