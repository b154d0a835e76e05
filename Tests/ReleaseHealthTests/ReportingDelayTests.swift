import Testing

@testable import ReleaseHealth

@Suite struct ReportingDelayTests {
  private typealias Hour = ReportedSessions.Hour
  private typealias Change = ReportedSessions.Change

  /// Hours of 1000 sessions: 4 crashes reported at once, 3 an hour later, 3 ten hours later, as far
  /// as they are known at `now`.
  private func reported(_ count: Int, now: Int) -> ReportedSessions {
    ReportedSessions(
      hours: (0..<count).map { start in
        let late = [(1, 3.0), (10, 3)].filter { start + $0.0 < now }
        return Hour(
          prompt: SessionTally(sessions: 1000, crashes: 4),
          late: late.map {
            Change(arrivalHour: start + $0.0, change: SessionTally(crashes: $0.1))
          })
      })
  }

  /// The delay is also learnt from young hours with unreported crashes.
  @Test(arguments: [12, 15, 40, 300])
  func sharesAreThoseOfTheArrivals(now: Int) {
    let delay = ReportingDelay(reported(now, now: now), now: now)
    #expect(delay.isLearnt)
    for (lag, share) in [(0, 0.4), (1, 0.7), (9, 0.7), (10, 1), (119, 1), (500, 1)] {
      #expect(abs(delay.share(afterHours: lag) - share) < 1e-9, "\(lag)")
    }
    #expect(delay.hours(untilShare: 0.5) == 1 && delay.hours(untilShare: 0.9) == 10)
  }

  @Test func fewCrashesGiveNoDelay() {
    let few = ReportingDelay(reported(4, now: 200), now: 200)
    #expect(few.isLearnt == (few.crashes >= 20))
    let fewer = ReportingDelay(reported(1, now: 200), now: 200)
    #expect(!fewer.isLearnt && fewer.share(afterHours: 0) == 1 && fewer.crashes == 10)
    #expect(ReportingDelay(ReportedSessions(), now: 0).share(afterHours: 3) == 1)
  }

  /// The estimate of a young release is its final rate.
  @Test func unreportedCrashesAreEstimated() throws {
    let delay = ReportingDelay(reported(300, now: 300), now: 300)
    let young = reported(6, now: 6).known(atAge: 6)
    #expect(young.reduce(0) { $0 + $1.crashes } == 39)
    let estimate = delay.estimate(young, now: 6)
    #expect(abs(try #require(estimate.crashRate) - 0.01) < 1e-6)
    #expect(try #require(estimate.interval).contains(0.01))
    #expect(delay.estimate([], now: 6).crashRate == nil)
  }

  /// Independent crashes give a dispersion of 1, and crash loops of ten give ten, for any number of
  /// sessions.
  @Test func crashLoopsIncreaseTheDispersion() {
    func dispersion(_ crashes: [Double], of sessions: Int64 = 1000) -> Double {
      ReportingDelay(
        ReportedSessions(
          hours: crashes.enumerated().map {
            Hour(
              prompt: SessionTally(
                sessions: sessions * Int64(1 + $0.offset % 2),
                crashes: $0.element * Double(1 + $0.offset % 2)))
          }), now: crashes.count + 1
      ).dispersion
    }
    #expect(dispersion(Array(repeating: 4, count: 100)) == 1)
    let alone = (0..<200).map { [3.0, 5, 4, 2, 6][$0 % 5] }
    let loops = alone.map { $0 * 10 }
    #expect(dispersion(loops) / dispersion(alone.map { $0 * 1 }) > 1)
    #expect(dispersion(loops) > 5 && dispersion(loops, of: 10) == dispersion(loops))
    #expect(dispersion([]) == 1)
  }

  @Test func whatWasKnownAtAnAge() {
    let old = reported(20, now: 400)
    #expect(old.known(atAge: 1).map(\.crashes) == [4])
    #expect(old.known(atAge: 2).map(\.crashes) == [7, 4])
    #expect(old.known(atAge: 11).map(\.crashes).first == 10)
  }

  @Test func cutCountsStayValid() {
    #expect(SessionTally(sessions: -1, crashes: -2).sound == SessionTally())
    #expect(SessionTally(sessions: 2, crashes: 3).sound == SessionTally(sessions: 2, crashes: 2))
  }
}
