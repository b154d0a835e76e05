import ArgumentParser
import Demo
import Dispatch
import Outbound
import ReleaseHealth
import Storage

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Fill projects with made-up, believable traffic.",
    discussion: """
      Makes three projects, an Android app, a web page and a server, and two weeks of their \
      sessions: releases that take over from each other, a bad one that is stopped and replaced, \
      users, environments, the rhythm of days. A service that runs on the data directory takes \
      them at once; without one they are written into the directory. The same --seed and --now \
      give the same numbers.

        hale demo
        hale demo --name acme --days 30
        hale demo --live                goes on until Ctrl-C
        hale demo --days 0 --live       goes on with projects that are there

      With --dsn all of it goes to one project, over HTTP as SDKs send: no service takes what is \
      older than 5 days that way.

        hale demo --dsn http://8c2e5bd1f3a04c7a9d1e6f0b2a7c4d55@127.0.0.1:8787/1
      """)

  @Option(help: ArgumentHelp("How many days of history, up to now.", valueName: "n"))
  var days = 14

  @Flag(help: "Go on sending, minute by minute, until Ctrl-C.")
  var live = false

  @Option(help: ArgumentHelp("Send over HTTP to this project.", valueName: "dsn"))
  var dsn: String?

  @Option(help: ArgumentHelp("The made-up company: its projects start with it.", valueName: "slug"))
  var name = "shop"

  @Option(help: ArgumentHelp("Another number makes other traffic.", valueName: "n"))
  var seed: UInt64 = 1

  @OptionGroup var organization: OrganizationOptions
  @OptionGroup var json: JSONOptions
  @OptionGroup var data: DataOptions

  /// What SDKs send may be so old, with some time left to send it.
  private static let sdkMinutesMax =
    Int(DomainLimits.ageMillisecondsMax / 60_000) - 30

  func run() throws {
    let settings = try Settings(flags: data.given)
    guard (0...settings.retentionDays).contains(days) else {
      throw CommandFailure.usage(
        "--days is \(days), but it takes 0 to \(settings.retentionDays): for so long counts are kept."
      )
    }
    if days == 0, !live {
      throw CommandFailure.usage("--days 0 sends nothing without --live.")
    }
    _ = try Slug.checked(name, naming: "--name")
    guard name.utf8.count <= 40 else {
      throw CommandFailure.usage("--name is '\(name)', but it takes at most 40 characters.")
    }
    // Before any other thread is there.
    let stop = StopSignal()
    if live { try Signals.watch(stop, settings.logger) }
    if let dsn {
      let sink = DSNDemoSink(
        dsn: try DSN.sendable(dsn), client: HTTPClient(caFile: settings.notices.caFile),
        clock: try SystemClock(settings.now))
      try fill(through: sink, projects: [sink.dsn.demoProject], stop)
    } else {
      try createDirectory(settings.dataDirectory)
      try fillDirectory(settings, stop)
    }
  }

  private func fillDirectory(_ settings: Settings, _ stop: StopSignal) throws {
    if let service = try ServiceDemoSink(dataDirectory: settings.dataDirectory) {
      let projects = try DemoCatalog(self, settings).projects(at: try service.now())
      try fill(through: service, projects: projects, stop)
      return try tell("Open \(projects.first?.address ?? "the service") in a browser.", settings)
    }
    guard !live else {
      throw CommandFailure.failed(
        "--live sends to a service that runs, and none runs on \(settings.dataDirectory). Start "
          + "`hale serve --data \(settings.dataDirectory)` first, or name one with --dsn.")
    }
    // A service that starts meanwhile would not know what is written under it.
    let lock = try DirectoryLock(dataDirectory: settings.dataDirectory, for: .job)
    defer { withExtendedLifetime(lock) {} }
    let sink = try DirectoryDemoSink(settings)
    let projects = try DemoCatalog(self, settings).projects(at: sink.now())
    try fill(through: sink, projects: projects, stop)
    try tell(
      "Look at it with: hale serve --data \(settings.dataDirectory)\nIts dashboard is at "
        + "\(projects.first?.address ?? "its address").", settings)
  }

  /// Tells people how to go on.
  private func tell(_ way: String, _ settings: Settings) throws {
    if json.isJSON { return }
    try printLine(way)
    try printLine(
      "It asks for a token: hale token create NAME --data \(settings.dataDirectory)")
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
        "A service takes what SDKs tell of the last 5 days only: these are sent. `hale demo --data "
          + "DIR` on the service's own machine has no such limit.")
    }
    // Without a history the roll-outs are as they are after two weeks of one.
    let span = now.minute - max(days, 14 * (days == 0 ? 1 : 0)) * 1440..<now.minute
    var run = DemoRun(
      DemoTraffic(apps: DemoApp.all(company: name), seed: seed, span: span, first: first),
      to: projects, through: sink)
    let began = SystemClock.monotonicMilliseconds()
    let bar = ProgressBar("filling")
    try run.sendHistory(until: now.minute, arrival: dsn == nil ? nil : now) { done, sessions in
      bar.update(done, of: now.minute - first, note: "\(grouped(sessions)) sessions")
    }
    bar.finish()
    if live { try goOn(&run, sink, stop) }
    try sink.finish(at: now)
    try report(run.projects, milliseconds: SystemClock.monotonicMilliseconds() - began)
  }

  /// Sends each minute once it is over, until somebody ends it.
  private func goOn<Sink: DemoSink>(
    _ run: inout DemoRun<Sink>, _ sink: Sink, _ stop: StopSignal
  ) throws {
    printNotice("\(grouped(run.sessions)) sessions sent; going on, Ctrl-C ends it.")
    let stopped = DispatchSemaphore(value: 0)
    stop.onRequest { stopped.signal() }
    repeat {
      try run.sendLive(now: try sink.now())
    } while stopped.wait(timeout: .now() + .milliseconds(250)) == .timedOut
  }

  private func report(_ projects: [DemoProject], milliseconds: Int64) throws {
    for project in projects where json.isJSON { try printLine(jsonLine(project.members)) }
    guard !json.isJSON else { return }
    try printColumns(
      ["PROJECT", "SESSIONS", "USERS", "CRASHED", "REFUSED ITEMS", "DSN"],
      projects.map {
        [
          $0.slug, grouped($0.tally.counts.total), grouped(Int64($0.tally.users)),
          grouped($0.tally.counts.crashed), grouped($0.tally.refused), $0.dsn,
        ]
      })
    let sessions = projects.reduce(0) { $0 + $1.tally.counts.total }
    let tenths = milliseconds / 100
    try printLine("\(grouped(sessions)) sessions in \(tenths / 10).\(tenths % 10) s.")
  }
}

extension DSN {
  /// The project that it leads to, which gets everything.
  fileprivate var demoProject: DemoProject {
    // A DSN's project need not be a number of this service's.
    DemoProject(
      id: ProjectID(rawValue: Int64(project) ?? 0), slug: project, dsn: text,
      apps: [0, 1, 2])
  }
}

extension DemoProject {
  /// Where the service is, as far as its DSN says.
  fileprivate var address: String? { DSN(dsn).map { $0.server.text } }

  fileprivate var members: [(name: String, value: JSONValue)] {
    let counts = tally.counts
    return [
      ("id", .integer(id.rawValue)), ("slug", .string(slug)), ("dsn", .string(dsn)),
      ("sessions", .integer(counts.total)), ("healthy", .integer(counts.healthy)),
      ("errored", .integer(counts.errored)), ("unhandled", .integer(counts.unhandled)),
      ("abnormal", .integer(counts.abnormal)), ("crashed", .integer(counts.crashed)),
      ("users", .integer(Int64(tally.users))), ("acceptedItems", .integer(tally.accepted)),
      ("refusedItems", .integer(tally.refused)),
    ]
  }
}

/// A number as people read it: 12,345.
private func grouped(_ number: Int64) -> String {
  var text = ""
  for (index, digit) in String(number).reversed().enumerated() {
    if index > 0, index % 3 == 0, digit != "-" { text.append(",") }
    text.append(digit)
  }
  return String(text.reversed())
}
