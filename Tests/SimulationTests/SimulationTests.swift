import Foundation
import TestSupport
import Testing

/// Hours of clients, clocks, faults, restarts and jobs, in process and without waiting, are
/// compared with the model at every check. `Scripts/simulate` runs it for any time.
@Suite(.serialized) struct SimulationTests {
  private static let stepsPerHistory = 400

  /// - `HALE_SIMULATION_SEED`: the first seed, to repeat a failure.
  /// - `HALE_SIMULATION_SECONDS`: the duration.
  @Test func theServiceGivesTheModelsNumbers() throws {
    let environment = ProcessInfo.processInfo.environment
    let first = environment["HALE_SIMULATION_SEED"].flatMap(UInt64.init) ?? 1
    let seconds = environment["HALE_SIMULATION_SECONDS"].flatMap(Double.init) ?? 10
    let end = Date(timeIntervalSinceNow: seconds)
    var seed = first
    var steps = 0
    var hours = 0.0
    var checks = 0
    repeat {
      let history = SimulationStep.history(seed: seed, count: Self.stepsPerHistory)
      let outcome = Self.run(history, seed: seed)
      steps += history.count
      hours += outcome.hours
      checks += outcome.checks
      if let problem = outcome.problem {
        let shrunk = Self.shrink(history, seed: seed)
        Issue.record(
          """
          Seed \(seed): \(problem)
          Again: Scripts/simulate --seed \(seed). It takes \(shrunk.steps.count) steps:
          \(shrunk.steps.map(\.description).joined(separator: ",\n"))
          \(shrunk.problem)
          """)
        return
      }
      seed += 1
    } while Date() < end
    print(
      "simulated \(Int(hours)) hours in \(seed - first) histories from seed \(first): "
        + "\(steps) steps, \(checks) checks")
  }

  private static func run(
    _ history: [SimulationStep], seed: UInt64
  ) -> (problem: String?, hours: Double, checks: Int) {
    do {
      let world = try SimulatedWorld(seed: seed)
      for step in history + [.check(random: seed)] {
        if let problem = try world.perform(step) {
          return ("\(step): \(problem)", world.simulatedHours, world.checks)
        }
      }
      return (nil, world.simulatedHours, world.checks)
    } catch {
      return ("\(error)", 0, 0)
    }
  }

  /// Removes steps as long as the history still fails.
  private static func shrink(
    _ history: [SimulationStep], seed: UInt64
  ) -> (steps: [SimulationStep], problem: String) {
    var steps = history
    var problem = run(steps, seed: seed).problem ?? ""
    var size = steps.count / 2
    let end = Date(timeIntervalSinceNow: 60)
    while size >= 1, Date() < end {
      var start = 0
      while start < steps.count, Date() < end {
        var fewer = steps
        fewer.removeSubrange(start..<min(start + size, steps.count))
        if let found = run(fewer, seed: seed).problem {
          steps = fewer
          problem = found
        } else {
          start += size
        }
      }
      size /= 2
    }
    // Of several steps that only let time pass, one is enough.
    for index in steps.indices.dropLast().reversed() {
      guard case .time(let one) = steps[index], case .time(let other) = steps[index + 1] else {
        continue
      }
      var fewer = steps
      fewer.replaceSubrange(index...index + 1, with: [.time(milliseconds: one + other)])
      if let found = run(fewer, seed: seed).problem { (steps, problem) = (fewer, found) }
    }
    return (steps, problem)
  }
}
