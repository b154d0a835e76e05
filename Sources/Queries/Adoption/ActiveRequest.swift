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
  private let query: HealthQuery

  init(
    _ items: [(name: String, value: String)], projects: [Project], now: Timestamp
  ) throws(APIError) {
    let parameters = QueryParameters(items)
    let selected = try projects.selected(by: parameters)
    var query = HealthQuery(
      projects: Set(selected.map(\.id)), minutes: HealthPeriod.day24.window(until: now))
    query.groupBy = [.project]
    query.measures = [.sessions, .users]
    for name in parameters.all("groupBy") {
      switch name {
      case "project": continue
      case "release": query.groupBy.insert(.release)
      case "environment": query.groupBy.insert(.environment)
      default: throw .badRequest("Invalid groupBy: \"\(name)\"")
      }
    }
    query.filter = .environments(EnvironmentSelection(parameters.all("environment")))
    self.query = query
  }

  /// Queries the store and writes the answer. Blocks.
  func json(store: any SessionStore) throws(StoreError) -> [UInt8] {
    let groups = try store.health(query)
    var json = JSONWriter()
    json.object { json in
      json.member("start") {
        $0.value(RFC3339.format(Timestamp(minute: query.minutes.lowerBound)))
      }
      json.member("end") {
        $0.value(RFC3339.format(Timestamp(minute: query.minutes.upperBound)))
      }
      json.member("groups") { json in
        json.array { json in
          for group in groups {
            json.object { json in
              json.member("by") { json in
                json.object { json in
                  if let project = group.key.project {
                    json.member("project") { $0.value(project.rawValue) }
                  }
                  if let release = group.key.release {
                    json.member("release") { $0.value(release) }
                  }
                  if let environment = group.key.environment {
                    json.member("environment") { $0.value(environment) }
                  }
                }
              }
              json.member("sessions") { $0.value(group.totals.sessions.total) }
              json.member("users") { $0.value(group.totals.users.total) }
            }
          }
        }
      }
    }
    return json.bytes
  }
}
