internal import Bytes
package import ReleaseHealth

/// Made-up traffic that looks like that of real applications, for demonstrations: the reports of
/// their SDKs, minute by minute.
///
/// Invariant: the same seed and span give the same traffic. The module does no input or output
/// and reads no clock.

/// The reports of an application's SDKs within a minute.
package struct DemoReports: Equatable, Sendable {
  /// The index of the application in the traffic.
  package var app: Int
  package var updates: [SessionUpdate] = []
  /// Updates that Hale rejects; a few devices send some.
  package var rejectable: [SessionUpdate] = []
  package var aggregates: [SessionAggregates] = []
}

/// The traffic of some applications, from a minute on, without an end.
package struct DemoTraffic: Sendable {
  package let apps: [DemoApp]
  /// The next minute, since 1970.
  package private(set) var minute: Int
  private let seed: UInt64
  /// The span of the roll-outs, in minutes.
  private let span: Range<Int>
  /// The updates that are sent later than the session's start, by the minute.
  private var later: [Int: [(app: Int, update: SessionUpdate)]] = [:]

  /// - Parameters:
  ///   - span: the history, in minutes since 1970; not empty.
  ///   - first: the first minute of the traffic; sessions that began before it are not reported.
  package init(apps: [DemoApp], seed: UInt64, span: Range<Int>, first: Int) {
    self.apps = apps
    self.seed = seed
    self.span = span
    minute = first
  }

  /// The reports of the next minute.
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

  // MARK: Users and releases

  /// The current minute as a share of the span.
  private var time: Double { Double(minute - span.lowerBound) / Double(span.count) }

  private func generator(_ app: Int) -> SplitMix64 {
    SplitMix64(seed, UInt64(app), UInt64(bitPattern: Int64(minute)))
  }

  /// The number of sessions that begin in this minute.
  private func count(_ app: DemoApp, _ random: inout SplitMix64) -> Int {
    let rate = app.sessionsPerDay / 1440 * Rhythm.factor(minute: minute, weekend: app.weekend)
    return Int(rate * (0.75 + random.unit() / 2) + random.unit())
  }

  /// A user who is active today. A fifth of the users is active on most days, half rarely.
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

  /// The number of the newest release that has reached a user.
  private func release(_ app: Int, user: Int, isTester: Bool) -> Int {
    let numbers = apps[app].releases.indices.reversed()
    return numbers.first { number in
      let release = apps[app].releases[number]
      let rollOut = isTester ? release.forTesters : release
      var late = SplitMix64(seed, UInt64(app), UInt64(user), UInt64(number) << 32)
      return late.unit() < rollOut.share(at: time)
    } ?? 0
  }

  /// The distinct id of a user, the same in each session.
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
      let release = apps[app].releases[release(app, user: user, isTester: isTester)]
      let update = beginning(of: app, user, release, isTester: isTester, &random)
      if let wrong = rejectable(update, &random) {
        reports.rejectable.append(wrong)
        continue
      }
      reports.updates.append(update)
      if let end = end(of: update, apps[app], release.health, &random) {
        later[end.minute, default: []].append((app, end.update))
      }
    }
  }

  /// The first update of a session; the second one is sent later.
  private func beginning(
    of app: Int, _ user: Int, _ release: RollOut, isTester: Bool, _ random: inout SplitMix64
  ) -> SessionUpdate {
    let started = Timestamp(minute: minute).advanced(byMilliseconds: Int64(random.below(60_000)))
    var update = SessionUpdate(started: started, release: release.version)
    update.sessionID = SessionID(value: UInt128(random.next()) << 64 | UInt128(random.next()))
    update.distinctID = distinctID(app, user: user)
    update.isInitial = true
    update.timestamp = started
    update.environment = Self.environments[isTester ? 1 : 0]
    return update
  }

  /// An update that Hale rejects, from a device whose clock is wrong or whose build has no release;
  /// nil in most cases.
  private func rejectable(_ update: SessionUpdate, _ random: inout SplitMix64) -> SessionUpdate? {
    var update = update
    switch random.below(1500) {
    case 0: update.started = update.started.advanced(byMilliseconds: -6 * 86_400_000)
    case 1: update.release = ""
    default: return nil
    }
    update.timestamp = update.started
    return update
  }

  /// The last update of a session and the minute in which it is sent; nil if it never is.
  private func end(
    of session: SessionUpdate, _ app: DemoApp, _ health: Health, _ random: inout SplitMix64
  ) -> (update: SessionUpdate, minute: Int)? {
    let seconds = min(random.spread(around: app.durationMedian), 4 * 3600)
    let ended = session.started.advanced(byMilliseconds: Int64(seconds * 1000))
    var update = session
    update.isInitial = false
    update.timestamp = ended
    update.durationMilliseconds = Int64(seconds * 1000)
    var reported = ended.minute + 1
    var draw = random.unit()
    func isNext(_ share: Double) -> Bool {
      draw -= share
      return draw < 0
    }
    if isNext(health.crashed) {
      update.status = .crashed
      update.errors = 1
      if app.kind == .mobile { reported += minutesToNextLaunch(&random) }
    } else if isNext(health.abnormal) {
      update.status = .abnormal
      update.mechanism = random.unit() < 0.7 ? .foreground : .background
      reported += minutesToNextLaunch(&random)
    } else if isNext(health.unhandled) {
      update.status = .unhandled
      update.errors = 1
    } else {
      // The system ends some applications in the background without an update.
      if random.unit() < 0.04 { return nil }
      update.status = .exited
      if isNext(health.errored) { update.errors = UInt64(1 + random.below(3)) }
    }
    return (update, reported)
  }

  /// The minutes until a crashed application is started again: mostly few, sometimes a day.
  private func minutesToNextLaunch(_ random: inout SplitMix64) -> Int {
    switch random.unit() {
    case ..<0.6: 1 + random.below(10)
    case ..<0.9: 10 + random.below(8 * 60)
    default: 8 * 60 + random.below(32 * 60)
    }
  }

  // MARK: Requests

  private static let environments = ["production", "staging"]

  /// The session aggregates of this minute, one item for each release and environment.
  private func requests(of app: Int) -> [SessionAggregates] {
    var random = generator(app)
    var counts = Array(
      repeating: apps[app].releases.map { _ in SessionCounts() }, count: Self.environments.count)
    for _ in 0..<count(apps[app], &random) {
      let isTester = random.unit() < apps[app].stagingShare
      // Each machine runs one release.
      let number = release(app, user: random.below(40), isTester: isTester)
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
}
