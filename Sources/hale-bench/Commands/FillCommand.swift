import Bytes
import Access
import ArgumentParser
import ReleaseHealth
import SQLiteStorage
import Storage

/// Creates a database with a history, as the service would write it.
struct FillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fill",
    abstract:
      "Create a database with organization `default`, project 1, a key, a token and sessions.")

  @OptionGroup var options: TrafficOptions

  @Option(help: "The new database file, in an existing directory.")
  var path: String

  @Option(help: "The project's public key, 32 hexadecimal digits.")
  var key: String

  @Option(help: "A token of scope admin.")
  var token: String

  @Option(help: "Sessions per transaction.")
  var batch = 10_000

  func run() throws {
    let watch = Stopwatch()
    let traffic = options.traffic
    var secret = SplitMix64(seed: traffic.seed)
    let store = try SQLiteStore(
      SQLiteStore.Settings(
        path: path,
        newSecret: (0..<32).map { _ in UInt8(truncatingIfNeeded: secret.next()) }))
    let project = try createCatalog(store, at: traffic.history(0).started)
    guard let catalog = try store.catalog(unlessVersion: nil) else { return }
    var filling = Filling(
      store, traffic, project: project, hasher: UserHasher(key: catalog.userHashKey))
    var progress = ProgressLine("filling")
    let total = traffic.sessions + traffic.open
    for start in stride(from: 0, to: traffic.sessions, by: batch) {
      try filling.addHistory(start..<min(start + batch, traffic.sessions))
      progress.update(start, of: total)
    }
    for start in stride(from: 0, to: traffic.open, by: batch) {
      try filling.addOpen(start..<min(start + batch, traffic.open))
      progress.update(traffic.sessions + start, of: total)
    }
    try filling.runJobs(at: traffic.now)
    try store.close()
    progress.finish()
    printFigures([
      ("sessions", Double(total)), ("seconds", watch.seconds),
      ("rate", Double(total) / watch.seconds),
      ("processor_us", watch.processorSeconds / Double(max(total, 1)) * 1e6),
    ])
  }

  private func createCatalog(_ store: SQLiteStore, at time: Timestamp) throws -> ProjectID {
    let organization = try store.createOrganization(slug: "default", at: time)
    _ = try store.createToken(
      organization: organization.id, name: "bench", scope: .admin,
      digest: TokenDigest.digest(token), at: time)
    return try store.createProject(
      organization: organization.id, slug: "default", settings: ProjectSettings(), id: nil,
      publicKey: key,
      at: time
    ).id
  }
}

/// Writes the history into a database.
private struct Filling {
  private let store: SQLiteStore
  private let traffic: Traffic
  private let project: ProjectID
  private let series: [SeriesKey]
  private let hashes: [UserHash]
  private var hour: Int?

  init(_ store: SQLiteStore, _ traffic: Traffic, project: ProjectID, hasher: UserHasher) {
    self.store = store
    self.traffic = traffic
    self.project = project
    series = traffic.series(project: project)
    hashes = (0..<traffic.users).map { hasher.hash(traffic.userName($0)) }
  }

  mutating func addHistory(_ range: Range<Int>) throws {
    let sessions = range.map(traffic.history)
    guard let last = sessions.last else { return }
    try store.ingest(batch(sessions, at: last.started) { $0.status })
    if hour != last.started.hour { try runJobs(at: last.started) }
    hour = last.started.hour
  }

  mutating func addOpen(_ range: Range<Int>) throws {
    try store.ingest(batch(range.map(traffic.open), at: traffic.now) { _ in .ok })
  }

  /// Runs the hourly jobs of the service.
  func runJobs(at time: Timestamp) throws {
    _ = try store.runAdoption(at: time)
    while try store.housekeep(at: time) {}
  }

  private func batch(
    _ sessions: [MadeSession], at time: Timestamp, _ status: (MadeSession) -> SessionStatus
  ) -> IngestBatch {
    var batch = IngestBatch(receivedAt: time)
    for session in sessions {
      let status = status(session)
      var update = SessionUpdate(started: session.started, release: "")
      update.status = status
      update.errors = status == .errored ? 1 : 0
      update.durationMilliseconds = status == .ok ? nil : session.durationMilliseconds
      update.isInitial = true
      batch.add(
        SessionReport(
          update, sessionID: SessionID(value: session.id), correctedStart: session.started,
          user: hashes[session.user]),
        of: series[traffic.seriesIndex(of: session)])
    }
    batch.outcomes = [OutcomeKey(project: project, outcome: .accepted): Int64(sessions.count)]
    return batch
  }
}
