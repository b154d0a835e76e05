internal import ReleaseHealth
internal import Storage

/// Stores batches of updates, each in one transaction: small ones are folded into their sessions at
/// once, others later, in slices. Lives on the writer's connection.
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
  private let pending: PendingTable
  private let folding: SQLiteStore.Folding
  private let observer: (any StoreObserver)?
  /// From so many updates that wait on, each batch has a slice folded first.
  private var pendingLimit = Int.max
  /// About when the last question was asked, and whether one was since the last batch.
  private var lastQuestion: Timestamp?
  private var wasAsked = false
  /// What the transaction at hand changes in the counts.
  private var deltas: [DeltaKey: HourDelta] = [:]
  /// What the transaction at hand found, by the hour of arrival.
  private var remarks: [Int: [OutcomeKey: Int64]] = [:]
  /// What folding found since somebody was told.
  private var found: [OutcomeKey: Int64] = [:]

  /// A bucket, and the 10-minute step in which what changes it arrived.
  private struct DeltaKey: Hashable, Comparable {
    var bucket: BucketKey
    var step: Int

    init(_ hour: Int, _ scope: Int64, at now: Timestamp) {
      bucket = BucketKey(bucket: hour, scope: scope)
      step = now.minute.flooredDivision(by: 10)
    }

    static func < (left: DeltaKey, right: DeltaKey) -> Bool {
      (left.bucket.bucket, left.bucket.scope, left.step)
        < (right.bucket.bucket, right.bucket.scope, right.step)
    }
  }

  init(
    _ connection: Connection, interning: Interning, counts: CountTables, users: UserTables,
    pending: PendingTable, folding: SQLiteStore.Folding, observer: (any StoreObserver)?
  ) throws(StoreError) {
    self.connection = connection
    self.pending = pending
    self.folding = folding
    self.observer = observer
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

  /// Stores a batch. Of few updates, and when none wait, the sessions are changed at once; else the
  /// updates are stored as they are, and folded later.
  ///
  /// - Returns: what became of the batch's items, and what was found of earlier ones since the last
  ///   call.
  func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    let sliceMax = max(folding.sliceUpdatesMax, batch.reports.count)
    if pending.isBetweenRuns { limitPending(at: batch.receivedAt) }
    if pending.count >= pendingLimit { try foldSlice(max: sliceMax) }
    // Bounded: where folding fails, nothing more is taken.
    while pending.count >= folding.pendingUpdatesMax { try foldSlice(max: sliceMax) }
    let waits =
      !batch.reports.isEmpty
      && (pending.count > 0 || batch.reports.count > folding.directUpdatesMax)
    var updates: [PendingUpdate] = []
    var outcomes = batch.outcomes
    try change { () throws(StoreError) in
      updates.reserveCapacity(batch.reports.count)
      for report in batch.reports {
        let scope = try interning.scope(report.key.scope, at: batch.receivedAt)
        updates.append(PendingUpdate(report, scope: scope, at: batch.receivedAt))
      }
      for sessions in batch.anonymous { try add(sessions, at: batch.receivedAt) }
      if waits {
        try pending.write(updates, outcomes, receivedAt: batch.receivedAt)
      } else {
        for update in updates { try fold(update) }
        for found in remarks.values { outcomes.merge(found, uniquingKeysWith: +) }
        try write(outcomes, hour: batch.receivedAt.hour)
      }
    }
    if waits { pending.add(updates, outcomes, receivedAt: batch.receivedAt) }
    return outcomes.merging(foundRemarks(), uniquingKeysWith: +)
  }

  /// Sets how many updates are to wait while the next run is folded, slice by slice as others come:
  /// while questions are asked, as many as come in ``SQLiteStore/Folding/pendingMilliseconds``. Before
  /// so long nothing is folded.
  private func limitPending(at now: Timestamp) {
    pendingLimit = folding.pendingUpdatesMax
    if wasAsked { lastQuestion = now }
    wasAsked = false
    guard let lastQuestion, let first = pending.first,
      now.milliseconds - lastQuestion.milliseconds <= folding.questionMilliseconds
    else { return }
    let milliseconds = now.milliseconds - first.receivedAt.milliseconds
    guard milliseconds >= folding.pendingMilliseconds, milliseconds > 0 else { return }
    let share = Double(folding.pendingMilliseconds) / Double(milliseconds)
    pendingLimit = min(pendingLimit, Int(Double(pending.count) * share))
  }

  /// Somebody asks and waits for what waits.
  func noteQuestion() {
    wasAsked = true
  }

  /// How many updates wait to be folded.
  var pendingCount: Int { pending.count }

  /// The number of the last batch that was left to be folded later.
  var lastBatch: Int64 { pending.sequence }

  /// Whether updates of batches wait that arrived by that time.
  func waits(by time: Timestamp) -> Bool {
    pending.first.map { $0.receivedAt <= time } ?? false
  }

  /// Whether updates of the batches up to that number wait.
  func waits(upTo batch: Int64) -> Bool {
    pending.first.map { $0.sequence <= batch } ?? false
  }

  /// Folds the next of the updates that wait.
  func foldSlice() throws(StoreError) {
    try foldSlice(max: folding.sliceUpdatesMax)
  }

  private func foldSlice(max: Int) throws(StoreError) {
    // What is folded is durable already: it need not be synced by itself. A crash of the system may
    // take the slice back, and leaves the rows of `pending`.
    try connection.execute("PRAGMA synchronous = NORMAL")
    defer { connection.syncCommits() }
    try observer.timing(.fold) { () throws(StoreError) in
      try pending.fold(max: max) { (slice, finish) throws(StoreError) in
        try change { () throws(StoreError) in
          try fold(slice)
          try finish()
        }
      }
    }
    for remarks in remarks.values { found.merge(remarks, uniquingKeysWith: +) }
  }

  private func fold(_ slice: PendingTable.Slice) throws(StoreError) {
    for update in slice.updates { try fold(update) }
    for outcomes in [slice.outcomes, remarks] {
      for (hour, outcomes) in outcomes { try write(outcomes, hour: hour) }
    }
  }

  /// Calls `body` with all updates folded, and takes that back: the disk is not written.
  func withAllFolded<Value>(
    _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    defer {
      // What was learnt in the rehearsal went with it; on a connection that cannot even read, the
      // next use opens another.
      counts.forget()
      users.forget()
      try? interning.forget()
    }
    return try connection.rehearse { () throws(StoreError) in
      try change { () throws(StoreError) in try fold(pending.all) }
      return try body()
    }
  }

  /// Folds all updates that wait.
  func foldAll() throws(StoreError) {
    while pending.count > 0 { try foldSlice() }
  }

  /// What folding found of updates since the last call.
  func foundRemarks() -> [OutcomeKey: Int64] {
    defer { found = [:] }
    return found
  }

  /// Runs `body` in a transaction, and writes what it changed in the counts.
  private func change(_ body: () throws(StoreError) -> Void) throws(StoreError) {
    deltas.removeAll(keepingCapacity: true)
    remarks.removeAll(keepingCapacity: true)
    do throws(StoreError) {
      try connection.transaction { () throws(StoreError) in
        try body()
        try writeDeltas()
        try interning.save()
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
  private func fold(_ update: PendingUpdate) throws(StoreError) {
    let user = try interning.user(update.user, at: update.receivedAt)
    guard let said = update.said(user: user) else {
      throw .corrupt(operation: "fold an update", reason: "flags \(update.flags)")
    }
    // What is most likely is tried first: that a session begins, or that it is known.
    if said.hasInitial, try insert(said, update) { return }
    guard let known = try known(update) else {
      if try insert(said, update) { return }
      throw .corrupt(operation: "read a session", reason: "it is there and is not")
    }
    let transition = SessionReducer.reduce(known, said)
    if transition.hasTooManyUsers { remark(.userLeftOut, update) }
    guard transition.isChanged else {
      if !transition.hasTooManyUsers { noteRepetition(update, of: known) }
      return
    }
    bindKey(update, to: updateSession)
    SessionRow.bind(transition.session, started: update.started, to: updateSession, from: 4)
    try updateSession.run()
    if let withdrawn = transition.withdrawn { apply(withdrawn, update, sign: -1) }
    if let added = transition.added { apply(added, update, sign: 1) }
  }

  /// - Returns: false when the session is known.
  private func insert(_ said: Session, _ update: PendingUpdate) throws(StoreError) -> Bool {
    bindKey(update, to: insertSession)
    SessionRow.bind(said, started: update.started, to: insertSession, from: 4)
    try insertSession.run()
    guard connection.changes == 1 else { return false }
    apply(said.contribution, update, sign: 1)
    return true
  }

  private func known(_ update: PendingUpdate) throws(StoreError) -> Session? {
    bindKey(update, to: selectSession)
    guard try selectSession.step() else { return nil }
    defer { selectSession.reset() }
    return try SessionRow.read(selectSession, from: 0, started: update.started)
  }

  private func noteRepetition(_ update: PendingUpdate, of known: Session) {
    guard update.project != nil else { return }
    remark(.repeated, update)
    let key = DeltaKey(known.earliestStart.hour, update.scope, at: update.receivedAt)
    deltas[key, default: HourDelta()].repeated += 1
  }

  /// Notes what is to be said of an update beyond that it was accepted.
  private func remark(_ outcome: Outcome, _ update: PendingUpdate) {
    guard let project = update.project else { return }
    remarks[update.receivedAt.hour, default: [:]][
      OutcomeKey(project: project, outcome: outcome), default: 0] += 1
  }

  private func bindKey(_ update: PendingUpdate, to statement: Statement) {
    statement.bind(1, update.started.milliseconds)
    statement.bind(2, update.sessionID.value)
    statement.bind(3, update.scope)
  }

  private func apply(_ contribution: Contribution, _ update: PendingUpdate, sign: Int64) {
    let (hour, minute) = HourDelta.split(minute: contribution.minute)
    deltas[DeltaKey(hour, update.scope, at: update.receivedAt), default: HourDelta()]
      .apply(contribution, minute: minute, sign: sign)
  }

  private func add(_ sessions: AnonymousSessions, at now: Timestamp) throws(StoreError) {
    let scope = try interning.scope(sessions.scope, at: now)
    let user = try interning.user(sessions.user, at: now)
    let (hour, minute) = HourDelta.split(minute: sessions.correctedStart.minute)
    deltas[DeltaKey(hour, scope, at: now), default: HourDelta()]
      .apply(sessions, user: user, minute: minute)
  }

  /// In the order of the keys, so that a batch walks each table once.
  private func writeDeltas() throws(StoreError) {
    var ordered = deltas.sorted { $0.key < $1.key }[...]
    while let (first, change) = ordered.popFirst() {
      try addArrival(change, first.bucket, step: first.step)
      var delta = change
      // A bucket changes once, by the sum over all steps. Updates are not folded in the order of their
      // arrival, so that an earlier step may take away what a later one gave.
      while let (key, change) = ordered.first, key.bucket == first.bucket {
        ordered.removeFirst()
        try addArrival(change, key.bucket, step: key.step)
        delta.merge(change)
      }
      try counts.add(delta, first.bucket)
      try users.add(delta.userChanges, first.bucket)
      try add(delta.durations, first.bucket)
    }
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
    if !isKnown, durations.buckets.isEmpty || durations.buckets.contains(where: { $0.count < 0 }) {
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
    _ delta: HourDelta, _ key: BucketKey, step: Int
  ) throws(StoreError) {
    let anonymous = delta.anonymous.total
    var change = delta.identified.total
    change += anonymous
    if change.isZero, anonymous.isZero, delta.repeated == 0, delta.withoutInitial == 0 { return }
    upsertArrival.bind(1, step)
    upsertArrival.bind(2, key.scope)
    upsertArrival.bind(3, key.bucket)
    for severity in Severity.allCases {
      upsertArrival.bind(4 + Int32(severity.rawValue), change[severity])
      upsertArrival.bind(9 + Int32(severity.rawValue), anonymous[severity])
    }
    upsertArrival.bind(14, delta.repeated)
    upsertArrival.bind(15, delta.withoutInitial)
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
    writer.reserve(buckets.count * 3)
    for (bucket, count) in buckets {
      writer.write(UInt64(bucket - previous))
      writer.write(UInt64(bitPattern: count))
      previous = bucket
    }
    return writer.bytes
  }

  init(packed: [UInt8], totalMilliseconds: Int64) {
    var buckets: [(bucket: Int, count: Int64)] = []
    Self.read(packed) { bucket, count in
      // Damaged bytes may go back.
      if bucket > buckets.last?.bucket ?? .min { buckets.append((bucket, count)) }
    }
    self.init(buckets: buckets, totalMilliseconds: totalMilliseconds)
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
