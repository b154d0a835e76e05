internal import Bytes
internal import ReleaseHealth
internal import Storage

/// Writes organizations, projects and environments with the keys that Sentry's API has and clients
/// read. What only an error tracker knows is null, false or empty.
enum CatalogJSON {
  static func write(
    _ organization: Organization, projects: [Project]? = nil, uses: [ProjectID: ProjectUse] = [:],
    to json: inout JSONWriter
  ) {
    json.object { json in
      json.member("id", String(organization.id.rawValue))
      json.member("slug", organization.slug)
      json.member("name", organization.slug)
      json.member("dateCreated", organization.created)
      json.object("status") { json in
        json.member("id", "active")
        json.member("name", "active")
      }
      json.member("avatar") { writeLetterAvatar(to: &$0) }
      for flag in organizationFlags { json.member(flag, false) }
      json.member("features") { $0.array { $0.value("releases") } }
      guard let projects else { return }
      json.member("access") { $0.array { _ in } }
      json.member("teams") { $0.array { _ in } }
      json.array("projects") { json in
        for project in projects { write(project, uses[project.id], to: &json) }
      }
    }
  }

  /// - Parameters:
  ///   - use: what the project's sessions and deploys show; nil when there were none.
  ///   - organization: for a single project.
  static func write(
    _ project: Project, _ use: ProjectUse?, of organization: Organization? = nil,
    to json: inout JSONWriter
  ) {
    json.object { json in
      // Text here, a number in releases and sessions: as in Sentry.
      json.member("id", String(project.id.rawValue))
      json.member("slug", project.slug)
      json.member("name", project.slug)
      json.member("platform", project.platform)
      json.member("platforms", [project.platform].compactMap(\.self))
      json.member("bad", project.bad.rawValue)
      json.member("badIsDefault", project.settings.bad == nil)
      NewQuotas.write(project.settings.quotas, to: &json)
      json.member("dateCreated", project.created)
      json.member("status", "active")
      json.member("isBookmarked", false)
      json.member("isMember", true)
      json.member("hasAccess", true)
      json.member("isPublic", false)
      json.member("isInternal", false)
      json.member("access") { $0.array { _ in } }
      json.member("features") { $0.array { $0.value("releases") } }
      json.member("firstEvent") { $0.null() }
      for flag in projectFlags { json.member(flag, false) }
      json.member("hasSessions", use?.hasNoSessions == false)
      json.member("sessionMode", use?.mode)
      json.member("environments", use?.named ?? [])
      json.member("latestRelease") { $0.null() }
      json.member("latestDeploys") { $0.null() }
      json.member("avatar") { writeLetterAvatar(to: &$0) }
      json.member("team") { $0.null() }
      json.member("teams") { $0.array { _ in } }
      if let organization {
        json.member("organization") { write(organization, to: &$0) }
      }
    }
  }

  /// The flags of an organization in Sentry's API that are always false in Hale.
  private static let organizationFlags = [
    "isEarlyAdopter", "require2FA", "requireEmailVerification", "requiresSso", "hasAuthProvider",
    "allowMemberInvite", "allowMemberProjectCreation", "allowSuperuserAccess",
  ]

  /// The flags of a project in Sentry's API that are always false in Hale.
  private static let projectFlags = [
    "firstTransactionEvent", "hasUserReports", "hasProfiles", "hasReplays", "hasFlags",
    "hasFeedbacks", "hasNewFeedbacks", "hasMonitors", "hasMinifiedStackTrace", "hasLogs",
    "hasTraceMetrics", "hasInsightsHttp", "hasInsightsDb", "hasInsightsAssets",
    "hasInsightsAppStart", "hasInsightsScreenLoad", "hasInsightsVitals", "hasInsightsCaches",
    "hasInsightsQueues", "hasInsightsAgentMonitoring", "hasInsightsMCP",
  ]

  private static func writeLetterAvatar(to json: inout JSONWriter) {
    json.object { json in
      json.member("avatarType", "letter_avatar")
      json.member("avatarUuid") { $0.null() }
    }
  }

  /// Writes the scopes of a token by Sentry's names.
  static func write(scopes scope: TokenScope, to json: inout JSONWriter) {
    json.array { json in
      for scope in ["org:read", "project:read", "project:releases"] { json.value(scope) }
      if scope == .admin { json.value("org:admin") }
    }
  }

  /// - Parameter environment: its place in the organization is the id, so that an environment has
  ///   the same id in the lists of all projects.
  static func write(_ environment: KnownEnvironment, to json: inout JSONWriter) {
    json.object { json in
      json.member("id", String(environment.place + 1))
      json.member("name", environment.name)
      json.member("isHidden", false)
    }
  }
}

extension ProjectUse {
  /// The environments that have a name, ascending.
  var named: [String] { allEnvironments.sorted().map(\.text).filter { !$0.isEmpty } }

  /// `user`, `server`, `both`, or nil where the sessions do not show it.
  fileprivate var mode: String? {
    switch (hasSingleSessions, hasAggregates) {
    case (true, true): "both"
    case (true, false): "user"
    case (false, true): "server"
    case (false, false): nil
    }
  }
}
