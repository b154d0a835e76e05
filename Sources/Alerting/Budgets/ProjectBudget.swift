package import ReleaseHealth
package import Storage

/// The error budget of a project now, its burn rates, and its course.
package struct ProjectBudget {
  package let objective: ProjectObjective
  package let minutes: Range<Int>
  package let budget: ErrorBudget
  /// What the window has of sessions or users that crashed, and that crashed or had an unhandled
  /// error, whatever of it is bad.
  package let crashed: Int64
  package let failed: Int64
  /// The burn rates in the order of ``BurnWindow/allCases``.
  package let burns: [(window: BurnWindow, budget: ErrorBudget)]
  /// The rest of the budget at the end of each day, and today until now, over the window that ended
  /// then; days are counted since 1970, ascending. nil where nothing was counted, and where some
  /// counts have expired.
  package let series: [(day: Int, left: Double?)]

  /// The maximum number of points of users, because each needs a union of its own.
  private static let userPointsMax = 14

  package init(
    _ objective: ProjectObjective, now: Timestamp, retentionDays: Int, store: any SessionReading
  ) throws(StoreError) {
    let (project, measure) = (objective.project, objective.objective.measure)
    let bad = objective.bad
    let (target, days) = (objective.objective.target, objective.objective.days)
    func read(_ minutes: Range<Int>) throws(StoreError) -> ErrorBudget {
      let counts = try BudgetCounts.read(measure, of: [project: bad], minutes, store)
      return ErrorBudget(target, counts[project] ?? ErrorBudget.Counts())
    }
    self.objective = objective
    minutes = BudgetCounts.minutes(ofDays: days, until: now)
    let cell = try BudgetCounts.cells(measure, of: [project], minutes, store)[project]
    func counts(_ bad: BadStatuses) -> ErrorBudget.Counts {
      cell?.counts(of: measure, bad) ?? ErrorBudget.Counts()
    }
    budget = ErrorBudget(target, counts(bad))
    (crashed, failed) = (counts(.crashed).bad, counts(.crashedAndUnhandled).bad)
    burns = try BurnWindow.allCases.map { (window) throws(StoreError) in
      (window, try read(BudgetCounts.minutes(of: window, until: now)))
    }

    // The counts of each day from the first day of the first window on.
    let first = now.day - 2 * days + 2
    var query = HealthQuery(projects: [project], minutes: first * 1440..<(now.day + 1) * 1440)
    query.intervalMinutes = 1440
    let daily = try store.health(query).first?.series.map { $0.counts(of: .sessions, bad) } ?? []
    // If the oldest kept day has sessions, earlier days most likely had some, too.
    let oldest = now.day - retentionDays + 1
    let isCut = daily.indices.contains(oldest - first) && daily[oldest - first].total > 0
    let step = measure == .sessions ? 1 : (days + Self.userPointsMax - 1) / Self.userPointsMax
    series =
      try stride(from: now.day - (days - 1) / step * step, to: now.day, by: step).map {
        (day) throws(StoreError) in
        let start = day - days + 1
        if isCut, start < oldest { return (day, nil) }
        let window = start * 1440..<(day + 1) * 1440
        if measure == .users { return (day, try read(window).left) }
        let counts = daily.dropFirst(start - first).prefix(days)
          .reduce(into: ErrorBudget.Counts()) { $0 += $1 }
        return (day, ErrorBudget(target, counts).left)
      }
      + [(now.day, budget.left)]
  }

  package func rate(_ window: BurnWindow) -> Double? {
    burns.first { $0.window == window }?.budget.burnRate
  }
}
