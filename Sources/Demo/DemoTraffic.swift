internal import Bytes
package import ReleaseHealth

/// Made-up traffic that looks like that of real applications, for demonstrations: what its SDKs
/// tell, minute by minute.
///
/// Invariant of this module: the same seed and span give the same traffic. It does no input or
/// output and reads no clock.

/// What the SDKs of an application told within a minute.
package struct DemoReports: Equatable, Sendable {
  /// The place of the application among those of the traffic.
  package var app: Int
  package var updates: [SessionUpdate] = []
  /// Updates that no service takes: a few devices send some.
  package var refusable: [SessionUpdate] = []
  package var aggregates: [SessionAggregates] = []
}

/// The traffic of some applications, from a minute on, without an end.
package struct DemoTraffic: Sendable {
  package let apps: [DemoApp]
  /// The next minute, since 1970.
  package private(set) var minute: Int
  private let seed: UInt64
  /// The span that the roll-outs are laid out over, in minutes.
  private let span: Range<Int>
  /// Updates that are told later than the session begins, by the minute.
  private var later: [Int: [(app: Int, update: SessionUpdate)]] = [:]

  /// - Parameters:
  ///   - span: the history, in minutes since 1970; not empty.
  ///   - first: the first minute that is asked for; nothing that began before it is told.
  package init(apps: [DemoApp], seed: UInt64, span: Range<Int>, first: Int) {
    self.apps = apps
    self.seed = seed
    self.span = span
    minute = first
  }

  /// The next minute's.
  package mutating func next() -> [DemoReports] {
    var reports = apps.indices.map { DemoReports(app: $0) }
    for (app, update) in later.removeValue(forKey: minute) ?? [] {
      reports[app].updates.append(update)
    }
    for index in apps.indices {
      if apps[index].kind == .server {
        reports[index].aggregates = requests(of: index)
      } else {
        begin(index, &reports[index])
      }
    }
    minute += 1
    return reports
  }

  // MARK: Who, when and how

  /// The place in the span that the curves of roll-outs are drawn over.
  private var time: Double { Double(minute - span.lowerBound) / Double(span.count) }

  private func generator(_ app: Int) -> SplitMix64 {
    SplitMix64(seed, UInt64(app), UInt64(bitPattern: Int64(minute)))
  }

  /// How many sessions begin in this minute.
  private func count(_ app: DemoApp, _ random: inout SplitMix64) -> Int {
    let rate = app.sessionsPerDay / 1440 * Rhythm.factor(minute: minute, weekend: app.weekend)
    return Int(rate * (0.75 + random.unit() / 2) + random.unit())
  }

  /// Somebody who is active today. A fifth comes nearly every day, half hardly ever.
  private func user(_ app: Int, _ random: inout SplitMix64) -> Int {
    let day = UInt64(minute / 1440)
    var user = 0
    for _ in 0..<12 {
      user = random.below(apps[app].users)
      let often = [0.9, 0.45, 0.45, 0.08, 0.08][user % 5]
      var today = SplitMix64(seed, UInt64(app), UInt64(user), day)
      if today.unit() < often { break }
    }
    return user
  }

  /// The newest release that has reached a user, who takes each one up sooner or later.
  private func release(_ app: Int, user: Int, isTester: Bool) -> RollOut {
    let releases = apps[app].releases
    for (number, release) in releases.enumerated().reversed() {
      let rollOut = isTester ? release.forTesters : release
      var late = SplitMix64(seed, UInt64(app), UInt64(user), UInt64(number) << 32)
      if late.unit() < rollOut.share(at: time) { return release }
    }
    return releases[0]
  }

  /// Nobody knows a user by it, and it is the same at each session.
  private func distinctID(_ app: Int, user: Int) -> String {
    var random = SplitMix64(seed, UInt64(app), UInt64(user), 1 << 40)
    let high = UInt128(random.next() | 1 << 63) << 64
    return Hexadecimal.text(high | UInt128(random.next() | 1 << 63))
  }

  // MARK: Sessions with users

  private mutating func begin(_ app: Int, _ reports: inout DemoReports) {
    var random = generator(app)
    for _ in 0..<count(apps[app], &random) {
      let isTester = random.unit() < apps[app].stagingShare
      // There are few testers.
      let user = isTester ? random.below(25) : user(app, &random)
      let release = release(app, user: user, isTester: isTester)
      let update = beginning(of: app, user, release, isTester: isTester, &random)
      if let wrong = refusable(update, &random) {
        reports.refusable.append(wrong)
        continue
      }
      reports.updates.append(update)
      if let end = end(of: update, apps[app], release.health, &random) {
        later[end.minute, default: []].append((app, end.update))
      }
    }
  }

  /// The first update of a session; the second one is told later.
  private func beginning(
    of app: Int, _ user: Int, _ release: RollOut, isTester: Bool, _ random: inout SplitMix64
  ) -> SessionUpdate {
    let started = Timestamp(minute: minute).advanced(byMilliseconds: Int64(random.below(60_000)))
    var update = SessionUpdate(started: started, release: release.version)
    update.sessionID = SessionID(
      value: UInt128(random.next()) << 64 | UInt128(random.next()))
    update.distinctID = distinctID(app, user: user)
    update.isInitial = true
    update.timestamp = started
    update.environment = Self.environments[isTester ? 1 : 0]
    return update
  }

  /// Now and then what a device sends instead: its clock stands in the past, or its build has no
  /// release.
  private func refusable(_ update: SessionUpdate, _ random: inout SplitMix64) -> SessionUpdate? {
    var update = update
    switch random.below(1500) {
    case 0: update.started = update.started.advanced(byMilliseconds: -6 * 86_400_000)
    case 1: update.release = ""
    default: return nil
    }
    update.timestamp = update.started
    return update
  }

  /// How a session ends and in which minute it is told; nil when it never is.
  private func end(
    of session: SessionUpdate, _ app: DemoApp, _ health: Health, _ random: inout SplitMix64
  ) -> (update: SessionUpdate, minute: Int)? {
    let seconds = min(random.spread(around: app.durationMedian), 4 * 3600)
    let ended = session.started.advanced(byMilliseconds: Int64(seconds * 1000))
    var update = session
    update.isInitial = false
    update.timestamp = ended
    update.durationMilliseconds = Int64(seconds * 1000)
    var told = ended.minute + 1
    var draw = random.unit()
    func isNext(_ share: Double) -> Bool {
      draw -= share
      return draw < 0
    }
    if isNext(health.crashed) {
      update.status = .crashed
      update.errors = 1
      if app.kind == .mobile { told += minutesToNextLaunch(&random) }
    } else if isNext(health.abnormal) {
      update.status = .abnormal
      update.mechanism = random.unit() < 0.7 ? .foreground : .background
      told += minutesToNextLaunch(&random)
    } else if isNext(health.unhandled) {
      update.status = .unhandled
      update.errors = 1
    } else {
      // Some applications are ended without a word while nobody looks.
      if random.unit() < 0.04 { return nil }
      update.status = .exited
      if isNext(health.errored) { update.errors = UInt64(1 + random.below(3)) }
    }
    return (update, told)
  }

  /// Most people start an application again at once when it has crashed, some the day after.
  private func minutesToNextLaunch(_ random: inout SplitMix64) -> Int {
    switch random.unit() {
    case ..<0.6: 1 + random.below(10)
    case ..<0.9: 10 + random.below(8 * 60)
    default: 8 * 60 + random.below(32 * 60)
    }
  }

  // MARK: Requests

  private static let environments = ["production", "staging"]

  /// What each release and environment counted in this minute.
  private func requests(of app: Int) -> [SessionAggregates] {
    var random = generator(app)
    var counts = Array(
      repeating: apps[app].releases.map { _ in SessionCounts() }, count: Self.environments.count)
    for _ in 0..<count(apps[app], &random) {
      let isTester = random.unit() < apps[app].stagingShare
      // Each machine has one release.
      let number = releaseNumber(app, machine: random.below(40), isTester: isTester)
      let health = apps[app].releases[number].health
      let draw = random.unit()
      let severity: Severity =
        draw < health.crashed
        ? .crashed : draw < health.crashed + health.errored ? .errored : .healthy
      counts[isTester ? 1 : 0][number][severity] += 1
    }
    var aggregates: [SessionAggregates] = []
    for (environment, name) in Self.environments.enumerated() {
      for (number, release) in apps[app].releases.enumerated()
      where counts[environment][number].total > 0 {
        aggregates.append(
          SessionAggregates(
            release: release.version, environment: name,
            buckets: [
              SessionAggregate(
                started: Timestamp(minute: minute), counts: counts[environment][number])
            ]))
      }
    }
    return aggregates
  }

  private func releaseNumber(_ app: Int, machine: Int, isTester: Bool) -> Int {
    let found = release(app, user: machine, isTester: isTester)
    return apps[app].releases.firstIndex { $0.version == found.version } ?? 0
  }
}
