package import ReleaseHealth

/// An organization: projects, tokens and queries belong to one.
package struct Organization: Equatable, Sendable {
  package var id: OrganizationID
  package var slug: String
  package var created: Timestamp

  package init(id: OrganizationID, slug: String, created: Timestamp) {
    self.id = id
    self.slug = slug
    self.created = created
  }
}

/// What is set of a project.
package struct ProjectSettings: Codable, Equatable, Sendable {
  /// Sentry's name of the platform, for example `python`; nil when never set.
  package var platform: String?
  /// What makes a session bad; nil for the default of the platform.
  package var bad: BadStatuses?
  package var quotas: Quotas

  /// What makes a session bad: what is set, or the default of the platform.
  package var effectiveBad: BadStatuses { bad ?? .usual(onPlatform: platform) }

  package init(
    platform: String? = nil, bad: BadStatuses? = nil, quotas: Quotas = Quotas()
  ) {
    self.platform = platform
    self.bad = bad
    self.quotas = quotas
  }
}

/// A project: what a DSN leads to.
package struct Project: Equatable, Sendable {
  package var id: ProjectID
  package var organization: OrganizationID
  package var slug: String
  package var settings: ProjectSettings
  package var created: Timestamp

  package var platform: String? { settings.platform }

  /// What makes a session bad.
  package var bad: BadStatuses { settings.effectiveBad }

  package init(
    id: ProjectID, organization: OrganizationID, slug: String, settings: ProjectSettings,
    created: Timestamp
  ) {
    self.id = id
    self.organization = organization
    self.slug = slug
    self.settings = settings
    self.created = created
  }
}

/// A DSN's public key.
package struct ProjectKey: Equatable, Sendable {
  /// 32 lower-case hexadecimal characters.
  package var publicKey: String
  package var project: ProjectID
  package var created: Timestamp
  /// nil while the key is good.
  package var revoked: Timestamp?
  package var quotas: Quotas

  package init(
    publicKey: String, project: ProjectID, created: Timestamp, revoked: Timestamp?,
    quotas: Quotas = Quotas()
  ) {
    self.publicKey = publicKey
    self.project = project
    self.created = created
    self.revoked = revoked
    self.quotas = quotas
  }
}

/// What a token may do.
package enum TokenScope: String, CaseIterable, Codable, Sendable {
  case read
  /// Everything that `read` may, and changes.
  case admin
}

/// An API token of an organization. The token itself is known to its owner alone.
package struct APIToken: Equatable, Sendable {
  package var id: Int64
  package var organization: OrganizationID
  package var name: String
  package var scope: TokenScope
  /// SHA-256 of the token, 32 bytes.
  package var digest: [UInt8]
  package var created: Timestamp
  /// nil while the token is good.
  package var revoked: Timestamp?

  package init(
    id: Int64, organization: OrganizationID, name: String, scope: TokenScope, digest: [UInt8],
    created: Timestamp, revoked: Timestamp?
  ) {
    self.id = id
    self.organization = organization
    self.name = name
    self.scope = scope
    self.digest = digest
    self.created = created
    self.revoked = revoked
  }
}

/// What a project is to reach; each has one at most.
package struct ProjectObjective: Equatable, Sendable {
  package var project: ProjectID
  package var objective: Objective
  /// What makes a session bad, as the project has it now: the objective follows its project.
  package var bad: BadStatuses
  /// When it was set.
  package var created: Timestamp

  package init(
    project: ProjectID, objective: Objective, bad: BadStatuses, created: Timestamp
  ) {
    self.project = project
    self.objective = objective
    self.bad = bad
    self.created = created
  }
}

/// All organizations, projects, keys, tokens and objectives: small, and kept in memory by the
/// service.
package struct Catalog: Equatable, Sendable {
  /// Grows with every change.
  package var version: Int64
  package var organizations: [Organization]
  package var projects: [Project]
  package var keys: [ProjectKey]
  package var tokens: [APIToken]
  package var objectives: [ProjectObjective]
  /// The secret of the user hashes: 32 bytes, made with the database.
  package var userHashKey: [UInt8]
  /// The address that DSNs are printed with, as the service last ran under it; nil before that.
  package var publicURL: String?

  package init(
    version: Int64, organizations: [Organization], projects: [Project], keys: [ProjectKey],
    tokens: [APIToken], objectives: [ProjectObjective] = [], userHashKey: [UInt8],
    publicURL: String?
  ) {
    self.version = version
    self.organizations = organizations
    self.projects = projects
    self.keys = keys
    self.tokens = tokens
    self.objectives = objectives
    self.userHashKey = userHashKey
    self.publicURL = publicURL
  }
}

/// The changes that commands and the API make to the catalog. They may come from another process
/// than the service. Each is one transaction; a name that is taken is a
/// ``StoreError/conflict(_:)``.
package protocol CatalogStore: Sendable {
  /// - Parameter since: nil is returned if the catalog still has this version.
  func catalog(unlessVersion since: Int64?) throws(StoreError) -> Catalog?

  func createOrganization(slug: String, at now: Timestamp) throws(StoreError) -> Organization

  /// - Parameters:
  ///   - id: the number to give; nil for the next free one.
  ///   - publicKey: of the project's first key.
  func createProject(
    organization: OrganizationID, slug: String, settings: ProjectSettings, id: ProjectID?,
    publicKey: String, at now: Timestamp
  ) throws(StoreError) -> Project

  /// Changes the settings that differ from those that were known. The others stay as they are, so
  /// that two changes at once are both made.
  func setProject(
    _ project: ProjectID, _ settings: ProjectSettings, known: ProjectSettings
  ) throws(StoreError)

  func createKey(project: ProjectID, publicKey: String, at now: Timestamp) throws(StoreError)

  /// Changes the quotas of a key that differ from those that were known. The others stay as they
  /// are, so that two changes at once are both made.
  func setQuotas(
    _ quotas: Quotas, ofKey publicKey: String, known: Quotas
  ) throws(StoreError)

  func revokeKey(publicKey: String, at now: Timestamp) throws(StoreError)

  func createToken(
    organization: OrganizationID, name: String, scope: TokenScope, digest: [UInt8],
    at now: Timestamp
  ) throws(StoreError) -> APIToken

  /// - Parameter keepsAdmin: whether the organization's last good token of scope admin is refused:
  ///   without it nobody could change anything over the API any more.
  func revokeToken(
    organization: OrganizationID, name: String, keepsAdmin: Bool, at now: Timestamp
  ) throws(StoreError)

  /// Makes the objective of a project, or changes what differs from the one that was known. The
  /// rest stays as it is, so that two changes at once are both made.
  func setObjective(
    _ objective: Objective, of project: ProjectID, known: Objective, at now: Timestamp
  ) throws(StoreError)

  func removeObjective(of project: ProjectID) throws(StoreError)

  func setPublicURL(_ url: String) throws(StoreError)
}
