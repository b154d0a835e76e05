internal import Alerting
internal import Locks
internal import Metrics
internal import ReleaseHealth
internal import Storage

/// Evaluates the alert rules. Their queries run on the thread of changes, so that no batch waits
/// for them; the results are stored on the writer's.
final class AlertsJob: PeriodicJob {
  private struct State {
    /// The results of the rules; nil before they were evaluated.
    var evaluated: Result<[AlertResult], StoreError>?
    var changes = 0
  }

  private let alerts: AlertRunner
  private let dependencies: ServiceDependencies
  private let time: Timestamp
  private let state = Locked(State())

  init(_ dependencies: ServiceDependencies, at time: Timestamp) {
    alerts = AlertRunner(
      store: dependencies.store, alerts: dependencies.records, catalog: dependencies.catalog,
      webURL: dependencies.notices.webURL)
    self.dependencies = dependencies
    self.time = time
  }

  /// Rules are evaluated each minute, so only changes are logged.
  var hasNews: Bool { state.withLock { $0.changes > 0 } }

  /// Runs the queries of the rules. A step does so if it was not done before.
  func evaluate() {
    let evaluated: Result<[AlertResult], StoreError>
    do throws(StoreError) {
      let limit = UntilClosed(dependencies.workers.queries)
      evaluated = .success(
        try CurrentQuery.bound(to: limit) { () throws(StoreError) in
          try alerts.evaluate(at: time)
        })
    } catch {
      evaluated = .failure(error)
    }
    state.withLock { $0.evaluated = evaluated }
  }

  func step() throws(StoreError) -> String? {
    if state.withLock({ $0.evaluated == nil }) { evaluate() }
    let results = try state.withLock { $0.evaluated }?.get() ?? []
    let changes = try alerts.keep(results)
    state.withLock { $0.changes = changes }
    dependencies.metrics.note(results)
    if changes > 0 { dependencies.notices.wake() }
    return (results.count == 1 ? "1 rule" : "\(results.count) rules")
      + (changes == 1 ? ", 1 change" : ", \(changes) changes")
  }
}
