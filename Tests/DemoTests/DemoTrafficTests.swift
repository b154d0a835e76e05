import ReleaseHealth
import Testing

@testable import Demo

/// Two weeks of the demo's traffic.
@Suite struct DemoTrafficTests {
  private static let end = Timestamp(seconds: 1_773_144_000).minute
  private static let span = end - 14 * 1440..<end

  private static func traffic(seed: UInt64 = 1, first: Int = span.lowerBound) -> DemoTraffic {
    DemoTraffic(apps: DemoApp.all(company: "shop"), seed: seed, span: span, first: first)
  }

  private static func minutes(_ traffic: DemoTraffic, _ count: Int) -> [[DemoReports]] {
    var traffic = traffic
    return (0..<count).map { _ in traffic.next() }
  }

  @Test func theSameSeedGivesTheSameTraffic() {
    let first = Self.minutes(Self.traffic(), 300)
    #expect(Self.minutes(Self.traffic(), 300) == first)
    #expect(Self.minutes(Self.traffic(seed: 2), 300) != first)
  }

  /// A later first minute drops the sessions that began before it, and changes nothing else.
  @Test func aLaterFirstMinuteGivesTheSameSessions() {
    let whole = Self.minutes(Self.traffic(), 200)[100...].map { $0.map(\.beginnings) }
    let part = Self.minutes(Self.traffic(first: Self.span.lowerBound + 100), 100)
    #expect(part.map { $0.map(\.beginnings) } == whole)
  }

  @Test func everySessionBeginsOnceAndEndsAfterwards() {
    var open: [SessionID: SessionUpdate] = [:]
    var traffic = Self.traffic()
    for minute in Self.span.prefix(3 * 1440) {
      for update in traffic.next().flatMap(\.updates) {
        guard let id = update.sessionID, let timestamp = update.timestamp else {
          Issue.record("an update without an id or a time")
          return
        }
        #expect(timestamp < Timestamp(minute: minute + 1))
        if update.isInitial {
          #expect(open.updateValue(update, forKey: id) == nil)
          #expect(update.started.minute == minute)
        } else {
          let first = open.removeValue(forKey: id)
          #expect(first?.started == update.started && first?.distinctID == update.distinctID)
          #expect(first?.release == update.release)
        }
      }
    }
    #expect(open.count < 3000)
  }

  @Test func theBadReleaseIsStoppedAndReplaced() throws {
    var traffic = Self.traffic()
    var counts: [String: SessionCounts] = [:]
    var lastDay: [String: Int] = [:]
    for minute in Self.span {
      for update in traffic.next()[0].updates where update.environment == "production" {
        if update.isInitial {
          counts[update.release, default: SessionCounts()].healthy += 1
          if minute >= Self.end - 1440 { lastDay[update.release, default: 0] += 1 }
        } else {
          counts[update.release]?.healthy -= 1
          counts[update.release]?[Severity(status: update.status, errors: update.errors)] += 1
        }
      }
    }
    func crashRate(_ release: String) throws -> Double {
      let counts = try #require(counts[release])
      return Double(counts.crashed) / Double(counts.total)
    }
    let releases = traffic.apps[0].releases.map(\.version)
    for good in [0, 1, 3] { #expect(try crashRate(releases[good]) < 0.01) }
    #expect(try crashRate(releases[2]) > 0.06)
    let day = lastDay.values.reduce(0, +)
    #expect(lastDay[releases[3], default: 0] * 10 > day * 8)
    #expect(lastDay[releases[2], default: 0] * 10 < day)
  }

  @Test func usersComeBack() {
    var traffic = Self.traffic()
    var days: [Set<String>] = []
    for _ in 0..<3 {
      var users: Set<String> = []
      for _ in 0..<1440 {
        users.formUnion(traffic.next()[0].updates.compactMap(\.distinctID))
      }
      days.append(users)
    }
    let again = days[1].intersection(days[2]).count
    #expect(again * 2 > days[2].count)
    #expect(again < days[2].count)
  }
}

extension DemoReports {
  fileprivate var beginnings: DemoReports {
    var reports = self
    reports.updates = updates.filter(\.isInitial)
    return reports
  }
}
