internal import Dispatch
internal import Glibc
internal import Synchronization

/// The source of batches for the write queue. It is called on the writer's thread only.
package protocol BatchSource: Sendable {
  /// Stores the open batch and answers those who wait for it.
  ///
  /// After it returns that there is no batch, ``WriteQueue/wake()`` announces the next one.
  ///
  /// - Parameter takesOutcomesAlone: whether a batch of outcomes alone is stored, too.
  func storeBatch(takesOutcomesAlone: Bool) -> BatchTurn

  /// Folds a slice of the stored updates; called while there is nothing else to do.
  ///
  /// - Returns: whether something may be left.
  func foldSlice() -> Bool
}

/// The result of a turn for a batch.
package enum BatchTurn: Sendable {
  case stored, nothing
  /// The open batch has only outcomes. Nobody waits for it, so it may grow for some time.
  case outcomesAlone
}

/// The queue of all work on the write connection, which one thread owns: the writer.
///
/// There is no timer: when a batch is stored, everything that arrived meanwhile makes the next one,
/// so that a lone update waits for one sync of the disk, and under load thousands share one.
/// Between two batches each ``Lane`` has one step done, in the order of priority. So a batch waits
/// for few steps, and no lane starves.
///
/// Without a writer thread (commands that open the database themselves, tests, the simulation) the
/// calling thread is the owner while it works. Two at once are a programming error, and trap.
package final class WriteQueue: Sendable {
  /// The kinds of work besides batches, by priority.
  package enum Lane: Int, CaseIterable, Sendable {
    /// A query waits for updates to be folded.
    case query
    /// Changes of the catalog, of alert rules and of notifications; checks of readiness.
    case change
    /// Steps of periodic jobs, paced by ``StepPacing``.
    case job
  }

  /// A piece of work, done step by step.
  ///
  /// @unchecked because one thread makes it and hands it to the owner through the lock; a waiting
  /// thread reads nothing before its end.
  private final class Errand: @unchecked Sendable {
    /// Does one step, and returns whether it was the last.
    var step: (() -> Bool)?
    /// Signalled at the end, where a thread waits.
    let ended: DispatchSemaphore?
    /// Publishes the writes of the steps to the waiting thread.
    let isOver = Atomic(false)

    init(ended: DispatchSemaphore? = nil, _ step: @escaping () -> Bool) {
      self.step = step
      self.ended = ended
    }

    /// Does one step.
    ///
    /// - Returns: whether it was the last.
    func advance() -> Bool {
      if let step, !step() { return false }
      // The step's captures are released before its caller goes on.
      step = nil
      isOver.store(true, ordering: .releasing)
      ended?.signal()
      return true
    }

    func wait() {
      ended?.wait()
      precondition(isOver.load(ordering: .acquiring), "an errand that nobody has done")
    }
  }

  private struct State {
    /// Whether a thread is the owner, or is about to be.
    var isServed = false
    /// Whether the writer waits to be woken.
    var isIdle = false
    var lanes: [[Errand]] = Lane.allCases.map { _ in [] }
  }

  private let state = Locked(State())
  /// The number of errands in the lanes. It is changed with the lock held, and read without.
  private let errandCount = Atomic(0)
  /// The thread that owns the write connection now; 0 for none.
  private let owner = Atomic<UInt>(0)
  private let isClosed = Atomic(false)
  private let awake = DispatchSemaphore(value: 0)
  private let monotonicNanoseconds: @Sendable () -> Int64

  /// Under load the next batch comes within this time; without load, the writer then folds.
  private static let foldMilliseconds = 5

  /// - Parameter monotonicNanoseconds: a clock that is never set back.
  package init(monotonicNanoseconds: @escaping @Sendable () -> Int64 = { 0 }) {
    self.monotonicNanoseconds = monotonicNanoseconds
  }

  // MARK: Work

  /// Makes the owner repeat a step until it returns a value, and waits for that.
  ///
  /// May be called from any thread; on the owner's thread the work is done at once. The caller must
  /// not hold a lock that the writer takes.
  package func perform<Value, Failure: Error>(
    in lane: Lane, _ step: () throws(Failure) -> Value?
  ) throws(Failure) -> Value {
    if isOwner { return try Self.finish(step) }
    var result: Result<Value, Failure>?
    let isQueued = withoutActuallyEscaping(step) { step in
      let errand = Errand(ended: DispatchSemaphore(value: 0)) {
        do throws(Failure) {
          guard let value = try step() else { return false }
          result = .success(value)
        } catch {
          result = .failure(error)
        }
        return true
      }
      let isQueued = enqueue(errand, in: lane, ifServed: true)
      if isQueued { errand.wait() }
      return isQueued
    }
    if let result { return try result.get() }
    precondition(!isQueued, "an errand ended without a result")
    claim()
    defer { owner.store(0, ordering: .releasing) }
    return try Self.finish(step)
  }

  /// Makes the owner repeat a step until it returns true. Nobody waits for it.
  ///
  /// Without a writer thread the work waits for ``doSubmitted()``.
  package func submit(in lane: Lane, _ step: @escaping @Sendable () -> Bool) {
    _ = enqueue(Errand(step), in: lane, ifServed: false)
  }

  /// Whether a thread does all work: others wait for it.
  package var isServed: Bool { state.withLock { $0.isServed } }

  /// Does the submitted work to its end on the calling thread, where there is no writer thread.
  package func doSubmitted() {
    if isServed { return }
    claim()
    defer { owner.store(0, ordering: .releasing) }
    for lane in Lane.allCases {
      while let errand = take(lane) { while !errand.advance() {} }
    }
  }

  private func enqueue(_ errand: Errand, in lane: Lane, ifServed: Bool) -> Bool {
    let (isQueued, wasIdle) = state.withLock { state in
      if ifServed, !state.isServed { return (false, false) }
      state.lanes[lane.rawValue].append(errand)
      errandCount.add(1, ordering: .releasing)
      defer { state.isIdle = false }
      return (true, state.isIdle)
    }
    if wasIdle { awake.signal() }
    return isQueued
  }

  private static func finish<Value, Failure: Error>(
    _ step: () throws(Failure) -> Value?
  ) throws(Failure) -> Value {
    while true {
      if let value = try step() { return value }
    }
  }

  // MARK: The owner

  private static var thread: UInt { UInt(pthread_self()) }

  /// Whether the calling thread owns the write connection.
  package var isOwner: Bool { owner.load(ordering: .relaxed) == Self.thread }

  private func claim() {
    let (isFree, _) = owner.compareExchange(expected: 0, desired: Self.thread, ordering: .acquiring)
    precondition(isFree, "two threads write, and none of them is the writer")
  }

  /// Makes all work wait for the thread that calls ``run(_:)``. Must be called before that thread
  /// is started, and before any other thread has work.
  package func handOver() {
    state.withLock { $0.isServed = true }
  }

  /// Makes the writer look for the next batch of its source.
  package func wake() {
    awake.signal()
  }

  /// Makes the calling thread the owner for good, once ``run(_:)`` has returned: it closes the
  /// store. Work of other threads then waits for the end of the process.
  package func takeOver() {
    claim()
  }

  /// Makes ``run(_:)`` return once every batch is stored and every waiting caller has a result.
  /// Each job does one more step, and goes on after the next start.
  package func close() {
    isClosed.store(true, ordering: .releasing)
    awake.signal()
  }

  /// Runs the writer on the calling thread until ``close()``.
  package func run(_ source: some BatchSource) {
    claim()
    handOver()
    var pacing = StepPacing()
    // Updates that an earlier process left are folded first.
    var mayFold = true
    var takesOutcomesAlone = false
    while true {
      let isClosed = isClosed.load(ordering: .acquiring)
      let batch = source.storeBatch(takesOutcomesAlone: takesOutcomesAlone || isClosed)
      takesOutcomesAlone = false
      if batch == .stored {
        mayFold = true
        pacing.noteBatch(at: seconds)
      }
      if takeTurns(&pacing, isClosed) || batch == .stored { continue }
      switch rest(isClosed) {
      case .over:
        owner.store(0, ordering: .releasing)
        return
      case .none: continue
      case .untilJob: _ = awake.wait(timeout: .now() + pacing.pause(at: seconds))
      case .untilWoken where !mayFold && batch == .nothing: awake.wait()
      case .untilWoken:
        let time = DispatchTime.now() + .milliseconds(Self.foldMilliseconds)
        guard awake.wait(timeout: time) == .timedOut else { continue }
        if batch == .nothing { mayFold = source.foldSlice() } else { takesOutcomesAlone = true }
      }
    }
  }

  private var seconds: Double { Double(monotonicNanoseconds()) / 1e9 }

  /// Does one step of each lane.
  ///
  /// - Returns: whether there was one.
  private func takeTurns(_ pacing: inout StepPacing, _ isClosed: Bool) -> Bool {
    if errandCount.load(ordering: .acquiring) == 0 { return false }
    var didStep = false
    for lane in Lane.allCases {
      if lane == .job, !isClosed, pacing.pause(at: seconds) > 0 { continue }
      guard let errand = take(lane) else { continue }
      didStep = true
      let start = seconds
      let isDone = errand.advance()
      if lane == .job { pacing.noteStep(from: start, to: seconds) }
      if !isDone { putBack(errand, in: lane) }
    }
    return didStep
  }

  private func take(_ lane: Lane) -> Errand? {
    state.withLock { state in
      if state.lanes[lane.rawValue].isEmpty { return nil }
      errandCount.subtract(1, ordering: .relaxed)
      return state.lanes[lane.rawValue].removeFirst()
    }
  }

  /// Jobs take turns. A query that has begun goes first, because it saves the next one work.
  private func putBack(_ errand: Errand, in lane: Lane) {
    state.withLock { state in
      // A job that is cut off at the end goes on after the next start.
      if lane == .job, isClosed.load(ordering: .acquiring) { return }
      let place = lane == .job ? state.lanes[lane.rawValue].count : 0
      state.lanes[lane.rawValue].insert(errand, at: place)
      errandCount.add(1, ordering: .relaxed)
    }
  }

  private enum Rest {
    /// There is work to do.
    case none
    case untilWoken, untilJob
    /// The queue is closed and empty.
    case over
  }

  /// Decides how the writer waits after a turn without work.
  private func rest(_ isClosed: Bool) -> Rest {
    state.withLock { state in
      let hasJobs = !state.lanes[Lane.job.rawValue].isEmpty
      for lane in [Lane.query, .change] where !state.lanes[lane.rawValue].isEmpty { return .none }
      if self.isClosed.load(ordering: .acquiring) != isClosed { return .none }
      if isClosed {
        if hasJobs { return .none }
        return .over
      }
      state.isIdle = true
      return hasJobs ? .untilJob : .untilWoken
    }
  }

  /// Runs the writer where batches come as changes of other threads.
  package func run() {
    run(NoBatches())
  }

  private struct NoBatches: BatchSource {
    func storeBatch(takesOutcomesAlone: Bool) -> BatchTurn { .nothing }
    func foldSlice() -> Bool { false }
  }
}
