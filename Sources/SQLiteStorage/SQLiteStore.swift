package import Locks
package import ReleaseHealth
package import Storage
internal import Synchronization

/// A ``SessionStore`` and ``CatalogStore`` in one SQLite file.
///
/// One connection writes, on the thread that owns the ``WriteQueue``; every reader has its own
/// connection and sees the last commit (WAL). Writers in other processes (the commands) take turns
/// through SQLite's lock.
package final class SQLiteStore: Sendable {
  package struct Settings: Sendable {
    /// The database file; its directory exists.
    package var path: String
    /// The retention of counts and users, in days.
    package var retentionDays: Int
    /// The key of the user hashes, 32 random bytes; used only when the file is new.
    package var newSecret: [UInt8]
    /// Whether only this store writes sessions; it then folds what an earlier process left pending.
    package var ownsSessions: Bool
    package var folding: Folding
    package var observer: (any StoreObserver)?
    /// The length of the WAL at which queries begin again, in pages of 4 KiB.
    package var walPagesMax = Checkpoints.walPagesMax

    package init(
      path: String, retentionDays: Int = 90, newSecret: [UInt8], ownsSessions: Bool = true,
      folding: Folding = Folding(), observer: (any StoreObserver)? = nil
    ) {
      self.path = path
      self.retentionDays = retentionDays
      self.newSecret = newSecret
      self.ownsSessions = ownsSessions
      self.folding = folding
      self.observer = observer
    }
  }

  /// The limits that decide when updates are folded into their sessions.
  package struct Folding: Sendable {
    /// The maximum number of updates in a batch that is folded at once.
    package var directUpdatesMax: Int
    /// The maximum number of pending updates, plus one batch; beyond it, a batch folds slices
    /// first. A higher limit folds more updates per page, but delays the first query after a pause.
    package var pendingUpdatesMax: Int
    /// The time that folding all pending updates may take, in milliseconds: a query waits for it.
    package var affordableMilliseconds: Int64
    /// The same while queries come. Batches are stored between the slices, so that the wait is
    /// longer.
    package var affordableWhenQueriedMilliseconds: Int64
    /// While queries come, the time for which updates stay pending at the present rate, in
    /// milliseconds: a query waits for updates of that time only, not for the maximum.
    package var pendingMilliseconds: Int64
    /// The time after a query within which the next is expected, in milliseconds; a dashboard
    /// queries every minute.
    package var queryMilliseconds: Int64
    /// The maximum number of updates in a slice. No batch is stored while a slice is folded, which
    /// takes two milliseconds with ten releases and more with more. A larger batch folds slices of
    /// its own size, which cost less per update.
    package var sliceUpdatesMax: Int
    /// The time that folding all pending updates has to take, in milliseconds, for the few of other
    /// projects to be folded at once; nil for never.
    package var quietMilliseconds: Int64?

    package init(
      directUpdatesMax: Int = 4, pendingUpdatesMax: Int = 32768,
      affordableMilliseconds: Int64 = 750, affordableWhenQueriedMilliseconds: Int64 = 250,
      pendingMilliseconds: Int64 = 500,
      queryMilliseconds: Int64 = 100_000, sliceUpdatesMax: Int = 512,
      quietMilliseconds: Int64? = 25
    ) {
      self.directUpdatesMax = directUpdatesMax
      self.pendingUpdatesMax = pendingUpdatesMax
      self.affordableMilliseconds = affordableMilliseconds
      self.affordableWhenQueriedMilliseconds = affordableWhenQueriedMilliseconds
      self.pendingMilliseconds = pendingMilliseconds
      self.queryMilliseconds = queryMilliseconds
      self.sliceUpdatesMax = sliceUpdatesMax
      self.quietMilliseconds = quietMilliseconds
    }
  }

  /// The queue of all work on the write connection.
  package let writes: WriteQueue
  private let writer: WriterConnection
  private let readers: ReaderPool
  private let checkpoints: Checkpoints
  /// The number of stored updates that readers do not see yet. Only the owner of the writes changes
  /// it.
  private let pendingCount = Atomic(0)
  /// The number of the last batch that was stored for later folding, and that of the last batch
  /// whose updates are all folded. Only the owner of the writes changes them.
  private let storedBatch = Atomic<Int64>(0)
  private let foldedBatch = Atomic<Int64>(0)
  private let foldingForQueries = FoldingForQueries()
  private let waitingBatches: WaitingBatches

  package init(_ settings: Settings) throws(StoreError) {
    writes = WriteQueue { [observer = settings.observer] in observer?.monotonicNanoseconds ?? 0 }
    waitingBatches = WaitingBatches()
    writer = WriterConnection(settings, waitingBatches)
    readers = ReaderPool(path: settings.path)
    checkpoints = Checkpoints(
      path: settings.path, walPagesMax: settings.walPagesMax, observer: settings.observer)
    // Opens the file now, so that errors show at the start.
    try ingesting { (_) throws(StoreError) in }
  }

  /// The number of updates that are durable but not folded into their sessions yet.
  package var pendingUpdates: Int { pendingCount.load(ordering: .acquiring) }

  /// Checks for damage before anything is written: all of a small file, only the catalog of a
  /// larger one, for which `hale verify` is the full check.
  package func checkFile() throws(StoreError) {
    try read { (connection) throws(StoreError) in
      let pages = try connection.number("PRAGMA page_count") ?? 0
      let pageBytes = try connection.number("PRAGMA page_size") ?? 0
      let parts = pages * pageBytes <= Self.wholeCheckBytesMax ? ["1"] : Self.catalogTables
      for part in parts { try connection.quickCheck(part) }
    }
  }

  private static let catalogTables = [
    "setting", "organization", "project", "project_key", "token", "objective", "release", "scope",
  ]

  /// The maximum size of a file that is checked in full, which takes some hundredths of a second.
  private static let wholeCheckBytesMax: Int64 = 32 << 20

  /// Calls `body` with the writer once all pending updates are folded. Most are folded in slices,
  /// so that batches are stored in between.
  func write<Value: Sendable>(
    _ body: (borrowing Writer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try foldWhatWaits()
    return try ingesting { (writer) throws(StoreError) in
      try writer.ingest.foldAll()
      return try body(writer)
    }
  }

  /// Runs WAL checkpoints beside the writer, on the calling thread, until ``stopCheckpoints()``.
  /// Without such a thread the writer runs them.
  package func runCheckpoints() throws(StoreError) {
    try checkpoints.run(readers) {
      writes.submit(in: .query) { [self] in
        // If the database cannot be opened, there is nothing to copy.
        try? use { (writer) throws(StoreError) in checkpoints.finish(writer.connection) }
        return true
      }
    }
  }

  package func stopCheckpoints() {
    checkpoints.close()
  }

  /// Calls `body` with a reader that sees every batch stored before.
  ///
  /// - Parameter projects: those of which it has to; nil for all.
  func read<Value: Sendable>(
    of projects: Set<ProjectID>? = nil, _ body: (Connection) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    do throws(StoreError) {
      try foldWhatWaits(of: projects)
    } catch {
      if case .stopped = error { throw error }
      // If nothing can be written to the disk, the writer's memory has the answer.
      return try ingesting(in: .query) { [limit = CurrentQuery.limit] (writer) throws(StoreError) in
        try writer.ingest.withAllFolded { () throws(StoreError) in
          try CurrentQuery.bound(to: limit) { () throws(StoreError) in
            try writer.connection.limited { () throws(StoreError) in try body(writer.connection) }
          }
        }
      }
    }
    return try readers.use(body)
  }

  /// Waits until all updates of some projects, or all, that were stored before are folded. They are
  /// folded in slices, and batches are stored in between.
  private func foldWhatWaits(of projects: Set<ProjectID>? = nil) throws(StoreError) {
    let batch =
      projects.map(waitingBatches.last(of:)) ?? storedBatch.load(ordering: .acquiring)
    if foldedBatch.load(ordering: .acquiring) >= batch { return }
    if writes.isOwner || !writes.isServed {
      try ingesting { (writer) throws(StoreError) in
        writer.ingest.noteQuery()
        while writer.ingest.waits(upTo: batch) { try writer.ingest.foldSlice() }
      }
    } else {
      try foldingForQueries.wait(upTo: batch) { queueFolding() }
    }
  }

  private func queueFolding() {
    writes.submit(in: .query) { [self] in
      var failure: StoreError?
      do throws(StoreError) {
        try use { (writer) throws(StoreError) in
          writer.ingest.noteQuery()
          // Most queries wait for the end of one run of updates and for the next one.
          for _ in 0..<2 where writer.ingest.waits(upTo: foldingForQueries.needed) {
            try writer.ingest.foldSlice()
          }
        }
      } catch {
        failure = error
      }
      return foldingForQueries.note(
        foldedUpTo: foldedBatch.load(ordering: .relaxed), error: failure)
    }
  }

  /// Calls `body` with a reader of tables that do not depend on pending updates.
  func readCatalog<Value: Sendable>(
    _ body: (Connection) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try readers.use(body)
  }

  /// Calls `body` with the writer, without folding first.
  func ingesting<Value: Sendable>(
    in lane: WriteQueue.Lane = .change, _ body: (borrowing Writer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    // The owner of the queue calls directly.
    if writes.isOwner { return try use(body) }
    return try writes.perform(in: lane) { () throws(StoreError) -> Value? in try use(body) }
  }

  /// Calls `body` in one transaction of the writer, without folding first.
  func commit<Value: Sendable>(
    _ body: (Connection) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try ingesting { (writer) throws(StoreError) in
      try writer.connection.transaction { () throws(StoreError) in try body(writer.connection) }
    }
  }

  /// Uses the writer. Only the owner of the writes may call this.
  private func use<Value>(
    _ body: (borrowing Writer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try writer.use { (writer) throws(StoreError) in
      defer {
        pendingCount.store(writer.ingest.pendingCount, ordering: .releasing)
        foldedBatch.store(writer.ingest.foldedBatch, ordering: .releasing)
        storedBatch.store(writer.ingest.lastBatch, ordering: .releasing)
      }
      let value = try body(writer)
      checkpoints.advance(writer.connection, walPages: writer.connection.walPages)
      return value
    }
  }
}

extension SQLiteStore: SessionStore {
  @discardableResult
  package func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    try ingesting { (writer) throws(StoreError) in try writer.ingest.ingest(batch) }
  }

  package func foldPending(receivedBy time: Timestamp?) throws(StoreError) -> [OutcomeKey: Int64]? {
    try ingesting { (writer) throws(StoreError) in
      let hasWork = time.map(writer.ingest.waits(by:)) ?? (writer.ingest.pendingCount > 0)
      if hasWork { try writer.ingest.foldSlice() }
      // A query may have folded updates of earlier batches.
      let found = writer.ingest.foundRemarks()
      return hasWork || !found.isEmpty ? found : nil
    }
  }

  package func snapshot<Value: Sendable>(
    of projects: Set<ProjectID>?, _ body: (any StoreSnapshot) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try read(of: projects) { (connection) throws(StoreError) in
      try body(SQLiteSnapshot(connection: connection))
    }
  }

  package func health(_ query: HealthQuery) throws(StoreError) -> [HealthGroup] {
    try snapshot(of: query.projects) { (snapshot) throws(StoreError) in
      try snapshot.health(query)
    }
  }

  package func checkWritable() throws(StoreError) {
    try commit { (connection) throws(StoreError) in
      // The value changes each time, since SQLite writes no page for an unchanged one.
      try connection.execute(
        """
        INSERT INTO setting (name, value) VALUES ('writability_checks', 1)
        ON CONFLICT DO UPDATE SET value = value + 1
        """)
    }
  }

  /// Releases the memory of idle readers and, if hardly a batch came since the last call, of the
  /// write connection's caches. Call it about once a minute; it blocks nobody.
  package func releaseMemory() {
    readers.close()
    writes.submit(in: .job) { [self] in
      // If the database cannot be opened, there is nothing to release.
      try? ingesting { (writer) throws(StoreError) in
        guard writer.ingest.wasQuiet() else { return }
        writer.interning.forgetUsers()
        try writer.connection.execute("PRAGMA shrink_memory")
      }
      return true
    }
  }

  /// Folds the pending updates, runs a WAL checkpoint and closes the connections. The writer closes
  /// last, since only it may remove the WAL.
  package func close() throws(StoreError) {
    readers.close()
    try write { (_) throws(StoreError) in }
    try writes.perform(in: .change) { () throws(StoreError) -> Void? in try writer.close() }
  }

  package func housekeep(at now: Timestamp) throws(StoreError) -> Bool {
    try ingesting { (writer) throws(StoreError) in
      // Later arrivals may stay pending, as if they came after the step: no data that it drops
      // concerns them.
      if writer.ingest.waits(by: now) {
        try writer.ingest.foldSlice()
        return true
      }
      return try writer.housekeeping.step(at: now)
    }
  }
}

extension SQLiteStore: OutcomeStore {
  package func outcomes(
    of projects: Set<ProjectID>, hours: Range<Int>, intervalHours: Int
  ) throws(StoreError) -> [[OutcomeKey: Int64]] {
    try snapshot { (snapshot) throws(StoreError) in
      try snapshot.outcomes(of: projects, hours: hours, intervalHours: intervalHours)
    }
  }

  package func history(_ query: HealthQuery) throws(StoreError) -> SessionHistory {
    try snapshot { (snapshot) throws(StoreError) in try snapshot.history(query) }
  }

  package func arrivals(_ query: HealthQuery, from step: Int?) throws(StoreError) -> ArrivalPage {
    try snapshot { (snapshot) throws(StoreError) in try snapshot.arrivals(query, from: step) }
  }

  package func firstArrivalHour() throws(StoreError) -> Int? {
    try snapshot { (snapshot) throws(StoreError) in try snapshot.firstArrivalHour() }
  }
}
