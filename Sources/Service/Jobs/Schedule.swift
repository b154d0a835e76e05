package import ReleaseHealth

/// What is due when: by the hours and minutes of the service's clock, and by a clock that is never
/// set back.
package struct Schedule: Sendable {
  /// Something that is done again and again.
  package enum Task: Hashable, Sendable {
    /// Changes by commands take effect.
    case catalog
    /// The operators' file of alert rules is read again when it has changed.
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

  /// - Parameters:
  ///   - monotonicMilliseconds: when the service starts, by a clock that is never set back.
  ///   - runsJobs: whether jobs are due at all; else they run only when they are asked to.
  package init(startingAt monotonicMilliseconds: Int64, runsJobs: Bool) {
    self.runsJobs = runsJobs
    nextCatalog = monotonicMilliseconds + Self.catalogMilliseconds
    nextRetention = monotonicMilliseconds + Self.firstRetentionMilliseconds
  }

  /// Takes what is due, once, in the order in which it is to be done.
  package mutating func takeDue(
    at now: Timestamp, monotonicMilliseconds: Int64
  ) -> [Task] {
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
    // The first run after a standstill is about the minute that runs; those missed stay so.
    if now.minute != alertsMinute {
      alertsMinute = now.minute
      due.append(.job(.alerts))
    }
    // A run that takes longer than the time to the next one is waited for.
    if monotonicMilliseconds >= nextRetention, !isRetentionRunning {
      isRetentionRunning = true
      nextRetention = monotonicMilliseconds + Self.retentionMilliseconds
      due.append(.job(.retention))
    }
    return due
  }

  /// A run of the retention that was due has ended.
  package mutating func noteRetentionEnded() {
    isRetentionRunning = false
  }

  /// After how many milliseconds to look again.
  package func pause(atMonotonicMilliseconds now: Int64) -> Int64 {
    max(0, nextCatalog - now)
  }
}
