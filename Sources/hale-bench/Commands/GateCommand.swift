import ArgumentParser
import Bytes
import Glibc
import ReleaseHealth

/// Measures how often the release gate is wrong and how soon it is right, over made-up roll-outs
/// that are checked every ten minutes.
struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Measure false verdicts of the release gate, and the sessions until a verdict.")

  /// The number of roll-outs of a release that is as good as its baseline.
  private static let rollOuts = 2000
  /// The number of roll-outs of each bad release.
  private static let badRollOuts = 200

  func run() {
    var reds = 0
    for number in 0..<Self.rollOuts {
      // Without a tolerated drop the risk of a false red is highest.
      var dice = SplitMix64(seed: 1_000_003 + UInt64(number))
      let world = RollOutWorld(crashRate: [0.001, 0.005, 0.02][number % 3])
      if Self.first(.red, world, world, (dropMax: 0, atFullHours: false), &dice) != nil {
        reds += 1
      }
    }
    var figures: [(name: String, value: Double)] = [
      ("roll_outs", Double(Self.rollOuts)), ("false_reds", Double(reds)),
      ("false_reds_upper", Self.upperBound(reds, of: Self.rollOuts)),
    ]
    figures += greens()
    figures += greens("no_loops_", loopShare: 0)
    figures += greens("heavy_loops_", loopShare: 0.1, loopMean: 20)
    for (name, rate, dropMax, loops) in [
      ("red_99_5_drop_0", 0.005, 0, 0), ("red_99_5_drop_02", 0.005, 0.002, 0),
      ("red_99_0_drop_02", 0.01, 0.002, 0), ("red_99_5_drop_0_loops", 0.005, 0, 0.05),
    ] {
      figures += bad(name, rate, dropMax: dropMax, loops: loops)
    }
    printFigures(figures)
  }

  /// The sessions of a candidate until it is red, with a baseline of 99.9 %.
  private func bad(
    _ name: String, _ rate: Double, dropMax: Double, loops: Double
  ) -> [(name: String, value: Double)] {
    var sessions: [Double] = []
    for number in 0..<Self.badRollOuts {
      var dice = SplitMix64(seed: 7_000_003 + UInt64(number))
      // Only sessions are measured: no crash is late, and both arms have the same number.
      let world = RollOutWorld(
        crashRate: 0.001, youthShare: 0, sessionsPerHour: 250, hours: 240, isStaged: false,
        loopShare: loops, promptShare: 1)
      var candidate = world
      candidate.crashRate = rate
      sessions.append(
        Self.first(
          .red, candidate, world, (dropMax: dropMax, atFullHours: true), &dice) ?? .infinity)
    }
    let sample = Sample(sessions)
    return [
      ("\(name)_found", Double(sessions.count { $0 < .infinity }) / Double(Self.badRollOuts)),
      ("\(name)_median", sample.quantile(0.5)), ("\(name)_p90", sample.quantile(0.9)),
    ].filter { $0.1 < .infinity }
  }

  /// Measures greens: a candidate whose drop is just above the tolerated one must not become green,
  /// and one that is as good as its baseline should.
  private func greens(
    _ name: String = "", loopShare: Double = 0.05, loopMean: Double = 10
  ) -> [(name: String, value: Double)] {
    var wrong = 0
    var sessions: [Double] = []
    for number in 0..<Self.rollOuts {
      var dice = SplitMix64(seed: 3_000_017 + UInt64(number))
      var world = RollOutWorld(
        crashRate: [0.001, 0.005][number % 2], youthShare: 0, hours: 72, loopShare: loopShare,
        loopMean: loopMean)
      let baseline = world
      if number % 10 == 0 {
        sessions.append(
          Self.first(.green, world, world, (dropMax: 0.002, atFullHours: true), &dice) ?? .infinity)
      }
      world.crashRate += 0.002
      if Self.first(.green, world, baseline, (dropMax: 0.002, atFullHours: true), &dice) != nil {
        wrong += 1
      }
    }
    return [
      ("\(name)false_greens", Double(wrong)),
      ("\(name)false_greens_upper", Self.upperBound(wrong, of: Self.rollOuts)),
      ("\(name)green_99_9_drop_02_median", Sample(sessions).quantile(0.5)),
      ("\(name)green_99_9_drop_02_p90", Sample(sessions).quantile(0.9)),
    ].filter { $0.1 < .infinity }
  }

  /// The sessions of the candidate at the first verdict of this kind; nil if there is none.
  private static func first(
    _ verdict: ReleaseGate.Verdict, _ candidate: RollOutWorld, _ baseline: RollOutWorld,
    _ terms: (dropMax: Double, atFullHours: Bool), _ dice: inout SplitMix64
  ) -> Double? {
    let one = candidate.arm(&dice, isCandidate: true)
    let other = baseline.arm(&dice, isCandidate: false)
    let rules = ReleaseGate.Rules(dropMax: terms.dropMax)
    // The delay is learnt from the week before; only a green needs it.
    var delay = ReportingDelay(ReportedSessions(), now: 0)
    if verdict == .green {
      var before = baseline
      before.hours = 168
      let history = before.arm(&dice, isCandidate: false)
      delay = ReportingDelay(
        history.reported, now: history.sessions.count + ReportingDelay.hoursMax)
    }
    for step in one.sessions.indices
    where !terms.atFullHours || (step + 1) % RollOutWorld.stepsPerHour == 0 {
      let seen = one.seen(at: step)
      let gate = ReleaseGate(
        rules: rules, candidate: seen, baseline: other.seenAsBaseline(at: step),
        knownShare: delay.knownShare(of: seen.hours, now: seen.hours.count),
        dispersion: delay.dispersion)
      if gate.verdict == verdict { return Double(gate.candidate.total.sessions) }
    }
    return nil
  }

  /// The upper bound of a share, at 95 % (Clopper and Pearson, 1934).
  private static func upperBound(_ part: Int, of whole: Int) -> Double {
    guard part < whole else { return 1 }
    var (low, high) = (0.0, 1.0)
    for _ in 0..<60 {
      let share = (low + high) / 2
      let chance = (0...part).reduce(0.0) { sum, count in
        let (found, left) = (Double(count), Double(whole - count))
        return sum
          + exp(
            lgamma(Double(whole) + 1) - lgamma(found + 1) - lgamma(left + 1) + found * log(share)
              + left * log(1 - share))
      }
      if chance > 0.05 { low = share } else { high = share }
    }
    return high
  }
}
