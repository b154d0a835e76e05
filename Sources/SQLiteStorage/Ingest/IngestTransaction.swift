internal import ReleaseHealth
internal import Storage

/// Stores each batch in one transaction. Small batches are folded into their sessions at once,
/// others later, in slices. Runs on the writer's connection.
final class IngestTransaction {
  private let connection: Connection
  private let interning: Interning
  private let changes: CountChanges
  private let sessions: SessionFolding
  private let pending: PendingTable
  private let quotas: SessionQuotas
  private let waitingBatches: WaitingBatches
  private let folding: SQLiteStore.Folding
  /// The number of batches since the last call of ``wasQuiet()``.
  private var batchCount = 0
  private let observer: (any StoreObserver)?
  /// The number of pending updates from which each batch folds a slice first.
  private var pendingLimit = Int.max
  /// The approximate time of the last query, and whether one came since the last batch.
  private var lastQuery: Timestamp?
  /// Whether a query came lately when the last run of updates began to be folded.
  private var isQueried = false
  private var wasQueried = false
  /// How long folding an update takes, by the last slices, in seconds.
  private var secondsPerUpdate = 0.0
  /// Outcomes that were found while folding and are not reported yet.
  private var found: [OutcomeKey: Int64] = [:]

  init(
    _ connection: Connection, interning: Interning, changes: CountChanges,
    _ waitingBatches: WaitingBatches, _ settings: SQLiteStore.Settings
  ) throws(StoreError) {
    self.connection = connection
    self.interning = interning
    self.changes = changes
    self.waitingBatches = waitingBatches
    sessions = try SessionFolding(connection, interning: interning, changes: changes)
    pending = try PendingTable(connection, takesOver: settings.ownsSessions)
    quotas = try SessionQuotas(
      connection, interning: interning, sessions: sessions, pending: pending)
    folding = settings.folding
    observer = settings.observer
    waitingBatches.note(pending.sequence, of: nil)
  }

  /// Stores a batch. If it is small and nothing is pending, its sessions change at once; otherwise
  /// its updates are stored as they are and folded later, but for those of projects that send
  /// little beside one that floods.
  ///
  /// - Returns: the outcomes of the batch's items, and those found for earlier batches since the
  ///   last call.
  func ingest(_ received: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    var batch = received
    batchCount += 1
    // What comes in is folded as fast; more than that at a time, where updates take long, would
    // keep the next batch waiting. Only when a project begins to flood, and few updates of others
    // wait with its own, is all folded as soon as can be.
    let quietOnes = quietProjects(of: batch)
    let isHeld = quietOnes.contains(where: pending.holds)
    let sliceMax = max(isHeld ? folding.sliceUpdatesMax : sliceUpdatesMax, batch.reports.count)
    if pending.isBetweenRuns { limitPending(at: batch.receivedAt) }
    if isHeld || pending.count >= min(pendingLimit, affordablePending) {
      try foldSlice(max: sliceMax)
    }
    if pending.count > 0, isHeld || pending.count >= affordablePending {
      try foldSlice(max: sliceMax)
    }
    // The loop is bounded: if folding fails, the batch is rejected.
    while pending.count >= folding.pendingUpdatesMax { try foldSlice(max: sliceMax) }
    // Those that are folded now, and those that wait.
    var (direct, waiting): ([SessionReport], [SessionReport]) = ([], [])
    var outcomes: [OutcomeKey: Int64] = [:]
    var numbers: [Int] = []
    var waitingProjects: Set<ProjectID> = []
    try change { () throws(StoreError) in
      if !batch.limited.isEmpty { batch = try quotas.admitted(batch) }
      let waits = pending.count > 0 || batch.reports.count > folding.directUpdatesMax
      // An update of a session that waits comes after it.
      let quiet = waits ? quietOnes.filter { !pending.holds($0) } : []
      (direct, waiting) = waits ? ([], batch.reports) : (batch.reports, [])
      if !quiet.isEmpty {
        let end = waiting.partition { quiet.contains(batch.series[$0.series].project) }
        direct = Array(waiting[end...])
        waiting.removeSubrange(end...)
      }
      if !waiting.isEmpty {
        waitingProjects = Set(batch.series.map(\.project)).subtracting(quiet)
      }
      outcomes = batch.outcomes
      for series in batch.series {
        numbers.append(try interning.number(of: series, at: batch.receivedAt))
      }
      for index in direct.indices { direct[index].series = numbers[direct[index].series] }
      for index in waiting.indices { waiting[index].series = numbers[waiting[index].series] }
      for sessions in batch.aggregated {
        let user = try interning.user(sessions.user, at: batch.receivedAt)
        changes.add(sessions, of: numbers[sessions.series], user: user, at: batch.receivedAt)
      }
      for report in direct { try sessions.fold(report) }
      for found in changes.remarks.values { outcomes.merge(found, uniquingKeysWith: +) }
      if waiting.isEmpty {
        try changes.write(outcomes, hour: batch.receivedAt.hour)
      } else {
        try pending.write(waiting, outcomes, receivedAt: batch.receivedAt)
      }
    }
    if !waiting.isEmpty {
      pending.add(
        waiting, outcomes, receivedAt: batch.receivedAt, of: waitingProjects,
        tracked: pending.trackedSeries(batch.series, numbers))
      waitingBatches.note(pending.sequence, of: waitingProjects)
    }
    return outcomes.merging(foundRemarks(), uniquingKeysWith: +)
  }

  /// The projects whose updates of a batch are few and are folded at once, though others wait, so
  /// that queries of them wait for nothing. Only where what waits takes long: folded together,
  /// updates take less.
  private func quietProjects(of batch: IngestBatch) -> Set<ProjectID> {
    let count = pending.count + batch.reports.count
    guard let milliseconds = folding.quietMilliseconds,
      secondsPerUpdate * 1000 * Double(count) >= Double(milliseconds),
      batch.series.contains(where: { $0.project != batch.series[0].project })
    else { return [] }
    var counts: [ProjectID: Int] = [:]
    for report in batch.reports { counts[batch.series[report.series].project, default: 0] += 1 }
    var quiet: Set<ProjectID> = []
    var rest = Self.quietUpdatesMax
    for (project, count) in counts.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
      if count > rest { break }
      quiet.insert(project)
      rest -= count
    }
    return quiet
  }

  /// Folding as many takes less than writing and syncing a batch.
  private static let quietUpdatesMax = 128

  /// Whether few batches came since the last call, up to a minute ago.
  func wasQuiet() -> Bool {
    defer { batchCount = 0 }
    return batchCount < 60
  }

  /// Sets how many updates may be pending while the next run is folded, one slice per batch: while
  /// queries come, as many as arrive in ``SQLiteStore/Folding/pendingMilliseconds``. Nothing is
  /// folded before that time has passed.
  private func limitPending(at now: Timestamp) {
    pendingLimit = folding.pendingUpdatesMax
    if wasQueried { lastQuery = now }
    wasQueried = false
    isQueried =
      lastQuery.map { now.milliseconds - $0.milliseconds <= folding.queryMilliseconds } ?? false
    guard isQueried, let first = pending.first else { return }
    let milliseconds = now.milliseconds - first.receivedAt.milliseconds
    guard milliseconds >= folding.pendingMilliseconds, milliseconds > 0 else { return }
    let share = Double(folding.pendingMilliseconds) / Double(milliseconds)
    pendingLimit = min(pendingLimit, Int(Double(pending.count) * share))
  }

  /// Notes that a query waits for the pending updates.
  func noteQuery() {
    wasQueried = true
  }

  /// The number of updates that are not folded yet.
  var pendingCount: Int { pending.count }

  /// The number of the last batch that was stored for later folding.
  var lastBatch: Int64 { pending.sequence }

  /// The number of the last batch whose updates are all folded.
  var foldedBatch: Int64 { pending.first.map { $0.sequence - 1 } ?? pending.sequence }

  /// Whether updates of batches that arrived by that time are pending.
  func waits(by time: Timestamp) -> Bool {
    pending.first.map { $0.receivedAt <= time } ?? false
  }

  /// Whether updates of the batches up to that number are pending.
  func waits(upTo batch: Int64) -> Bool {
    pending.first.map { $0.sequence <= batch } ?? false
  }

  /// Folds the next slice of the pending updates. Batches wait meanwhile, so that a slice takes no
  /// longer than ``sliceSeconds``, or very few updates.
  func foldSlice() throws(StoreError) {
    try foldSlice(max: sliceUpdatesMax)
  }

  private var sliceUpdatesMax: Int {
    let affordable =
      secondsPerUpdate > 0 ? Int(Self.sliceSeconds / secondsPerUpdate) : folding.sliceUpdatesMax
    return min(folding.sliceUpdatesMax, max(affordable, Self.sliceUpdatesMin))
  }

  private static let sliceSeconds = 0.02
  private static let sliceUpdatesMin = 64

  private func foldSlice(max: Int) throws(StoreError) {
    // The folded updates are durable already, so this commit needs no sync. If a system crash
    // undoes the slice, the rows of `pending` are still there.
    try connection.execute("PRAGMA synchronous = NORMAL")
    defer { connection.syncCommits() }
    let (count, start) = (pending.count, observer?.monotonicNanoseconds ?? 0)
    defer {
      noteFolded(count - pending.count, nanoseconds: (observer?.monotonicNanoseconds ?? 0) - start)
    }
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

  private func noteFolded(_ count: Int, nanoseconds: Int64) {
    guard count > 0 else { return }
    let seconds = Double(nanoseconds) / 1e9 / Double(count)
    secondsPerUpdate += (seconds - secondsPerUpdate) / 4
  }

  /// How many updates may wait so that a query waits for a fraction of a second: sessions of
  /// releases that were never seen before take many times that of others.
  private var affordablePending: Int {
    guard secondsPerUpdate > 0 else { return folding.pendingUpdatesMax }
    let milliseconds =
      isQueried ? folding.affordableWhenQueriedMilliseconds : folding.affordableMilliseconds
    let affordable = Double(milliseconds) / 1000 / secondsPerUpdate
    return min(folding.pendingUpdatesMax, max(folding.sliceUpdatesMax, Int(affordable)))
  }

  private func fold(_ slice: PendingTable.Slice) throws(StoreError) {
    for report in slice.reports { try sessions.fold(report) }
    for outcomes in [slice.outcomes, changes.remarks] {
      for (hour, outcomes) in outcomes { try changes.write(outcomes, hour: hour) }
    }
  }

  /// Calls `body` with all updates folded, then rolls back. Writes nothing to the disk.
  func withAllFolded<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
    defer {
      // The rollback undid what the rehearsal cached. If the connection cannot even read, its next
      // use opens another one.
      changes.forget()
      try? interning.forget()
    }
    return try connection.rehearse { () throws(StoreError) in
      try change { () throws(StoreError) in try fold(pending.all) }
      return try body()
    }
  }

  /// Folds all pending updates.
  func foldAll() throws(StoreError) {
    while pending.count > 0 { try foldSlice() }
  }

  /// Outcomes that folding found since the last call.
  func foundRemarks() -> [OutcomeKey: Int64] {
    defer { found = [:] }
    return found
  }

  /// Runs `body` in a transaction, and writes the collected changes of counts.
  private func change(_ body: () throws(StoreError) -> Void) throws(StoreError) {
    changes.clear()
    do throws(StoreError) {
      try connection.transaction { () throws(StoreError) in
        try body()
        try changes.write()
        try interning.save()
        try quotas.save()
      }
    } catch {
      // The rollback undid what the transaction cached.
      changes.forget()
      quotas.forget()
      try interning.forget()
      throw error
    }
  }
}
