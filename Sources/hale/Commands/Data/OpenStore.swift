import SQLiteStorage
import Storage

/// Opens the database of a data directory that exists, and creates it where there is none.
///
/// - Parameter ownsSessions: the directory is locked, so that no other process writes sessions.
func openStore(
  dataDirectory: String, retentionDays: Int = 90, ownsSessions: Bool = true,
  observer: (any StoreObserver)? = nil
) throws -> SQLiteStore {
  try SQLiteStore(
    SQLiteStore.Settings(
      path: dataDirectory + "/hale.db", retentionDays: retentionDays,
      newSecret: (0..<32).map { _ in UInt8.random(in: .min ... .max) },
      ownsSessions: ownsSessions, observer: observer))
}
