package import ReleaseHealth

/// A change that a command makes, as a value: the service that runs on the data makes it, and where
/// none runs the command itself.
package enum CatalogChange: Codable, Equatable, Sendable {
  case createOrganization(slug: String)
  /// - Parameter id: nil for the next free one.
  case createProject(
    organization: OrganizationID, slug: String, settings: ProjectSettings, id: ProjectID?,
    publicKey: String)
  case setProject(ProjectID, ProjectSettings, known: ProjectSettings)
  case createKey(project: ProjectID, publicKey: String)
  case setKeyQuotas(publicKey: String, Quotas, known: Quotas)
  case revokeKey(publicKey: String)
  /// - Parameter digest: SHA-256 of the token, which never leaves the command.
  case createToken(organization: OrganizationID, name: String, scope: TokenScope, digest: [UInt8])
  case revokeToken(organization: OrganizationID, name: String)
  case setObjective(Objective, known: Objective, project: ProjectID)
  case removeObjective(project: ProjectID)
  case createChannel(
    organization: OrganizationID, name: String, kind: NoticeChannel.Kind, settings: String)
  case deleteChannel(id: Int64)
  case createAlertRule(organization: OrganizationID, AlertRuleDraft)

  /// Makes the change in one transaction. Blocks.
  ///
  /// - Returns: the number of what was created; 0 where nothing was.
  package func make(
    _ store: any CatalogStore, _ notices: any NoticeStore, _ alerts: any AlertStore,
    at now: Timestamp
  ) throws(StoreError) -> Int64 {
    switch self {
    case .createOrganization(let slug):
      return try store.createOrganization(slug: slug, at: now).id.rawValue
    case .createProject(let organization, let slug, let settings, let id, let publicKey):
      return try store.createProject(
        organization: organization, slug: slug, settings: settings, id: id, publicKey: publicKey,
        at: now
      ).id.rawValue
    case .setProject(let project, let settings, let known):
      try store.setProject(project, settings, known: known)
    case .createKey(let project, let publicKey):
      try store.createKey(project: project, publicKey: publicKey, at: now)
    case .setKeyQuotas(let publicKey, let quotas, let known):
      try store.setQuotas(quotas, ofKey: publicKey, known: known)
    case .revokeKey(let publicKey): try store.revokeKey(publicKey: publicKey, at: now)
    case .createToken(let organization, let name, let scope, let digest):
      return try store.createToken(
        organization: organization, name: name, scope: scope, digest: digest, at: now
      ).id
    case .revokeToken(let organization, let name):
      try store.revokeToken(organization: organization, name: name, keepsAdmin: false, at: now)
    case .setObjective(let objective, let known, let project):
      try store.setObjective(objective, of: project, known: known, at: now)
    case .removeObjective(let project): try store.removeObjective(of: project)
    case .createChannel(let organization, let name, let kind, let settings):
      return try notices.createChannel(
        organization: organization, name: name, kind: kind, settings: settings, at: now
      ).id
    case .deleteChannel(let id): _ = try notices.deleteChannel(id)
    case .createAlertRule(let organization, let draft):
      return try alerts.saveAlertRule(draft, id: nil, of: organization, at: now)?.id ?? 0
    }
    return 0
  }
}

/// A ``CatalogChange`` on its way to the service.
package struct CatalogChangeRequest: Codable, Sendable {
  package var change: CatalogChange
  /// The time of whoever makes it, in milliseconds since 1970.
  package var milliseconds: Int64

  package init(change: CatalogChange, at now: Timestamp) {
    self.change = change
    milliseconds = now.milliseconds
  }
}

/// What the service answers: the number of what was created, or why the change was not made.
package struct CatalogChangeAnswer: Codable, Sendable {
  package var id: Int64?
  package var failure: String?

  package init(id: Int64? = nil, failure: String? = nil) {
    self.id = id
    self.failure = failure
  }
}
