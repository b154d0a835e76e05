import Demo
import Envelopes
import ReleaseHealth

/// A project that made-up traffic is sent to, and what was sent so far.
struct DemoProject {
  var id: ProjectID
  var slug: String
  var dsn: String
  /// Of the applications whose traffic it gets, their places.
  var apps: [Int]
  var tally = DemoTally()
}

/// Sends traffic, first of the past and then of each minute that ends.
struct DemoRun<Sink: DemoSink> {
  private let sink: Sink
  private var traffic: DemoTraffic
  private(set) var projects: [DemoProject]

  /// In the past, so many minutes are sent together.
  private static var minutesTogether: Int { 10 }

  init(_ traffic: DemoTraffic, to projects: [DemoProject], through sink: Sink) {
    self.traffic = traffic
    self.projects = projects
    self.sink = sink
  }

  var sessions: Int64 { projects.reduce(0) { $0 + $1.tally.counts.total } }

  /// Sends what came before a minute.
  ///
  /// - Parameters:
  ///   - arrival: when all of it arrives; nil for when it was made.
  ///   - progress: is told how many minutes were sent.
  mutating func sendHistory(
    until end: Int, arrival: Timestamp?, progress: (_ minutes: Int, _ sessions: Int64) -> Void
  ) throws {
    let first = traffic.minute
    while traffic.minute < end {
      let hour = traffic.minute / 60
      let last = min((traffic.minute / Self.minutesTogether + 1) * Self.minutesTogether, end)
      try send(until: last, arrival: arrival)
      if traffic.minute / 60 > hour { try sink.adopt(projects.map(\.id), hour: hour + 1) }
      progress(traffic.minute - first, sessions)
    }
  }

  /// Sends what came in the minutes that have ended by now.
  mutating func sendLive(now: Timestamp) throws {
    while traffic.minute < now.minute { try send(until: traffic.minute + 1, arrival: now) }
  }

  private mutating func send(until end: Int, arrival: Timestamp?) throws {
    var reports: [[DemoReports]] = projects.map { _ in [] }
    while traffic.minute < end {
      for report in traffic.next() {
        for (index, project) in projects.enumerated() where project.apps.contains(report.app) {
          reports[index].append(report)
        }
      }
    }
    let time = arrival ?? Timestamp(minute: end).advanced(byMilliseconds: -1)
    for (index, reports) in reports.enumerated() {
      var envelopes = DemoEnvelopes(sentAt: time)
      for report in reports {
        envelopes.add(report, of: traffic.apps[report.app])
        projects[index].tally.add(report)
      }
      for envelope in envelopes.finish() {
        try sink.send(envelope, to: projects[index].id, at: time)
      }
    }
    try sink.commit()
  }
}

/// Packs reports into as few envelopes as SDKs' limits allow.
private struct DemoEnvelopes {
  private let sentAt: Timestamp
  private var done: [[UInt8]] = []
  private var open: (sdk: String, writer: EnvelopeWriter)?

  init(sentAt: Timestamp) {
    self.sentAt = sentAt
  }

  mutating func add(_ reports: DemoReports, of app: DemoApp) {
    let sdk =
      switch app.kind {
      case .mobile: "sentry.java.android"
      case .browser: "sentry.javascript.browser"
      case .server: "sentry.python"
      }
    for update in reports.updates + reports.refusable { add(sdk) { $0.add(update) } }
    for aggregates in reports.aggregates { add(sdk) { $0.add(aggregates) } }
  }

  mutating func finish() -> [[UInt8]] {
    if let open { done.append(open.writer.bytes) }
    open = nil
    return done
  }

  private mutating func add(_ sdk: String, _ item: (inout EnvelopeWriter) -> Void) {
    if let open, open.sdk != sdk || open.writer.itemCount == EnvelopeLimits.sessionItemsMax {
      done.append(open.writer.bytes)
      self.open = nil
    }
    var writer = open?.writer ?? EnvelopeWriter(sentAt: sentAt, sdk: sdk)
    // Only one of the two may hold the bytes, or each item would copy them.
    open = nil
    item(&writer)
    open = (sdk, writer)
  }
}
