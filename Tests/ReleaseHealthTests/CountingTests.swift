import Bytes
import ReleaseHealth
import TestSupport
import Testing

@Suite struct CountingTests {
  @Test func theFiveRatesOfSessionsAddUpToOne() throws {
    let counts = SessionCounts(healthy: 90, errored: 4, unhandled: 3, abnormal: 2, crashed: 1)
    #expect(counts.total == 100)
    #expect(counts.crashFreeRate == 0.99 && counts.failureFreeRate == 0.96)
    #expect(counts.unhealthyRate == 0.1)
    let rates = [
      counts.erroredRate, counts.unhandledRate, counts.abnormalRate, counts.crashRate,
      counts.unhealthyRate.map { 1 - $0 },
    ]
    #expect(abs(rates.compactMap { $0 }.reduce(0, +) - 1) < 1e-12)
  }

  @Test func aZeroDenominatorGivesNoRate() {
    #expect(SessionCounts().crashFreeRate == nil && SessionCounts().erroredRate == nil)
    #expect(UserCounts().crashFreeRate == nil && UserCounts().anrRate == nil)
    #expect(SessionCounts().failureFreeRate == nil && UserCounts().failureFreeRate == nil)
  }

  /// Users count once by their worst session, and in the failure-free, unhandled, abnormal and ANR
  /// rates by any.
  @Test func ratesOfUsers() {
    var users = UserCounts(byWorst: SessionCounts(healthy: 6, errored: 1, abnormal: 1, crashed: 2))
    users.withAbnormal = 3
    users.withUnhandled = 1
    users.withFailure = 3
    users.withANR = 2
    users.withForegroundANR = 1
    #expect(users.total == 10)
    #expect(users.crashFreeRate == 0.8 && users.erroredRate == 0.1)
    #expect(users.failureFreeRate == 0.7)
    #expect(users.abnormalRate == 0.3 && users.unhandledRate == 0.1)
    #expect(users.anrRate == 0.2 && users.foregroundANRRate == 0.1)
  }

  @Test func everyDurationFallsIntoTheRangeOfItsBucket() {
    var random = SplitMix64(seed: 1)
    var durations: [Int64] = Array(0...3000)
    durations += (0..<2000).map { _ in
      Int64.random(in: 0...DomainLimits.durationMillisecondsMax, using: &random)
    }
    for duration in durations + [DomainLimits.durationMillisecondsMax] {
      let range = DurationHistogram.range(ofBucket: DurationHistogram.bucket(of: duration))
      #expect(range.contains(duration))
      // The documented error: the middle is at most 0.4 % away.
      #expect(Double(range.upperBound - range.lowerBound) <= max(1, Double(duration) / 128 + 1))
    }
    let buckets = durations.sorted().map(DurationHistogram.bucket)
    #expect(buckets == buckets.sorted())
  }

  @Test func durationsCanBeSubtracted() {
    var histogram = DurationHistogram()
    for duration: Int64 in [0, 5, 5, 100_000] { histogram.add(milliseconds: duration) }
    for duration: Int64 in [5, 100_000] { histogram.add(milliseconds: duration, count: -1) }
    var expected = DurationHistogram()
    for duration: Int64 in [0, 5] { expected.add(milliseconds: duration) }
    #expect(histogram == expected)
    #expect(histogram.totalMilliseconds == 5)
  }

  @Test func timesBefore1970FallIntoTheirOwnBucket() {
    let instant = Timestamp(milliseconds: -1)
    #expect(instant.minute == -1 && instant.hour == -1 && instant.day == -1)
    #expect(instant.seconds == -1)
  }
}
