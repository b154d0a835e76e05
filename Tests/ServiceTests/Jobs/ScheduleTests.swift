import ReleaseHealth
import Service
import Testing

@Suite struct ScheduleTests {
  private static let start = Timestamp(seconds: 20_000 * 86_400)
  private static let catalog: [Schedule.Task] = [.catalog, .alertRulesFile]

  /// Takes what is due at one moment after the other.
  ///
  /// - Parameter moments: by the service's clock in seconds since the start, and in milliseconds
  ///   since the start by the clock that is never set back.
  private static func due(
    _ moments: [(clock: Int64, monotonic: Int64)], runsJobs: Bool = true
  ) -> [[Schedule.Task]] {
    var schedule = Schedule(startingAt: 0, runsJobs: runsJobs)
    return moments.map {
      schedule.takeDue(
        at: start.advanced(byMilliseconds: $0.clock * 1000), monotonicMilliseconds: $0.monotonic)
    }
  }

  @Test func theCatalogIsReadTwiceASecond() {
    let moments: [(Int64, Int64)] = [(0, 0), (0, 499), (0, 500), (0, 999), (1, 1000), (1, 1700)]
    let all = Self.due(moments, runsJobs: false)
    #expect(all == [[], [], Self.catalog, [], Self.catalog, Self.catalog])
    var schedule = Schedule(startingAt: 100, runsJobs: false)
    #expect(schedule.pause(atMonotonicMilliseconds: 100) == 500)
    #expect(schedule.pause(atMonotonicMilliseconds: 450) == 150)
    #expect(schedule.pause(atMonotonicMilliseconds: 700) == 0)
    _ = schedule.takeDue(at: Self.start, monotonicMilliseconds: 700)
    #expect(schedule.pause(atMonotonicMilliseconds: 700) == 500)
  }

  /// Seconds by the service's clock, and at which of them a job is due.
  struct Case: Sendable {
    var seconds: [Int64]
    var runs: [Bool]
  }

  private static let hours = [
    // At the start, and when the hour changes.
    Case(seconds: [0, 1, 3599, 3600, 3601], runs: [true, false, false, true, false]),
    // After a standstill.
    Case(seconds: [10, 144_000, 144_001], runs: [true, true, false]),
    // A clock that is set back.
    Case(seconds: [7200, 3600, 3601], runs: [true, true, false]),
  ]

  /// Whatever the clock does, one run makes up for the hours that were missed.
  @Test(arguments: hours)
  func adoptionRunsOnceAnHour(hours: Case) {
    let all = Self.due(hours.seconds.map { ($0, 0) })
    #expect(all.map { $0.contains(.job(.adoption)) } == hours.runs)
  }

  private static let minutes = [
    Case(seconds: [0, 30, 59, 60, 61, 120], runs: [true, false, false, true, false, true]),
    Case(seconds: [0, 600, 601], runs: [true, true, false]),
  ]

  /// Minutes that were missed stay so.
  @Test(arguments: minutes)
  func alertsRunOnceAMinute(minutes: Case) {
    let all = Self.due(minutes.seconds.map { ($0, 0) })
    #expect(all.map { $0.contains(.job(.alerts)) } == minutes.runs)
  }

  /// First after a minute, then each ten, by the clock that is never set back; and never twice at
  /// once.
  @Test func retentionWaitsForItsLastRun() {
    var schedule = Schedule(startingAt: 5000, runsJobs: true)
    func isDue(_ monotonic: Int64) -> Bool {
      schedule.takeDue(at: Self.start, monotonicMilliseconds: monotonic)
        .contains(.job(.retention))
    }
    #expect(!isDue(64_999))
    #expect(isDue(65_000))
    schedule.noteRetentionEnded()
    #expect(!isDue(664_999))
    #expect(isDue(665_000))
    // It takes longer than ten minutes.
    #expect(!isDue(1_265_000))
    #expect(!isDue(1_300_000))
    schedule.noteRetentionEnded()
    #expect(isDue(1_300_001))
    schedule.noteRetentionEnded()
    #expect(!isDue(1_900_000))
    #expect(isDue(1_900_001))
  }

  /// Where the time is a file's, jobs run when they are asked to.
  @Test func withoutJobsOnlyFilesAreRead() {
    let all = Self.due([(0, 0), (3600, 600), (7200, 70_000)], runsJobs: false)
    #expect(all == [[], Self.catalog, Self.catalog])
  }
}
