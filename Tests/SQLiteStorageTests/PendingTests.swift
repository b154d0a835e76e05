import Locks
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

/// Updates that are durable and acknowledged, but not folded into their sessions yet.
@Suite struct PendingTests {
  static let start = Timestamp(seconds: 20_000 * 86_400)
  static let folding = SQLiteStore.Folding(
    directUpdatesMax: 0, pendingUpdatesMax: 1000, sliceUpdatesMax: 7)
  static let days = 20_000..<20_001

  private static func batch(_ fixture: StoreFixture, _ ids: Range<UInt64>) -> IngestBatch {
    var batch = IngestBatch(receivedAt: start)
    batch.add(
      ids.map {
        fixture.report(
          $0 % 25, started: start.advanced(byMilliseconds: Int64($0 % 25) * 1000),
          status: $0 % 4 == 0 ? .crashed : .exited, duration: Int64($0), user: $0 % 5)
      })
    batch.outcomes = [
      OutcomeKey(project: fixture.project, outcome: .accepted): Int64(ids.count)
    ]
    return batch
  }

  private static func accepted(_ store: SQLiteStore) throws -> Int64? {
    try store.outcomes(
      of: [ProjectID(rawValue: 1)], hours: start.hour..<start.hour + 1, intervalHours: 1
    )[0][OutcomeKey(project: ProjectID(rawValue: 1), outcome: .accepted)]
  }

  /// Whichever part of a run was folded when the process ended, each update counts once.
  @Test(arguments: 0...5)
  func whatWaitsOutlivesTheProcess(slices: Int) throws {
    let fixture = try StoreFixture(folding: Self.folding)
    for number in UInt64(0)..<4 {
      try fixture.store.ingest(Self.batch(fixture, number * 10..<number * 10 + 10))
    }
    for _ in 0..<slices { #expect(try fixture.store.foldPending() != nil) }
    // Two more batches arrive while the run is folded.
    try fixture.store.ingest(Self.batch(fixture, 40..<50))

    let next = try StoreFixture.open(fixture.directory, folding: Self.folding)
    try next.ingest(Self.batch(fixture, 50..<60))
    let found = try next.health(Self.query(fixture)).first?.totals

    let direct = try StoreFixture(folding: .init(directUpdatesMax: 1000))
    try direct.store.ingest(Self.batch(direct, 0..<60))
    let expected = try direct.store.health(Self.query(direct)).first?.totals
    #expect(found == expected)
    #expect(found?.sessions.total == 25)
    #expect(try Self.accepted(next) == 60)
    let report = try DataFile.verify(path: fixture.directory.path + "/hale.db") { _, _ in }
    #expect(report.findings.isEmpty)
  }

  /// Updates of two steps of the arrival log are folded in one slice, the later one first: the
  /// earlier one subtracts what the later one added, though the hour has no row yet.
  @Test(arguments: [0, 511])
  func aLaterUpdateMayBeFoldedFirst(others: UInt64) throws {
    let fixture = try StoreFixture(
      folding: .init(directUpdatesMax: 0, pendingUpdatesMax: 10_000, sliceUpdatesMax: 2000))
    let started = Self.start.advanced(byMilliseconds: 300_000)
    let (early, late) = (
      Self.start.advanced(byMilliseconds: 599_000), Self.start.advanced(byMilliseconds: 601_000)
    )
    let crash = fixture.report(
      1000, started: started, status: .crashed, duration: 5000, user: 1000)
    let repetition = fixture.report(1000, started: started, user: 1000)
    let rest = (0..<others).map {
      fixture.report($0, started: Self.start.advanced(byMilliseconds: Int64($0)), user: $0)
    }
    if others > 0 {
      // A whole piece of the pending updates, and a later update.
      try fixture.ingest(rest + [crash], at: early)
      try fixture.ingest([repetition], at: late)
    } else {
      // The clock was set back.
      try fixture.ingest([repetition], at: late)
      try fixture.ingest([crash], at: early)
    }
    let answer = try fixture.ask(days: Self.days).totals
    let expected = SessionCounts(healthy: Int64(others), crashed: 1)
    #expect(answer.sessions == expected)
    #expect(answer.users.byWorst == expected)
    #expect(try fixture.ask(minutes: Self.start.minute..<Self.start.minute + 30).totals == answer)
    let report = try DataFile.verify(path: fixture.directory.path + "/hale.db") { _, _ in }
    #expect(report.findings.isEmpty)
  }

  /// A job folds the updates that arrived before it began, and ends even under load.
  @Test func aJobSettlesWhatArrivedBeforeIt() throws {
    let fixture = try StoreFixture(folding: Self.folding)
    let before = Self.start.advanced(byMilliseconds: -1)
    try fixture.store.ingest(Self.batch(fixture, 0..<10))
    #expect(try fixture.store.foldPending(receivedBy: before) == nil)
    #expect(try fixture.store.foldPending(receivedBy: Self.start) != nil)
    // Updates that arrive while the run is folded belong to the next run.
    var batch = Self.batch(fixture, 10..<20)
    batch.received(at: Self.start.advanced(byMilliseconds: 1))
    try fixture.store.ingest(batch)
    #expect(try fixture.store.foldPending(receivedBy: Self.start) != nil)
    #expect(try fixture.store.foldPending(receivedBy: Self.start) == nil)
    #expect(try fixture.store.foldPending() != nil)
    #expect(try Self.accepted(fixture.store) == 20)
  }

  /// Under steady load of any rate, only the latest updates are pending while queries come; before
  /// the first query, and some time after the last, as many as the limit allows.
  @Test(arguments: [1, 10, 100])
  func whileQuestionsAreAskedWhatWaitsIsWhatCameLately(updatesPerMillisecond: Int) throws {
    let folding = SQLiteStore.Folding(
      directUpdatesMax: 0, pendingUpdatesMax: 150 * updatesPerMillisecond, pendingMilliseconds: 50,
      queryMilliseconds: 500, sliceUpdatesMax: 10 * updatesPerMillisecond)
    let fixture = try StoreFixture(folding: folding)
    /// The maximum of pending updates in that time, without its first 200 milliseconds.
    func mostWaiting(_ milliseconds: Range<Int>) throws -> Int {
      var most = 0
      for millisecond in milliseconds {
        var batch = IngestBatch(receivedAt: Self.start.advanced(byMilliseconds: Int64(millisecond)))
        batch.add(
          (0..<updatesPerMillisecond).map {
            fixture.report(UInt64($0), started: Self.start, user: 1)
          })
        try fixture.store.ingest(batch)
        let waiting = try fixture.store.ingesting { (writer) throws(StoreError) in
          writer.ingest.pendingCount
        }
        if millisecond >= milliseconds.lowerBound + 200 { most = max(most, waiting) }
      }
      return most
    }
    // A slice has the updates of ten milliseconds.
    let slack = 20 * updatesPerMillisecond
    let all = 150 * updatesPerMillisecond
    #expect(abs(try mostWaiting(0..<450) - all) <= slack)
    _ = try fixture.ask(days: Self.days)
    #expect(abs(try mostWaiting(450..<900) - 50 * updatesPerMillisecond) <= slack)
    #expect(abs(try mostWaiting(1000..<1450) - all) <= slack)
  }

  /// Beside a project that floods, the few updates of another one are folded at once: its queries
  /// wait for nothing, and see all of them.
  @Test func fewUpdatesDoNotWaitForThoseOfAFlood() throws {
    let folding = SQLiteStore.Folding(
      directUpdatesMax: 0, pendingUpdatesMax: 10_000, sliceUpdatesMax: 100, quietMilliseconds: 0)
    let fixture = try StoreFixture(folding: folding)
    let quiet = try fixture.store.createProject(
      organization: OrganizationID(rawValue: 1), slug: "quiet", settings: ProjectSettings(),
      id: nil,
      publicKey: String(repeating: "1", count: 32), at: Self.start
    ).id
    func batch(_ updates: Int, _ ids: Range<UInt64>) -> IngestBatch {
      var batch = IngestBatch(receivedAt: Self.start)
      batch.add((0..<updates).map { fixture.report(UInt64($0), started: Self.start, user: 1) })
      batch.add(
        ids.map { id in
          var report = fixture.report(id, started: Self.start, user: id)
          report.key.series.project = quiet
          return report
        })
      batch.outcomes[OutcomeKey(project: quiet, outcome: .accepted)] = Int64(ids.count)
      return batch
    }
    func sessions(of project: ProjectID) throws -> Int64? {
      var query = Self.query(fixture)
      query.projects = [project]
      return try fixture.store.health(query).first?.totals.sessions.total
    }
    try fixture.store.ingest(batch(300, 1..<4))
    try fixture.store.ingest(batch(300, 3..<6))
    #expect(fixture.store.pendingUpdates == 600)
    #expect(try sessions(of: quiet) == 5)
    #expect(fixture.store.pendingUpdates == 600)
    // Many updates wait with the others, and then a few do, too, since they come after them. Two
    // slices as large as the batch are folded, so that it does not stay so.
    try fixture.store.ingest(batch(300, 0..<200))
    try fixture.store.ingest(batch(300, 200..<202))
    #expect(fixture.store.pendingUpdates == 600 + 500 - 2 * 302 + 302)
    #expect(try sessions(of: quiet) == 202)
    #expect(try sessions(of: fixture.project) == 300)
    #expect(fixture.store.pendingUpdates == 0)
    let outcomes = try fixture.store.outcomes(
      of: [quiet], hours: Self.start.hour..<Self.start.hour + 1, intervalHours: 1)[0]
    #expect(outcomes[OutcomeKey(project: quiet, outcome: .accepted)] == 208)
    // A process that opens the file does not know of whom the updates are that wait.
    try fixture.store.ingest(batch(300, 300..<302))
    let next = try StoreFixture.open(fixture.directory, folding: folding)
    try next.ingest(batch(1, 302..<303))
    #expect(next.pendingUpdates == 302 - 2 * 100)
    var query = Self.query(fixture)
    query.projects = [quiet]
    #expect(try next.health(query).first?.totals.sessions.total == 205)
    let report = try DataFile.verify(path: fixture.directory.path + "/hale.db") { _, _ in }
    #expect(report.findings.isEmpty)
  }

  /// Where folding takes long, little waits for it, since a query waits for all of it.
  @Test func slowFoldingLeavesLittlePending() throws {
    let folding = SQLiteStore.Folding(
      directUpdatesMax: 0, pendingUpdatesMax: 1000, sliceUpdatesMax: 20)
    for (observer, most) in [(nil, 1000...1100), (Observer { _, _ in }, 20...100)]
      as [(Observer?, ClosedRange<Int>)]
    {
      let fixture = try StoreFixture(folding: folding, observer: observer)
      var waiting = 0
      for millisecond in 0..<300 {
        var batch = IngestBatch(receivedAt: Self.start.advanced(byMilliseconds: Int64(millisecond)))
        batch.add((0..<15).map { fixture.report(UInt64($0), started: Self.start, user: 1) })
        try fixture.store.ingest(batch)
        // The first slice shows how long it takes.
        if millisecond == 0 { _ = try fixture.store.foldPending() }
        waiting = max(waiting, fixture.store.pendingUpdates)
      }
      #expect(most.contains(waiting))
    }
  }

  /// The observer gets the number of pending updates and the duration of each slice.
  @Test func theObserverNotesEachSlice() throws {
    let noted = Locked<[Double]>([])
    let observer = Observer { work, seconds in
      #expect(work == .fold)
      noted.withLock { $0.append(seconds) }
    }
    let fixture = try StoreFixture(folding: Self.folding, observer: observer)
    try fixture.store.ingest(Self.batch(fixture, 0..<20))
    #expect(fixture.store.pendingUpdates == 20 && noted.withLock { $0 }.isEmpty)
    _ = try fixture.store.foldPending()
    #expect(fixture.store.pendingUpdates == 13)
    #expect(try fixture.ask(days: Self.days).totals.sessions.total == 20)
    #expect(fixture.store.pendingUpdates == 0)
    #expect(noted.withLock { $0 } == [1, 1, 1])
  }

  private static func query(_ fixture: StoreFixture) -> HealthQuery {
    var query = HealthQuery(
      projects: [fixture.project], minutes: days.lowerBound * 1440..<days.upperBound * 1440)
    query.measures = [.sessions, .users]
    return query
  }

  /// A command that opens the same file as the service folds none of its pending updates.
  @Test func onlyTheOwnerFolds() throws {
    let fixture = try StoreFixture(folding: Self.folding)
    try fixture.store.ingest(Self.batch(fixture, 0..<20))
    let command = try StoreFixture.open(fixture.directory, ownsSessions: false)
    _ = try command.catalog(unlessVersion: nil)
    _ = try command.createToken(
      organization: OrganizationID(rawValue: 1), name: "ci", scope: .read,
      digest: [UInt8](repeating: 1, count: 32), at: Self.start)
    let sessions = try command.read { (connection) throws(StoreError) in
      try connection.number("SELECT count(*) FROM session")
    }
    #expect(sessions == 0)
    #expect(try fixture.ask(days: Self.days).totals.sessions.total == 20)
    try fixture.store.ingest(Self.batch(fixture, 0..<20))
    #expect(try fixture.ask(days: Self.days).totals.sessions.total == 20)
  }

  /// The rows of a completed run are reused, so the table does not grow.
  @Test func slotsAreUsedAgain() throws {
    let fixture = try StoreFixture(folding: Self.folding)
    for number in UInt64(0)..<50 {
      try fixture.store.ingest(Self.batch(fixture, number..<number + 5))
      while try fixture.store.foldPending() != nil {}
    }
    #expect(try fixture.number("SELECT count(*) FROM pending") == 1)
    #expect(try fixture.number("SELECT max(length(content)) FROM pending") == 4032)
  }

  /// Batches of any size leave at most the limit and one batch pending.
  @Test func whatWaitsIsBounded() throws {
    let folding = SQLiteStore.Folding(
      directUpdatesMax: 0, pendingUpdatesMax: 40, sliceUpdatesMax: 7)
    let fixture = try StoreFixture(folding: folding)
    for number in UInt64(0)..<10 {
      try fixture.store.ingest(Self.batch(fixture, number * 100..<number * 100 + 100))
      let waiting = try fixture.store.ingesting { (writer) throws(StoreError) in
        writer.ingest.pendingCount
      }
      #expect(waiting < 40 + 100)
    }
  }

  /// When the disk has no room to fold, no update is lost, and batches beyond the limit are
  /// rejected.
  @Test func nothingIsLostWhenFoldingFails() throws {
    let fixture = try StoreFixture(folding: Self.folding)
    func limit(_ pages: Int64) throws {
      try fixture.store.ingesting { (writer) throws(StoreError) in
        _ = try writer.connection.number("PRAGMA max_page_count = \(pages)")
      }
    }
    func ingest(_ ids: Range<UInt64>) throws {
      var batch = IngestBatch(receivedAt: Self.start)
      batch.add(ids.map { fixture.report($0, started: Self.start, user: $0) })
      try fixture.store.ingest(batch)
    }
    for number in UInt64(0)..<20 { try ingest(number * 50..<number * 50 + 50) }
    let pages = try fixture.store.ingesting { (writer) throws(StoreError) in
      try writer.connection.number("PRAGMA page_count")
    }
    try limit(try #require(pages))
    #expect(throws: StoreError.self) { while try fixture.store.foldPending() != nil {} }
    // Only folding makes room for pending updates.
    #expect(throws: StoreError.self) {
      for number in UInt64(20)..<60 { try ingest(number * 50..<number * 50 + 50) }
    }
    try limit(1_000_000)
    #expect(try fixture.ask(days: Self.days).totals.sessions.total >= 1000)
    try ingest(5000..<5010)
    let total = try fixture.ask(days: Self.days).totals.sessions.total
    #expect(try fixture.number("SELECT count(*) FROM session") == total)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func aBatchIsReadAsItWasWritten(seed: UInt64) throws {
    var generator = ReportGenerator(seed: seed)
    let range = Self.start.milliseconds..<Self.start.milliseconds + 86_400_000
    var reports = (0..<80).flatMap { _ in generator.session(startedIn: range).map(\.report) }
    for index in reports.indices {
      reports[index].series = index
      reports[index].receivedAt = Self.start
    }
    let outcomes: [OutcomeKey: Int64] = [
      OutcomeKey(project: ProjectID(rawValue: 7), outcome: .userOmitted): 3,
      OutcomeKey(project: ProjectID(rawValue: 9), outcome: .rejected(.tooOld)): 1 << 40,
    ]
    let rows = PendingSlot.pack(
      sequence: 5, receivedAt: Self.start, reports: reports, outcomes: outcomes)
    #expect(rows.count > 1)
    var read: [SessionReport] = []
    var readOutcomes: [OutcomeKey: Int64] = [:]
    for row in rows {
      #expect(row.count == PendingSlot.bytes)
      let slot = try #require(PendingSlot(packed: row))
      #expect(slot.sequence == 5)
      read += slot.reports
      readOutcomes.merge(slot.outcomes, uniquingKeysWith: +)
    }
    // Updates that are read from the table are marked as recovered.
    for index in reports.indices { reports[index].isRecovered = true }
    #expect(read == reports)
    #expect(readOutcomes == outcomes)
    // Damage is detected, or changes the result, but never crashes.
    for index in stride(from: 0, to: 400, by: 7) {
      var damaged = rows[0]
      damaged[index] ^= 0xff
      _ = PendingSlot(packed: damaged)
    }
  }
}
