import ArgumentParser
import ReleaseHealth
import SQLiteStorage
import Storage

/// Measures a query of the store, without HTTP and JSON: two weeks by the hour.
struct QueryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query", abstract: "Measure a query of the store, in milliseconds.")

  @Option(help: "The database file.")
  var path: String

  @Flag(help: "Group by release.")
  var byRelease = false

  func run() throws {
    let store = try SQLiteStore(SQLiteStore.Settings(path: path, newSecret: []))
    // 2026-03-01T12:30:00Z, as in all databases of the bench.
    let end = (Timestamp(seconds: 1_772_368_200).hour + 1) * 60
    var query = HealthQuery(projects: [ProjectID(rawValue: 1)], minutes: end - 14 * 1440..<end)
    query.intervalMinutes = 60
    query.measures = .sessions
    if byRelease { query.groupBy = [.release] }
    var groups = 0
    let times = try (0..<50).map { _ in
      let watch = Stopwatch()
      groups = try store.health(query).count
      return watch.seconds * 1e3
    }
    try store.close()
    printFigures(Sample(times).figures("ms") + [("groups", Double(groups))])
  }
}
