import Bytes
import ArgumentParser
import ReleaseHealth
import SQLiteStorage
import Storage

/// Measures the size of user sets, which depends on the number of users and on how their ids are
/// spread.
struct UsersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "users",
    abstract: "Measure the size of a day's user set, for several shares of all users.")

  @OptionGroup var options: TrafficOptions

  @Option(help: "A new database file.")
  var path: String

  /// The shares of all users, who are drawn at random.
  private static let percents = [1, 10, 20, 50, 100]

  func run() throws {
    let traffic = options.traffic
    let store = try SQLiteStore(
      SQLiteStore.Settings(path: path, newSecret: [UInt8](repeating: 1, count: 32)))
    let organization = try store.createOrganization(slug: "default", at: traffic.now)
    let project = try store.createProject(
      organization: organization.id, slug: "default", settings: ProjectSettings(), id: nil,
      publicKey: String(repeating: "0", count: 32), at: traffic.now)
    var random = SplitMix64(seed: traffic.seed)
    let users = (0..<traffic.users).map { _ in
      UserHash(value: UInt128(random.next()) << 64 | UInt128(random.next()))
    }
    // All users come first, so that the ids of a smaller share are spread.
    for percent in Self.percents.reversed() {
      let chosen = users.filter { _ in random.next() % 100 < UInt64(percent) }
      let series = SeriesKey(project: project.id, release: "\(percent)", environment: nil)
      try add(chosen, series, to: store)
    }
    let later = traffic.now.advanced(byMilliseconds: 2 * 86_400_000)
    while try store.housekeep(at: later) {}
    try store.close()
    let connection = try RawSQLite(path)
    printFigures(
      [("users", Double(traffic.users))]
        + (try Self.percents.map { percent in
          let bytes = try connection.number(
            """
            SELECT max(length(sets)) FROM user_day WHERE scope = (
              SELECT scope.id FROM scope JOIN release ON release.id = scope.release
              WHERE release.version = '\(percent)')
            """)
          return ("bytes_at_\(percent)_percent", Double(bytes))
        }))
  }

  private func add(_ users: [UserHash], _ series: SeriesKey, to store: SQLiteStore) throws {
    let now = options.traffic.now
    for start in stride(from: 0, to: users.count, by: 10_000) {
      var batch = IngestBatch(receivedAt: now)
      for user in users[start..<min(start + 10_000, users.count)] {
        batch.add(
          AggregatedSessions(
            correctedStart: now, counts: SessionCounts(healthy: 1), user: user), of: series)
      }
      try store.ingest(batch)
    }
  }
}
