internal import Access
internal import Alerting
internal import HTTP
internal import Ingest
internal import Locks
internal import Metrics
internal import ReleaseHealth
internal import Storage

/// The answer to `/metrics`. It stands apart from queries: a thread of its own writes one text for
/// all who wait, and waits only a moment for figures that are read from the store.
final class MetricsPage: Sendable {
  private struct State {
    var waiting: [ExchangeID] = []
    /// Whether a thread writes texts.
    var isServed = false
    /// The second of the monotonic clock, and the number of texts written in it.
    var second: Int64 = .min
    var texts = 0
    var last: Response?
    var isReadingFigures = false
  }

  /// Anybody may scrape, so there is a limit to the work of answering: more scrapes than this in a
  /// second share the last text.
  private static let textsPerSecond = 10
  private static let figuresMilliseconds = 1000

  private let dependencies: ServiceDependencies
  private let sink: any ResponseSink
  private let budgets = BudgetFigures()
  private let rates = RateFigures()
  private let state = Locked(State())

  init(_ dependencies: ServiceDependencies, sink: any ResponseSink) {
    self.dependencies = dependencies
    self.sink = sink
  }

  func answer(_ exchange: ExchangeID) -> RequestDisposition {
    let mustStart = state.withLock { state in
      state.waiting.append(exchange)
      defer { state.isServed = true }
      return !state.isServed
    }
    if mustStart, !dependencies.notices.startThread({ [self] in serve() }) {
      let waiting = state.withLock { state in
        state.isServed = false
        return state.waiting.takeAll()
      }
      sink.respond(.failure(503, "no thread can be started"), to: waiting)
    }
    return .pending
  }

  /// Answers until nobody waits. A text is begun after the last request that it answers.
  private func serve() {
    while true {
      let second = dependencies.metrics.monotonicNanoseconds / 1_000_000_000
      let (waiting, kept) = state.withLock { state -> ([ExchangeID], Response?) in
        state.isServed = !state.waiting.isEmpty
        if state.second != second { (state.second, state.texts) = (second, 0) }
        if state.isServed { state.texts += 1 }
        return (state.waiting.takeAll(), state.texts > Self.textsPerSecond ? state.last : nil)
      }
      if waiting.isEmpty { return }
      if let kept {
        sink.respond(kept, to: waiting)
        continue
      }
      let response = Response(
        headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"], body: text())
      state.withLock { $0.last = response }
      sink.respond(response, to: waiting)
    }
  }

  private func text() -> [UInt8] {
    let (catalog, now) = (dependencies.catalog.snapshot.catalog, dependencies.clock.now)
    refreshFigures(catalog, at: now)
    return MetricsText.write(
      dependencies.metrics.current, dependencies.processFigures(),
      health: (catalog.projects, rates.latest, budgets.latest),
      notices: dependencies.notices.attempts,
      queued: (dependencies.queue.waitingUpdates, dependencies.workers.queries.waitingCount))
  }

  /// Reads the figures of the minute, unless a thread already does. Where that takes long, a later
  /// text has them.
  private func refreshFigures(_ catalog: Catalog, at now: Timestamp) {
    if rates.isCurrent(at: now), budgets.isCurrent(catalog.objectives, at: now) { return }
    let mustRead = state.withLock { state in
      defer { state.isReadingFigures = true }
      return !state.isReadingFigures
    }
    guard mustRead else { return }
    let work: @Sendable () -> Void = { [self] in
      // The service does not stop before its queries end.
      let limit = UntilClosed(dependencies.workers.queries)
      let store = dependencies.store
      try? CurrentQuery.bound(to: limit) { () throws(StoreError) in
        rates.read(catalog.projects, now: now, store: store)
        budgets.read(catalog.objectives, now: now, store: store)
      }
      state.withLock { $0.isReadingFigures = false }
    }
    let startThread = dependencies.notices.startThread
    _ = BriefWait.run(milliseconds: Self.figuresMilliseconds, startThread, work)
  }
}

extension [ExchangeID] {
  fileprivate mutating func takeAll() -> [ExchangeID] {
    defer { self = [] }
    return self
  }
}
