package import Access
internal import Locks
package import Logging
package import ReleaseHealth
internal import Storage

/// Runs what is due by the clock, and applies changes that other processes made.
package final class Scheduler: Sendable {
  private let catalog: CatalogCache
  private let jobs: Jobs
  private let alertRulesFile: AlertRulesFile?
  private let log: Logger
  private let schedule: Locked<Schedule>

  /// - Parameter alertRulesFile: the file as read at the start; nil where the operators have none.
  package init(
    _ schedule: Schedule, catalog: CatalogCache, jobs: Jobs, alertRulesFile: AlertRulesFile?,
    log: Logger
  ) {
    self.schedule = Locked(schedule)
    self.catalog = catalog
    self.jobs = jobs
    self.alertRulesFile = alertRulesFile
    self.log = log
  }

  /// Does what is due, and starts the jobs that are due. Called from one thread at a time; jobs may
  /// end later, on other threads.
  ///
  /// - Returns: what was due.
  @discardableResult
  package func tick(at now: Timestamp, monotonicMilliseconds: Int64) -> [Schedule.Task] {
    let due = schedule.withLock {
      $0.takeDue(at: now, monotonicMilliseconds: monotonicMilliseconds)
    }
    for task in due {
      switch task {
      case .catalog: refreshCatalog()
      case .alertRulesFile: alertRulesFile?.readIfChanged()
      case .job(.retention):
        jobs.start(.retention) { [self] _ in schedule.withLock { $0.noteRetentionEnded() } }
      case .job(let name): jobs.start(name)
      }
    }
    return due
  }

  /// The number of milliseconds until the next tick.
  package func pause(atMonotonicMilliseconds now: Int64) -> Int64 {
    schedule.withLock { $0.pause(atMonotonicMilliseconds: now) }
  }

  private func refreshCatalog() {
    do throws(StoreError) {
      try catalog.refresh()
    } catch {
      log.error("catalog refresh failed", metadata: ["reason": "\(error.sentence)"])
    }
  }
}
