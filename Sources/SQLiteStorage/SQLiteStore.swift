package import Locks
package import ReleaseHealth
package import Storage
internal import Synchronization

/// A ``SessionStore`` and ``CatalogStore`` in one SQLite file.
///
/// One connection writes, on the thread that owns the ``WriteQueue``; every reader has its own and
/// sees the last commit (WAL). Writers in other processes (the commands) take turns through
/// SQLite's lock.
package final class SQLiteStore: Sendable {
  package struct Settings: Sendable {
    /// The database file; its directory exists.
    package var path: String
    /// For so many days counts and users are kept.
    package var retentionDays: Int
    /// 32 random bytes, used only when the file is new.
    package var newSecret: [UInt8]
    /// Whether this store alone writes sessions: it then folds what an earlier process left
    /// waiting.
    package var ownsSessions: Bool
    package var folding: Folding
    package var observer: (any StoreObserver)?

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

  /// When the updates of batches are folded into their sessions.
  package struct Folding: Sendable {
    /// Batches of up to so many updates are folded at once, larger ones later.
    package var directUpdatesMax: Int
    /// So many updates wait at most, and one batch; beyond, a batch has slices folded first. Of
    /// more, each page takes more at a time, but the first question after a while waits longer.
    package var pendingUpdatesMax: Int
    /// While questions are asked, at the pace at which updates come, those of about so long wait: a
    /// question has to wait for what came in that time, not for all that may wait.
    package var pendingMilliseconds: Int64
    /// So long after a question the next one is expected: a dashboard asks every minute.
    package var questionMilliseconds: Int64
    /// While one slice is folded no batch is stored: two milliseconds with ten releases, more where
    /// its updates are of more. A batch that is larger, and so
    /// takes longer itself, has slices of its own size folded, which cost less.
    package var sliceUpdatesMax: Int

    package init(
      directUpdatesMax: Int = 4, pendingUpdatesMax: Int = 32768,
      pendingMilliseconds: Int64 = 500, questionMilliseconds: Int64 = 100_000,
      sliceUpdatesMax: Int = 512
    ) {
      self.directUpdatesMax = directUpdatesMax
      self.pendingUpdatesMax = pendingUpdatesMax
      self.pendingMilliseconds = pendingMilliseconds
      self.questionMilliseconds = questionMilliseconds
      self.sliceUpdatesMax = sliceUpdatesMax
    }
  }

  /// The queue of all work on the write connection.
  package let writes: WriteQueue
  private let writer: WriterConnection
  private let readers: ReaderPool
  private let checkpoints: Checkpoints
  /// How many updates are stored that no reader sees yet. Changed by the owner of the writes.
  private let pendingCount = Atomic(0)

  package init(_ settings: Settings) throws(StoreError) {
    writes = WriteQueue { [observer = settings.observer] in observer?.monotonicNanoseconds ?? 0 }
    writer = WriterConnection(settings)
    readers = ReaderPool(path: settings.path)
    checkpoints = Checkpoints(path: settings.path, observer: settings.observer)
    // Opens the file now, so that what is wrong with it is known at the start.
    try ingesting { (_) throws(StoreError) in }
  }

  /// How many updates are durable and wait to be folded into their sessions.
  package var pendingUpdates: Int { pendingCount.load(ordering: .acquiring) }

  /// Looks for damage before anything is written: in all of a small file, and in the catalog of a
  /// larger one, whose whole check is `hale verify`.
  package func checkFile() throws(StoreError) {
    try read { (connection) throws(StoreError) in
      let pages = try connection.number("PRAGMA page_count") ?? 0
      let pageBytes = try connection.number("PRAGMA page_size") ?? 0
      let parts = pages * pageBytes <= Self.wholeCheckBytesMax ? ["1"] : Self.catalogTables
      for part in parts { try connection.quickCheck(part) }
    }
  }

  private static let catalogTables = [
    "setting", "organization", "project", "project_key", "token", "objective", "release",
    "scope",
  ]

  /// So much is checked in some hundredths of a second.
  private static let wholeCheckBytesMax: Int64 = 32 << 20

  /// Hands out the writer once everything that waits is folded: first in slices, between which
  /// batches have their turn, and then what these left.
  func write<Value: Sendable>(
    _ body: (borrowing Writer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    if pendingUpdates > 0 { try foldWhatWaits(in: .change) }
    return try ingesting { (writer) throws(StoreError) in
      try writer.ingest.foldAll()
      return try body(writer)
    }
  }

  /// Runs WAL checkpoints beside the writer, on the calling thread until ``stopCheckpoints()``.
  /// Without such a thread the writer runs them.
  package func runCheckpoints() throws(StoreError) {
    try checkpoints.run()
  }

  package func stopCheckpoints() {
    checkpoints.close()
  }

  /// Hands out a reader that sees every batch that was stored before.
  func read<Value: Sendable>(
    _ body: (Connection) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    if pendingUpdates > 0 {
      do throws(StoreError) {
        try foldWhatWaits(in: .query)
      } catch {
        // Where the disk takes nothing, the answer comes from the writer's memory.
        return try ingesting(in: .query) { (writer) throws(StoreError) in
          try writer.ingest.withAllFolded { () throws(StoreError) in try body(writer.connection) }
        }
      }
    }
    return try readers.use(body)
  }

  /// Folds all that was stored before, in slices: batches have their turn between them.
  private func foldWhatWaits(in lane: WriteQueue.Lane) throws(StoreError) {
    var last: Int64?
    try writes.perform(in: lane) { () throws(StoreError) -> Void? in
      try use { (writer) throws(StoreError) in
        if last == nil, lane == .query { writer.ingest.noteQuestion() }
        let batch = last ?? writer.ingest.lastBatch
        last = batch
        if writer.ingest.waits(upTo: batch) { try writer.ingest.foldSlice() }
        return writer.ingest.waits(upTo: batch) ? nil : ()
      }
    }
  }

  /// Hands out a reader for what sessions do not change.
  func readCatalog<Value: Sendable>(
    _ body: (Connection) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try readers.use(body)
  }

  /// Hands out the writer as it is.
  func ingesting<Value: Sendable>(
    in lane: WriteQueue.Lane = .change,
    _ body: (borrowing Writer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    // The writer's own batches take no way around.
    if writes.isOwner { return try use(body) }
    return try writes.perform(in: lane) { () throws(StoreError) -> Value? in try use(body) }
  }

  /// Only for the owner of the writes.
  private func use<Value>(
    _ body: (borrowing Writer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try writer.use { (writer) throws(StoreError) in
      defer { pendingCount.store(writer.ingest.pendingCount, ordering: .releasing) }
      let value = try body(writer)
      checkpoints.advance(writer.connection, logPages: writer.connection.logPages)
      return value
    }
  }
}

extension SQLiteStore: SessionStore {
  @discardableResult
  package func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    try ingesting { (writer) throws(StoreError) in try writer.ingest.ingest(batch) }
  }

  package func settle(
    whatArrivedBy time: Timestamp?
  ) throws(StoreError) -> [OutcomeKey: Int64]? {
    try ingesting { (writer) throws(StoreError) in
      let hasWork = time.map(writer.ingest.waits(by:)) ?? (writer.ingest.pendingCount > 0)
      if hasWork { try writer.ingest.foldSlice() }
      // A query may have folded them.
      let found = writer.ingest.foundRemarks()
      return hasWork || !found.isEmpty ? found : nil
    }
  }

  package func health(_ query: HealthQuery) throws(StoreError) -> [HealthGroup] {
    try read { (connection) throws(StoreError) in
      try HealthReader.read(query, from: connection)
    }
  }

  package func checkWritable() throws(StoreError) {
    try ingesting { (writer) throws(StoreError) in
      try writer.connection.transaction { () throws(StoreError) in
        // A value that changes each time: SQLite writes no page for one that stays.
        try writer.connection.execute(
          """
          INSERT INTO setting (name, value) VALUES ('writability_checks', 1)
          ON CONFLICT DO UPDATE SET value = value + 1
          """)
      }
    }
  }

  /// Gives back the memory of readers that are not in use, and where hardly a batch came since the
  /// last call, of the write connection's page cache. To be called about once a minute; nobody
  /// waits for it.
  package func releaseMemory() {
    readers.close()
    writes.submit(in: .job) { [self] in
      // Where the database cannot be opened there is nothing to give back.
      try? ingesting { (writer) throws(StoreError) in
        if writer.ingest.wasQuiet() { try writer.connection.execute("PRAGMA shrink_memory") }
      }
      return true
    }
  }

  /// Folds what waits, runs a WAL checkpoint and closes the connections, the writer's last: only it
  /// may remove the WAL.
  package func close() throws(StoreError) {
    readers.close()
    try write { (_) throws(StoreError) in }
    try writes.perform(in: .change) { () throws(StoreError) -> Void? in try writer.close() }
  }

  package func housekeep(at now: Timestamp) throws(StoreError) -> Bool {
    try ingesting { (writer) throws(StoreError) in
      // What arrived since may wait, as if it came after the step: it is of nothing that goes.
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
    try read { (connection) throws(StoreError) in
      try OutcomeReader.outcomes(
        of: projects, hours: hours, intervalHours: intervalHours, from: connection)
    }
  }

  package func history(_ query: HealthQuery) throws(StoreError) -> SessionHistory {
    try read { (connection) throws(StoreError) in
      try OutcomeReader.history(query, from: connection)
    }
  }
}
