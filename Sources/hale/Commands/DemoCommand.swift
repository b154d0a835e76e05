import ArgumentParser
import Demo
import Dispatch
import Outbound
import ReleaseHealth
import Storage

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Create projects with realistic made-up sessions.",
    discussion: """
      Creates three projects (an Android app, a web page and a server) and two weeks of their \
      sessions, with users, environments, daily rhythm, roll-outs, and a bad release that is \
      stopped and replaced. A service that runs on the data directory receives them; without one \
      they are written into the directory. The same --seed and --now give the same numbers.

        hale demo
        hale demo --name acme --days 30
        hale demo --live                continues until Ctrl-C
        hale demo --days 0 --live       continues with the existing projects

      With --dsn everything is sent to one project over HTTP, as SDKs send it. Sessions older than \
      5 days are not accepted that way.

        hale demo --dsn http://8c2e5bd1f3a04c7a9d1e6f0b2a7c4d55@127.0.0.1:8787/1
      """)

  @Option(help: .of("n", "The days of history, up to now."))
  var days = 14

  @Flag(help: "Continue to send each minute's sessions until Ctrl-C.")
  var live = false

  @Option(help: .of("dsn", "Send over HTTP to this project."))
  var dsn: String?

  @Option(help: .of("slug", "The made-up company, the prefix of its projects' slugs."))
  var name = "shop"

  @Option(help: .of("n", "The seed of the random numbers."))
  var seed: UInt64 = 1

  @OptionGroup var organization: OrganizationOptions
  @OptionGroup var json: JSONOptions
  @OptionGroup var data: DataOptions

  /// The age limit of sessions from SDKs, in minutes, less some time to send them.
  private static let sdkMinutesMax = Int(DomainLimits.ageMillisecondsMax / 60_000) - 30

  func run() throws {
    let settings = try Settings(flags: data.given)
    guard (0...settings.retentionDays).contains(days) else {
      throw CommandFailure.usage(
        "--days is \(days), but it takes 0 to \(settings.retentionDays), the retention of counts.")
    }
    if days == 0, !live {
      throw CommandFailure.usage("--days 0 sends nothing without --live.")
    }
    _ = try Slug.checked(name, naming: "--name")
    guard name.utf8.count <= 40 else {
      throw CommandFailure.usage("--name is '\(name)', but it takes at most 40 characters.")
    }
    // Signals are blocked before another thread starts.
    let stop = StopSignal()
    if live { try Signals.watch(stop, settings.logger) }
    if let dsn {
      let sink = DSNDemoSink(
        dsn: try DSN.sendable(dsn), client: HTTPClient(caFile: settings.notices.caFile),
        clock: try SystemClock(settings.now))
      // The DSN may be one of another service, without a numeric project.
      let id = ProjectID(rawValue: Int64(sink.dsn.project) ?? 0)
      let project = DemoProject(
        id: id, slug: sink.dsn.project, dsn: sink.dsn.text, apps: [0, 1, 2])
      try fill(through: sink, projects: [project], stop)
    } else {
      try createDirectory(settings.dataDirectory)
      try fillDirectory(settings, stop)
    }
  }

  private func fillDirectory(_ settings: Settings, _ stop: StopSignal) throws {
    if let service = try ServiceDemoSink(dataDirectory: settings.dataDirectory) {
      let projects = try DemoCatalog(self, settings).projects(at: try service.now())
      try fill(through: service, projects: projects, stop)
      return try printNextSteps(
        "Open \(projects.first?.address ?? "the service") in a browser.", settings: settings)
    }
    guard !live else {
      throw CommandFailure.failed(
        "--live needs a running service, and none runs on \(settings.dataDirectory). Start "
          + "`hale serve --data \(settings.dataDirectory)` first, or give --dsn.")
    }
    // A service that starts meanwhile would not see what is written.
    let lock = try DirectoryLock(dataDirectory: settings.dataDirectory, for: .job)
    defer { withExtendedLifetime(lock) {} }
    let sink = try DirectoryDemoSink(settings)
    let projects = try DemoCatalog(self, settings).projects(at: sink.now())
    try fill(through: sink, projects: projects, stop)
    try printNextSteps(
      "Start the service: hale serve --data \(settings.dataDirectory)",
      "Its dashboard is at \(projects.first?.address ?? "its address").", settings: settings)
  }

  /// Prints how to open the dashboard.
  private func printNextSteps(_ steps: String..., settings: Settings) throws {
    if json.isJSON { return }
    for step in steps { try printLine(step) }
    try printLine(
      "Sign in with the token that was shown when the data was made, or with a new one: "
        + "hale token create NAME --scope admin --data \(settings.dataDirectory)")
  }

  private func fill(
    through sink: some DemoSink, projects: [DemoProject], _ stop: StopSignal
  ) throws {
    let now = try sink.now()
    let minutes = days * 1440
    var first = now.minute - minutes
    if dsn != nil, minutes > Self.sdkMinutesMax {
      first = now.minute - Self.sdkMinutesMax
      printNotice(
        "Only the last 5 days are sent: HTTP accepts no older sessions. `hale demo --data "
          + "DIR` on the service's own machine has no such limit.")
    }
    // Without a history the roll-outs are at their state after two weeks.
    let span = now.minute - max(days, 14 * (days == 0 ? 1 : 0)) * 1440..<now.minute
    var run = DemoRun(
      sink: sink,
      traffic: DemoTraffic(apps: DemoApp.all(company: name), seed: seed, span: span, first: first),
      projects: projects)
    let began = SystemClock.monotonicMilliseconds()
    let bar = ProgressBar("filling")
    try run.sendHistory(until: now.minute, arrival: dsn == nil ? nil : now) { done, sessions in
      bar.update(done, of: now.minute - first, note: "\(grouped(sessions)) sessions")
    }
    bar.finish()
    if live { try continueLive(&run, sink, stop) }
    try sink.finish(at: now)
    try report(run.projects, milliseconds: SystemClock.monotonicMilliseconds() - began)
  }

  /// Sends each minute once it is over, until a signal stops it.
  private func continueLive<Sink: DemoSink>(
    _ run: inout DemoRun<Sink>, _ sink: Sink, _ stop: StopSignal
  ) throws {
    printNotice("\(grouped(run.sessions)) sessions sent. Sending continues; Ctrl-C stops it.")
    let stopped = DispatchSemaphore(value: 0)
    stop.onRequest { stopped.signal() }
    repeat {
      try run.sendLive(now: try sink.now())
    } while stopped.wait(timeout: .now() + .milliseconds(250)) == .timedOut
  }

  private func report(_ projects: [DemoProject], milliseconds: Int64) throws {
    try json.printEntries(
      projects, ["PROJECT", "SESSIONS", "USERS", "CRASHED", "REJECTED ITEMS", "DSN"],
      row: {
        [
          $0.slug, grouped($0.tally.counts.total), grouped(Int64($0.tally.users)),
          grouped($0.tally.counts.crashed), grouped($0.tally.rejected), $0.dsn,
        ]
      }, members: \.members)
    if json.isJSON { return }
    let sessions = projects.reduce(0) { $0 + $1.tally.counts.total }
    let tenths = milliseconds / 100
    try printLine("\(grouped(sessions)) sessions in \(tenths / 10).\(tenths % 10) s.")
  }
}

extension DemoProject {
  /// The address of the service, from the DSN.
  fileprivate var address: String? { DSN(dsn).map { $0.server.text } }

  fileprivate var members: JSONMembers {
    let counts = tally.counts
    return [
      ("id", .integer(id.rawValue)), ("slug", .string(slug)), ("dsn", .string(dsn)),
      ("sessions", .integer(counts.total)), ("healthy", .integer(counts.healthy)),
      ("errored", .integer(counts.errored)), ("unhandled", .integer(counts.unhandled)),
      ("abnormal", .integer(counts.abnormal)), ("crashed", .integer(counts.crashed)),
      ("users", .integer(Int64(tally.users))), ("acceptedItems", .integer(tally.accepted)),
      ("refusedItems", .integer(tally.rejected)),
    ]
  }
}

/// A number with separators, for example 12,345.
private func grouped(_ number: Int64) -> String {
  var text = ""
  for (index, digit) in String(number).reversed().enumerated() {
    if index > 0, index % 3 == 0, digit != "-" { text.append(",") }
    text.append(digit)
  }
  return String(text.reversed())
}
