internal import ReleaseHealth
internal import Storage

/// The rows of `alert_transition`.
struct TransitionTable {
  let connection: Connection

  /// Keeps a transition for the channels that its levels name, within the transaction of the
  /// change; nothing where there are none.
  ///
  /// - Parameter draft: of the rule as it was before.
  func add(_ transition: AlertTransition, of draft: AlertRuleDraft) throws(StoreError) {
    let channels = try channels(transition, draft)
    if channels.isEmpty { return }
    let (incident, rule) = (transition.incident, transition.draft.rule)
    let values: [(any Bindable)?] = [
      transition.rule, transition.organization, transition.draft.name, transition.ruleCreated,
      transition.ruleModified, transition.before.rawValue, incident.id, incident.opened,
      incident.closed, incident.status, AlertTables.bits(incident.reached), incident.transitions,
      transition.time, transition.value, transition.sessions, transition.release,
      transition.baseRelease, transition.ending?.rawValue, Self.text(rule.projects.map(\.rawValue)),
      Self.text(channels),
    ]
    try connection.run(
      """
      INSERT INTO alert_transition (rule, organization, name, rule_created, rule_modified, before,
        incident, opened, closed, status, reached, transitions, time, value, sessions,
        observed_release, base_release, ending, projects, channels, measure, environment, release,
        window_minutes, comparison, above, critical, warning, resolve, sessions_min, period)
      VALUES (\(Array(repeating: "?", count: 31).joined(separator: ", ")))
      """, values + AlertTables.values(rule))
  }

  func all() throws(StoreError) -> [AlertTransition] {
    try connection.rows(
      """
      SELECT id, rule, organization, name, rule_created, rule_modified, before, time, value,
        sessions, observed_release, base_release, ending, projects,
        incident, rule, opened, closed, status, reached, transitions, value,
        measure, environment, release, window_minutes, comparison, above, critical, warning,
        resolve, sessions_min, period
      FROM alert_transition ORDER BY id
      """
    ) { row in
      var rule = AlertTables.condition(row, from: 22)
      rule.projects = Self.numbers(row.text(13)).map(ProjectID.init(rawValue:))
      return AlertTransition(
        id: row.integer(0), draft: AlertRuleDraft(name: row.text(3), rule: rule),
        rule: row.integer(1), organization: OrganizationID(rawValue: row.integer(2)),
        ruleCreated: row.time(4), ruleModified: row.time(5),
        before: AlertLevel(rawValue: Int(row.integer(6))) ?? .ok,
        incident: AlertTables.incident(row, from: 14), time: row.time(7),
        value: row.optionalDouble(8), sessions: row.integer(9), release: row.optionalText(10),
        baseRelease: row.optionalText(11),
        ending: row.optionalText(12).flatMap { AlertTransition.Ending(rawValue: $0) })
    }
  }

  /// Puts a notice into the queues of a transition's channels, and drops the transition.
  func enqueue(_ notice: Notice, of id: Int64) throws(StoreError) {
    let select = try connection.prepare(
      "SELECT channels, closed IS NOT NULL FROM alert_transition WHERE id = ?")
    select.bind(1, id)
    // Another thread may have been first.
    guard try select.step() else { return }
    let (channels, isEnd) = (Self.numbers(select.text(0)), select.integer(1) != 0)
    select.reset()
    for channel in channels {
      let isThere = try connection.number("SELECT 1 FROM notice_channel WHERE id = \(channel)")
      guard isThere != nil else { continue }
      // An end is notified where the beginning was.
      if isEnd, try !NoticeTables(connection: connection).isKnown(notice, to: channel) { continue }
      try NoticeTables(connection: connection).enqueue(notice, channel: channel)
    }
    try connection.execute("DELETE FROM alert_transition WHERE id = \(id)")
  }

  /// The channels of the level, and of those that are over by it, in the order of their making.
  private func channels(
    _ transition: AlertTransition, _ draft: AlertRuleDraft
  ) throws(StoreError) -> [Int64] {
    let incident = transition.incident
    var names = Set<String>()
    let levels = incident.level == .critical ? [.critical] : incident.reached
    for level in levels { names.formUnion(draft.channels(of: level)) }
    return try connection.rows(
      "SELECT id, name FROM notice_channel WHERE organization = ? ORDER BY id",
      [transition.organization]
    ) { names.contains($0.text(1)) ? $0.integer(0) : nil }
  }

  private static func text(_ numbers: [Int64]) -> String {
    numbers.map(String.init).joined(separator: " ")
  }

  private static func numbers(_ text: String) -> [Int64] {
    text.split(separator: " ").compactMap { Int64($0) }
  }
}
