import Demo
import Envelopes
import ReleaseHealth

/// A project that made-up traffic is sent to, with the counts of what was sent.
struct DemoProject {
  var id: ProjectID
  var slug: String
  var dsn: String
  /// The indices of the applications whose traffic it gets.
  var apps: [Int]
  var tally = DemoTally()
}

/// Sends traffic: first the history, then each minute that ends.
struct DemoRun<Sink: DemoSink> {
  let sink: Sink
  var traffic: DemoTraffic
  var projects: [DemoProject]

  /// The number of history minutes that are sent together.
  private static var minutesTogether: Int { 10 }

  var sessions: Int64 { projects.reduce(0) { $0 + $1.tally.counts.total } }

  /// Sends the minutes before the given one.
  ///
  /// - Parameters:
  ///   - arrival: the arrival time of everything; nil for the time of each minute.
  ///   - progress: called with the number of minutes sent and of sessions so far.
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

  /// Sends the minutes that have ended by now.
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

/// Packs reports into as few envelopes as the limits of SDKs allow.
private struct DemoEnvelopes {
  let sentAt: Timestamp
  var done: [[UInt8]] = []
  var open: (sdk: String, writer: EnvelopeWriter)?

  mutating func add(_ reports: DemoReports, of app: DemoApp) {
    let sdk =
      switch app.kind {
      case .mobile: "sentry.java.android"
      case .browser: "sentry.javascript.browser"
      case .server: "sentry.python"
      }
    for update in reports.updates + reports.rejectable { add(sdk) { $0.add(update) } }
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
    // A second reference to the bytes would make each item copy them.
    open = nil
    item(&writer)
    open = (sdk, writer)
  }
}
