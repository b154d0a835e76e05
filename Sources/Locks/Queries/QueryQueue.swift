internal import Dispatch
internal import Synchronization

/// The queue of the readers: work without effects that may be stopped and begun again, done by the
/// threads that call ``run()`` in the order of a ``QuerySchedule``.
package final class QueryQueue: Sendable {
  /// Why a query ends or begins again.
  package enum Stop: UInt8, AtomicRepresentable, Sendable {
    case none
    /// It makes room for others, and begins again.
    case restarted
    /// Its time is over.
    case timedOut
    /// Nobody waits for it any more.
    case cancelled
    /// The queue is full of queries of its owner.
    case refused
    /// The service stops.
    case closed
  }

  /// A query, as it is submitted.
  package struct Submission: Sendable {
    var id: UInt64
    var owner: Int64
    var kind: QueryKind
    /// Does the work on a worker's thread, and calls ``QueryRun/stop(isWaiting:)`` often.
    ///
    /// - Returns: false to begin again later, where it was ``Stop/restarted``.
    var work: @Sendable (QueryRun) -> Bool
    /// Called when the query ends without its work, with the reason.
    var ended: @Sendable (Stop) -> Void

    /// - Parameters:
    ///   - id: unique among the queries of the queue.
    ///   - owner: takes turns with other owners.
    ///   - kind: what is known to take as long as it.
    package init(
      id: UInt64, owner: Int64, kind: QueryKind = QueryKind(),
      work: @escaping @Sendable (QueryRun) -> Bool,
      ended: @escaping @Sendable (Stop) -> Void
    ) {
      self.id = id
      self.owner = owner
      self.kind = kind
      self.work = work
      self.ended = ended
    }
  }

  private struct Entry {
    var submission: Submission
    var run: QueryRun
  }

  private struct State {
    var schedule: QuerySchedule
    var entries: [UInt64: Entry] = [:]
    /// The workers that wait to be woken.
    var idleWorkers = 0
    /// The workers that were woken and have not looked yet.
    var wokenWorkers = 0
    var isClosed = false

    mutating func takeOut(_ ids: [UInt64]) -> [Entry] {
      ids.compactMap { entries.removeValue(forKey: $0) }
    }
  }

  private let state: Locked<State>
  private let awake = DispatchSemaphore(value: 0)
  private let monotonicNanoseconds: @Sendable () -> Int64
  /// The time from the submission of a query within which it is done.
  package let timeoutSeconds: Int

  /// - Parameters:
  ///   - waitingMax: the maximum length of the queue.
  ///   - monotonicNanoseconds: a clock that is never set back.
  package init(
    waitingMax: Int = 1000, timeoutSeconds: Int = 10,
    monotonicNanoseconds: @escaping @Sendable () -> Int64 = { 0 }
  ) {
    state = Locked(State(schedule: QuerySchedule(waitingMax: waitingMax)))
    self.timeoutSeconds = timeoutSeconds
    self.monotonicNanoseconds = monotonicNanoseconds
  }

  /// The length of the queue.
  package var waitingCount: Int { state.withLock { $0.schedule.waitingCount } }

  package var isClosed: Bool { state.withLock { $0.isClosed } }

  /// - Returns: nil if the query was taken, or the reason why not.
  package func submit(_ submission: Submission) -> Stop? {
    let now = monotonicNanoseconds()
    let deadline = now + Int64(timeoutSeconds) * 1_000_000_000
    let (refusal, displaced) = state.withLock { state -> (Stop?, Entry?) in
      if state.isClosed { return (.closed, nil) }
      let query = QuerySchedule.Query(
        id: submission.id, owner: submission.owner, kind: submission.kind, deadline: deadline)
      var displaced: Entry?
      switch state.schedule.add(query, at: now) {
      case .refused: return (.refused, nil)
      case .displacing(let id): displaced = state.entries.removeValue(forKey: id)
      case .taken: break
      }
      state.entries[submission.id] = Entry(
        submission: submission, run: QueryRun(submission.id, deadline: deadline, of: self))
      wakeOne(&state)
      return (nil, displaced)
    }
    displaced?.submission.ended(.refused)
    return refusal
  }

  private func wakeOne(_ state: inout State) {
    guard state.idleWorkers > 0, state.schedule.waitingCount > state.wokenWorkers else { return }
    state.idleWorkers -= 1
    state.wokenWorkers += 1
    awake.signal()
  }

  /// Ends a query that nobody waits for. One that has ended, or was never there, is ignored.
  package func cancel(_ id: UInt64) {
    let removed = state.withLock { state -> Entry? in
      state.entries[id]?.run.end(.cancelled)
      return state.schedule.remove(id) ? state.entries.removeValue(forKey: id) : nil
    }
    removed?.submission.ended(.cancelled)
  }

  /// Ends all queries, and lets ``run()`` return. No query is taken afterwards.
  package func close() {
    let removed = state.withLock { state -> [Entry] in
      state.isClosed = true
      for entry in state.entries.values { entry.run.end(.closed) }
      for _ in 0..<state.idleWorkers { awake.signal() }
      state.idleWorkers = 0
      return state.takeOut(state.schedule.removeAll())
    }
    for entry in removed { entry.submission.ended(.closed) }
  }

  // MARK: Workers

  /// Works on the calling thread until the queue is closed.
  package func run() {
    while let entry = take() {
      let isOver = entry.submission.work(entry.run)
      finish(entry, isOver: isOver)
    }
  }

  /// Waits for the next query.
  ///
  /// - Returns: nil when the queue is closed.
  private func take() -> Entry? {
    while true {
      typealias Turn = (next: Entry?, pause: Int64?, expired: [Entry], isClosed: Bool)
      let turn = state.withLock { state -> Turn in
        let now = monotonicNanoseconds()
        let expired = state.takeOut(state.schedule.removeExpired(at: now))
        if state.isClosed { return (nil, nil, expired, true) }
        let next = state.schedule.next(at: now).flatMap { state.entries[$0.id] }
        if next == nil { state.idleWorkers += 1 }
        return (next, state.schedule.pause(at: now), expired, false)
      }
      for entry in turn.expired { entry.submission.ended(.timedOut) }
      if turn.isClosed || turn.next != nil { return turn.next }
      rest(turn.pause)
    }
  }

  /// Waits until there may be something to do.
  private func rest(_ nanoseconds: Int64?) {
    guard let nanoseconds else {
      awake.wait()
      return state.withLock { $0.wokenWorkers = max(0, $0.wokenWorkers - 1) }
    }
    let isWoken = awake.wait(timeout: .now() + .nanoseconds(Int(nanoseconds))) == .success
    state.withLock { state in
      if isWoken {
        state.wokenWorkers = max(0, state.wokenWorkers - 1)
      } else {
        state.idleWorkers = max(0, state.idleWorkers - 1)
      }
    }
  }

  private func finish(_ entry: Entry, isOver: Bool) {
    let id = entry.submission.id
    let stop = state.withLock { state -> Stop in
      let now = monotonicNanoseconds()
      // Between its last look and now it may have been cancelled.
      let stop = isOver ? Stop.none : entry.run.takeRestart()
      if isOver || stop != .none {
        state.schedule.end(id, isDone: isOver && !entry.run.hadToStop, at: now)
        state.entries[id] = nil
      } else {
        state.schedule.putBack(id, at: now)
        wakeOne(&state)
      }
      return stop
    }
    if stop != .none { entry.submission.ended(stop) }
  }

  /// Whether a running query has to make room; ends the waiting ones whose time is over.
  fileprivate func mustYield(_ id: UInt64, isWaiting: Bool, at now: Int64) -> Bool {
    let (mustYield, expired) = state.withLock { state in
      let expired = state.takeOut(state.schedule.removeExpired(at: now))
      if isWaiting {
        state.schedule.noteWaiting(id, at: now)
        return (false, expired)
      }
      let idle = state.idleWorkers + state.wokenWorkers
      return (state.schedule.mustYield(id, at: now, idle: idle), expired)
    }
    for entry in expired { entry.submission.ended(.timedOut) }
    return mustYield
  }

  fileprivate var now: Int64 { monotonicNanoseconds() }
}

/// What a query looks at while it runs.
package final class QueryRun: Sendable {
  private let id: UInt64
  private let deadline: Int64
  private let queue: QueryQueue
  private let requested = Atomic(QueryQueue.Stop.none)
  /// The time of the next look at the queue.
  private let nextLook = Atomic<Int64>(.min)

  private static let lookNanoseconds: Int64 = 2_000_000

  fileprivate init(_ id: UInt64, deadline: Int64, of queue: QueryQueue) {
    self.id = id
    self.deadline = deadline
    self.queue = queue
  }

  /// Why the query has to stop now; nil if it may go on. A look takes some 50 ns.
  ///
  /// - Parameter isWaiting: whether the query only waits, so that its slice begins later.
  package func stop(isWaiting: Bool = false) -> QueryQueue.Stop? {
    let requested = requested.load(ordering: .relaxed)
    if requested != .none { return requested }
    let now = queue.now
    if now >= deadline {
      end(.timedOut)
      return .timedOut
    }
    if now < nextLook.load(ordering: .relaxed), !isWaiting { return nil }
    nextLook.store(now + Self.lookNanoseconds, ordering: .relaxed)
    return queue.mustYield(id, isWaiting: isWaiting, at: now) ? .restarted : nil
  }

  /// Makes the query begin again. Any thread may call it.
  package func restart() {
    _ = requested.compareExchange(expected: .none, desired: .restarted, ordering: .relaxed)
  }

  /// Whether the query had to stop before its work was done.
  fileprivate var hadToStop: Bool { requested.load(ordering: .relaxed) != .none }

  fileprivate func end(_ stop: QueryQueue.Stop) {
    requested.store(stop, ordering: .relaxed)
  }

  /// Forgets a request to begin again, which is about to happen.
  ///
  /// - Returns: why it does not happen; none if it does.
  fileprivate func takeRestart() -> QueryQueue.Stop {
    let (_, found) = requested.compareExchange(
      expected: .restarted, desired: .none, ordering: .relaxed)
    return found == .restarted ? .none : found
  }
}

/// The threads' work of a service, beside the writer's.
package struct Workers: Sendable {
  /// Queries, which read, and are stopped and begun again as others come.
  package var queries: QueryQueue
  /// Changes, which are made once, in order.
  package var changes: WorkQueue

  package init(queries: QueryQueue = QueryQueue(), changes: WorkQueue = WorkQueue()) {
    self.queries = queries
    self.changes = changes
  }
}
