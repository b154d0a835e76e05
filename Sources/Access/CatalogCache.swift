internal import Locks
package import Storage

/// Caches the newest snapshot of the catalog. Commands change the catalog from other processes, so
/// it is refreshed periodically.
package final class CatalogCache: Sendable {
  private let store: any CatalogStore
  private let newest: Locked<CatalogSnapshot>

  package init(_ store: any CatalogStore) throws(StoreError) {
    self.store = store
    guard let catalog = try store.catalog(unlessVersion: nil) else {
      throw .unavailable(operation: "read the catalog", reason: "it does not exist")
    }
    newest = Locked(CatalogSnapshot(catalog))
  }

  package var snapshot: CatalogSnapshot {
    newest.withLock { $0 }
  }

  /// Reads the catalog again if it changed.
  package func refresh() throws(StoreError) {
    if let catalog = try store.catalog(unlessVersion: snapshot.catalog.version) {
      let snapshot = CatalogSnapshot(catalog)
      newest.withLock { newest in
        // Another thread may have read a later one meanwhile.
        if newest.catalog.version < catalog.version { newest = snapshot }
      }
    }
  }

  /// Changes the catalog; later requests see the change. Blocks.
  package func change<Value>(
    _ body: (any CatalogStore) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let value = try body(store)
    try refresh()
    return value
  }
}
