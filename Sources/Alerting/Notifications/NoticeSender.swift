package import Access
internal import Dispatch
package import Logging
internal import Locks
internal import ReleaseHealth
package import Storage

/// Takes notices out of the queue and brings them to their channels.
///
/// One thread looks what is due, and sleeps; each channel that has something gets a thread for as
/// long as that takes, so that one that is slow holds nobody up. Within a channel notices keep their
/// order. What became of a notice is written down behind the attempt: one that was cut off is made
/// again, with the same key.
package final class NoticeSender: Sendable {
  private struct State {
    /// Channels that a thread works for.
    var busy: Set<Int64> = []
    var tests = 0
    var isStopped = false
    var attempts = Tally()
  }

  /// What became of attempts: those of a run of the job, or all since the start.
  package struct Tally: Equatable, Sendable {
    package var delivered = 0
    package var failed = 0
    package var givenUp = 0

    fileprivate mutating func add(_ progress: NoticeProgress) {
      if progress.delivered != nil {
        delivered += 1
      } else if progress.nextAttempt != nil {
        failed += 1
      } else {
        givenUp += 1
      }
    }

    package var summary: String {
      "\(delivered) delivered, \(failed) to be tried again, \(givenUp) given up"
    }
  }

  package let store: any NoticeStore
  let clients: NotificationClients
  private let catalog: CatalogCache
  private let clock: WallClock
  private let random: @Sendable () -> UInt128
  /// The page to look at; nil while the service knows no address of its own.
  let webURL: String?
  /// Is told when the history has changed.
  private let changed: @Sendable () -> Void
  /// Runs work on a thread of its own; false where there is none.
  package let startThread: @Sendable (@escaping @Sendable () -> Void) -> Bool
  private let log: Logger
  private let state = Locked(State())
  private let woken = DispatchSemaphore(value: 0)
  private let stopped = DispatchSemaphore(value: 0)

  /// So many channels are served at a time.
  private static let lanesMax = 4
  private static let testsMax = 4
  /// The queue is looked at so often at least: a command may have put something in.
  private static let pauseMillisecondsMax: Int64 = 60_000
  private static let pauseMillisecondsMin: Int64 = 200

  package init(
    store: any NoticeStore, clients: NotificationClients, catalog: CatalogCache, clock: WallClock,
    random: @escaping @Sendable () -> UInt128, webURL: String?,
    changed: @escaping @Sendable () -> Void,
    startThread: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool, log: Logger
  ) {
    self.store = store
    self.clients = clients
    self.catalog = catalog
    self.clock = clock
    self.random = random
    self.webURL = webURL
    self.changed = changed
    self.startThread = startThread
    self.log = log
  }

  // MARK: The thread

  /// Serves on the calling thread until ``stop()``.
  package func run() {
    while !state.withLock({ $0.isStopped }) {
      let pause = serveDue()
      _ = woken.wait(timeout: .now() + .milliseconds(Int(pause)))
    }
  }

  /// Waits, after ``stop()`` and the end of ``run()``, for attempts that are nearly done, two seconds
  /// at most. What is not done by then is sent again after the next start.
  package func close() {
    for _ in 0..<Self.stopStepsMax where state.withLock({ !$0.busy.isEmpty }) {
      _ = woken.wait(timeout: .now() + .milliseconds(100))
    }
  }

  private static let stopStepsMax = 20

  /// Puts the notices of changed levels into the queues, and has these looked at. What fails here is
  /// done again by the thread.
  func enqueueTransitions() {
    do throws(StoreError) {
      try enqueueWaiting()
    } catch {
      log.error("notices not enqueued", metadata: ["reason": "\(error.sentence)"])
    }
    wake()
  }

  private func enqueueWaiting() throws(StoreError) {
    let count = try AlertNotice.enqueueAll(
      of: store, projects: catalog.snapshot.catalog.projects, webURL: webURL)
    if count > 0 { changed() }
  }

  /// Has the queue looked at: something was put in.
  package func wake() {
    woken.signal()
  }

  /// Has ``run()`` return. No attempt begins any more.
  package func stop() {
    state.withLock { $0.isStopped = true }
    stopped.signal()
    woken.signal()
  }

  /// Starts a thread for each channel that has something due.
  ///
  /// - Returns: how long nothing else will be, in milliseconds.
  private func serveDue() -> Int64 {
    do throws(StoreError) {
      try enqueueWaiting()
      for notice in try store.dueNotices(at: clock.now) {
        let channel = notice.channel
        guard claim(channel, lanesMax: Self.lanesMax) else { continue }
        let isStarted = startThread { [self] in
          _ = drain(channel)
          release(channel)
          wake()
        }
        if !isStarted { release(channel) }
      }
      guard let next = try store.nextNoticeDue() else { return Self.pauseMillisecondsMax }
      let pause = next.milliseconds - clock.now.milliseconds
      return min(max(pause, Self.pauseMillisecondsMin), Self.pauseMillisecondsMax)
    } catch {
      log.error("notices not read", metadata: ["reason": "\(error.sentence)"])
      return Self.pauseMillisecondsMax
    }
  }

  private func claim(_ channel: Int64, lanesMax: Int) -> Bool {
    state.withLock { state in
      if state.isStopped || state.busy.count >= lanesMax { return false }
      return state.busy.insert(channel).inserted
    }
  }

  private func release(_ channel: Int64) {
    state.withLock { state in _ = state.busy.remove(channel) }
  }

  // MARK: The job

  /// Delivers all that is due, on the calling thread, and returns when that is done.
  package func runDue() throws(StoreError) -> Tally {
    var tally = Tally()
    try enqueueWaiting()
    for notice in try store.dueNotices(at: clock.now) {
      guard claim(notice.channel, lanesMax: .max) else { continue }
      let served = drain(notice.channel)
      release(notice.channel)
      tally.delivered += served.delivered
      tally.failed += served.failed
      tally.givenUp += served.givenUp
    }
    return tally
  }

  /// Delivers what is due of a channel, the oldest first.
  private func drain(_ channel: Int64) -> Tally {
    var tally = Tally()
    do throws(StoreError) {
      while !state.withLock({ $0.isStopped }) {
        let due = try store.dueNotices(at: clock.now).first { $0.channel == channel }
        guard let due, let place = try store.channels(of: nil).first(where: { $0.id == channel })
        else { break }
        let progress = attempt(due, through: place)
        tally.add(progress)
        state.withLock { $0.attempts.add(progress) }
        guard keep(progress, of: due) else { break }
      }
    } catch {
      log.error("notices not read", metadata: ["reason": "\(error.sentence)"])
    }
    return tally
  }

  /// Writes down what became of a notice, as soon as that is possible: what cannot be written is not
  /// to be sent over and over.
  ///
  /// - Returns: false when the service stopped before it was.
  private func keep(_ progress: NoticeProgress, of notice: NoticeRecord) -> Bool {
    while true {
      do throws(StoreError) {
        try store.record(progress, of: notice)
        changed()
        return true
      } catch {
        log.error(
          "notice not recorded",
          metadata: ["notice": "\(notice.id)", "reason": "\(error.sentence)"])
        if stopped.wait(timeout: .now() + .seconds(10)) == .success {
          // For the next one that waits.
          stopped.signal()
          return false
        }
      }
    }
  }

  // MARK: Attempts

  private func attempt(
    _ record: NoticeRecord, through channel: NoticeChannel
  ) -> NoticeProgress {
    var progress = record.progress
    progress.attempts += 1
    let outcome = deliver(record.notice, through: channel)
    let now = clock.now
    let metadata: Logger.Metadata = [
      "channel": "\(channel.name)", "notice": "\(record.id)", "attempt": "\(progress.attempts)",
    ]
    progress.nextAttempt = nil
    switch outcome {
    case .delivered:
      progress.delivered = now
      progress.failure = nil
      log.info("notice delivered", metadata: metadata)
    case .failed(let reason, let isPermanent, let retryAfter):
      progress.failure = reason
      progress.nextAttempt = RetrySchedule.next(
        attempts: progress.attempts, created: record.notice.created, now: now,
        failure: (isPermanent, retryAfter),
        jitter: Double(random() >> 104) / Double(1 << 24))
      var metadata = metadata
      metadata["reason"] = "\(reason)"
      if progress.nextAttempt == nil {
        log.error("notice given up", metadata: metadata)
      } else {
        log.warning("notice not delivered", metadata: metadata)
      }
    }
    return progress
  }

  private func deliver(
    _ notice: Notice, through channel: NoticeChannel
  ) -> NoticeDelivery.Outcome {
    guard let settings = ChannelSettings(channel) else {
      return .failed("the channel's settings cannot be read", isPermanent: true, retryAfter: nil)
    }
    // The same for as long as the database lives, and nothing that could be turned back.
    let installation = catalog.snapshot.hasher.hash("installation\nof notices").value
    return NoticeDelivery(
      clients: clients, installation: installation, requestID: random(), now: clock.now
    ).deliver(notice, to: settings)
  }

  /// Since the start, without tests.
  package var attempts: Tally { state.withLock { $0.attempts } }

  // MARK: Tests

  /// Sends a notice that only says that the channel works, at once and once, and puts what became of
  /// it into the history.
  ///
  /// - Returns: nil when too many of them are under way.
  package func test(_ channel: NoticeChannel) throws(StoreError) -> NoticeRecord? {
    let isFree = state.withLock { state in
      if state.tests >= Self.testsMax { return false }
      state.tests += 1
      return true
    }
    guard isFree else { return nil }
    defer { state.withLock { $0.tests -= 1 } }
    let now = clock.now
    let notice = TestNotice.notice(
      channel, key: "test-" + String(random(), radix: 36), webURL: webURL, at: now)
    var progress = NoticeProgress()
    progress.attempts = 1
    switch deliver(notice, through: channel) {
    case .delivered: progress.delivered = clock.now
    case .failed(let reason, _, _): progress.failure = reason
    }
    log.info(
      "channel tested",
      metadata: ["channel": "\(channel.name)", "delivered": "\(progress.delivered != nil)"])
    let id = try store.addToHistory(notice, channel: channel.id, progress)
    changed()
    return NoticeRecord(id: id, channel: channel.id, notice: notice, progress: progress)
  }
}
