import Locks
import ReleaseHealth
import Storage
import TestSupport

@testable import SQLiteStorage

/// A store in a directory of its own, with one project, and helpers to fill and query it.
struct StoreFixture {
  let directory: TemporaryDirectory
  let store: SQLiteStore
  let project = ProjectID(rawValue: 1)

  init(
    retentionDays: Int = 90, folding: SQLiteStore.Folding = .init(),
    observer: (any StoreObserver)? = nil
  ) throws {
    directory = try TemporaryDirectory()
    store = try Self.open(
      directory, retentionDays: retentionDays, folding: folding, observer: observer)
    let organization = try store.createOrganization(slug: "default", at: Timestamp(seconds: 0))
    _ = try store.createProject(
      organization: organization.id, slug: "default", settings: ProjectSettings(), id: nil,
      publicKey: String(repeating: "0", count: 32), at: Timestamp(seconds: 0))
  }

  /// Opens the same file again.
  static func open(
    _ directory: TemporaryDirectory, retentionDays: Int = 90, ownsSessions: Bool = true,
    folding: SQLiteStore.Folding = .init(), observer: (any StoreObserver)? = nil
  ) throws -> SQLiteStore {
    try SQLiteStore(
      .init(
        path: directory.path + "/hale.db", retentionDays: retentionDays,
        newSecret: [UInt8](repeating: 7, count: 32), ownsSessions: ownsSessions,
        folding: folding, observer: observer))
  }

  func report(
    _ id: UInt64, started: Timestamp, corrected: Timestamp? = nil, status: SessionStatus = .ok,
    duration: Int64? = nil, user: UInt64? = nil, release: String = "shop@1.0.0"
  ) -> NamedReport {
    NamedReport(
      key: SessionKey(
        series: SeriesKey(project: project, release: release, environment: "production"),
        started: started, sessionID: SessionID(value: UInt128(id))),
      correctedStart: corrected ?? started, status: status, durationMilliseconds: duration,
      user: user.map { UserHash(value: UInt128($0)) })
  }

  func ingest(_ reports: [NamedReport], at now: Timestamp) throws {
    var batch = IngestBatch(receivedAt: now)
    batch.add(reports)
    try store.ingest(batch)
  }

  func housekeep(at now: Timestamp) throws {
    while try store.housekeep(at: now) {}
  }

  /// Totals and time series over whole days, or with the given interval.
  func ask(
    days: Range<Int>, intervalMinutes: Int? = nil
  ) throws -> (totals: HealthCell, series: [HealthCell]) {
    try ask(minutes: days.lowerBound * 1440..<days.upperBound * 1440, intervalMinutes)
  }

  func ask(
    minutes: Range<Int>, _ intervalMinutes: Int? = nil
  ) throws -> (totals: HealthCell, series: [HealthCell]) {
    let group = try groups(minutes: minutes, intervalMinutes).first
    return (group?.totals ?? HealthCell(), group?.series ?? [])
  }

  func groups(
    minutes: Range<Int>, _ intervalMinutes: Int? = nil, by groupBy: Set<HealthQuery.Dimension> = []
  ) throws -> [HealthGroup] {
    var query = HealthQuery(projects: [project], minutes: minutes)
    query.intervalMinutes = intervalMinutes
    query.groupBy = groupBy
    query.measures = [.sessions, .users]
    return try store.health(query)
  }

  func number(_ sql: String) throws -> Int64? {
    try store.read { (connection) throws(StoreError) in try connection.number(sql) }
  }
}

/// Passes on each observation. Its clock advances by a second each time that it is read.
struct Observer: StoreObserver {
  private let time = Shared()
  private let body: @Sendable (StoreWork, Double) -> Void

  private final class Shared: Sendable {
    let nanoseconds = Locked(Int64(0))
  }

  init(_ body: @escaping @Sendable (StoreWork, Double) -> Void) {
    self.body = body
  }

  var monotonicNanoseconds: Int64 {
    time.nanoseconds.withLock { nanoseconds in
      nanoseconds += 1_000_000_000
      return nanoseconds
    }
  }

  func note(_ work: StoreWork, seconds: Double) { body(work, seconds) }
}
