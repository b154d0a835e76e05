import ArgumentParser
import ReleaseHealth
import SQLiteStorage
import Storage

/// Measures a query of the store, without HTTP and JSON.
struct QueryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query", abstract: "Measure a query of the store, in milliseconds.")

  enum Measure: String, ExpressibleByArgument, CaseIterable {
    case sessions, users
  }

  @Option(help: "The database file.")
  var path: String

  @Option(help: "The end of the range, as a time.")
  var now = "2026-03-01T12:30:00Z"

  @Option(help: "The length of the range.")
  var days = 14

  @Option(help: "The minutes of a bucket; 0 for totals only.")
  var interval = 60

  @Option(help: "sessions or users.")
  var measure = Measure.sessions

  @Flag(help: "Group by release.")
  var byRelease = false

  @Option(help: "Only this release.")
  var release: String?

  @Option(help: "The number of queries.")
  var rounds = 50

  func run() throws {
    guard let now = RFC3339.parse(now) else { throw ValidationError("--now takes a time") }
    let store = try SQLiteStore(SQLiteStore.Settings(path: path, newSecret: []))
    let end = (now.hour + 1) * 60
    var query = HealthQuery(
      projects: [ProjectID(rawValue: 1)], minutes: end - days * 1440..<end)
    query.intervalMinutes = interval > 0 ? interval : nil
    query.measures = measure == .users ? .users : .sessions
    if byRelease { query.groupBy = [.release] }
    if let release { query.filter = .release(release) }
    var groups = 0
    let times = try (0..<rounds).map { _ in
      let watch = Stopwatch()
      groups = try store.health(query).count
      return watch.seconds * 1e3
    }
    try store.close()
    printFigures(Sample(times).figures("ms") + [("groups", Double(groups))])
  }
}
