package import Access
internal import Dispatch
package import Logging
internal import Locks
internal import ReleaseHealth
package import Storage

/// Takes notifications out of the queue and delivers them to their channels.
///
/// One thread checks what is due, and sleeps. Each channel with due notifications gets a thread for
/// as long as that takes, so that a slow one delays no other. Within a channel notifications keep
/// their order. The outcome is stored after the attempt: an interrupted attempt is repeated with
/// the same key.
package final class NoticeSender: Sendable {
  private struct State {
    /// The channels that a thread works for.
    var busy: Set<Int64> = []
    var tests = 0
    var isStopped = false
    var attempts = Tally()
  }

  /// The number of attempts by outcome, in a run of the job or since the start.
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
  /// The address of the web page in notifications; nil while the service does not know its own.
  package let webURL: String?
  /// Called when the history has changed.
  private let changed: @Sendable () -> Void
  /// Runs work on a new thread; false where none can be started.
  package let startThread: @Sendable (@escaping @Sendable () -> Void) -> Bool
  private let log: Logger
  private let state = Locked(State())
  private let woken = DispatchSemaphore(value: 0)
  private let stopped = DispatchSemaphore(value: 0)

  /// The maximum number of channels that are served at a time.
  private static let lanesMax = 4
  private static let testsMax = 4
  /// The longest pause between checks of the queue, to which a command may have added.
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

  /// Runs the sender on the calling thread until ``stop()``.
  package func run() {
    while !state.withLock({ $0.isStopped }) {
      let pause = serveDue()
      _ = woken.wait(timeout: .now() + .milliseconds(Int(pause)))
    }
  }

  /// Waits, after ``stop()`` and the end of ``run()``, up to two seconds for running attempts.
  /// Those that have not ended by then are repeated after the next start.
  package func close() {
    for _ in 0..<Self.stopStepsMax where state.withLock({ !$0.busy.isEmpty }) {
      _ = woken.wait(timeout: .now() + .milliseconds(100))
    }
  }

  private static let stopStepsMax = 20

  /// Adds the notifications of changed levels to the queues, and wakes the thread, which repeats
  /// what fails here.
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

  /// Checks the queue now, because a notification was added.
  package func wake() {
    woken.signal()
  }

  /// Makes ``run()`` return. No further attempt begins.
  package func stop() {
    state.withLock { $0.isStopped = true }
    stopped.signal()
    woken.signal()
  }

  /// Starts a thread for each channel with due notifications.
  ///
  /// - Returns: the time until the next one is due, in milliseconds.
  private func serveDue() -> Int64 {
    do throws(StoreError) {
      try enqueueWaiting()
      for notice in try store.dueNotices(at: clock.now) {
        let channel = notice.channel
        guard claim(channel, lanesMax: Self.lanesMax) else { continue }
        let isStarted = startThread { [self] in
          var tally = Tally()
          drain(channel, &tally)
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

  /// Delivers all due notifications on the calling thread.
  package func runDue() throws(StoreError) -> Tally {
    var tally = Tally()
    try enqueueWaiting()
    for notice in try store.dueNotices(at: clock.now) {
      guard claim(notice.channel, lanesMax: .max) else { continue }
      drain(notice.channel, &tally)
      release(notice.channel)
    }
    return tally
  }

  /// Delivers the due notifications of a channel, the oldest first.
  private func drain(_ channel: Int64, _ tally: inout Tally) {
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
  }

  /// Stores the outcome of an attempt, and retries until it is stored: otherwise the notification
  /// would be sent over and over.
  ///
  /// - Returns: false when the service stopped before.
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
          // Wakes the next waiting thread.
          stopped.signal()
          return false
        }
      }
    }
  }

  // MARK: Attempts

  private func attempt(_ record: NoticeRecord, through channel: NoticeChannel) -> NoticeProgress {
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
        failure: (isPermanent, retryAfter), jitter: Double(random() >> 104) / Double(1 << 24))
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

  private func deliver(_ notice: Notice, through channel: NoticeChannel) -> NoticeDelivery.Outcome {
    guard let settings = ChannelSettings(channel) else {
      return .failed("the channel's settings cannot be read", isPermanent: true, retryAfter: nil)
    }
    // Constant for the life of the database, and not reversible.
    let installation = catalog.snapshot.hasher.hash("installation\nof notices").value
    return NoticeDelivery(
      clients: clients, installation: installation, requestID: random(), now: clock.now
    ).deliver(notice, to: settings)
  }

  /// The attempts since the start, without tests.
  package var attempts: Tally { state.withLock { $0.attempts } }

  // MARK: Tests

  /// Sends a test notification once, without retries, and adds its outcome to the history.
  ///
  /// - Returns: nil when too many tests are running.
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
