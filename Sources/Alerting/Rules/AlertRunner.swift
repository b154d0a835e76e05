package import Access
package import ReleaseHealth
package import Storage

/// Evaluates alert rules: reads their counts on the calling thread, which may be a reader's, and
/// leaves the keeping to the writer's.
package final class AlertRunner: Sendable {
  private let store: any SessionStore & ReleaseStore
  private let alerts: any AlertStore & NoticeStore
  private let catalog: CatalogCache
  private let webURL: String?

  /// - Parameter webURL: the page that notices lead to; nil while no address is known.
  package init(
    store: any SessionStore & ReleaseStore, alerts: any AlertStore & NoticeStore,
    catalog: CatalogCache, webURL: String?
  ) {
    self.store = store
    self.alerts = alerts
    self.catalog = catalog
    self.webURL = webURL
  }

  /// Evaluates all rules at one instant, by what is stored at one moment. Rules that query the same
  /// value share the query.
  package func evaluate(at now: Timestamp) throws(StoreError) -> [AlertResult] {
    let rules = try alerts.alertRules(of: nil)
    return try store.snapshot { (store) throws(StoreError) in
      let reader = AlertReader(store: store, now: now)
      var requested: [(rule: AlertRule, reading: AlertReading)] = []
      return try rules.map { (stored) throws(StoreError) in
        if let known = requested.first(where: { $0.rule.queriesTheSame(as: stored.rule) }) {
          return result(stored, known.reading, at: now)
        }
        let reading = try reader.reading(of: stored.rule, organization: stored.organization)
        requested.append((stored.rule, reading))
        return result(stored, reading, at: now)
      }
    }
  }

  /// Keeps what ``evaluate(at:)`` found, and puts the notices of what follows into the queue.
  /// Called from the writer's thread.
  ///
  /// - Returns: how many levels changed.
  package func keep(_ results: [AlertResult]) throws(StoreError) -> Int {
    try alerts.keepAlerts(results)
    try AlertNotice.enqueueAll(
      of: alerts, projects: catalog.snapshot.catalog.projects, webURL: webURL)
    return results.count { $0.state.level != $0.rule.state.level }
  }

  private func result(
    _ stored: StoredAlertRule, _ reading: AlertReading, at now: Timestamp
  ) -> AlertResult {
    let value = stored.rule.value(of: reading)
    let state = stored.rule.state(after: value, from: stored.state)
    let record = AlertRecord(
      time: now, value: value, sessions: reading.current.sessions.total, level: state.level)
    // Of what began while the rule was muted the channels are notified when that is over.
    let isUnmuted = stored.mutedUntil.map { until in
      until <= now && (stored.evaluated.map { $0.time <= until } ?? false)
    }
    let isNews = state.level != stored.state.level || isUnmuted == true && state.level != .ok
    return AlertResult(
      rule: stored, record: record, state: state, release: reading.release,
      baseRelease: reading.baseRelease, notifies: isNews && !stored.isMuted(at: now))
  }
}

/// Reads the counts that a rule looks at.
struct AlertReader {
  let store: any SessionReading & ReleaseReading
  let now: Timestamp

  func reading(
    of rule: AlertRule, organization: OrganizationID
  ) throws(StoreError) -> AlertReading {
    let window = rule.window(at: now)
    let current = try groups(rule, window)
    let week = rule.comparison == .previousWeek ? AlertRule.weekBefore(window) : nil
    let base = try week.map { (week) throws(StoreError) in try groups(rule, week) }
    var known: [Name: ReleaseStanding] = [:]
    if rule.needsReleases {
      let names = Set((current + (base ?? [])).map { Name($0.release) })
      known = try store.standings(
        of: names.map(\.text), in: rule.query(0..<0), of: organization)
    }
    func seen(_ groups: Groups, _ window: Range<Int>) -> AlertReleases {
      AlertReleases(groups, known: known, end: Timestamp(minute: window.upperBound))
    }
    return rule.reading(seen(current, window), weekBefore: base.map { seen($0, week ?? window) })
  }

  private typealias Groups = [(release: String, counts: AlertCounts)]

  private func groups(
    _ rule: AlertRule, _ minutes: Range<Int>
  ) throws(StoreError) -> Groups {
    var query = rule.query(minutes)
    query.measures = rule.measure.isOfUsers ? [.sessions, .users] : [.sessions]
    return try store.health(query).map { group in
      (
        group.key.release ?? "",
        AlertCounts(sessions: group.totals.sessions, users: group.totals.users)
      )
    }
  }
}

extension AlertRule {
  /// The query for the counts of some minutes.
  func query(_ minutes: Range<Int>) -> HealthQuery {
    var query = HealthQuery(projects: Set(projects), minutes: minutes)
    let environments = SeriesFilter.environments(
      EnvironmentSelection(environment.map { [$0] } ?? []))
    switch releases {
    case .one(let name) where comparison != .previousRelease:
      query.filter = .all([environments, .release(name)])
    case .pattern(let text):
      query.filter = .all([environments, .releaseMatches(TextPattern(text))])
    default: query.filter = environments
    }
    if needsReleases {
      query.groupBy = [.release]
      query.groupsMax = HealthQuery.rankedGroupsMax
    }
    return query
  }
}
