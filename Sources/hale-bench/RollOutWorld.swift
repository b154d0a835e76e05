import Demo
import Bytes
import Glibc
import ReleaseHealth

/// A made-up roll-out with its baseline: crashes that are reported at the next launch, users whose
/// app crashes at each start, a crash rate that falls with age, and a candidate that reaches its
/// users in stages.
struct RollOutWorld {
  /// The share of sessions that are bad, at the end of the first day. They crash, except for those
  /// of ``unhandledShare``.
  var crashRate: Double
  /// The share of bad sessions that have an unhandled error in place of a crash. A browser reports
  /// that at once.
  var unhandledShare = 0.0
  /// The excess of the crash rate at the start, relative to the later rate.
  var youthShare = 0.5
  /// The sessions of the baseline per hour; the candidate reaches the same number.
  var sessionsPerHour = 600.0
  var hours = 48
  /// Whether the candidate begins with a tenth of its users and reaches all after a day.
  var isStaged = true
  /// The share of crashing users who crash again and again, and their mean number of crashes.
  var loopShare = 0.05
  var loopMean = 10.0
  /// The share of crashes that are reported at once, and the median delay of the others in hours.
  var promptShare = 0.5
  var delayMedianHours = 6.0
  /// Whether all crashes of a user have the same delay.
  var isReportedTogether = false

  /// Sessions by steps of ten minutes of their start, and their crashes.
  struct Arm {
    var sessions: [Int64]
    var crashes: [Crash]
  }

  struct Crash {
    /// The step of the start, from the first session on.
    var start: Int
    /// The step in which the crash is reported.
    var reported: Int
    var user: Int
  }

  static let stepsPerHour = 6

  func arm(_ random: inout SplitMix64, isCandidate: Bool) -> Arm {
    var arm = Arm(sessions: [], crashes: [])
    var users = 0
    for step in 0..<hours * Self.stepsPerHour {
      let age = Double(step) / Double(Self.stepsPerHour)
      let share = isCandidate && isStaged ? min(1, 0.1 + age / 24) : 1
      let sessions = random.poisson(sessionsPerHour * share / Double(Self.stepsPerHour))
      arm.sessions.append(Int64(sessions))
      let incidents = random.poisson(Double(sessions) * rate(age: age) / crashesPerUser)
      for _ in 0..<min(incidents, sessions) {
        users += 1
        var count = 1
        if random.unit() < loopShare { count += random.geometric(mean: loopMean) }
        var delay = 0.0
        for number in 0..<count {
          if unhandledShare > 0, random.unit() < unhandledShare {
            delay = 0
          } else if number == 0 || !isReportedTogether {
            delay = random.unit() < promptShare ? 0 : random.logNormal(delayMedianHours, 1.2)
          }
          arm.crashes.append(
            Crash(
              start: step, reported: step + Int(min(delay, 119) * Double(Self.stepsPerHour)),
              user: users))
        }
        arm.sessions[step] += Int64(count - 1)
      }
    }
    return arm
  }

  private var crashesPerUser: Double { 1 + loopShare * loopMean }

  private func rate(age hours: Double) -> Double {
    crashRate * (1 + youthShare * exp(-hours / 8)) / (1 + youthShare * exp(-3))
  }
}

extension RollOutWorld.Arm {
  /// The candidate as the gate sees it at a step.
  func seen(at step: Int) -> ReleaseGate.Arm {
    let hours = step / RollOutWorld.stepsPerHour + 1
    return seen(hours: hours, started: step + 1, reported: step + 1, weighedBy: step + 1)
  }

  /// The baseline as the gate sees it at a step: whole hours, with what was reported by the end of
  /// the last one. The weight of a crash also comes from later reports.
  func seenAsBaseline(at step: Int) -> ReleaseGate.Arm {
    let hours = step / RollOutWorld.stepsPerHour + 1
    let end = hours * RollOutWorld.stepsPerHour
    return seen(hours: hours, started: end, reported: end, weighedBy: .max)
  }

  /// All reports with their arrival, from which the reporting delay is learnt.
  var reported: ReportedSessions {
    let perHour = RollOutWorld.stepsPerHour
    var reported = ReportedSessions(
      hours: Array(repeating: ReportedSessions.Hour(), count: sessions.count / perHour))
    for (step, count) in sessions.enumerated() {
      reported.hours[step / perHour].prompt.sessions += count
    }
    for crash in crashes {
      let (start, arrival) = (crash.start / perHour, crash.reported / perHour)
      let one = SessionTally(crashes: 1)
      if arrival <= start {
        reported.hours[start].prompt += one
      } else {
        reported.hours[start].late.append(
          ReportedSessions.Change(arrivalHour: arrival, change: one))
      }
    }
    return reported
  }

  private func seen(hours: Int, started: Int, reported: Int, weighedBy: Int) -> ReleaseGate.Arm {
    var tallies = [SessionTally](repeating: SessionTally(), count: hours)
    for step in 0..<min(started, sessions.count) {
      tallies[step / RollOutWorld.stepsPerHour].sessions += sessions[step]
    }
    var (users, all) = (Set<Int>(), 0.0)
    for crash in crashes where crash.start < started {
      if crash.reported < reported { tallies[crash.start / RollOutWorld.stepsPerHour].crashes += 1 }
      if crash.reported < weighedBy {
        users.insert(crash.user)
        all += 1
      }
    }
    return ReleaseGate.Arm(hours: tallies, crashWeight: all > 0 ? Double(users.count) / all : 1)
  }
}

extension SplitMix64 {
  /// A Poisson number by Knuth's method, in parts that `exp` can represent.
  mutating func poisson(_ mean: Double) -> Int {
    var (left, count) = (mean, 0)
    while left > 0 {
      let limit = exp(-min(left, 500))
      left -= 500
      var product = unit()
      while product > limit {
        count += 1
        product *= unit()
      }
    }
    return count
  }

  mutating func geometric(mean: Double) -> Int {
    Int(log(1 - unit()) / log(mean / (mean + 1)))
  }

  mutating func logNormal(_ median: Double, _ deviation: Double) -> Double {
    median * exp(deviation * (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit()))
  }
}
