package import ReleaseHealth

/// What the service needs from a database.
///
/// Invariant of this module: the verbs and values of the domain; no SQL, no JSON.

/// An outcome of items of a project.
package struct OutcomeKey: Hashable, Sendable {
  package var project: ProjectID
  package var outcome: Outcome

  package init(project: ProjectID, outcome: Outcome) {
    self.project = project
    self.outcome = outcome
  }
}

/// The outcome of an item.
package enum Outcome: Hashable, Sendable {
  /// An update of a session, or a session without an id, was taken.
  case accepted
  /// A bucket of aggregates was taken.
  case acceptedAggregate
  /// The accepted updates that changed nothing: repetitions. Counted by the store.
  case repeated
  /// The accepted updates that named a user beyond those that one session keeps
  /// (``DomainLimits/usersPerSessionMax``). Counted by the store.
  case userOmitted
  case rejected(RejectionReason)
  /// An item of another type was walked past.
  case skipped
  /// Sessions never arrived: an SDK reported that it dropped them.
  case dropped(DropReason)

  /// The name under which stores keep it.
  package var name: String {
    switch self {
    case .accepted: "accepted"
    case .acceptedAggregate: "accepted_anonymous"
    case .repeated: "repeated"
    case .userOmitted: "user_left_out"
    case .rejected(let reason): reason.rawValue
    case .skipped: "other_item"
    case .dropped(let reason): "dropped_by_sdk." + reason.rawValue
    }
  }

  /// - Parameter name: as ``name`` gives it; nil is returned for any other.
  package init?(name: String) {
    let reasons =
      RejectionReason.allCases.map(Outcome.rejected) + DropReason.allCases.map(Outcome.dropped)
    let others: [Outcome] = [.accepted, .acceptedAggregate, .repeated, .userOmitted, .skipped]
    guard let outcome = (others + reasons).first(where: { $0.name == name }) else { return nil }
    self = outcome
  }
}

/// Keeps sessions and answers for their numbers.
///
/// Laws, which the tests hold against every conformer:
/// - The order, duplication and grouping of reports change no number, where there are no quotas.
/// - After `ingest` returned, every new query sees the batch; if it throws, none of it counts.
/// - The sessions of a split range add up to those of the whole; users do not: they are unions.
/// - A new session that arrives beyond a quota is refused, with the outcome
///   ``RejectionReason/quota``: the sessions of a batch's limited parts in the order of arrival, of
///   each part the reports before the aggregates. An update of a session that is known always
///   counts. Aggregates are refused whole. What is refused leaves nothing but its outcome, and the
///   use of a quota is as durable as the sessions.
/// - All that is read in one ``snapshot(of:_:)`` is as known at one moment.
package protocol SessionStore: SessionReading, Sendable {
  /// Stores a batch durably, whole or not at all. Called from one thread at a time; blocks.
  ///
  /// - Returns: the outcomes of the items: the batch's outcomes, and what the store found of these
  ///   and earlier ones.
  @discardableResult
  func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64]

  /// Does a part of the work that ``ingest(_:)`` left for later; of no concern to queries, which
  /// see every batch. Called from the thread that calls `ingest`.
  ///
  /// - Parameter time: only what batches left that arrived by then; nil for all.
  /// - Returns: what it found of items that were stored before; nil when nothing was left to do.
  func foldPending(receivedBy time: Timestamp?) throws(StoreError) -> [OutcomeKey: Int64]?

  /// Calls `body` with what was stored by one moment, so that numbers that stand side by side can
  /// be compared. Called from any thread; blocks. `body` must not change the store.
  ///
  /// - Parameter projects: those whose sessions are read; nil for all. The sessions of others may
  ///   be as known a moment before.
  func snapshot<Value: Sendable>(
    of projects: Set<ProjectID>?, _ body: (any StoreSnapshot) throws(StoreError) -> Value
  ) throws(StoreError) -> Value

  /// Commits something of no meaning, to see whether that works. Called from the thread that calls
  /// `ingest`.
  func checkWritable() throws(StoreError)

  /// Drops what is no longer needed at `now`, in small steps: call again until it returns false.
  /// Called from the thread that calls `ingest`.
  func housekeep(at now: Timestamp) throws(StoreError) -> Bool
}

/// Answers queries about counts.
package protocol SessionReading {
  /// Answers a query about counts. Called from any thread; blocks.
  func health(_ query: HealthQuery) throws(StoreError) -> [HealthGroup]
}

/// What queries can read as of one moment; only the thread that it was given to uses it.
package typealias StoreSnapshot = SessionReading & ReleaseReading & OutcomeStore

extension SessionStore {
  package func foldPending() throws(StoreError) -> [OutcomeKey: Int64]? {
    try foldPending(receivedBy: nil)
  }

  package func snapshot<Value: Sendable>(
    _ body: (any StoreSnapshot) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try snapshot(of: nil, body)
  }
}
