import ArgumentParser
import ReleaseHealth
import SQLiteStorage
import Storage

/// How long a question to the store takes, without HTTP and JSON.
struct QueryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query", abstract: "Milliseconds that the store needs for a question.")

  enum Measure: String, ExpressibleByArgument, CaseIterable {
    case sessions, users
  }

  @Option(help: "The database file.")
  var path: String

  @Option(help: "The end of the range, as a time.")
  var now = "2026-03-01T12:30:00Z"

  @Option(help: "The length of the range.")
  var days = 14

  @Option(help: "Minutes of a bucket; 0 for totals only.")
  var interval = 60

  @Option(help: "sessions or users.")
  var measure = Measure.sessions

  @Flag(help: "Group by release.")
  var byRelease = false

  @Option(help: "One release alone.")
  var release: String?

  @Option(help: "Times to ask.")
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
