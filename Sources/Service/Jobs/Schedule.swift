package import ReleaseHealth

/// The times at which tasks are due, by the hours and minutes of the service's clock and by a clock
/// that is never set back.
package struct Schedule: Sendable {
  /// A task that is repeated.
  package enum Task: Hashable, Sendable {
    /// Applies changes that commands made.
    case catalog
    /// Reads the operators' file of alert rules again when it has changed.
    case alertRulesFile
    case job(Jobs.Name)
  }

  private let runsJobs: Bool
  private var nextCatalog: Int64
  private var nextRetention: Int64
  private var isRetentionRunning = false
  private var adoptionHour: Int?
  private var alertsMinute: Int?

  private static let catalogMilliseconds: Int64 = 500
  private static let firstRetentionMilliseconds: Int64 = 60_000
  private static let retentionMilliseconds: Int64 = 600_000

  /// - Parameter runsJobs: whether jobs are due at all; otherwise they run only on request.
  package init(startingAt monotonicMilliseconds: Int64, runsJobs: Bool) {
    self.runsJobs = runsJobs
    nextCatalog = monotonicMilliseconds + Self.catalogMilliseconds
    nextRetention = monotonicMilliseconds + Self.firstRetentionMilliseconds
  }

  /// Returns the tasks that are due, each once, in the order in which they are to be done.
  package mutating func takeDue(at now: Timestamp, monotonicMilliseconds: Int64) -> [Task] {
    var due: [Task] = []
    if monotonicMilliseconds >= nextCatalog {
      nextCatalog = monotonicMilliseconds + Self.catalogMilliseconds
      due += [.catalog, .alertRulesFile]
    }
    guard runsJobs else { return due }
    // After a standstill one run makes up for the hours that were missed.
    if now.hour != adoptionHour {
      adoptionHour = now.hour
      due.append(.job(.adoption))
    }
    // The first run after a standstill evaluates the current minute only; missed minutes stay
    // missed.
    if now.minute != alertsMinute {
      alertsMinute = now.minute
      due.append(.job(.alerts))
    }
    // The next run does not start before a long run has ended.
    if monotonicMilliseconds >= nextRetention, !isRetentionRunning {
      isRetentionRunning = true
      nextRetention = monotonicMilliseconds + Self.retentionMilliseconds
      due.append(.job(.retention))
    }
    return due
  }

  /// Notes the end of a retention run that was due.
  package mutating func noteRetentionEnded() {
    isRetentionRunning = false
  }

  /// The number of milliseconds until the next check.
  package func pause(atMonotonicMilliseconds now: Int64) -> Int64 {
    max(0, nextCatalog - now)
  }
}
