internal import ReleaseHealth
internal import Storage

/// Stores batches of reports, each in one transaction: small ones are folded into their sessions at
/// once, others later, in slices. Lives on the writer's connection.
final class IngestTransaction {
  private let connection: Connection
  private let interning: Interning
  private let changes: CountChanges
  private let sessions: SessionFolding
  private let pending: PendingTable
  private let folding: SQLiteStore.Folding
  /// The batches since ``wasQuiet()`` was called.
  private var batchCount = 0
  private let observer: (any StoreObserver)?
  /// From so many updates that wait on, each batch has a slice folded first.
  private var pendingLimit = Int.max
  /// About when the last question was asked, and whether one was since the last batch.
  private var lastQuestion: Timestamp?
  private var wasAsked = false
  /// What folding found since somebody was told.
  private var found: [OutcomeKey: Int64] = [:]

  init(
    _ connection: Connection, interning: Interning, changes: CountChanges,
    _ settings: SQLiteStore.Settings
  ) throws(StoreError) {
    self.connection = connection
    self.interning = interning
    self.changes = changes
    sessions = try SessionFolding(connection, interning: interning, changes: changes)
    pending = try PendingTable(connection, takesOver: settings.ownsSessions)
    folding = settings.folding
    observer = settings.observer
  }

  /// Stores a batch. Of few updates, and when none wait, the sessions are changed at once; else the
  /// updates are stored as they are, and folded later.
  ///
  /// - Returns: what became of the batch's items, and what was found of earlier ones since the last
  ///   call.
  func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    batchCount += 1
    let sliceMax = max(folding.sliceUpdatesMax, batch.reports.count)
    if pending.isBetweenRuns { limitPending(at: batch.receivedAt) }
    if pending.count >= pendingLimit { try foldSlice(max: sliceMax) }
    // Bounded: where folding fails, nothing more is taken.
    while pending.count >= folding.pendingUpdatesMax { try foldSlice(max: sliceMax) }
    let waits =
      !batch.reports.isEmpty
      && (pending.count > 0 || batch.reports.count > folding.directUpdatesMax)
    var reports = batch.reports
    var outcomes = batch.outcomes
    try change { () throws(StoreError) in
      var numbers: [Int] = []
      for series in batch.series {
        numbers.append(try interning.number(of: series, at: batch.receivedAt))
      }
      for index in reports.indices { reports[index].series = numbers[reports[index].series] }
      for sessions in batch.aggregated {
        let user = try interning.user(sessions.user, at: batch.receivedAt)
        changes.add(sessions, of: numbers[sessions.series], user: user, at: batch.receivedAt)
      }
      if waits {
        try pending.write(reports, outcomes, receivedAt: batch.receivedAt)
      } else {
        for report in reports { try sessions.fold(report) }
        for found in changes.remarks.values { outcomes.merge(found, uniquingKeysWith: +) }
        try changes.write(outcomes, hour: batch.receivedAt.hour)
      }
    }
    if waits { pending.add(reports, outcomes, receivedAt: batch.receivedAt) }
    return outcomes.merging(foundRemarks(), uniquingKeysWith: +)
  }

  /// Whether there were fewer batches than one a second since the last call, a minute ago.
  func wasQuiet() -> Bool {
    defer { batchCount = 0 }
    return batchCount < 60
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
    for remarks in changes.remarks.values { found.merge(remarks, uniquingKeysWith: +) }
  }

  private func fold(_ slice: PendingTable.Slice) throws(StoreError) {
    for report in slice.reports { try sessions.fold(report) }
    for outcomes in [slice.outcomes, changes.remarks] {
      for (hour, outcomes) in outcomes { try changes.write(outcomes, hour: hour) }
    }
  }

  /// Calls `body` with all updates folded, and takes that back: the disk is not written.
  func withAllFolded<Value>(
    _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    defer {
      // What was learnt in the rehearsal went with it; on a connection that cannot even read, the
      // next use opens another.
      changes.forget()
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
    changes.clear()
    do throws(StoreError) {
      try connection.transaction { () throws(StoreError) in
        try body()
        try changes.write()
        try interning.save()
      }
    } catch {
      // What was learnt in the transaction went with it.
      changes.forget()
      try interning.forget()
      throw error
    }
  }
}
