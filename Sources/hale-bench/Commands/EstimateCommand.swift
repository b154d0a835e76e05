import ArgumentParser
import Bytes
import ReleaseHealth

/// Measures how often the band of the estimate contains the final crash rate, by the age of the
/// release, over made-up roll-outs whose crashes are reported late.
struct EstimateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "estimate", abstract: "Measure the coverage of the estimate's band.")

  /// The number of roll-outs of each kind.
  private static let rollOuts = 2000
  /// The ages of the release, in hours since the first session.
  private static let ages = [1, 3, 6, 12, 24, 48, 72]
  /// The hours of the release before that the reporting delay is learnt from.
  private static let learningHours = 168

  func run() {
    var figures: [(name: String, value: Double)] = [("roll_outs", Double(Self.rollOuts))]
    for (name, change) in [
      ("", { (_: inout RollOutWorld) in }),
      ("together_", { $0.isReportedTogether = true }),
      ("falling_", { $0.youthShare = 2 }),
    ] {
      for (age, sums) in zip(Self.ages, sums(change)) {
        figures += sums.figures.map { ("\(name)\(age)h_\($0.name)", $0.value) }
      }
    }
    printFigures(figures)
  }

  private struct Sums {
    var count = 0.0
    var covered = 0.0
    var above = 0.0
    var reported = 0.0
    var final = 0.0
    var estimated = 0.0
    var widths: [Double] = []

    var figures: [(name: String, value: Double)] {
      [
        ("estimates", count), ("coverage", covered / count), ("final_above", above / count),
        ("reported", reported / final), ("estimated", estimated / final),
        ("width_median", Sample(widths).quantile(0.5)),
      ]
    }
  }

  private func sums(_ change: (inout RollOutWorld) -> Void) -> [Sums] {
    var all = [Sums](repeating: Sums(), count: Self.ages.count)
    for number in 0..<Self.rollOuts {
      var dice = SplitMix64(seed: 9_000_011 + UInt64(number))
      var world = RollOutWorld(crashRate: [0.001, 0.005, 0.02][number % 3])
      world.sessionsPerHour = [60, 600, 2400][number / 3 % 3]
      change(&world)
      var before = world
      before.hours = Self.learningHours + (Self.ages.last ?? 0)
      let learnt = before.arm(&dice, isCandidate: false).reported
      world.hours = Self.ages.last ?? 0
      let arm = world.arm(&dice, isCandidate: true)
      for (place, age) in Self.ages.enumerated() {
        let delay = ReportingDelay(
          learnt.window(age..<age + Self.learningHours), now: Self.learningHours)
        guard delay.isLearnt else { continue }
        let estimate = delay.estimate(arm.known(atAge: age).hours, now: age)
        let final = arm.final(atAge: age)
        guard final.crashes > 0, let interval = estimate.interval, let rate = estimate.crashRate,
          let truth = final.crashRate
        else { continue }
        all[place].count += 1
        all[place].covered += interval.contains(truth) ? 1 : 0
        all[place].above += truth > interval.upperBound ? 1 : 0
        all[place].reported += estimate.crashes
        all[place].final += final.crashes
        all[place].estimated += rate * Double(final.sessions)
        all[place].widths.append((interval.upperBound - interval.lowerBound) / truth)
      }
    }
    return all
  }
}

extension ReportedSessions {
  /// Only these hours.
  fileprivate func window(_ range: Range<Int>) -> ReportedSessions {
    ReportedSessions(
      hours: hours[range].map { hour in
        Hour(
          prompt: hour.prompt,
          late: hour.late.map {
            Change(arrivalHour: $0.arrivalHour - range.lowerBound, change: $0.change)
          })
      })
  }
}

extension RollOutWorld.Arm {
  fileprivate func known(atAge hours: Int) -> ReleaseGate.Arm {
    seen(at: hours * RollOutWorld.stepsPerHour - 1)
  }

  /// The same sessions once all crashes are reported.
  fileprivate func final(atAge hours: Int) -> SessionTally {
    let end = hours * RollOutWorld.stepsPerHour
    return SessionTally(
      sessions: sessions.prefix(end).reduce(0, +),
      crashes: Double(crashes.count { $0.start < end }))
  }
}
