internal import Metrics
internal import Ingest

/// The endpoint that a request's path names.
enum Route: Equatable {
  /// The project as the path has it; nil on the oldest form, which names none.
  case ingest(IngestKind, project: Substring?)
  /// The API, with what follows `/api/0`.
  case api(ArraySlice<Substring>)
  /// The OpenAPI document.
  case document
  case health
  case readiness
  case metrics
  /// The dashboard; its script finds the view in the address.
  case page
  /// A file of the dashboard, by its path in the folder of the page.
  case asset(version: Substring, name: String)
  case signIn
  case signOut

  init?(_ path: [Substring]) {
    switch path.count {
    case 1 where path[0] == "healthz": self = .health
    case 1 where path[0] == "readyz": self = .readiness
    case 1 where path[0] == "metrics": self = .metrics
    case 2 where path[0] == "api" && path[1] == "store": self = .ingest(.store, project: nil)
    case 3 where path[0] == "api" && path[2] == "envelope":
      self = .ingest(.envelope, project: path[1])
    case 3 where path[0] == "api" && path[2] == "store": self = .ingest(.store, project: path[1])
    case 3 where path == ["api", "0", "openapi.json"]: self = .document
    case 2... where path[0] == "api" && path[1] == "0": self = .api(path[2...])
    case 0: self = .page
    case 1 where path[0] == "settings" || path[0] == "alerts": self = .page
    case 1 where path[0] == "sign-in": self = .signIn
    case 1 where path[0] == "sign-out": self = .signOut
    case 2 where path[0] == "releases" || path[0] == "alerts": self = .page
    case 3... where path[0] == "assets":
      self = .asset(version: path[1], name: path[2...].joined(separator: "/"))
    default: return nil
    }
  }

  /// The parts of a path between its slashes. Repeated slashes count as one, as in Relay, and a
  /// trailing one does not matter.
  ///
  /// - Parameter prefix: removed from the front of the path if it is there.
  static func components(of path: String, prefix: String) -> [Substring] {
    let components = path.split(separator: "/")
    let prefix = prefix.split(separator: "/")
    return Array(
      components.starts(with: prefix) ? components.dropFirst(prefix.count) : components[...])
  }
}

extension Metrics.Endpoint {
  init(_ route: Route?) {
    self =
      switch route {
      case .ingest(let kind, _): .init(kind)
      case .api, .document: .api
      case .health: .health
      case .readiness: .readiness
      case .metrics: .metrics
      case .page, .asset, .signIn, .signOut: .dashboard
      case nil: .other
      }
  }
}
