package import Metrics
internal import ReleaseHealth
package import Storage
package import Locks

/// The open batch, which the writer takes once it has stored the one before.
package final class IngestQueue: Sendable {
  /// The callbacks of the queue, on the writer's thread.
  package struct Callbacks: Sendable {
    /// A batch was stored, or, with an error, could not be.
    package var committed: @Sendable ([Ticket], StoreError?) -> Void
    /// There is room again, after ``IngestQueue/submit(_:ticket:)`` returned false.
    package var hasRoom: @Sendable () -> Void

    package init(
      committed: @escaping @Sendable ([Ticket], StoreError?) -> Void,
      hasRoom: @escaping @Sendable () -> Void
    ) {
      self.committed = committed
      self.hasRoom = hasRoom
    }
  }

  private struct State {
    var open: IngestBatch?
    /// The accepted items of the open batch that are not in its outcomes yet: as long as they are
    /// of one project, a sum avoids a dictionary lookup for each envelope.
    var accepted: (project: ProjectID, count: Int64)?
    /// The requests that wait for the open batch.
    var tickets: [Ticket] = []
    /// Whether the writer found nothing to store, and must be woken.
    var isIdle = false
    /// Whether a submission was turned away since the open batch was last taken.
    var hasWaiting = false
    /// The weight with which the open batch is full.
    var weightMax: Int
    /// What projects added to the open batch when it was full, and the sum.
    var latecomers: [ProjectID: Int] = [:]
    var lateWeight = 0
    /// Why the store last failed, and when, by ``Metrics/seconds``.
    var failure: (error: StoreError, at: Double)?

    /// Adds to the open batch in place, so that its arrays are not copied.
    mutating func add(_ submission: Submission) {
      if open == nil {
        open = submission.batch
      } else {
        open?.merge(submission.batch)
      }
      guard submission.accepted > 0, let project = submission.project else { return }
      if accepted?.project != project {
        addAccepted()
        accepted = (project, 0)
      }
      accepted?.count += submission.accepted
    }

    /// Whether the open batch takes a submission. Once it is full, it takes a little more of each
    /// project, so that one that sends little does not wait for those that filled it.
    mutating func hasRoom(_ submission: Submission) -> Bool {
      guard let open, open.weight() >= weightMax else { return true }
      guard let project = submission.project, lateWeight < weightMax,
        latecomers[project] ?? 0 < max(1, weightMax / Self.latecomersPart)
      else { return false }
      let weight = submission.batch.weight(usualSeries: 0)
      latecomers[project, default: 0] += weight
      lateWeight += weight
      return true
    }

    /// The part of a batch that a project may add when it is full, rounded up to an envelope.
    private static let latecomersPart = 16

    /// Sets how much a batch takes, by how long the last one took to store: those who wait for the
    /// next one wait for it.
    mutating func noteStored(_ batch: IngestBatch, seconds: Double, max: Int) {
      let weight = batch.weight()
      guard weight >= Self.measuredWeightMin, seconds > 0 else { return }
      let affordable = Int(Double(weight) * Self.batchSeconds / seconds)
      // Half of the way, so that one slow sync does not decide.
      weightMax = min(max, Swift.max(Self.measuredWeightMin, (weightMax + affordable) / 2))
    }

    private static let batchSeconds = 0.03
    /// Even where each sync takes a tenth of a second, this is 20,000 updates in one second.
    private static let measuredWeightMin = 2_000

    mutating func addAccepted() {
      guard let (project, count) = accepted else { return }
      open?.outcomes[OutcomeKey(project: project, outcome: .accepted), default: 0] += count
      accepted = nil
    }
  }

  private let store: any SessionStore
  private let batchUpdatesMax: Int
  private let metrics: Metrics
  /// The write queue, which takes its batches from here.
  package let writes: WriteQueue
  /// The version of the stored data.
  package let version = DataVersion()
  private let state: Locked<State>

  /// - Parameter batchUpdatesMax: a batch with this number of updates, or fewer of many series,
  ///   takes no more envelopes.
  package init(
    store: any SessionStore, writes: WriteQueue = WriteQueue(), metrics: Metrics = Metrics(),
    batchUpdatesMax: Int = 10_000
  ) {
    self.store = store
    self.writes = writes
    self.metrics = metrics
    self.batchUpdatesMax = batchUpdatesMax
    state = Locked(State(weightMax: batchUpdatesMax))
  }

  /// Adds an envelope's updates to the open batch.
  ///
  /// - Parameter ticket: the request that is answered when the updates are stored; nil for none.
  /// - Returns: false when the batch is full: nothing was added, and the caller waits for
  ///   ``Callbacks/hasRoom``.
  package func submit(_ submission: Submission, ticket: Ticket?) -> Bool {
    let wasIdle = state.withLock { state -> Bool? in
      if let batch = state.open,
        !Self.arrived(submission, with: batch) || !state.hasRoom(submission)
      {
        state.hasWaiting = true
        return nil
      }
      // The writer knows of earlier outcomes, and looks again by itself.
      let isKnown = state.open != nil && !submission.hasUpdates
      state.add(submission)
      if let ticket { state.tickets.append(ticket) }
      if isKnown { return false }
      defer { state.isIdle = false }
      return state.isIdle
    }
    guard let wasIdle else { return false }
    if wasIdle { writes.wake() }
    return true
  }

  /// Whether a submission arrived about when the batch was opened. A whole batch counts as arrived
  /// then; the time of a replayed envelope may be long ago.
  private static func arrived(_ submission: Submission, with batch: IngestBatch) -> Bool {
    abs(submission.batch.receivedAt.milliseconds - batch.receivedAt.milliseconds) < 60_000
  }

  /// The number of updates that wait for the writer.
  package var waitingUpdates: Int {
    state.withLock { $0.open?.updateCount ?? 0 }
  }

  /// Why the store last failed, if that was in the last seconds.
  package var recentFailure: StoreError? {
    guard let failure = state.withLock({ $0.failure }) else { return nil }
    return metrics.seconds - failure.at <= Self.recentSeconds ? failure.error : nil
  }

  private static let recentSeconds = 3.0

  /// Runs the writer on the calling thread until ``WriteQueue/close()``.
  package func run(_ callbacks: Callbacks) {
    writes.run(Source(queue: self, callbacks: callbacks))
  }

  /// Stores the open batch and does the submitted work on the calling thread, where there is no
  /// writer thread.
  package func runUntilEmpty(_ callbacks: Callbacks) {
    while storeBatch(takesOutcomesAlone: true, callbacks) == .stored {}
    writes.doSubmitted()
  }

  private struct Source: BatchSource {
    let queue: IngestQueue
    let callbacks: Callbacks

    func storeBatch(takesOutcomesAlone: Bool) -> BatchTurn {
      queue.storeBatch(takesOutcomesAlone: takesOutcomesAlone, callbacks)
    }

    func foldSlice() -> Bool { queue.foldSlice() }
  }

  private func storeBatch(takesOutcomesAlone: Bool, _ callbacks: Callbacks) -> BatchTurn {
    let (taken, turn) = take(takesOutcomesAlone: takesOutcomesAlone)
    guard let taken else { return turn }
    if taken.hasWaiting { callbacks.hasRoom() }
    let failure = store(taken.batch)
    if !taken.tickets.isEmpty {
      callbacks.committed(taken.tickets, failure)
      metrics.noteAnswers(toEnvelopesWholeAt: taken.tickets.map(\.wholeAt))
    }
    return turn
  }

  private struct Taken {
    var batch: IngestBatch
    var tickets: [Ticket]
    var hasWaiting: Bool
  }

  private func take(takesOutcomesAlone: Bool) -> (taken: Taken?, turn: BatchTurn) {
    state.withLock { state in
      let isAlone = state.open.map { $0.updateCount == 0 } ?? false
      guard state.open != nil, !isAlone || takesOutcomesAlone else {
        state.isIdle = true
        return (nil, isAlone ? .outcomesAlone : .nothing)
      }
      state.addAccepted()
      guard let batch = state.open.take() else { return (nil, .nothing) }
      let taken = Taken(batch: batch, tickets: state.tickets, hasWaiting: state.hasWaiting)
      state.tickets = []
      state.hasWaiting = false
      state.latecomers = [:]
      state.lateWeight = 0
      state.isIdle = false
      return (taken, .stored)
    }
  }

  /// - Returns: whether something may be left to fold. What cannot be folded now is tried again
  ///   with the next batch or query.
  private func foldSlice() -> Bool {
    do throws(StoreError) {
      guard let found = try store.foldPending() else { return false }
      state.withLock { $0.failure = nil }
      version.grow()
      metrics.note(found)
      return true
    } catch {
      state.withLock { $0.failure = (error, metrics.seconds) }
      return false
    }
  }

  private func store(_ batch: IngestBatch) -> StoreError? {
    let start = metrics.seconds
    var commit = Metrics.Commit(updates: batch.updateCount, outcomes: nil, seconds: 0)
    defer {
      commit.seconds = metrics.seconds - start
      metrics.note(commit)
    }
    do throws(StoreError) {
      commit.outcomes = try store.ingest(batch)
      version.grow()
      let seconds = metrics.seconds - start
      state.withLock { state in
        state.failure = nil
        state.noteStored(batch, seconds: seconds, max: batchUpdatesMax)
      }
      return nil
    } catch {
      state.withLock { $0.failure = (error, metrics.seconds) }
      return error
    }
  }
}

extension IngestBatch {
  /// About what storing it takes, in updates. One of a series that was never seen before, as every
  /// one of made-up releases is, takes as long as ten others.
  ///
  /// - Parameter usualSeries: how many are usual in batches of real clients.
  fileprivate func weight(usualSeries: Int = 100) -> Int {
    updateCount + 10 * max(0, series.count - usualSeries)
  }
}
