internal import Bytes
internal import ReleaseHealth
internal import Storage

/// The arrivals of the last days, from which the reporting delay of projects is learnt.
struct LearningDays {
  private static let count = 7

  private let first: Int
  private let now: Timestamp
  private let history: SessionHistory

  /// Reads the arrival log. Blocks.
  init(
    of projects: Set<ProjectID>, _ environments: EnvironmentSelection, now: Timestamp,
    _ store: any OutcomeStore
  ) throws(StoreError) {
    first = now.hour + 1 - Self.count * 24
    self.now = now
    var query = HealthQuery(projects: projects, minutes: first * 60..<(now.hour + 1) * 60)
    query.filter = .environments(environments)
    query.intervalMinutes = 60
    history = try store.history(query)
  }

  /// The reporting delay of the bad sessions.
  func delay(of bad: BadStatuses) -> ReportingDelay {
    ReportingDelay(
      ReportedSessions(history, firstHour: first, bad: bad), now: now.hour - first)
  }
}

extension ReportingDelay {
  /// - Parameter knownShare: the known share of the crashes that the answer is about.
  func write(knownShare: Double, to json: inout JSONWriter) {
    json.object { json in
      json.member("crashes", crashes)
      json.member("isLearnt", isLearnt)
      json.member("hoursToHalf", isLearnt ? hours(untilShare: 0.5) : nil)
      json.member("hoursToMost", isLearnt ? hours(untilShare: 0.9) : nil)
      json.member("dispersion", dispersion)
      json.member("knownShare", knownShare)
    }
  }
}
