package import Metrics
internal import Dispatch
internal import HTTP
internal import ReleaseHealth
package import Storage
package import Locks

/// The open batch, and the thread that stores one batch after the other.
///
/// There is no timer: when a commit ends, all that came in meanwhile makes the next batch. So a
/// lone update waits for one sync of the disk, and under load thousands share one.
package final class IngestQueue: Sendable {
  /// What the queue tells, on the writer's thread.
  package struct Callbacks: Sendable {
    /// A batch was stored, or with an error it was not.
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
    /// Accepted items of the open batch that are not in its outcomes yet: as long as they are of
    /// one project, a sum takes the place of a look into the dictionary for each envelope.
    var accepted: (project: ProjectID, count: Int64)?
    /// Whom to tell about the open batch.
    var tickets: [Ticket] = []
    /// The writer waits for a signal.
    var isIdle = false
    var isClosed = false
    /// Someone was turned away since the open batch was last taken.
    var hasWaiting = false
    /// Why the store did not take what it was given last, and when that was, by ``Metrics/seconds``.
    var failure: (error: StoreError, at: Double)?
    /// Work for the writer's thread between batches; each returns whether it is done.
    var tasks: [@Sendable () -> Bool] = []

    /// Changes the open batch where it is, so that its arrays are not copied.
    mutating func add(_ submission: Submission) {
      if open == nil {
        open = submission.batch
      } else {
        open?.merge(submission.batch)
      }
      guard submission.accepted > 0, let project = submission.project else { return }
      if accepted?.project != project {
        settleAccepted()
        accepted = (project, 0)
      }
      accepted?.count += submission.accepted
    }

    mutating func settleAccepted() {
      guard let (project, count) = accepted else { return }
      open?.outcomes[OutcomeKey(project: project, outcome: .accepted), default: 0] += count
      accepted = nil
    }
  }

  private let store: any SessionStore
  private let batchUpdatesMax: Int
  private let metrics: Metrics
  /// Of what is stored.
  package let version = DataVersion()
  private let state = Locked(State())
  private let wake = DispatchSemaphore(value: 0)

  /// - Parameter batchUpdatesMax: from so many updates on, a batch takes no more envelopes.
  package init(
    store: any SessionStore, metrics: Metrics = Metrics(), batchUpdatesMax: Int = 10_000
  ) {
    self.store = store
    self.metrics = metrics
    self.batchUpdatesMax = batchUpdatesMax
  }

  /// Adds an envelope's updates to the open batch.
  ///
  /// - Parameter ticket: whom to tell when they are stored; nil to tell nobody.
  /// - Returns: false when the batch is full: nothing was added, and the caller waits for
  ///   ``Callbacks/hasRoom``.
  package func submit(_ submission: Submission, ticket: Ticket?) -> Bool {
    let wasIdle = state.withLock { state -> Bool? in
      if let batch = state.open, isFull(batch) || !Self.arrived(submission, with: batch) {
        state.hasWaiting = true
        return nil
      }
      // The writer knows of outcomes alone that came before, and looks again by itself.
      let isKnown = state.open != nil && !submission.hasUpdates
      state.add(submission)
      if let ticket { state.tickets.append(ticket) }
      if isKnown { return false }
      defer { state.isIdle = false }
      return state.isIdle
    }
    guard let wasIdle else { return false }
    if wasIdle { wake.signal() }
    return true
  }

  private func isFull(_ batch: IngestBatch) -> Bool {
    batch.updateCount >= batchUpdatesMax
  }

  /// Whether a submission arrived about when a batch was opened. All of a batch counts as arrived
  /// then, and where a past is brought in that may be long ago.
  private static func arrived(_ submission: Submission, with batch: IngestBatch) -> Bool {
    abs(submission.batch.receivedAt.milliseconds - batch.receivedAt.milliseconds) < 60_000
  }

  /// How many updates wait for the writer.
  package var waitingUpdates: Int {
    state.withLock { $0.open?.updateCount ?? 0 }
  }

  /// Why the store did not take what it was given last, if that was in the last seconds.
  package var recentFailure: StoreError? {
    guard let failure = state.withLock({ $0.failure }) else { return nil }
    return metrics.seconds - failure.at <= Self.recentSeconds ? failure.error : nil
  }

  private static let recentSeconds = 3.0

  /// Has work done on the writer's thread between batches, a step a time, as ``StepPacing`` lets it.
  ///
  /// - Parameter step: does one short step; returns true when there is no more to do.
  package func perform(_ step: @escaping @Sendable () -> Bool) {
    let wasIdle = state.withLock { state in
      state.tasks.append(step)
      defer { state.isIdle = false }
      return state.isIdle
    }
    if wasIdle { wake.signal() }
  }

  /// Stores batches on the calling thread until the queue is closed and empty.
  package func run(_ callbacks: Callbacks) {
    // At the start, what an earlier process left.
    var mayBeUnsettled = true
    var pacing = StepPacing()
    while let work = next(&mayBeUnsettled, pacing) {
      storeBatch(of: work, callbacks)
      if work.batch != nil {
        mayBeUnsettled = true
        pacing.noteBatch(at: metrics.seconds)
      }
      if let task = work.task {
        let start = metrics.seconds
        let isDone = task()
        pacing.noteStep(from: start, to: metrics.seconds)
        // A task that is cut off by the end goes on after the next start.
        if !isDone { state.withLock { if !$0.isClosed { $0.tasks.append(task) } } }
      }
    }
  }

  /// Stores what is there on the calling thread, and does all work to its end, where no other thread
  /// is the writer.
  package func runUntilEmpty(_ callbacks: Callbacks) {
    while let work = take(loneOutcomes: true, tasks: true).work {
      storeBatch(of: work, callbacks)
      if let task = work.task { while !task() {} }
    }
  }

  private func storeBatch(of work: Work, _ callbacks: Callbacks) {
    if work.hasWaiting { callbacks.hasRoom() }
    guard let batch = work.batch else { return }
    let failure = store(batch)
    guard !work.tickets.isEmpty else { return }
    callbacks.committed(work.tickets, failure)
    metrics.noteAnswers(toEnvelopesWholeAt: work.tickets.lazy.map(\.wholeAt))
  }

  /// Lets ``run(_:)`` return once everything is stored. Of the work between batches each does one more
  /// step.
  package func close() {
    state.withLock { $0.isClosed = true }
    wake.signal()
  }

  private struct Work {
    var batch: IngestBatch?
    var tickets: [Ticket] = []
    var task: (@Sendable () -> Bool)?
    var hasWaiting = false
  }

  /// Under load there is always a next batch within this time; without, the store settles.
  private static let settleMilliseconds = 5

  /// What to do next; waits for it, and has the store settle meanwhile. nil when the queue is closed
  /// and empty.
  private func next(_ mayBeUnsettled: inout Bool, _ pacing: StepPacing) -> Work? {
    var loneOutcomesAreDue = false
    while true {
      let pause = pacing.pause(at: metrics.seconds)
      let (work, hasLoneOutcomes, hasTasks, isClosed) = take(
        loneOutcomes: loneOutcomesAreDue, tasks: pause == 0)
      if let work { return work }
      if isClosed { return nil }
      if hasTasks {
        _ = wake.wait(timeout: .now() + pause)
      } else if !mayBeUnsettled, !hasLoneOutcomes {
        wake.wait()
      } else if wake.wait(timeout: .now() + .milliseconds(Self.settleMilliseconds)) == .timedOut {
        loneOutcomesAreDue = hasLoneOutcomes
        if !hasLoneOutcomes { mayBeUnsettled = settle() }
      }
    }
  }

  /// Takes what there is to do.
  ///
  /// - Parameters:
  ///   - loneOutcomes: also a batch of outcomes alone. Nobody waits for it, so that it is given some
  ///     time to become a larger one.
  ///   - tasks: also a step of a task.
  private func take(
    loneOutcomes: Bool, tasks: Bool
  ) -> (work: Work?, hasLoneOutcomes: Bool, hasTasks: Bool, isClosed: Bool) {
    state.withLock { state in
      let isLone = state.open.map { $0.updateCount == 0 } ?? false
      let isBatch = state.open != nil && (!isLone || loneOutcomes || state.isClosed)
      let isTask = !state.tasks.isEmpty && (tasks || state.isClosed)
      guard isBatch || isTask else {
        state.isIdle = !state.isClosed
        return (nil, isLone, !state.tasks.isEmpty, state.isClosed)
      }
      state.settleAccepted()
      let work = Work(
        batch: state.open, tickets: state.tickets,
        task: isTask ? state.tasks.removeFirst() : nil, hasWaiting: state.hasWaiting)
      state.open = nil
      state.tickets = []
      state.hasWaiting = false
      return (work, false, false, false)
    }
  }

  /// - Returns: whether something may be left to do. What cannot be done now is tried again with the
  ///   next batch or query.
  private func settle() -> Bool {
    do throws(StoreError) {
      guard let found = try store.settle() else { return false }
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
    var commit = Metrics.Commit(
      updates: batch.updateCount, outcomes: nil, seconds: 0)
    defer {
      commit.seconds = metrics.seconds - start
      metrics.note(commit)
    }
    do throws(StoreError) {
      commit.outcomes = try store.ingest(batch)
      version.grow()
      state.withLock { $0.failure = nil }
      return nil
    } catch {
      state.withLock { $0.failure = (error, metrics.seconds) }
      return error
    }
  }
}
