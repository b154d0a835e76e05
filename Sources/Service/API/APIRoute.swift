internal import HTTP
internal import Storage

/// What can be done at one place of the API.
struct APIRoute: Sendable {
  /// Answers on a worker's thread; may block.
  typealias Work = @Sendable () throws(StoreError) -> Response

  /// One method.
  struct Action: Sendable {
    let method: Method
    /// What a token must be allowed.
    let scope: TokenScope
    /// Reads and checks the request, on the loop thread; quick, and without the store.
    let prepare: @Sendable (APICall) throws(APIError) -> Work
    /// Whether the work waits for other machines: it then has a thread of its own.
    var waitsForOthers = false
  }

  private let pattern: [Substring]
  /// The pattern as it is written.
  let name: String
  let actions: [Action]

  /// - Parameter pattern: parts of a path; those in braces stand for anything.
  private init(_ pattern: StaticString, _ actions: Action...) {
    name = "/api/0/" + pattern.description
    self.pattern = pattern.description.split(separator: "/")
    self.actions = actions
  }

  /// The `Allow` header.
  var allowed: String {
    actions.map { $0.method == .get ? "GET, HEAD" : $0.method.name }.joined(separator: ", ")
  }

  /// What stands for the placeholders; nil when the path is another.
  func names(in path: ArraySlice<Substring>) -> [Substring: String]? {
    guard path.count == pattern.count else { return nil }
    var names: [Substring: String] = [:]
    for (expected, part) in zip(pattern, path) {
      if expected.first == "{" {
        guard let name = percentDecoded(String(part), plusIsSpace: false) else { return nil }
        names[expected.dropFirst().dropLast()] = name
      } else if expected != part {
        return nil
      }
    }
    return names
  }

  private static func get(
    _ prepare: @escaping @Sendable (APICall) throws(APIError) -> Work
  ) -> Action {
    Action(method: .get, scope: .read, prepare: prepare)
  }

  private static func change(
    _ method: Method, _ prepare: @escaping @Sendable (APICall) throws(APIError) -> Work
  ) -> Action {
    Action(method: method, scope: .admin, prepare: prepare)
  }

  static let all = [
    APIRoute("", get(CatalogActions.whoAsks)),
    APIRoute("organizations", get(CatalogActions.organizations)),
    APIRoute("organizations/{organization}", get(CatalogActions.organization)),
    APIRoute(
      "organizations/{organization}/projects", get(CatalogActions.projects),
      change(.post, ManagementActions.createProject)),
    APIRoute("organizations/{organization}/environments", get(CatalogActions.environments)),
    APIRoute("projects", get(CatalogActions.projects)),
    APIRoute("projects/{organization}/{project}", get(CatalogActions.project)),
    APIRoute(
      "projects/{organization}/{project}/environments", get(CatalogActions.environments)),
    APIRoute(
      "projects/{organization}/{project}/environments/{environment}",
      get(CatalogActions.environment)),
    APIRoute(
      "projects/{organization}/{project}/keys", get(ManagementActions.keys),
      change(.post, ManagementActions.createKey)),
    APIRoute(
      "projects/{organization}/{project}/keys/{key}",
      change(.delete, ManagementActions.revokeKey)),
    APIRoute(
      "projects/{organization}/{project}/objectives", get(ObjectiveActions.list),
      change(.put, ObjectiveActions.set), change(.delete, ObjectiveActions.remove)),
    APIRoute("projects/{organization}/{project}/budget", get(ObjectiveActions.budget)),
    APIRoute(
      "organizations/{organization}/org-auth-tokens", get(ManagementActions.tokens),
      change(.post, ManagementActions.createToken)),
    APIRoute(
      "organizations/{organization}/org-auth-tokens/{token}",
      change(.delete, ManagementActions.revokeToken)),
    APIRoute(
      "organizations/{organization}/alert-rules", get(AlertActions.list),
      change(.post, AlertActions.create)),
    APIRoute(
      "organizations/{organization}/alert-rules/backtest",
      Action(method: .post, scope: .read, prepare: AlertActions.backTest)),
    APIRoute(
      "organizations/{organization}/alert-rules/{rule}", get(AlertActions.detail),
      change(.put, AlertActions.update), change(.delete, AlertActions.delete)),
    APIRoute(
      "organizations/{organization}/alert-rules/{rule}/mute", change(.post, AlertActions.mute),
      change(.delete, AlertActions.unmute)),
    APIRoute(
      "organizations/{organization}/alert-rules/{rule}/evaluations",
      get(AlertActions.evaluations)),
    APIRoute(
      "organizations/{organization}/alert-rules/{rule}/backtest",
      get(AlertActions.backTestOfRule)),
    APIRoute("organizations/{organization}/incidents", get(AlertActions.incidents)),
    APIRoute("organizations/{organization}/sessions", get(HealthActions.sessions)),
    APIRoute("organizations/{organization}/sessions/explain", get(AccountActions.explain)),
    APIRoute("organizations/{organization}/sessions/compare", get(AccountActions.compare)),
    APIRoute("organizations/{organization}/outcomes", get(AccountActions.outcomes)),
    APIRoute("organizations/{organization}/adoption", get(HealthActions.adoption)),
    APIRoute("organizations/{organization}/active", get(HealthActions.active)),
    APIRoute(
      "projects/{organization}/{project}/releases/{version}/stats",
      get(HealthActions.releaseStats)),
    APIRoute(
      "organizations/{organization}/releases", get(ReleaseActions.list),
      change(.post, ReleaseActions.create)),
    APIRoute(
      "organizations/{organization}/releases/{version}", get(ReleaseActions.detail),
      change(.put, ReleaseActions.update), change(.delete, ReleaseActions.delete)),
    APIRoute("organizations/{organization}/releases/{version}/gate", get(ReleaseActions.gate)),
    APIRoute(
      "organizations/{organization}/releases/{version}/estimate", get(ReleaseActions.estimate)),
    APIRoute(
      "organizations/{organization}/notice-channels", get(NoticeActions.channels),
      change(.post, NoticeActions.create)),
    APIRoute(
      "organizations/{organization}/notice-channels/{channel}", get(NoticeActions.channel),
      change(.put, NoticeActions.update), change(.delete, NoticeActions.delete)),
    APIRoute(
      "organizations/{organization}/notice-channels/{channel}/test",
      Action(method: .post, scope: .admin, prepare: NoticeActions.test, waitsForOthers: true)),
    APIRoute("organizations/{organization}/notices", get(NoticeActions.notices)),
    APIRoute(
      "projects/{organization}/{project}/releases", get(ReleaseActions.list),
      change(.post, ReleaseActions.create)),
    APIRoute(
      "projects/{organization}/{project}/releases/{version}", get(ReleaseActions.detail),
      change(.put, ReleaseActions.update), change(.delete, ReleaseActions.delete)),
  ]
}
