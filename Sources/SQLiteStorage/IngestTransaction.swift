internal import ReleaseHealth
internal import Storage

/// Folds batches of updates into the database, each in one transaction. Lives on the writer's
/// connection.
final class IngestTransaction {
  private let connection: Connection
  private let interning: Interning
  private let insertSession: Statement
  private let selectSession: Statement
  private let updateSession: Statement
  private let counts: CountTables
  private let users: UserTables
  private let selectDurations: Statement
  private let upsertDurations: Statement
  private let upsertArrival: Statement
  private let upsertOutcome: Statement
  /// What the batch at hand changes.
  private var deltas: [BucketKey: HourDelta] = [:]

  init(
    _ connection: Connection, interning: Interning, counts: CountTables, users: UserTables
  ) throws(StoreError) {
    self.connection = connection
    self.interning = interning
    self.users = users
    self.counts = counts
    insertSession = try connection.prepare(
      """
      INSERT INTO session (started, sid, scope, flags, duration, users, earliest, latest)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
      """)
    selectSession = try connection.prepare(
      """
      SELECT flags, duration, users, earliest, latest FROM session
      WHERE started = ? AND sid = ? AND scope = ?
      """)
    updateSession = try connection.prepare(
      """
      UPDATE session SET flags = ?4, duration = ?5, users = ?6, earliest = ?7, latest = ?8
      WHERE started = ?1 AND sid = ?2 AND scope = ?3
      """)
    selectDurations = try connection.prepare(
      "SELECT histogram, total FROM duration_hour WHERE hour = ? AND scope = ?")
    upsertDurations = try connection.prepare(
      """
      INSERT INTO duration_hour (hour, scope, histogram, total) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET histogram = excluded.histogram, total = excluded.total
      """)
    // Saturated as the counts are: anyone can make up the numbers of an aggregate.
    let sums = Severity.allCases.map {
      "\($0.name) = max(min(\($0.name) + excluded.\($0.name), 1 << 60), -1 << 60)"
    }.joined(separator: ", ")
    upsertArrival = try connection.prepare(
      """
      INSERT INTO arrival (step, scope, hour, healthy, errored, unhandled, abnormal, crashed)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET \(sums)
      """)
    upsertOutcome = try connection.prepare(
      """
      INSERT INTO outcome (hour, project, name, quantity) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity
      """)
  }

  func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    deltas.removeAll(keepingCapacity: true)
    do throws(StoreError) {
      return try connection.transaction { () throws(StoreError) in
        var outcomes = batch.outcomes
        for report in batch.reports {
          guard let outcome = try fold(report, at: batch.receivedAt) else { continue }
          outcomes[OutcomeKey(project: report.key.scope.project, outcome: outcome), default: 0] += 1
        }
        for sessions in batch.anonymous { try add(sessions, at: batch.receivedAt) }
        // In the order of the keys, so that a batch walks each table once.
        let ordered = deltas.sorted {
          ($0.key.bucket, $0.key.scope) < ($1.key.bucket, $1.key.scope)
        }
        for (key, delta) in ordered { try write(delta, key, at: batch.receivedAt) }
        try write(outcomes, hour: batch.receivedAt.hour)
        try interning.save()
        return outcomes
      }
    } catch {
      // What was learnt in the transaction went with it.
      counts.forget()
      users.forget()
      try interning.forget()
      throw error
    }
  }

  /// Folds one update into its session.
  ///
  /// - Returns: what is to be said of it beyond that it was accepted.
  private func fold(_ report: SessionReport, at now: Timestamp) throws(StoreError) -> Outcome? {
    let scope = try interning.scope(report.key.scope, at: now)
    let said = Session(report, user: try interning.user(report.user, at: now))
    let started = report.key.started

    bindKey(report.key, scope, to: insertSession)
    SessionRow.bind(said, started: started, to: insertSession, from: 4)
    try insertSession.run()
    if connection.changes == 1 {
      apply(said.contribution, scope, sign: 1)
      return nil
    }

    bindKey(report.key, scope, to: selectSession)
    guard try selectSession.step() else {
      throw .corrupt(operation: "read a session", reason: "it is there and is not")
    }
    defer { selectSession.reset() }
    let known = try SessionRow.read(selectSession, from: 0, started: started)
    let transition = SessionReducer.reduce(known, said)
    let remark: Outcome? = transition.hasTooManyUsers ? .userLeftOut : nil
    guard transition.isChanged else { return remark ?? .repeated }
    selectSession.reset()
    bindKey(report.key, scope, to: updateSession)
    SessionRow.bind(transition.session, started: started, to: updateSession, from: 4)
    try updateSession.run()
    if let withdrawn = transition.withdrawn { apply(withdrawn, scope, sign: -1) }
    if let added = transition.added { apply(added, scope, sign: 1) }
    return remark
  }

  private func bindKey(_ key: SessionKey, _ scope: Int64, to statement: Statement) {
    statement.bind(1, key.started.milliseconds)
    statement.bind(2, key.sessionID.value)
    statement.bind(3, scope)
  }

  private func apply(_ contribution: Contribution, _ scope: Int64, sign: Int64) {
    let (hour, minute) = HourDelta.split(minute: contribution.minute)
    deltas[BucketKey(bucket: hour, scope: scope), default: HourDelta()]
      .apply(contribution, minute: minute, sign: sign)
  }

  private func add(_ sessions: AnonymousSessions, at now: Timestamp) throws(StoreError) {
    let scope = try interning.scope(sessions.scope, at: now)
    let user = try interning.user(sessions.user, at: now)
    let (hour, minute) = HourDelta.split(minute: sessions.correctedStart.minute)
    deltas[BucketKey(bucket: hour, scope: scope), default: HourDelta()]
      .apply(sessions, user: user, minute: minute)
  }

  private func write(_ delta: HourDelta, _ key: BucketKey, at now: Timestamp) throws(StoreError) {
    try counts.add(delta, key)
    try users.add(delta.users, key)
    try add(delta.durations, key)
    try addArrival(delta, key, at: now)
  }

  private func add(_ durations: DurationHistogram, _ key: BucketKey) throws(StoreError) {
    // A duration that was raised within its bucket changes the total alone.
    if durations == DurationHistogram() { return }
    selectDurations.bind(1, key.bucket)
    selectDurations.bind(2, key.scope)
    var histogram = DurationHistogram()
    let isKnown = try selectDurations.step()
    if isKnown {
      histogram = DurationHistogram(
        packed: selectDurations.blob(0), totalMilliseconds: selectDurations.integer(1))
      selectDurations.reset()
    }
    // Nothing is taken back from an hour whose retention has ended, and nothing raised there.
    if !isKnown, durations.counts.isEmpty || durations.counts.values.contains(where: { $0 < 0 }) {
      return
    }
    histogram.merge(durations)
    upsertDurations.bind(1, key.bucket)
    upsertDurations.bind(2, key.scope)
    upsertDurations.bind(3, blob: histogram.packed)
    upsertDurations.bind(4, histogram.totalMilliseconds)
    try upsertDurations.run()
  }

  private func addArrival(
    _ delta: HourDelta, _ key: BucketKey, at now: Timestamp
  ) throws(StoreError) {
    var change = delta.identified.total
    change += delta.anonymous.total
    if change.isZero { return }
    upsertArrival.bind(1, now.minute.flooredDivision(by: 10))
    upsertArrival.bind(2, key.scope)
    upsertArrival.bind(3, key.bucket)
    for severity in Severity.allCases {
      upsertArrival.bind(4 + Int32(severity.rawValue), change[severity])
    }
    try upsertArrival.run()
  }

  private func write(_ outcomes: [OutcomeKey: Int64], hour: Int) throws(StoreError) {
    for (key, quantity) in outcomes {
      upsertOutcome.bind(1, hour)
      upsertOutcome.bind(2, key.project.rawValue)
      upsertOutcome.bind(3, key.outcome.name)
      upsertOutcome.bind(4, quantity)
      try upsertOutcome.run()
    }
  }
}

extension DurationHistogram {
  /// For each bucket, ascending: its distance from the one before, and its count.
  var packed: [UInt8] {
    var writer = VarintWriter()
    var previous = 0
    for (bucket, count) in counts.sorted(by: { $0.key < $1.key }) {
      writer.write(UInt64(bucket - previous))
      writer.write(UInt64(bitPattern: count))
      previous = bucket
    }
    return writer.bytes
  }

  init(packed: [UInt8], totalMilliseconds: Int64) {
    var counts: [Int: Int64] = [:]
    Self.read(packed) { counts[$0] = $1 }
    self.init(counts: counts, totalMilliseconds: totalMilliseconds)
  }

  fileprivate static func read(_ packed: [UInt8], _ take: (_ bucket: Int, _ count: Int64) -> Void) {
    var reader = VarintReader(packed)
    var bucket = 0
    while !reader.isAtEnd {
      bucket &+= Int(truncatingIfNeeded: reader.read())
      let count = Int64(bitPattern: reader.read())
      if !reader.isDamaged { take(bucket, count) }
    }
  }
}

extension DurationSum {
  /// Adds a ``DurationHistogram`` as it is packed.
  mutating func add(packed: [UInt8], totalMilliseconds: Int64) {
    DurationHistogram.read(packed) { add(bucket: $0, count: $1) }
    add(totalMilliseconds: totalMilliseconds)
  }
}
