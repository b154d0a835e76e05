import Alerting
import Dispatch
import Ingest
import Locks
import Logging
import SQLiteStorage
import Service
import Storage

/// The threads of a service, which are all started and joined here. The main thread runs the
/// listener's loop; the thread that waits for signals is started earlier.
struct ServiceThreads {
  /// The work of the threads.
  struct Work {
    var store: SQLiteStore
    var dependencies: ServiceDependencies
    var scheduler: Scheduler
    var clock: SystemClock
  }

  private let work: Work
  private let writer: ServiceThread
  private let checkpoints: ServiceThread
  private let readers: [ServiceThread]
  private let changing: ServiceThread
  private let scheduling: ServiceThread
  private let schedulingStopped = DispatchSemaphore(value: 0)
  /// The thread that sends due notifications. It is nil where the time comes from a file: they are
  /// then sent on request only, as other jobs run.
  private let sending: ServiceThread?

  init(_ work: Work, _ callbacks: IngestQueue.Callbacks) throws(SystemError) {
    self.work = work
    work.store.writes.handOver()
    writer = try ServiceThread { [queue = work.dependencies.queue] in queue.run(callbacks) }
    checkpoints = try ServiceThread { [work] in
      do throws(StoreError) {
        try work.store.runCheckpoints()
      } catch {
        work.dependencies.log.error(
          "WAL checkpoint failed", metadata: ["reason": "\(error.sentence)"])
      }
    }
    readers = try (0..<2).map { _ throws(SystemError) in
      try ServiceThread(work.dependencies.workers.queries.run)
    }
    changing = try ServiceThread(work.dependencies.workers.changes.run)
    scheduling = try ServiceThread { [work, schedulingStopped] in
      Self.schedule(work, until: schedulingStopped)
    }
    sending = work.clock.isFile ? nil : try ServiceThread(work.dependencies.notices.run)
  }

  /// Starts a thread that ends by itself, for the notifications of one channel.
  ///
  /// - Returns: false where none can be started.
  @Sendable
  static func startLane(_ body: @escaping @Sendable () -> Void) -> Bool {
    (try? ServiceThread(body)) != nil
  }

  private static func schedule(_ work: Work, until stopped: DispatchSemaphore) {
    var releaseTimes: [Int64] = []
    while true {
      let pause = work.scheduler.pause(atMonotonicMilliseconds: SystemClock.monotonicMilliseconds())
      if stopped.wait(timeout: .now() + .milliseconds(Int(pause))) == .success { return }
      let now = SystemClock.monotonicMilliseconds()
      if let time = releaseTimes.first, now >= time {
        work.store.releaseMemory()
        IdleMemory.release()
        releaseTimes.removeFirst()
      }
      let due = work.scheduler.tick(at: work.clock.now(), monotonicMilliseconds: now)
      for case .job in due { releaseTimes = [now, now + Self.slowJobMilliseconds] }
    }
  }

  /// Most jobs have ended at the tick after the one that started them, and nearly all after this
  /// time: nothing needs their memory until the next ones.
  private static let slowJobMilliseconds: Int64 = 5000

  /// Stops the threads, once the listener has drained. The writer ends when no other thread needs
  /// it; from then on the calling thread owns the writes.
  func stop() {
    schedulingStopped.signal()
    work.dependencies.notices.stop()
    work.dependencies.workers.queries.close()
    work.dependencies.workers.changes.close()
    for thread in readers + [changing, scheduling] { thread.join() }
    sending?.join()
    work.dependencies.notices.close()
    work.store.writes.close()
    writer.join()
    work.store.writes.takeOver()
    work.store.stopCheckpoints()
    checkpoints.join()
  }
}
