import Bytes
import Foundation
import ReleaseHealth
import SQLiteStorage
import Service
import Storage
import TestSupport

/// An event of a simulation. It has a seed of its own, so that any part of a history is a history.
enum SimulationStep: Hashable, CustomStringConvertible {
  /// Time passes for all clocks.
  case time(milliseconds: Int64)
  /// The service's clock is set, and stays off by this much.
  case serviceClock(offMilliseconds: Int64)
  /// A device starts a session and reports it.
  case begin(device: Int, random: UInt64)
  /// A device reports an update of a session, or its end, possibly late.
  case go(device: Int, random: UInt64)
  /// An earlier envelope arrives again, unchanged.
  case again(random: UInt64)
  /// A server sends aggregates.
  case aggregates(random: UInt64)
  /// The next batch is not stored, or it is and the answer is lost.
  case fault(isLate: Bool)
  /// The scheduler checks what is due.
  case tick
  case restart(isCrash: Bool)
  case check(random: UInt64)

  var description: String {
    switch self {
    case .time(let milliseconds): ".time(milliseconds: \(milliseconds))"
    case .serviceClock(let off): ".serviceClock(offMilliseconds: \(off))"
    case .begin(let device, let random): ".begin(device: \(device), random: \(random))"
    case .go(let device, let random): ".go(device: \(device), random: \(random))"
    case .again(let random): ".again(random: \(random))"
    case .aggregates(let random): ".aggregates(random: \(random))"
    case .fault(let isLate): ".fault(isLate: \(isLate))"
    case .tick: ".tick"
    case .restart(let isCrash): ".restart(isCrash: \(isCrash))"
    case .check(let random): ".check(random: \(random))"
    }
  }

  static func history(seed: UInt64, count: Int) -> [SimulationStep] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<22:
        let hour: Int64 = 3_600_000
        let scale = [1000, 60_000, 600_000, hour, 6 * hour, 48 * hour]
          .randomElement(using: &random)!
        return .time(milliseconds: Int64.random(in: 1...scale, using: &random))
      case 22..<24:
        let off = Int64.random(in: -3 * 3_600_000...3 * 3_600_000, using: &random)
        return .serviceClock(offMilliseconds: Bool.random(using: &random) ? 0 : off)
      case 24..<46:
        return .begin(device: Int.random(in: 0..<8, using: &random), random: random.next())
      case 46..<70:
        return .go(device: Int.random(in: 0..<8, using: &random), random: random.next())
      case 70..<78: return .again(random: random.next())
      case 78..<82: return .aggregates(random: random.next())
      case 82..<85: return .fault(isLate: Bool.random(using: &random))
      case 85..<93: return .tick
      case 93..<95: return .restart(isCrash: Bool.random(using: &random))
      default: return .check(random: random.next())
      }
    }
  }
}

/// A session on a device, which reports it update by update.
private struct DeviceSession {
  var id: UInt64
  /// The start by the device's clock.
  var started: Timestamp
  var release: String
  var environment: String?
  var user: Int?
  var errors = 0
  var isOver = false
}

/// A device with a clock that is wrong.
private struct Device {
  var project: Int64
  var clockOff: Int64
  var sessions: [DeviceSession] = []
}

/// An envelope as sent, and its contents.
private struct Sent {
  var body: [UInt8]
  var project: Int64
  /// The sending time by the device's clock.
  var sentAt: Timestamp
  var updates: [Update]
  var firstSent: Timestamp
  /// The start of the oldest of its sessions, in true time.
  var oldestStart: Timestamp

  struct Update {
    var session: DeviceSession
    var status: SessionStatus
    var mechanism = AbnormalMechanism.none
    var isInitial: Bool
    var durationMilliseconds: Int64?
  }
}

/// A service, its clients, and a model that receives the same updates.
final class SimulatedWorld {
  static let day: Int64 = 86_400_000
  private static let start = Timestamp(milliseconds: 20_500 * day)

  private let service: SimulatedService
  private let model = ReferenceStore()
  private var stages = ReferenceStages()
  private let retentionDays: Int
  private var time = SimulatedWorld.start
  private var serviceOff: Int64 = 0
  /// The latest time that the service's clock had, which retention follows.
  private var latest = SimulatedWorld.start
  private var devices: [Device]
  private var sent: [Sent] = []
  private var nextSession: UInt64 = 1
  private var fault: Bool?
  /// The number of checks that found the model's numbers.
  private(set) var checks = 0

  init(seed: UInt64) throws {
    var random = SplitMix64(seed: seed ^ 0x5eed)
    retentionDays = [7, 30, 90].randomElement(using: &random)!
    service = try SimulatedService(startingAt: Self.start, retentionDays: retentionDays)
    devices = (0..<8).map { index in
      // Most clocks are right, some are off by hours, one by years.
      let hour: Int64 = 3_600_000
      let off: Int64 = [0, 0, 0, 40_000, -54 * 60_000, -55 * 60_000, 7 * hour, -3650 * 24 * hour][
        index]
      return Device(project: Int64(index % 2 + 1), clockOff: off)
    }
  }

  var simulatedHours: Double { Double(time.milliseconds - Self.start.milliseconds) / 3_600_000 }

  /// - Returns: a description of the difference, or nil.
  func perform(_ step: SimulationStep) throws -> String? {
    if let problem = try take(step) { return problem }
    // The total is checked after every step, and everything now and then.
    var query = HealthQuery(
      projects: [ProjectID(rawValue: 1), ProjectID(rawValue: 2)],
      minutes: (latest.day - retentionDays + 1) * 1440..<(max(service.clock.now, time).hour + 2)
        * 60)
    query.measures = [.sessions, .users]
    return try difference(query)
  }

  private func take(_ step: SimulationStep) throws -> String? {
    switch step {
    case .time(let milliseconds): time = time.advanced(byMilliseconds: milliseconds)
    case .serviceClock(let off): serviceOff = off
    default: break
    }
    service.clock.now = time.advanced(byMilliseconds: serviceOff)
    service.clock.monotonicMilliseconds = time.milliseconds - Self.start.milliseconds
    latest = max(latest, service.clock.now)
    switch step {
    case .time, .serviceClock: return nil
    case .begin(let device, let number): return begin(device, SplitMix64(seed: number))
    case .go(let device, let number): return go(device, SplitMix64(seed: number))
    case .again(let number): return again(SplitMix64(seed: number))
    case .aggregates(let number): return aggregates(SplitMix64(seed: number))
    case .fault(let isLate):
      fault = isLate
      return nil
    case .tick: return try tick()
    case .restart(let isCrash):
      try service.restart(isCrash: isCrash)
      return nil
    case .check(let number): return try check(SplitMix64(seed: number))
    }
  }

  // MARK: Clients

  private func begin(_ index: Int, _ seeded: SplitMix64) -> String? {
    var random = seeded
    let device = devices[index]
    let days = Int((time.milliseconds - Self.start.milliseconds) / Self.day)
    let release = max(0, days - [0, 0, 0, 1, 3].randomElement(using: &random)!)
    let session = DeviceSession(
      id: nextSession, started: time.advanced(byMilliseconds: device.clockOff),
      release: "app@\(release / 2).\(release % 2).0",
      environment: ["production", "production", "staging", nil].randomElement(using: &random)!,
      user: Bool.random(using: &random) ? index * 10 + Int.random(in: 0..<3, using: &random) : nil)
    nextSession += 1
    devices[index].sessions.append(session)
    // Some SDKs report a session only at its end.
    if Int.random(in: 0..<4, using: &random) == 0 { return nil }
    return post(
      [Sent.Update(session: session, status: .ok, isInitial: true)], from: index, &random)
  }

  private func go(_ index: Int, _ seeded: SplitMix64) -> String? {
    var random = seeded
    // An older update could arrive after its session was deleted, and count the session again.
    let oldest = time.advanced(byMilliseconds: devices[index].clockOff - 9 * Self.day / 2)
    devices[index].sessions.removeAll { $0.started < oldest || $0.isOver }
    var updates: [Sent.Update] = []
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      guard let place = devices[index].sessions.indices.randomElement(using: &random) else { break }
      let status = [SessionStatus.ok, .exited, .exited, .errored, .crashed, .abnormal, .unhandled]
        .randomElement(using: &random)!
      if Int.random(in: 0..<3, using: &random) == 0 {
        devices[index].sessions[place].errors += 1
      }
      if Int.random(in: 0..<5, using: &random) == 0 {
        devices[index].sessions[place].user = index * 10 + Int.random(in: 0..<4, using: &random)
      }
      if status != .ok, Bool.random(using: &random) {
        devices[index].sessions[place].isOver = true
      }
      updates.append(
        Sent.Update(
          session: devices[index].sessions[place], status: status,
          mechanism: status == .abnormal
            ? AbnormalMechanism.allCases.randomElement(using: &random)! : .none,
          isInitial: Bool.random(using: &random),
          durationMilliseconds: Bool.random(using: &random) ? Self.duration(&random) : nil))
    }
    return updates.isEmpty ? nil : post(updates, from: index, &random)
  }

  /// Often a duration that already occurred, or one slightly longer.
  private static func duration(_ random: inout SplitMix64) -> Int64 {
    [0, 250, 60_000, 9_000_000].randomElement(using: &random)!
      + Int64.random(in: 0...300, using: &random)
  }

  private func again(_ seeded: SplitMix64) -> String? {
    var random = seeded
    // A repeat after its session was deleted could count again (docs/counting.md says so).
    sent.removeAll {
      time.milliseconds - $0.firstSent.milliseconds > 2 * Self.day
        || time.milliseconds - $0.oldestStart.milliseconds > 9 * Self.day / 2
    }
    guard let envelope = sent.randomElement(using: &random) else { return nil }
    return deliver(envelope, &random)
  }

  private func post(
    _ updates: [Sent.Update], from index: Int, _ random: inout SplitMix64
  ) -> String? {
    let sentAt = time.advanced(byMilliseconds: devices[index].clockOff)
    var body = "{\"sent_at\":\"\(RFC3339.formatMilliseconds(sentAt))\"}\n"
    for update in updates { body += Self.item(update) }
    let envelope = Sent(
      body: Array(body.utf8), project: devices[index].project, sentAt: sentAt, updates: updates,
      firstSent: time,
      oldestStart: updates.map(\.session.started).min()?
        .advanced(byMilliseconds: -devices[index].clockOff) ?? time)
    sent.append(envelope)
    return deliver(envelope, &random)
  }

  private static func item(_ update: Sent.Update) -> String {
    let session = update.session
    var fields = [
      "\"sid\":\"\(String(format: "%032llx", session.id))\"",
      "\"started\":\"\(RFC3339.formatMilliseconds(session.started))\"",
      "\"status\":\"\(update.status.name)\"", "\"errors\":\(session.errors)",
    ]
    if update.isInitial { fields.append("\"init\":true") }
    if let user = session.user { fields.append("\"did\":\"user-\(user)\"") }
    if let duration = update.durationMilliseconds {
      fields.append("\"duration\":\(Double(duration) / 1000)")
    }
    switch update.mechanism {
    case .none: break
    case .background: fields.append("\"abnormal_mechanism\":\"anr_background\"")
    case .foreground: fields.append("\"abnormal_mechanism\":\"anr_foreground\"")
    }
    var attributes = "\"release\":\"\(session.release)\""
    if let environment = session.environment { attributes += ",\"environment\":\"\(environment)\"" }
    fields.append("\"attrs\":{\(attributes)}")
    return "{\"type\":\"session\"}\n{\(fields.joined(separator: ","))}\n"
  }

  /// Splits the envelope at random, posts it, and applies its contents to the model.
  private func deliver(_ envelope: Sent, _ random: inout SplitMix64) -> String? {
    var batch = IngestBatch(receivedAt: service.clock.now)
    for update in envelope.updates {
      guard let start = correctedStart(update.session.started, sentAt: envelope.sentAt) else {
        continue
      }
      batch.add(
        NamedReport(
          key: SessionKey(
            series: SeriesKey(
              project: ProjectID(rawValue: envelope.project), release: update.session.release,
              environment: update.session.environment),
            started: update.session.started,
            sessionID: SessionID(value: UInt128(update.session.id))),
          correctedStart: start, status: update.status, errors: UInt64(update.session.errors),
          mechanism: update.mechanism, durationMilliseconds: update.durationMilliseconds,
          isInitial: update.isInitial,
          user: update.session.user.map { UserHash(value: UInt128($0 + 1)) }))
    }
    return send(envelope.body, project: envelope.project, batch, &random)
  }

  /// The rules of drift and age from docs/counting.md, written independently of Hale's code.
  private func correctedStart(_ started: Timestamp, sentAt: Timestamp) -> Timestamp? {
    let now = service.clock.now.milliseconds
    let drift = now - sentAt.milliseconds
    var start = started.milliseconds
    if drift >= 3_300_000 || drift <= -3_300_000 { start += drift }
    let age = now - start
    return age > 5 * Self.day || age < -60_000 ? nil : Timestamp(milliseconds: start)
  }

  private func aggregates(_ seeded: SplitMix64) -> String? {
    var random = seeded
    let project = Int64.random(in: 1...2, using: &random)
    let started = time.advanced(byMilliseconds: -Int64.random(in: 0...7_200_000, using: &random))
    let minute = Timestamp(minute: started.minute)
    let counts = (0..<3).map { _ in Int64.random(in: 0...4, using: &random) }
    let user = Bool.random(using: &random) ? 500 + Int.random(in: 0..<3, using: &random) : nil
    let did = user.map { ",\"did\":\"user-\($0)\"" } ?? ""
    let body = """
      {}
      {"type":"sessions"}
      {"aggregates":[{"started":"\(RFC3339.format(minute))","exited":\(counts[0]),\
      "errored":\(counts[1]),"crashed":\(counts[2])\(did)}],"attrs":{"release":"app@0.0.0"}}

      """
    var batch = IngestBatch(receivedAt: service.clock.now)
    if counts.contains(where: { $0 > 0 }),
      let start = correctedStart(minute, sentAt: service.clock.now)
    {
      batch.add(
        AggregatedSessions(
          correctedStart: start,
          counts: SessionCounts(healthy: counts[0], errored: counts[1], crashed: counts[2]),
          user: user.map { UserHash(value: UInt128($0 + 1)) }),
        of: .init(project: ProjectID(rawValue: project), release: "app@0.0.0", environment: nil))
    }
    return send(Array(body.utf8), project: project, batch, &random)
  }

  private func send(
    _ body: [UInt8], project: Int64, _ batch: IngestBatch, _ random: inout SplitMix64
  ) -> String? {
    let cut = Int.random(in: 0...body.count, using: &random)
    let failure = StoreError.unavailable(operation: "write", reason: "simulated")
    let isStored: Bool
    let hasUpdates = batch.updateCount > 0
    let fault = self.fault
    switch fault {
    case nil: isStored = true
    case true?:
      service.store.failLate(with: failure)
      isStored = true
    case false?:
      service.store.fail(with: failure)
      isStored = false
    }
    let status = service.post([Array(body[..<cut]), Array(body[cut...])], project: project)
    service.store.fail(with: nil)
    service.store.failLate(with: nil)
    self.fault = nil
    if isStored {
      do { try model.ingest(batch) } catch { return "the model failed: \(error)" }
    }
    let expected = fault != nil && hasUpdates ? 503 : 200
    return status == expected ? nil : "an envelope was answered \(status) instead of \(expected)"
  }

  // MARK: Jobs and checks

  private func tick() throws -> String? {
    for run in service.tick() {
      if !run.succeeded { return "\(run.name) failed: \(run.summary)" }
      if run.name == Jobs.Name.adoption.rawValue { try stages.run(at: service.clock.now, model) }
    }
    return nil
  }

  private func check(_ seeded: SplitMix64) throws -> String? {
    var random = seeded
    checks += 1
    for query in queries(&random) {
      if let problem = try difference(query) { return problem }
      if query.intervalMinutes == 60, let problem = try unexplained(query) { return problem }
    }
    for record in try service.releases() {
      for place in record.places {
        guard let environment = place.environment else { continue }
        let series = SeriesKey(
          project: place.project, release: record.version, environment: environment)
        let wanted = stages.times[series] ?? AdoptionTimes()
        if place.adoption != wanted {
          return "stage of \(series): found \(place.adoption), wanted \(wanted)"
        }
      }
    }
    if Int.random(in: 0..<4, using: &random) == 0 { return try verify() }
    return nil
  }

  private func difference(_ query: HealthQuery) throws -> String? {
    let wanted = try model.health(query)
    let found = try service.store.health(query)
    if found.agrees(with: wanted) { return nil }
    return "minutes \(query.minutes) by \(query.intervalMinutes ?? 0), \(query.groupBy): "
      + Self.difference(found, wanted)
  }

  /// The counts of hours whose arrival log is kept are explained by it completely.
  private func unexplained(_ query: HealthQuery) throws -> String? {
    var whole = query
    whole.groupBy = []
    let counts = try service.store.health(whole).first?.series.map(\.sessions)
    let history = try service.store.history(whole)
    for (index, bucket) in history.buckets.enumerated() {
      let hour = query.minutes.lowerBound / 60 + index
      if bucket.counts != counts?[index] ?? SessionCounts() {
        return "hour \(hour): explained are \(bucket.counts), of \(counts?[index].total ?? 0)"
      }
      if !bucket.unlogged.isZero, hour >= history.firstKnownHour ?? .min {
        return "hour \(hour): not in the log are \(bucket.unlogged)"
      }
    }
    return nil
  }

  /// The first group, and its first bucket, that differs.
  private static func difference(_ found: [HealthGroup], _ wanted: [HealthGroup]) -> String {
    let keys = Set(found.map(\.key)).union(wanted.map(\.key)).sorted()
    for key in keys {
      let one = found.first { $0.key == key }
      let other = wanted.first { $0.key == key }
      if one == other { continue }
      for (bucket, cells) in zip(one?.series ?? [], other?.series ?? []).enumerated()
      where cells.0 != cells.1 {
        return "\(key), bucket \(bucket): found \(cells.0), wanted \(cells.1)"
      }
      return "\(key): found \(String(describing: one?.totals)), "
        + "wanted \(String(describing: other?.totals))"
    }
    return "another order"
  }

  private func queries(_ random: inout SplitMix64) -> [HealthQuery] {
    let now = service.clock.now
    let endOfHour = (max(now, time).hour + 2) * 60
    // What is about to expire may be deleted or not.
    let startOfDay = (latest.day - retentionDays + 1) * 1440
    let ranges: [(Range<Int>, Int?)] = [
      (startOfDay..<endOfHour, nil), (startOfDay..<endOfHour, 1440),
      ((now.day - 3) * 1440..<endOfHour, 60), (now.minute - 1439..<now.minute + 2, nil),
      (now.minute - 4 * 1440..<now.minute - 3 * 1440 + 7, 11),
      (now.minute + 5..<now.minute + 5, nil),
    ]
    return ranges.map { range, interval in
      let start = max(range.lowerBound, startOfDay)
      var query = HealthQuery(
        projects: [ProjectID(rawValue: 1), ProjectID(rawValue: 2)],
        minutes: start..<max(start, range.upperBound))
      query.intervalMinutes = interval
      query.measures = [.sessions, .users, .durations]
      for dimension in [HealthQuery.Dimension.project, .release, .environment]
      where Bool.random(using: &random) {
        query.groupBy.insert(dimension)
      }
      return query
    }
  }

  private func verify() throws -> String? {
    let report = try DataFile.verify(path: service.databasePath) { _, _ in }
    return report.findings.first.map { "verify: \($0.check): \($0.detail)" }
  }
}
