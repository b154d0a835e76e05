import ArgumentParser
import Bytes
import Glibc
import ReleaseHealth

/// Measures how often the release gate is wrong and how soon it is right, over made-up roll-outs
/// that are checked every ten minutes: where crashes are bad, and where unhandled errors are, too.
struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Measure false verdicts of the release gate, and the sessions until a verdict.")

  /// The number of roll-outs of a release that is as good as its baseline.
  fileprivate static let rollOuts = 2000
  /// The number of roll-outs of each bad release.
  fileprivate static let badRollOuts = 200

  func run() {
    var figures = [(name: "roll_outs", value: Double(Self.rollOuts))]
    for bad in BadStatuses.allCases {
      let setting = Setting(bad)
      figures += setting.reds() + setting.greens()
      figures += setting.greens("no_loops_", loopShare: 0)
      figures += setting.greens("heavy_loops_", loopShare: 0.1, loopMean: 20)
      for (name, rate, dropMax, loops) in setting.worseReleases {
        figures += setting.bad(name, rate, dropMax: dropMax, loops: loops)
      }
    }
    printFigures(figures)
  }

  /// What makes a session bad, with the roll-outs of projects where that is set.
  fileprivate struct Setting {
    let prefix: String
    /// The share of bad sessions that do not crash.
    let unhandledShare: Double
    /// The rates of releases that are as good as their baseline.
    let equalRates: [Double]
    /// Those with which greens are measured, and the tolerated drop there.
    let greenRates: [Double]
    let greenDrop: Double
    let greenName: String
    /// The share of users with bad sessions again and again: a page fails at each load.
    let loopShare: Double
    let baseRate: Double
    let worseReleases: [(name: String, rate: Double, dropMax: Double, loops: Double)]

    init(_ bad: BadStatuses) {
      switch bad {
      case .crashed:
        (prefix, unhandledShare, loopShare, baseRate) = ("", 0, 0.05, 0.001)
        equalRates = [0.001, 0.005, 0.02]
        (greenRates, greenDrop, greenName) = ([0.001, 0.005], 0.002, "green_99_9_drop_02")
        worseReleases = [
          ("red_99_5_drop_0", 0.005, 0, 0), ("red_99_5_drop_02", 0.005, 0.002, 0),
          ("red_99_0_drop_02", 0.01, 0.002, 0), ("red_99_5_drop_0_loops", 0.005, 0, 0.05),
        ]
      case .crashedAndUnhandled:
        // Errors that end no process are many times more frequent than crashes.
        (prefix, unhandledShare, loopShare, baseRate) = ("failures_", 0.9, 0.2, 0.01)
        equalRates = [0.005, 0.02, 0.05]
        (greenRates, greenDrop, greenName) = ([0.01, 0.03], 0.01, "green_99_drop_1")
        worseReleases = [
          ("red_97_drop_0", 0.03, 0, 0), ("red_97_drop_1", 0.03, 0.01, 0),
          ("red_97_drop_0_loops", 0.03, 0, 0.2),
        ]
      }
    }
  }
}

extension GateCommand.Setting {
  /// Releases that are as good as their baseline, and red. Without a tolerated drop the risk of it
  /// is highest.
  func reds() -> [(name: String, value: Double)] {
    var reds = 0
    for number in 0..<GateCommand.rollOuts {
      var dice = SplitMix64(seed: 1_000_003 + UInt64(number))
      let world = RollOutWorld(
        crashRate: equalRates[number % equalRates.count], unhandledShare: unhandledShare,
        loopShare: loopShare)
      if first(.red, world, world, (dropMax: 0, atFullHours: false), &dice) != nil { reds += 1 }
    }
    return [
      ("\(prefix)false_reds", Double(reds)),
      ("\(prefix)false_reds_upper", upperBound(reds, of: GateCommand.rollOuts)),
    ]
  }

  /// The sessions of a candidate until it is red.
  func bad(
    _ name: String, _ rate: Double, dropMax: Double, loops: Double
  ) -> [(name: String, value: Double)] {
    var sessions: [Double] = []
    for number in 0..<GateCommand.badRollOuts {
      var dice = SplitMix64(seed: 7_000_003 + UInt64(number))
      // Only sessions are measured: no crash is late, and both arms have the same number.
      let world = RollOutWorld(
        crashRate: baseRate, unhandledShare: unhandledShare, youthShare: 0, sessionsPerHour: 250,
        hours: 240, isStaged: false,
        loopShare: loops, promptShare: 1)
      var candidate = world
      candidate.crashRate = rate
      sessions.append(
        first(
          .red, candidate, world, (dropMax: dropMax, atFullHours: true), &dice) ?? .infinity)
    }
    let sample = Sample(sessions)
    let found = Double(sessions.count { $0 < .infinity }) / Double(GateCommand.badRollOuts)
    return [
      ("\(prefix)\(name)_found", found), ("\(prefix)\(name)_median", sample.quantile(0.5)),
      ("\(prefix)\(name)_p90", sample.quantile(0.9)),
    ].filter { $0.1 < .infinity }
  }

  /// Measures greens: a candidate whose drop is just above the tolerated one must not become green,
  /// and one that is as good as its baseline should.
  func greens(
    _ kind: String = "", loopShare: Double? = nil, loopMean: Double = 10
  ) -> [(name: String, value: Double)] {
    var wrong = 0
    var sessions: [Double] = []
    for number in 0..<GateCommand.rollOuts {
      var dice = SplitMix64(seed: 3_000_017 + UInt64(number))
      var world = RollOutWorld(
        crashRate: greenRates[number % 2], unhandledShare: unhandledShare, youthShare: 0,
        hours: 72, loopShare: loopShare ?? self.loopShare, loopMean: loopMean)
      let baseline = world
      let terms = (dropMax: greenDrop, atFullHours: true)
      if number % 10 == 0 {
        sessions.append(first(.green, world, world, terms, &dice) ?? .infinity)
      }
      world.crashRate += greenDrop
      if first(.green, world, baseline, terms, &dice) != nil {
        wrong += 1
      }
    }
    let name = prefix + kind
    return [
      ("\(name)false_greens", Double(wrong)),
      ("\(name)false_greens_upper", upperBound(wrong, of: GateCommand.rollOuts)),
      ("\(name)\(greenName)_median", Sample(sessions).quantile(0.5)),
      ("\(name)\(greenName)_p90", Sample(sessions).quantile(0.9)),
    ].filter { $0.1 < .infinity }
  }

  /// The sessions of the candidate at the first verdict of this kind; nil if there is none.
  private func first(
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
  private func upperBound(_ part: Int, of whole: Int) -> Double {
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
