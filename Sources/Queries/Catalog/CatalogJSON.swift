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
      json.member("id") { $0.value(String(organization.id.rawValue)) }
      json.member("slug") { $0.value(organization.slug) }
      json.member("name") { $0.value(organization.slug) }
      json.member("dateCreated") { $0.value(RFC3339.format(organization.created)) }
      json.member("status") { json in
        json.object { json in
          json.member("id") { $0.value("active") }
          json.member("name") { $0.value("active") }
        }
      }
      json.member("avatar") { writeLetterAvatar(to: &$0) }
      for flag in organizationFlags { json.member(flag) { $0.value(false) } }
      json.member("features") { $0.array { $0.value("releases") } }
      guard let projects else { return }
      json.member("access") { $0.array { _ in } }
      json.member("teams") { $0.array { _ in } }
      json.member("projects") { json in
        json.array { json in
          for project in projects { write(project, uses[project.id], to: &json) }
        }
      }
    }
  }

  /// - Parameters:
  ///   - use: what the project's sessions show; nil when there were none.
  ///   - organization: for a single project.
  static func write(
    _ project: Project, _ use: ProjectUse?, of organization: Organization? = nil,
    to json: inout JSONWriter
  ) {
    json.object { json in
      // Text here, a number in releases and sessions: as in Sentry.
      json.member("id") { $0.value(String(project.id.rawValue)) }
      json.member("slug") { $0.value(project.slug) }
      json.member("name") { $0.value(project.slug) }
      json.member("platform") { $0.optional(project.platform) }
      json.member("platforms") { json in
        json.array { json in
          if let platform = project.platform { json.value(platform) }
        }
      }
      json.member("dateCreated") { $0.value(RFC3339.format(project.created)) }
      json.member("status") { $0.value("active") }
      json.member("isBookmarked") { $0.value(false) }
      json.member("isMember") { $0.value(true) }
      json.member("hasAccess") { $0.value(true) }
      json.member("isPublic") { $0.value(false) }
      json.member("isInternal") { $0.value(false) }
      json.member("access") { $0.array { _ in } }
      json.member("features") { $0.array { $0.value("releases") } }
      json.member("firstEvent") { $0.null() }
      for flag in projectFlags { json.member(flag) { $0.value(false) } }
      json.member("hasSessions") { $0.value(use != nil) }
      json.member("sessionMode") { $0.optional(use?.mode) }
      json.member("environments") { json in
        json.array { json in
          for name in use?.environments ?? [] where !name.isEmpty { json.value(name) }
        }
      }
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
      json.member("avatarType") { $0.value("letter_avatar") }
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

  /// The environments of an organization, ascending.
  static func environments(of uses: [ProjectID: ProjectUse]) -> [String] {
    Set(uses.values.flatMap(\.environments)).subtracting([""]).sorted()
  }

  static func write(environment name: String, at place: Int, to json: inout JSONWriter) {
    json.object { json in
      json.member("id") { $0.value(String(place + 1)) }
      json.member("name") { $0.value(name) }
      json.member("isHidden") { $0.value(false) }
    }
  }

  /// Environments by name.
  ///
  /// - Parameter all: the environments of the organization, ascending. The position in it is the
  ///   id, so that an environment has the same id in the lists of all projects.
  static func write(environments: Set<String>, among all: [String], to json: inout JSONWriter) {
    json.array { json in
      for (index, name) in all.enumerated() where environments.contains(name) {
        write(environment: name, at: index, to: &json)
      }
    }
  }
}

extension ProjectUse {
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
