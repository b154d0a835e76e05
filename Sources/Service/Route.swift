internal import HTTP
internal import ReleaseHealth

/// Where a request's path leads.
enum Route: Equatable {
  enum IngestKind {
    case envelope, store
  }

  /// A question of the API about an organization, named by slug or id.
  enum Question: Equatable {
    case sessions(organization: String)
    case outcomes(organization: String)
  }

  /// The project as the path has it; nil on the oldest form, which names none.
  case ingest(IngestKind, project: Substring?)
  case api(Question)
  case health
  case readiness

  init?(_ path: [Substring]) {
    switch path.count {
    case 1 where path[0] == "healthz": self = .health
    case 1 where path[0] == "readyz": self = .readiness
    case 2 where path[0] == "api" && path[1] == "store": self = .ingest(.store, project: nil)
    case 3 where path[0] == "api" && path[2] == "envelope":
      self = .ingest(.envelope, project: path[1])
    case 3 where path[0] == "api" && path[2] == "store": self = .ingest(.store, project: path[1])
    case 5
    where path[0] == "api" && path[1] == "0" && path[2] == "organizations":
      guard let name = percentDecoded(String(path[3]), plusIsSpace: false) else { return nil }
      switch path[4] {
      case "sessions": self = .api(.sessions(organization: name))
      case "outcomes": self = .api(.outcomes(organization: name))
      default: return nil
      }
    default: return nil
    }
  }

  /// The parts of a path between its slashes; slashes that follow each other count as one, as in
  /// Relay, and so a last one does not matter.
  ///
  /// - Parameter prefix: left out at the front, where the path has it.
  static func components(of path: String, prefix: String) -> [Substring] {
    let components = path.split(separator: "/")
    let prefix = prefix.split(separator: "/")
    return Array(
      components.starts(with: prefix) ? components.dropFirst(prefix.count) : components[...])
  }
}
