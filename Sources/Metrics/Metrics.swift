internal import Locks
package import ReleaseHealth
package import Storage

/// The counters and histograms of the service for `/metrics`. They start at zero with the process.
package final class Metrics: StoreObserver {
  /// The endpoint of a request.
  package enum Endpoint: Int, CaseIterable {
    case envelope, store, api, dashboard, health, readiness, metrics, other
  }

  /// What a token came in.
  package enum Credentials: String, CaseIterable, Sendable {
    case signIn = "sign_in"
    case bearer
    case cookie
  }

  /// A batch that was committed or failed.
  package struct Commit {
    package var updates: Int
    /// The outcomes of the items; nil if the commit failed.
    package var outcomes: [OutcomeKey: Int64]?
    package var seconds: Double

    package init(updates: Int, outcomes: [OutcomeKey: Int64]?, seconds: Double) {
      self.updates = updates
      self.outcomes = outcomes
      self.seconds = seconds
    }
  }

  /// A snapshot of all metrics.
  package struct State: Sendable {
    /// Requests by the number of the ``Endpoint``.
    package var requests: [Int64] = Array(repeating: 0, count: Endpoint.allCases.count)
    package var outcomes: [OutcomeKey: Int64] = [:]
    /// Ingest requests that were rejected as a whole, by status.
    package var refusals: [Int: Int64] = [:]
    /// The rejected requests that were beyond a quota, by project.
    package var requestsBeyondQuota: [ProjectID: Int64] = [:]
    /// Seconds from a complete envelope to its answer.
    package var ingestSeconds = Histogram.seconds
    package var commitFailures: Int64 = 0
    package var commitSeconds = Histogram.seconds
    package var commitUpdates = Histogram.updates
    /// Seconds of the store's background work, by kind.
    package var workSeconds: [StoreWork: Histogram] = [:]
    /// Seconds of API queries, by the pattern of the route.
    package var querySeconds: [String: Histogram] = [:]
    package var queryFailures: Int64 = 0
    /// Queries that had to end or begin again, by reason.
    package var queryStops: [QueryStop: Int64] = [:]
    /// Parameters and members without effect in answered requests, by the pattern of the route.
    package var withoutEffect: [String: Int64] = [:]
    /// Requests with a wrong token, by what it came in.
    package var authenticationFailures: [Credentials: Int64] = [:]
    /// The last run of each job.
    package var jobs: [String: JobRun] = [:]
    package var jobFailures: [String: Int64] = [:]
    /// Alert rules by level, as of the last evaluation.
    package var alertRules: [AlertLevel: Int64] = [:]
    package var alertEvaluations: Int64 = 0
  }

  private let clock: @Sendable () -> Int64
  private let state = Locked(State())

  /// - Parameter monotonicNanoseconds: reads a monotonic clock.
  package init(monotonicNanoseconds: @escaping @Sendable () -> Int64 = { 0 }) {
    clock = monotonicNanoseconds
  }

  package var monotonicNanoseconds: Int64 { clock() }

  package var current: State { state.withLock { $0 } }

  /// The monotonic time in seconds since an arbitrary instant.
  package var seconds: Double { Double(monotonicNanoseconds) / 1e9 }

  package func count(_ endpoint: Endpoint) {
    state.withLock { $0.requests[endpoint.rawValue] += 1 }
  }

  package func countRefusal(_ status: Int) {
    state.withLock { $0.refusals[status, default: 0] += 1 }
  }

  package func countRequestBeyondQuota(of project: ProjectID) {
    state.withLock { $0.requestsBeyondQuota[project, default: 0] += 1 }
  }

  package func countFailure(of kind: Credentials) {
    state.withLock { $0.authenticationFailures[kind, default: 0] += 1 }
  }

  package func note(_ commit: Commit) {
    state.withLock { state in
      state.commitSeconds.observe(commit.seconds)
      guard let outcomes = commit.outcomes else {
        state.commitFailures += 1
        return
      }
      state.commitUpdates.observe(Double(commit.updates))
      state.outcomes.merge(outcomes, uniquingKeysWith: +)
    }
  }

  /// Notes the answer to envelopes that were complete at those times, by ``seconds``.
  package func noteAnswers(toEnvelopesWholeAt times: [Double]) {
    let now = seconds
    // Counted before the lock is taken: the loop takes it for each request.
    var waits = Histogram.seconds
    for time in times { waits.observe(now - time) }
    state.withLock { $0.ingestSeconds.add(waits) }
  }

  /// Notes background work of the store.
  package func note(_ work: StoreWork, seconds: Double) {
    state.withLock { $0.workSeconds[work, default: .seconds].observe(seconds) }
  }

  /// Notes outcomes that were found when stored items were folded.
  package func note(_ outcomes: [OutcomeKey: Int64]) {
    state.withLock { $0.outcomes.merge(outcomes, uniquingKeysWith: +) }
  }

  package func noteQuery(_ route: String, seconds: Double, isFailure: Bool) {
    state.withLock { state in
      state.querySeconds[route, default: .seconds].observe(seconds)
      if isFailure { state.queryFailures += 1 }
    }
  }

  /// Counts a query that had to end, or begins again.
  package func count(_ stop: QueryStop) {
    state.withLock { $0.queryStops[stop, default: 0] += 1 }
  }

  /// Counts parameters and members of a request that have no effect.
  package func count(_ names: Int, withoutEffectAt route: String) {
    state.withLock { $0.withoutEffect[route, default: 0] += Int64(names) }
  }

  package func note(_ results: [AlertResult]) {
    state.withLock { state in
      state.alertEvaluations += Int64(results.count)
      state.alertRules = [:]
      for result in results { state.alertRules[result.state.level, default: 0] += 1 }
    }
  }

  package func note(_ run: JobRun) {
    state.withLock { state in
      state.jobs[run.name] = run
      if !run.succeeded { state.jobFailures[run.name, default: 0] += 1 }
    }
  }
}

/// Figures of the process and its files, read for each request of `/metrics`.
package struct ProcessFigures: Sendable {
  package var cpuSeconds = 0.0
  package var residentBytes: Int64 = 0
  package var virtualBytes: Int64 = 0
  package var openDescriptors: Int64 = 0
  package var descriptorsMax: Int64 = 0
  /// The start of the process, in seconds since 1970.
  package var startSeconds = 0.0
  package var connections: Int64 = 0
  /// The bytes that unfinished requests and unread answers hold.
  package var heldBytes: Int64 = 0
  /// How many connections were closed in favour of others, by reason.
  package var closedConnections: [(reason: String, count: Int64)] = []
  /// Committed updates that are not folded into their sessions yet.
  package var pendingUpdates: Int64 = 0
  package var databaseBytes: Int64 = 0
  /// The size of the WAL, which is a part of the data until a checkpoint.
  package var logBytes: Int64 = 0
  package var version = ""

  package init() {}
}
