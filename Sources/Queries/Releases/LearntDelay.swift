internal import Bytes
internal import ReleaseHealth
internal import Storage

extension ReportingDelay {
  /// The number of days from which the reporting delay of a project is learnt.
  private static let learningDays = 7

  /// Learns the reporting delay of the bad sessions of projects from the arrival log of the last
  /// days. Blocks.
  static func learnt(
    from projects: Set<ProjectID>, _ environments: EnvironmentSelection, bad: BadStatuses,
    now: Timestamp, _ store: any OutcomeStore
  ) throws(StoreError) -> ReportingDelay {
    let first = now.hour + 1 - learningDays * 24
    var query = HealthQuery(projects: projects, minutes: first * 60..<(now.hour + 1) * 60)
    query.filter = .environments(environments)
    query.intervalMinutes = 60
    return ReportingDelay(
      ReportedSessions(try store.history(query), firstHour: first, bad: bad), now: now.hour - first)
  }

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
