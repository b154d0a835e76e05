import Foundation
import Locks
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

@Suite struct DatabaseTests {
  @Test func commitsAreSyncedAndLogged() throws {
    let fixture = try StoreFixture()
    try fixture.store.write { (writer) throws(StoreError) in
      // The value 2 is FULL.
      #expect(try writer.connection.number("PRAGMA synchronous") == 2)
      #expect(try writer.connection.number("PRAGMA foreign_keys") == 1)
    }
    #expect(try fixture.number("PRAGMA application_id") == Database.applicationID)
    #expect(try fixture.number("PRAGMA user_version") == Database.schemaVersion)
  }

  /// The thread that runs WAL checkpoints has a connection that does nothing else.
  @Test func aConnectionThatHasReadNothingBringsTheLogIn() throws {
    let fixture = try StoreFixture()
    let path = fixture.directory.path + "/hale.db"
    let log = try Connection(path: path, mode: .writer).checkpoint()
    #expect(log.pages > 0 && log.pagesDone == log.pages)
  }

  /// WAL checkpoints run on their own thread, and the WAL restarts once the writer has copied the
  /// rest.
  @Test func theLogIsBroughtInBesideTheWriter() throws {
    let threads = Locked<[pthread_t]>([])
    let fixture = try StoreFixture(
      observer: Observer { work, _ in
        if work == .checkpoint { threads.withLock { $0.append(pthread_self()) } }
      })
    let ended = DispatchSemaphore(value: 0)
    let thread = Thread { [store = fixture.store] in
      #expect(throws: Never.self) { try store.runCheckpoints() }
      ended.signal()
    }
    thread.start()
    try fixture.store.write { (writer) throws(StoreError) in
      try writer.connection.execute("CREATE TABLE filler (content BLOB)")
    }
    /// - Returns: the number of pages in the WAL after the write.
    func write(pages: Int) throws -> Int {
      try fixture.store.write { (writer) throws(StoreError) in
        try writer.connection.execute("INSERT INTO filler VALUES (zeroblob(\(pages * 4096)))")
        return writer.connection.walPages
      }
    }
    // The thread may start after the first writes; the writer then runs checkpoints itself.
    var most = 0
    for _ in 0..<100 where !threads.withLock({ $0.contains { $0 != pthread_self() } }) {
      most = max(most, try write(pages: 500))
    }
    #expect(threads.withLock { $0.contains { $0 != pthread_self() } } && most >= 4000)
    var last = most
    for _ in 0..<1000 where last >= 1000 { last = try write(pages: 1) }
    #expect(last < 1000)
    #expect(threads.withLock { $0.last } == pthread_self())
    fixture.store.stopCheckpoints()
    ended.wait()
    try fixture.store.close()
  }

  @Test func aNewerDatabaseIsRefusedUntouched() throws {
    let fixture = try StoreFixture()
    try fixture.store.write { (writer) throws(StoreError) in
      try writer.connection.execute("PRAGMA user_version = 99")
    }
    try fixture.store.close()
    let path = fixture.directory.path + "/hale.db"
    #expect {
      _ = try SQLiteStore(.init(path: path, newSecret: []))
    } throws: { error in
      error as? StoreError
        == .newerSchema(path: path, version: 99, known: Int64(Database.schemaVersion))
    }
  }

  @Test func anotherProgramsDatabaseIsRefused() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/hale.db"
    let other = try Connection(path: path, mode: .writer)
    try other.execute("CREATE TABLE notes (text TEXT)")
    #expect(throws: StoreError.self) { try SQLiteStore(.init(path: path, newSecret: [])) }
    #expect(try other.number("SELECT count(*) FROM sqlite_schema") == 1)
  }

  /// Queries are answered from the packed counts and sets, never from session states.
  @Test func noQuestionReadsSessionStates() throws {
    let fixture = try StoreFixture()
    let start = Timestamp(milliseconds: 20_000 * 86_400_000)
    try fixture.ingest([fixture.report(1, started: start, user: 1)], at: start)
    try fixture.store.write { (writer) throws(StoreError) in
      try writer.connection.execute("DELETE FROM session")
    }
    let answer = try fixture.ask(days: 20_000..<20_001, intervalMinutes: 60)
    #expect(answer.totals.sessions.total == 1 && answer.totals.users.total == 1)
  }

  @Test func theCatalogRefusesWhatIsTaken() throws {
    let fixture = try StoreFixture()
    let now = Timestamp(seconds: 1)
    let catalog = try #require(try fixture.store.catalog(unlessVersion: nil))
    let organization = catalog.organizations[0].id
    let key = String(repeating: "0", count: 32)
    let other = String(repeating: "a", count: 32)
    #expect(throws: StoreError.conflict(.organization("default"))) {
      try fixture.store.createOrganization(slug: "default", at: now)
    }
    #expect(throws: StoreError.conflict(.project("default"))) {
      try fixture.store.createProject(
        organization: organization, slug: "default", settings: ProjectSettings(), id: nil,
        publicKey: other,
        at: now)
    }
    #expect(throws: StoreError.conflict(.key(key))) {
      try fixture.store.createKey(project: fixture.project, publicKey: key, at: now)
    }
    // A rejected change leaves nothing behind.
    #expect(try fixture.store.catalog(unlessVersion: catalog.version) == nil)
  }

  /// After a failed sync the page cache may differ from the disk, so the file is reopened. A full
  /// disk and a rejected change keep the connection.
  @Test(arguments: [
    (StoreError.unavailable(operation: "sync", reason: "disk I/O error"), true),
    (.corrupt(operation: "read", reason: "malformed"), true),
    (.full(operation: "write", reason: "full"), false), (.conflict(.objective), false),
  ])
  func aFailingConnectionIsOpenedAnew(_ failure: StoreError, isReopened: Bool) throws {
    let fixture = try StoreFixture()
    // Marks the connection: a temporary table ends with it.
    try fixture.store.write { (writer) throws(StoreError) in
      try writer.connection.execute("CREATE TEMP TABLE mark (value INTEGER)")
    }
    #expect(throws: failure) {
      try fixture.store.write { (_) throws(StoreError) in throw failure }
    }
    let marks = try fixture.store.write { (writer) throws(StoreError) in
      try writer.connection.number("SELECT count(*) FROM sqlite_temp_schema")
    }
    #expect(marks == (isReopened ? 0 : 1))
  }

  /// Of two changes that began with the same, each makes its own part.
  @Test func changesAtOnceAreBothMade() throws {
    let fixture = try StoreFixture()
    let known = ProjectSettings()
    for settings in [ProjectSettings(platform: "python"), ProjectSettings(bad: .crashed)] {
      try fixture.store.setProject(fixture.project, settings, known: known)
    }
    let first = Objective()
    var (aimed, long) = (first, first)
    aimed.target = try #require(Objective.Target(percent: "98"))
    long.days = 5
    for objective in [aimed, long] {
      try fixture.store.setObjective(
        objective, of: fixture.project, known: first, at: PendingTests.start)
    }
    let catalog = try #require(try fixture.store.catalog(unlessVersion: nil))
    #expect(catalog.projects[0].settings == ProjectSettings(platform: "python", bad: .crashed))
    #expect(catalog.objectives[0].objective.target == aimed.target)
    #expect(catalog.objectives[0].objective.days == 5)
  }
}
