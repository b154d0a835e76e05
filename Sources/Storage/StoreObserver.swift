/// Work that a store does by itself, beside batches and queries.
package enum StoreWork: Sendable {
  /// Updates that were stored before are folded into their sessions, one slice in one transaction;
  /// no batch is stored meanwhile.
  case fold
  /// What commits wrote to the WAL is copied to its place in the database file.
  case checkpoint
}

/// Measures a store's own work.
package protocol StoreObserver: Sendable {
  /// A clock that is never set back.
  var monotonicNanoseconds: Int64 { get }

  /// The work ended, also where it failed. Called on the thread that did it.
  func note(_ work: StoreWork, seconds: Double)
}
