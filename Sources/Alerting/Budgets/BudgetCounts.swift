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
    try cells(measure, of: Set(projects.keys), minutes, store).reduce(into: [:]) { all, entry in
      guard let bad = projects[entry.key] else { return }
      all[entry.key] = entry.value.counts(of: measure, bad)
    }
  }

  /// The same, whatever makes a session bad.
  static func cells(
    _ measure: Objective.Measure, of projects: Set<ProjectID>, _ minutes: Range<Int>,
    _ store: any SessionReading
  ) throws(StoreError) -> [ProjectID: HealthCell] {
    var query = HealthQuery(projects: projects, minutes: minutes)
    query.groupBy = [.project]
    query.measures = measure == .sessions ? [.sessions] : [.users]
    return try store.health(query).reduce(into: [:]) { all, group in
      if let project = group.key.project { all[project] = group.totals }
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
