import Bytes
import Demo
import Glibc
import ReleaseHealth

/// A made-up roll-out beside the release before it: crashes that are told at the next launch, users
/// whose app crashes at each start, a crash rate that falls with age, and a candidate that reaches
/// its users in stages.
struct RollOutWorld {
  /// Of sessions, at the end of the first day.
  var crashRate: Double
  /// How much more it is at the start.
  var youthShare = 0.5
  /// Sessions of an hour of the baseline; the candidate comes to as many.
  var sessionsPerHour = 600.0
  var hours = 48
  /// Candidates begin with a tenth of their users, and have all after a day.
  var isStaged = true
  /// Of the users that crash, how many go on crashing, and how often.
  var loopShare = 0.05
  var loopMean = 10.0
  /// Of the crashes, how many are told at once, and how many hours the others take: half of them
  /// less than the median.
  var promptShare = 0.5
  var delayMedianHours = 6.0
  /// All crashes of a user are told at the same time after their start.
  var isToldTogether = false

  /// Sessions by the ten minutes of their start, and the crashes among them.
  struct Arm {
    var sessions: [Int64]
    var crashes: [Crash]
  }

  struct Crash {
    /// In tens of minutes from the first session on.
    var start: Int
    var told: Int
    var user: Int
  }

  static let stepsPerHour = 6

  func arm(_ random: inout Dice, isCandidate: Bool) -> Arm {
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
          if number == 0 || !isToldTogether {
            delay = random.unit() < promptShare ? 0 : random.logNormal(delayMedianHours, 1.2)
          }
          arm.crashes.append(
            Crash(
              start: step, told: step + Int(min(delay, 119) * Double(Self.stepsPerHour)),
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
  /// What a gate sees of the candidate at a step.
  func seen(at step: Int) -> ReleaseGate.Arm {
    let hours = step / RollOutWorld.stepsPerHour + 1
    return seen(hours: hours, started: step + 1, told: step + 1, weighedBy: step + 1)
  }

  /// What it sees of the baseline beside it: whole hours, told until the end of the last one. The
  /// weight of a crash comes from all that was told later, too.
  func seenAsBaseline(at step: Int) -> ReleaseGate.Arm {
    let hours = step / RollOutWorld.stepsPerHour + 1
    let end = hours * RollOutWorld.stepsPerHour
    return seen(hours: hours, started: end, told: end, weighedBy: .max)
  }

  /// All that became known, and when: what the delay of a project is learnt from.
  var reported: ReportedSessions {
    let perHour = RollOutWorld.stepsPerHour
    var reported = ReportedSessions(
      hours: Array(repeating: ReportedSessions.Hour(), count: sessions.count / perHour))
    for (step, count) in sessions.enumerated() {
      reported.hours[step / perHour].prompt.sessions += count
    }
    for crash in crashes {
      let (start, told) = (crash.start / perHour, crash.told / perHour)
      let one = SessionTally(crashes: 1)
      if told <= start {
        reported.hours[start].prompt += one
      } else {
        reported.hours[start].late.append(
          ReportedSessions.Change(arrivalHour: told, change: one))
      }
    }
    return reported
  }

  private func seen(hours: Int, started: Int, told: Int, weighedBy: Int) -> ReleaseGate.Arm {
    var tallies = [SessionTally](repeating: SessionTally(), count: hours)
    for step in 0..<min(started, sessions.count) {
      tallies[step / RollOutWorld.stepsPerHour].sessions += sessions[step]
    }
    var (users, all) = (Set<Int>(), 0.0)
    for crash in crashes where crash.start < started {
      if crash.told < told { tallies[crash.start / RollOutWorld.stepsPerHour].crashes += 1 }
      if crash.told < weighedBy {
        users.insert(crash.user)
        all += 1
      }
    }
    return ReleaseGate.Arm(hours: tallies, crashWeight: all > 0 ? Double(users.count) / all : 1)
  }
}

/// Numbers by chance, from a seed.
struct Dice {
  private var source: SplitMix64

  init(_ seed: UInt64) {
    source = SplitMix64(seed: seed)
  }

  mutating func unit() -> Double {
    source.unit()
  }

  /// Knuth's method, in parts that `exp` can hold.
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
