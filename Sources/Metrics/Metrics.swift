internal import Locks
package import ReleaseHealth
package import Storage

/// What the service counts of its own work, for `/metrics`. It begins anew with the process.
package final class Metrics: StoreObserver {
  /// Where a request went.
  package enum Endpoint: Int, CaseIterable {
    case envelope, store, api, dashboard, health, readiness, metrics, other
  }

  /// A batch, as it was stored or was not.
  package struct Commit {
    package var updates: Int
    /// What became of the items; nil when nothing was stored.
    package var outcomes: [OutcomeKey: Int64]?
    package var seconds: Double

    package init(updates: Int, outcomes: [OutcomeKey: Int64]?, seconds: Double) {
      self.updates = updates
      self.outcomes = outcomes
      self.seconds = seconds
    }
  }

  /// All counts, at one moment.
  package struct State: Sendable {
    /// By the number of the ``Endpoint``.
    package var requests: [Int64] = Array(repeating: 0, count: Endpoint.allCases.count)
    package var outcomes: [OutcomeKey: Int64] = [:]
    /// Requests to ingest that were refused as a whole, by status.
    package var refusals: [Int: Int64] = [:]
    /// How long envelopes waited for their answers.
    package var ingestSeconds = Histogram.seconds
    package var commitFailures: Int64 = 0
    package var commitSeconds = Histogram.seconds
    package var commitUpdates = Histogram.updates
    /// What the store did on its own account.
    package var workSeconds: [StoreWork: Histogram] = [:]
    /// By the pattern of the route.
    package var querySeconds: [String: Histogram] = [:]
    package var queryFailures: Int64 = 0
    /// The last run of each job.
    package var jobs: [String: JobRun] = [:]
    package var jobFailures: [String: Int64] = [:]
    /// Rules by their level, as of the last evaluation.
    package var alertRules: [AlertLevel: Int64] = [:]
    package var alertEvaluations: Int64 = 0
  }

  private let clock: @Sendable () -> Int64
  private let state = Locked(State())

  /// - Parameter monotonicNanoseconds: a clock that is never set back.
  package init(monotonicNanoseconds: @escaping @Sendable () -> Int64 = { 0 }) {
    clock = monotonicNanoseconds
  }

  package var monotonicNanoseconds: Int64 { clock() }

  package var current: State { state.withLock { $0 } }

  /// Seconds since an arbitrary instant.
  package var seconds: Double { Double(monotonicNanoseconds) / 1e9 }

  package func count(_ endpoint: Endpoint) {
    state.withLock { $0.requests[endpoint.rawValue] += 1 }
  }

  package func countRefusal(_ status: Int) {
    state.withLock { $0.refusals[status, default: 0] += 1 }
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

  /// Envelopes that were whole at those times, by ``seconds``, are answered.
  package func noteAnswers(toEnvelopesWholeAt times: some Sequence<Double>) {
    let now = seconds
    state.withLock { state in
      for time in times { state.ingestSeconds.observe(now - time) }
    }
  }

  /// The store did some work on its own account.
  package func note(_ work: StoreWork, seconds: Double) {
    state.withLock { $0.workSeconds[work, default: .seconds].observe(seconds) }
  }

  /// What was found of items that were stored before.
  package func note(_ outcomes: [OutcomeKey: Int64]) {
    state.withLock { $0.outcomes.merge(outcomes, uniquingKeysWith: +) }
  }

  package func noteQuery(_ route: String, seconds: Double, isFailure: Bool) {
    state.withLock { state in
      state.querySeconds[route, default: .seconds].observe(seconds)
      if isFailure { state.queryFailures += 1 }
    }
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

/// What the process and its files look like from outside, read when `/metrics` is asked for.
package struct ProcessFigures: Sendable {
  package var cpuSeconds = 0.0
  package var residentBytes: Int64 = 0
  package var virtualBytes: Int64 = 0
  package var openDescriptors: Int64 = 0
  package var descriptorsMax: Int64 = 0
  /// Seconds since 1970.
  package var startSeconds = 0.0
  package var connections: Int64 = 0
  /// Updates that are durable and wait to be folded into their sessions.
  package var pendingUpdates: Int64 = 0
  package var databaseBytes: Int64 = 0
  /// Of the database's log, which is part of the data until it is brought into the file.
  package var logBytes: Int64 = 0
  package var version = ""

  package init() {}
}
