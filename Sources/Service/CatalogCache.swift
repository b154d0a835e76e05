internal import ReleaseHealth
package import Storage
internal import Locks

/// The catalog with what is looked up by every request, made anew when the catalog changed.
package final class CatalogSnapshot: Sendable {
  package let catalog: Catalog
  package let hasher: UserHasher
  private let projects: [ProjectID: Project]
  /// The projects of the keys that are good.
  private let projectOfKey: [String: ProjectID]
  private let tokens: [[UInt8]: APIToken]

  init(_ catalog: Catalog) {
    self.catalog = catalog
    hasher = UserHasher(key: catalog.userHashKey)
    projects = Dictionary(uniqueKeysWithValues: catalog.projects.map { ($0.id, $0) })
    projectOfKey = Dictionary(
      uniqueKeysWithValues: catalog.keys.filter { $0.revoked == nil }
        .map { ($0.publicKey, $0.project) })
    tokens = Dictionary(
      uniqueKeysWithValues: catalog.tokens.filter { $0.revoked == nil }.map { ($0.digest, $0) })
  }

  /// The project that a DSN's key belongs to; nil for unknown and revoked keys.
  func project(ofKey publicKey: String) -> ProjectID? {
    projectOfKey[publicKey]
  }

  func project(_ id: ProjectID) -> Project? {
    projects[id]
  }

  func objective(of project: ProjectID) -> ProjectObjective? {
    catalog.objectives.first { $0.project == project }
  }

  func token(_ token: String) -> APIToken? {
    tokens[TokenDigest.digest(token)]
  }

  /// - Parameter name: a slug or an id.
  func organization(_ name: String) -> Organization? {
    catalog.organizations.first { $0.slug == name }
      ?? catalog.organizations.first { String($0.id.rawValue) == name }
  }

  func projects(of organization: Organization) -> [Project] {
    catalog.projects.filter { $0.organization == organization.id }
  }
}

/// Holds the newest snapshot. Commands change the catalog from other processes, so it is asked
/// for again and again.
package final class CatalogCache: Sendable {
  private let store: any CatalogStore
  private let newest: Locked<CatalogSnapshot>

  package init(_ store: any CatalogStore) throws(StoreError) {
    self.store = store
    guard let catalog = try store.catalog(unlessVersion: nil) else {
      throw .unavailable(operation: "read the catalog", reason: "it is not there")
    }
    newest = Locked(CatalogSnapshot(catalog))
  }

  package var snapshot: CatalogSnapshot {
    newest.withLock { $0 }
  }

  /// Takes over what changed.
  package func refresh() throws(StoreError) {
    if let catalog = try store.catalog(unlessVersion: snapshot.catalog.version) {
      let snapshot = CatalogSnapshot(catalog)
      newest.withLock { newest in
        // Another thread may have read a later one meanwhile.
        if newest.catalog.version < catalog.version { newest = snapshot }
      }
    }
  }

  /// Changes the catalog; whoever is answered afterwards is answered by the new one. Blocks.
  func change<Value>(
    _ body: (any CatalogStore) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let value = try body(store)
    try refresh()
    return value
  }
}
