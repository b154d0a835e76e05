internal import ReleaseHealth
internal import Storage

/// Turns changes of sessions into changes of counts: sessions, users and durations by hour and day,
/// the arrival log, and outcomes. It collects the changes of a transaction, so that each row
/// changes once.
final class CountChanges {
  private let counts: CountTables
  private let users: UserTables
  private let durations: DurationTable
  private let upsertArrival: Statement
  private let upsertOutcome: Statement
  private var deltas: [DeltaKey: HourDelta] = [:]
  /// Outcomes found while folding, by hour of arrival.
  private(set) var remarks: [Int: [OutcomeKey: Int64]] = [:]

  /// A bucket, and the 10-minute step in which a change of it arrived.
  private struct DeltaKey: Hashable, Comparable {
    var bucket: BucketKey
    var step: Int

    init(_ hour: Int, _ series: Int, at now: Timestamp) {
      bucket = BucketKey(bucket: hour, seriesID: Int64(series))
      step = now.minute.flooredDivision(by: 10)
    }

    static func < (left: DeltaKey, right: DeltaKey) -> Bool {
      (left.bucket.bucket, left.bucket.seriesID, left.step)
        < (right.bucket.bucket, right.bucket.seriesID, right.step)
    }
  }

  init(_ connection: Connection, counts: CountTables, users: UserTables) throws(StoreError) {
    self.counts = counts
    self.users = users
    durations = try DurationTable(connection)
    // The sums saturate like the counts, since a client can send any number in an aggregate.
    let names = Severity.allCases.map(\.name)
    let columns = names + names.map { "anonymous_\($0)" } + ["repeated", "without_initial"]
    let sums = columns.map { "\($0) = max(min(\($0) + excluded.\($0), 1 << 60), -1 << 60)" }
    upsertArrival = try connection.prepare(
      """
      INSERT INTO arrival (step, scope, hour, \(columns.joined(separator: ", ")))
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET \(sums.joined(separator: ", "))
      """)
    upsertOutcome = try connection.prepare(
      """
      INSERT INTO outcome (hour, project, name, quantity) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity
      """)
  }

  /// Discards what was collected.
  func clear() {
    deltas.removeAll(keepingCapacity: true)
    remarks.removeAll(keepingCapacity: true)
  }

  /// Clears the caches of the tables, since a rollback may have undone what they hold.
  func forget() {
    counts.forget()
    users.forget()
  }

  /// Collects the change that a report made to its session.
  func add(_ transition: Transition, of report: SessionReport) {
    if let withdrawn = transition.withdrawn { add(withdrawn, sign: -1, of: report) }
    if let added = transition.added { add(added, sign: 1, of: report) }
  }

  func add(_ contribution: Contribution, sign: Int64, of report: SessionReport) {
    let (hour, minute) = HourDelta.split(minute: contribution.minute)
    deltas[DeltaKey(hour, report.series, at: report.receivedAt), default: HourDelta()]
      .apply(contribution, minute: minute, sign: sign)
  }

  /// - Parameters:
  ///   - series: the series id.
  ///   - now: the time of arrival.
  func add(_ sessions: AggregatedSessions, of series: Int, user: UserID?, at now: Timestamp) {
    let (hour, minute) = HourDelta.split(minute: sessions.correctedStart.minute)
    deltas[DeltaKey(hour, series, at: now), default: HourDelta()]
      .apply(sessions, user: user, minute: minute)
  }

  /// Counts a report that changed nothing about its session.
  func addRepetition(of report: SessionReport, hour: Int) {
    deltas[DeltaKey(hour, report.series, at: report.receivedAt), default: HourDelta()].repeated += 1
  }

  /// Adds an outcome of a report that was accepted.
  func remark(_ outcome: Outcome, _ project: ProjectID, at arrival: Timestamp) {
    remarks[arrival.hour, default: [:]][
      OutcomeKey(project: project, outcome: outcome), default: 0] += 1
  }

  /// Writes the collected changes in the order of the keys, so that a transaction walks each table
  /// once.
  func write() throws(StoreError) {
    var ordered = deltas.sorted { $0.key < $1.key }[...]
    while let (first, change) = ordered.popFirst() {
      try addArrival(change, first.bucket, step: first.step)
      var delta = change
      // A bucket changes once, by the sum over all steps. Reports are not folded in the order of
      // arrival, so an earlier step may subtract what a later one added.
      while let (key, change) = ordered.first, key.bucket == first.bucket {
        ordered.removeFirst()
        try addArrival(change, key.bucket, step: key.step)
        delta.merge(change)
      }
      try counts.add(delta, first.bucket)
      try users.add(delta.userChanges, first.bucket)
      try durations.add(delta.durations, first.bucket)
    }
  }

  private func addArrival(_ delta: HourDelta, _ key: BucketKey, step: Int) throws(StoreError) {
    let aggregated = delta.aggregated.total
    var change = delta.identified.total
    change += aggregated
    if change.isZero, aggregated.isZero, delta.repeated == 0, delta.withoutInitial == 0 { return }
    upsertArrival.bind(1, step)
    upsertArrival.bind(2, key.seriesID)
    upsertArrival.bind(3, key.bucket)
    for severity in Severity.allCases {
      upsertArrival.bind(4 + Int32(severity.rawValue), change[severity])
      upsertArrival.bind(9 + Int32(severity.rawValue), aggregated[severity])
    }
    upsertArrival.bind(14, delta.repeated)
    upsertArrival.bind(15, delta.withoutInitial)
    try upsertArrival.run()
  }

  func write(_ outcomes: [OutcomeKey: Int64], hour: Int) throws(StoreError) {
    for (key, quantity) in outcomes {
      upsertOutcome.bind(1, hour)
      upsertOutcome.bind(2, key.project.rawValue)
      upsertOutcome.bind(3, key.outcome.name)
      upsertOutcome.bind(4, quantity)
      try upsertOutcome.run()
    }
  }
}
