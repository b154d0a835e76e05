import ReleaseHealth
import Testing

@Suite struct CrashEstimateTests {
  private typealias Hour = ReportedSessions.Hour
  private typealias Change = ReportedSessions.Change

  /// Hours of 1000 sessions: `prompt` crashes reported at once, `late` ones ten hours later, as far
  /// as they are known at `now`.
  private func reported(
    _ count: Int, now: Int, prompt: Double = 5, late: Double = 5
  ) -> ReportedSessions {
    ReportedSessions(
      hours: (0..<count).map { start in
        Hour(
          prompt: SessionTally(sessions: 1000, crashes: prompt),
          late: start + 10 < now
            ? [Change(arrivalHour: start + 10, change: SessionTally(crashes: late))] : [])
      })
  }

  private func delay(prompt: Double = 5, late: Double = 5) -> ReportingDelay {
    ReportingDelay(reported(300, now: 300, prompt: prompt, late: late), now: 300)
  }

  @Test func crashesToComeAreEstimated() throws {
    let young = delay().estimate(reported(6, now: 6).known(atAge: 6), now: 6)
    #expect(young.sessions == 6000 && young.crashes == 30)
    #expect(abs(young.knownShare - 0.5) < 1e-9)
    #expect(abs(young.coming - 30) < 1e-6)
    #expect(abs(try #require(young.crashRate) - 0.01) < 1e-9)
    // The 95 % interval of a count with mean 30, estimated from 30, is about 15 to 49.
    #expect((12...18).contains(young.comingRange.lowerBound))
    #expect((44...52).contains(young.comingRange.upperBound))
    let interval = try #require(young.interval)
    #expect(interval.contains(0.01) && interval.lowerBound > 0.005)
  }

  /// Old hours are completely reported: the interval closes on the exact number.
  @Test func theIntervalClosesAsCrashesAreReported() throws {
    let delay = delay()
    var width = Double.infinity
    for age in [6, 12, 20, 40, 100, 200] {
      let estimate = delay.estimate(
        Array(reported(6, now: age).known(atAge: age).prefix(6)), now: age)
      let interval = try #require(estimate.interval)
      let fresh = interval.upperBound - interval.lowerBound
      #expect(fresh <= width)
      width = fresh
    }
    let complete = delay.estimate(reported(6, now: 400).known(atAge: 400), now: 400)
    #expect(complete.coming == 0 && complete.interval == 0.01...0.01 && complete.knownShare == 1)
  }

  /// Old hours add their exact counts, and do not change the estimate of young ones.
  @Test func oldHoursCountExactly() {
    let delay = delay()
    let young = reported(6, now: 6).known(atAge: 6)
    let old = SessionTally(sessions: 1_000_000, crashes: 50)
    let both = delay.estimate(
      [old] + Array(repeating: SessionTally(), count: 199) + young, now: 206)
    let alone = delay.estimate(young, now: 6)
    #expect(both.comingRange == alone.comingRange && abs(both.coming - alone.coming) < 1e-9)
    #expect(both.crashes == 80 && both.sessions == 1_006_000)
  }

  /// Without a crash so far, crashes may still come.
  @Test func withoutACrashTheIntervalIsOpenUpwards() throws {
    let hours = [SessionTally(sessions: 1000)]
    let estimate = delay().estimate(hours, now: 1)
    #expect(estimate.crashRate == 0 && estimate.comingRange.lowerBound == 0)
    #expect((2...5).contains(estimate.comingRange.upperBound))
  }

  /// A delay that is learnt from few crashes gives a wider interval.
  @Test func anUncertainDelayWidensTheInterval() throws {
    let hours = [SessionTally(sessions: 100_000, crashes: 500)]
    let few = ReportingDelay(reported(30, now: 30, prompt: 0.5, late: 0.5), now: 30)
    let many = ReportingDelay(reported(300, now: 300, prompt: 50, late: 50), now: 300)
    #expect(few.isLearnt)
    let (wide, narrow) = (few.estimate(hours, now: 1), many.estimate(hours, now: 1))
    #expect(abs(wide.coming - narrow.coming) < 1)
    let widths = [wide, narrow].map { $0.comingRange.upperBound - $0.comingRange.lowerBound }
    #expect(widths[0] > 2 * widths[1])
  }

  @Test func fewCrashesGiveNoEstimate() {
    let none = ReportingDelay(reported(1, now: 200), now: 200)
    let estimate = none.estimate([SessionTally(sessions: 100, crashes: 3)], now: 1)
    #expect(estimate.coming == 0 && estimate.interval == 0.03...0.03)
    let empty = delay().estimate([], now: 0)
    #expect(empty.crashRate == nil && empty.interval == nil && empty.knownShare == 1)
    #expect(delay().estimate([SessionTally()], now: 1).coming == 0)
  }

  @Test func noRateIsAboveOne() {
    let all = delay().estimate([SessionTally(sessions: 40, crashes: 40)], now: 1)
    #expect(all.crashRate == 1 && all.interval == 1...1)
  }
}
