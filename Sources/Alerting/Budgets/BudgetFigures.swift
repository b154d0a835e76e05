internal import Locks
package import ReleaseHealth
package import Storage

/// The budgets of all projects for `/metrics`, read once a minute at most. The number of queries
/// does not depend on the number of projects.
package final class BudgetFigures: Sendable {
  package struct Figure: Sendable {
    package var project: ProjectID
    package var measure: Objective.Measure
    /// What makes a session bad.
    package var bad: BadStatuses
    /// The rest of the budget; nil where nothing was counted.
    package var left: Double?
    package var burnRates: [BurnWindow: Double] = [:]
  }

  private struct State {
    var minute: Int?
    var objectives: [ProjectObjective] = []
    var figures: [Figure] = []
  }

  private let state = Locked(State())

  package init() {}

  /// The figures that were read last.
  package var latest: [Figure] { state.withLock { $0.figures } }

  package func isCurrent(_ objectives: [ProjectObjective], at now: Timestamp) -> Bool {
    state.withLock { $0.minute == now.minute && $0.objectives == objectives }
  }

  /// Reads the figures of a minute. Blocks.
  package func read(_ objectives: [ProjectObjective], now: Timestamp, store: any SessionStore) {
    // Where the store fails there is no figure, rather than an old one that looks fresh.
    let read = try? store.snapshot { (store) throws(StoreError) in
      try Self.read(objectives, now: now, store)
    }
    state.withLock {
      $0 = State(minute: now.minute, objectives: objectives, figures: read ?? [])
    }
  }

  private static func read(
    _ objectives: [ProjectObjective], now: Timestamp, _ store: any SessionReading
  ) throws(StoreError) -> [Figure] {
    var figures: [ProjectID: Figure] = [:]
    for measure in Objective.Measure.allCases {
      let own = objectives.filter { $0.objective.measure == measure }
      if own.isEmpty { continue }
      for objective in own {
        figures[objective.project] = Figure(
          project: objective.project, measure: measure, bad: objective.bad)
      }
      let targets = Dictionary(uniqueKeysWithValues: own.map { ($0.project, $0.objective.target) })
      func budgets(
        _ own: [ProjectObjective], _ minutes: Range<Int>
      ) throws(StoreError) -> [ProjectID: ErrorBudget] {
        let projects = Dictionary(uniqueKeysWithValues: own.map { ($0.project, $0.bad) })
        let counts = try BudgetCounts.read(measure, of: projects, minutes, store)
        return counts.reduce(into: [:]) { all, entry in
          if let target = targets[entry.key] { all[entry.key] = ErrorBudget(target, entry.value) }
        }
      }
      for (days, own) in Dictionary(grouping: own, by: \.objective.days) {
        let minutes = BudgetCounts.minutes(ofDays: days, until: now)
        for (project, budget) in try budgets(own, minutes) {
          figures[project]?.left = budget.left
        }
      }
      for window in BurnWindow.allCases {
        let minutes = BudgetCounts.minutes(of: window, until: now)
        for (project, budget) in try budgets(own, minutes) {
          figures[project]?.burnRates[window] = budget.burnRate
        }
      }
    }
    return figures.values.sorted { $0.project < $1.project }
  }
}
