package import ReleaseHealth
package import Storage

/// An immutable catalog with indexes for the lookups of every request.
package final class CatalogSnapshot: Sendable {
  package let catalog: Catalog
  package let hasher: UserHasher
  private let projects: [ProjectID: Project]
  /// The projects by their active keys.
  private let projectOfKey: [String: ProjectID]
  /// The quotas of active keys that have some.
  private let quotasOfKey: [String: KeyQuotas]
  private let tokens: [[UInt8]: APIToken]

  package init(_ catalog: Catalog) {
    self.catalog = catalog
    hasher = UserHasher(key: catalog.userHashKey)
    let projects = Dictionary(uniqueKeysWithValues: catalog.projects.map { ($0.id, $0) })
    self.projects = projects
    let keys = catalog.keys.filter { $0.revoked == nil }
    projectOfKey = Dictionary(uniqueKeysWithValues: keys.map { ($0.publicKey, $0.project) })
    quotasOfKey = Dictionary(
      uniqueKeysWithValues: keys.compactMap { key in
        let ofProject = projects[key.project]?.settings.quotas ?? Quotas()
        guard ofProject != Quotas() || key.quotas != Quotas() else { return nil }
        let quotas = KeyQuotas(
          project: key.project, publicKey: key.publicKey, ofProject: ofProject, ofKey: key.quotas)
        return (key.publicKey, quotas)
      })
    tokens = Dictionary(
      uniqueKeysWithValues: catalog.tokens.filter { $0.revoked == nil }.map { ($0.digest, $0) })
  }

  /// The project that a DSN's key belongs to; nil for unknown and revoked keys.
  package func project(ofKey publicKey: String) -> ProjectID? {
    projectOfKey[publicKey]
  }

  /// The quotas of an active key and its project; nil where there are none.
  package func quotas(ofKey publicKey: String) -> KeyQuotas? {
    quotasOfKey[publicKey]
  }

  package func project(_ id: ProjectID) -> Project? {
    projects[id]
  }

  package func objective(of project: ProjectID) -> ProjectObjective? {
    catalog.objectives.first { $0.project == project }
  }

  package func token(_ token: String) -> APIToken? {
    tokens[TokenDigest.digest(token)]
  }

  /// - Parameter name: a slug or an id.
  package func organization(_ name: String) -> Organization? {
    catalog.organizations.first { $0.slug == name }
      ?? catalog.organizations.first { String($0.id.rawValue) == name }
  }

  package func projects(of organization: Organization) -> [Project] {
    catalog.projects.filter { $0.organization == organization.id }
  }
}
