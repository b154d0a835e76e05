import Envelopes
import ReleaseHealth
import Testing

@testable import hale_bench

/// The load of the benchmarks is what they claim to measure.
@Suite struct TrafficTests {
  private let traffic = Traffic(
    seed: 7, now: Timestamp(seconds: 1_772_368_200), sessions: 1000, open: 300, days: 4, users: 50,
    releases: 10, environments: 2)

  @Test func sessionsDependOnTheSeedAndTheirNumberAlone() {
    var other = traffic
    other.seed = 8
    let ids = (0..<300).map { traffic.history($0).id }
    #expect(ids == (0..<300).map { traffic.history($0).id })
    let all =
      ids
      + (0..<300).flatMap {
        [
          traffic.open($0).id, traffic.fresh($0).id, traffic.packed($0).id, other.history($0).id,
        ]
      }
    #expect(Set(all).count == 1500)
  }

  @Test func historyAscendsToTheEndAndOpenSessionsAreOfTheLastHour() {
    let starts = (0..<1000).map { traffic.history($0).started }
    #expect(starts == starts.sorted())
    #expect(starts[0] == traffic.now.advanced(byMilliseconds: -4 * 86_400_000))
    let ages = (0..<300).map {
      traffic.now.milliseconds - traffic.open($0).started.milliseconds
    }
    #expect(ages.allSatisfy { (1...3_600_000).contains($0) })
  }

  @Test func eachOpenSessionEndsOnce() {
    #expect(Set((0..<300).map(traffic.ending)) == Set(0..<300))
  }

  /// Hale's reader finds the intended sessions in each envelope.
  @Test func envelopesHaveTheirSessions() throws {
    let wire = WireSession(traffic: traffic)
    for index in 0..<100 {
      let isEnd = index % 2 == 1
      let made =
        isEnd ? traffic.open(traffic.ending(index / 2)) : traffic.fresh(index / 2)
      let update = try #require(try sessions(in: wire.single(index)).first)
      #expect(update.sessionID?.value == made.id)
      #expect(update.started == made.started)
      #expect(update.isInitial == !isEnd)
      #expect(update.distinctID == traffic.userName(made.user))
      #expect(update.release == traffic.releaseName(made.release))
      #expect(update.environment == traffic.environmentName(made.environment))
      #expect(
        Severity(status: update.status, errors: update.errors)
          == (isEnd ? Severity(status: made.status, errors: 0) : .healthy))
    }
    let packed = try sessions(in: wire.packed(3, count: 20))
    #expect(packed.map(\.sessionID?.value) == (60..<80).map { traffic.packed($0).id })
    #expect(packed.filter { $0.distinctID == "user-53" }.count == 1)
  }

  @Test func aggregatesAreOneBucketAMinute() throws {
    let body = Array(WireSession(traffic: traffic).aggregates(0, count: 100).utf8)
    let found = try items(in: body).compactMap { item -> SessionAggregates? in
      guard case .sessions(.success(let aggregates)) = item else { return nil }
      return aggregates
    }
    #expect(found.count == 1)
    #expect(Set(found.flatMap(\.buckets).map(\.started.minute)).count == 100)
  }

  private func sessions(in text: String) throws -> [SessionUpdate] {
    try items(in: Array(text.utf8)).compactMap { item in
      guard case .session(.success(let update)) = item else { return nil }
      return update
    }
  }

  private func items(in body: [UInt8]) throws -> [EnvelopeItem] {
    var reader = EnvelopeReader()
    var index = 0
    var items: [EnvelopeItem] = []
    while let item = try reader.next(body.span, &index) { items.append(item) }
    if let last = try reader.finish() { items.append(last) }
    return items
  }
}
