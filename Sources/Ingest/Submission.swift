package import HTTP
package import ReleaseHealth
package import Storage

/// The accepted part of one envelope, and the outcomes of all its items.
package struct Submission: Sendable {
  /// The project whose outcomes are counted; nil until it is known.
  package var project: ProjectID?
  package var batch: IngestBatch
  /// The number of items with the outcome ``Outcome/accepted``: nearly all, without a dictionary.
  package var accepted: Int64 = 0

  package init(receivedAt: Timestamp, project: ProjectID?) {
    batch = IngestBatch(receivedAt: receivedAt)
    self.project = project
  }

  /// Whether there are updates, so that the request waits until they are stored.
  package var hasUpdates: Bool { batch.updateCount > 0 }

  /// Counts items of an outcome other than ``Outcome/accepted``.
  package mutating func count(_ outcome: Outcome, _ quantity: Int = 1) {
    guard quantity > 0, let project else { return }
    batch.outcomes[OutcomeKey(project: project, outcome: outcome), default: 0] += Int64(quantity)
  }

  /// Rejects items, with the reason as their outcome. The other items of the envelope stay.
  package mutating func reject(_ reason: RejectionReason, _ quantity: Int = 1) {
    count(.rejected(reason), quantity)
  }
}

/// A request that is answered once its updates are stored.
package struct Ticket: Sendable {
  package var exchange: ExchangeID
  /// The time at which the whole envelope was read, by ``Metrics/seconds``.
  package var wholeAt: Double
  /// The event id of the answer.
  package var eventID: String?
}
