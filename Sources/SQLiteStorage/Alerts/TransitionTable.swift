internal import ReleaseHealth
internal import Storage

/// The rows of `alert_transition`.
enum TransitionTable {
  /// Keeps a transition for the channels that its levels name, within the transaction of the
  /// change; nothing where there are none.
  ///
  /// - Parameter draft: of the rule as it was before.
  static func add(
    _ transition: AlertTransition, of draft: AlertRuleDraft, on connection: Connection
  ) throws(StoreError) {
    let channels = try channels(transition, draft, on: connection)
    if channels.isEmpty { return }
    let insert = try connection.prepare(
      """
      INSERT INTO alert_transition (rule, organization, name, rule_created, rule_modified, before,
        incident, opened, closed, status, reached, transitions, time, value, sessions,
        observed_release, base_release, ending, projects, channels, measure, environment, release,
        window_minutes, comparison, above, critical, warning, resolve, sessions_min, period)
      VALUES (\(Array(repeating: "?", count: 31).joined(separator: ", ")))
      """)
    let incident = transition.incident
    insert.bind(1, transition.rule)
    insert.bind(2, transition.organization.rawValue)
    insert.bind(3, transition.draft.name)
    insert.bind(4, transition.ruleCreated.milliseconds)
    insert.bind(5, transition.ruleModified.milliseconds)
    insert.bind(6, transition.before.rawValue)
    insert.bind(7, incident.id)
    insert.bind(8, incident.opened.milliseconds)
    insert.bind(9, incident.closed?.milliseconds)
    insert.bind(10, incident.status)
    insert.bind(11, incident.reached.reduce(0) { $0 | $1.rawValue })
    insert.bind(12, incident.transitions)
    insert.bind(13, transition.time.milliseconds)
    insert.bind(14, transition.value)
    insert.bind(15, transition.sessions)
    insert.bind(16, transition.release)
    insert.bind(17, transition.baseRelease)
    insert.bind(18, transition.ending?.rawValue)
    insert.bind(19, text(transition.draft.rule.projects.map(\.rawValue)))
    insert.bind(20, text(channels))
    AlertTables.bind(transition.draft.rule, to: insert, from: 21)
    try insert.run()
  }

  static func all(on connection: Connection) throws(StoreError) -> [AlertTransition] {
    let select = try connection.prepare(
      """
      SELECT id, rule, organization, name, rule_created, rule_modified, before, time, value,
        sessions, observed_release, base_release, ending, projects,
        incident, rule, opened, closed, status, reached, transitions, value,
        measure, environment, release, window_minutes, comparison, above, critical, warning,
        resolve, sessions_min, period
      FROM alert_transition ORDER BY id
      """)
    var transitions: [AlertTransition] = []
    while try select.step() {
      var rule = AlertTables.condition(select, from: 22)
      rule.projects = numbers(select.text(13)).map(ProjectID.init(rawValue:))
      transitions.append(
        AlertTransition(
          id: select.integer(0), draft: AlertRuleDraft(name: select.text(3), rule: rule),
          rule: select.integer(1), organization: OrganizationID(rawValue: select.integer(2)),
          ruleCreated: Timestamp(milliseconds: select.integer(4)),
          ruleModified: Timestamp(milliseconds: select.integer(5)),
          before: AlertLevel(rawValue: Int(select.integer(6))) ?? .ok,
          incident: AlertTables.incident(select, from: 14),
          time: Timestamp(milliseconds: select.integer(7)), value: select.optionalDouble(8),
          sessions: select.integer(9), release: select.optionalText(10),
          baseRelease: select.optionalText(11),
          ending: select.optionalText(12).flatMap { AlertTransition.Ending(rawValue: $0) }))
    }
    return transitions
  }

  /// Puts a notice into the queues of a transition's channels, and drops the transition.
  static func enqueue(
    _ notice: Notice, of id: Int64, on connection: Connection
  ) throws(StoreError) {
    let select = try connection.prepare(
      "SELECT channels, closed IS NOT NULL FROM alert_transition WHERE id = ?")
    select.bind(1, id)
    // Another thread may have been first.
    guard try select.step() else { return }
    let (channels, isEnd) = (numbers(select.text(0)), select.integer(1) != 0)
    select.reset()
    for channel in channels {
      let isThere = try connection.number("SELECT 1 FROM notice_channel WHERE id = \(channel)")
      guard isThere != nil else { continue }
      // An end is notified where the beginning was.
      if isEnd, try !NoticeTables.isKnown(notice, to: channel, on: connection) { continue }
      try NoticeTables.enqueue(notice, channel: channel, on: connection)
    }
    try connection.execute("DELETE FROM alert_transition WHERE id = \(id)")
  }

  /// The channels of the level, and of those that are over by it, in the order of their making.
  private static func channels(
    _ transition: AlertTransition, _ draft: AlertRuleDraft, on connection: Connection
  ) throws(StoreError) -> [Int64] {
    let incident = transition.incident
    var names = Set<String>()
    let levels = incident.level == .critical ? [.critical] : incident.reached
    for level in levels { names.formUnion(draft.channels(of: level)) }
    let select = try connection.prepare(
      "SELECT id, name FROM notice_channel WHERE organization = ? ORDER BY id")
    select.bind(1, transition.organization.rawValue)
    var channels: [Int64] = []
    while try select.step() {
      if names.contains(select.text(1)) { channels.append(select.integer(0)) }
    }
    return channels
  }

  private static func text(_ numbers: [Int64]) -> String {
    numbers.map(String.init).joined(separator: " ")
  }

  private static func numbers(_ text: String) -> [Int64] {
    text.split(separator: " ").compactMap { Int64($0) }
  }
}
