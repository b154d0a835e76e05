import ReleaseHealth
import Testing

@testable import Alerting

@Suite struct RetryScheduleTests {
  private let created = Timestamp(seconds: 1_767_225_600)

  private func pause(
    _ attempts: Int, age: Int64 = 0, isPermanent: Bool = false, retryAfter: Int64? = nil,
    jitter: Double = 0.5
  ) -> Int64? {
    let now = created.advanced(byMilliseconds: age * 1000)
    let next = RetrySchedule.next(
      attempts: attempts, created: created, now: now,
      failure: (isPermanent, retryAfter), jitter: jitter)
    return next.map { ($0.milliseconds - now.milliseconds) / 1000 }
  }

  @Test func pausesGrowUpToAnHour() {
    #expect((1...8).map { pause($0) } == [10, 30, 120, 600, 1800, 3600, 3600, 3600])
    #expect(pause(1, jitter: 0) == 9 && pause(6, jitter: 0) == 3240)
    #expect(pause(6, jitter: 0.999_999) == 3959)
  }

  @Test func itEndsAfterADay() {
    #expect(pause(30, age: 86_399) == 3600)
    #expect(pause(30, age: 86_400) == nil)
    // One that waited for a service that did not run still gets its attempt, but no other.
    #expect(pause(1, age: 200_000) == nil)
  }

  @Test func refusalsEndEarlier() {
    #expect((1...5).map { pause($0, isPermanent: true) } == [10, 30, 120, nil, nil])
  }

  @Test func whatIsAskedForIsAtLeastWaited() {
    #expect(pause(1, retryAfter: 5) == 10)
    #expect(pause(1, retryAfter: 500) == 500)
    #expect(pause(1, retryAfter: .max) == 86_400)
    #expect(pause(1, retryAfter: .min) == 10)
  }

  @Test func retryAfterIsANumberOrADate() {
    let now = Timestamp(seconds: 784_111_777)
    #expect(RetrySchedule.seconds("120", now: now) == 120)
    #expect(RetrySchedule.seconds("0.3", now: now) == 1)
    #expect(RetrySchedule.seconds("Sun, 06 Nov 1994 08:50:37 GMT", now: now) == 60)
    #expect(RetrySchedule.seconds("Sun, 06 Nov 1994 08:49:00 GMT", now: now) == 0)
    for text in [
      "", "soon", "-1", "inf", "nan", "Sun, 06 Nov 1994", "Sun, 06 Foo 1994 08:49:37 GMT",
    ] {
      #expect(RetrySchedule.seconds(text, now: now) == nil)
    }
  }
}
