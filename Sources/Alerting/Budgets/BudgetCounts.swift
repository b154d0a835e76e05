internal import ReleaseHealth
internal import Storage

/// Counts sessions or users for the budgets of several projects at a time.
enum BudgetCounts {
  /// The objective's window, including the running minute. Up to two days it is exact to the
  /// minute. Older counts exist by the hour only, so longer windows begin on a full hour.
  static func minutes(ofDays days: Int, until now: Timestamp) -> Range<Int> {
    let start = now.minute + 1 - days * 1440
    return (days <= 2 ? start : start.flooredDivision(by: 60) * 60)..<now.minute + 1
  }

  static func minutes(of window: BurnWindow, until now: Timestamp) -> Range<Int> {
    now.minute + 1 - window.minutes..<now.minute + 1
  }

  /// Reads the counts by project; projects without a session in the range are omitted.
  ///
  /// - Parameter projects: with what makes a session of each bad.
  static func read(
    _ measure: Objective.Measure, of projects: [ProjectID: BadStatuses], _ minutes: Range<Int>,
    _ store: any SessionReading
  ) throws(StoreError) -> [ProjectID: ErrorBudget.Counts] {
    var query = HealthQuery(projects: Set(projects.keys), minutes: minutes)
    query.groupBy = [.project]
    query.measures = measure == .sessions ? [.sessions] : [.users]
    return try store.health(query).reduce(into: [:]) { all, group in
      guard let project = group.key.project, let bad = projects[project] else { return }
      all[project] = group.totals.counts(of: measure, bad)
    }
  }
}

extension HealthCell {
  func counts(of measure: Objective.Measure, _ bad: BadStatuses) -> ErrorBudget.Counts {
    switch measure {
    case .sessions: ErrorBudget.Counts(total: sessions.total, bad: sessions.bad(bad))
    case .users: ErrorBudget.Counts(total: users.total, bad: users.bad(bad))
    }
  }
}
