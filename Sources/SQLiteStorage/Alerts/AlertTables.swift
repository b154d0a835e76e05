internal import ReleaseHealth
internal import Storage

/// The rows of alert rules, and of what becomes of them.
enum AlertTables {
  // MARK: Rules

  private static let columns = """
    id, organization, name, declared, created, modified, asked, muted_until, measure, environment,
    release, window_minutes, comparison, above, critical, warning, resolve, sessions_min, period,
    level, alarming_run, critical_run, eased_run, resolved_run, evaluated, value, sessions, incident
    """

  /// - Parameter condition: about the columns, with the value for ?1.
  static func rules(
    _ condition: String, _ value: Int64, on connection: Connection
  ) throws(StoreError) -> [StoredAlertRule] {
    let select = try connection.prepare(
      "SELECT \(columns) FROM alert_rule WHERE \(condition) ORDER BY id")
    select.bind(1, value)
    var rules: [StoredAlertRule] = []
    while try select.step() { rules.append(rule(select)) }
    let projects = try connection.prepare(
      "SELECT project FROM alert_rule_project WHERE rule = ? ORDER BY project")
    let channels = try connection.prepare(
      "SELECT level, name FROM alert_rule_channel WHERE rule = ? ORDER BY level, position")
    for index in rules.indices {
      projects.bind(1, rules[index].id)
      while try projects.step() {
        rules[index].draft.rule.projects.append(ProjectID(rawValue: projects.integer(0)))
      }
      channels.bind(1, rules[index].id)
      while try channels.step() {
        let name = channels.text(1)
        switch channels.integer(0) {
        case 0: rules[index].draft.channels.append(name)
        case 1: rules[index].draft.warningChannels.append(name)
        default: rules[index].draft.criticalChannels.append(name)
        }
      }
    }
    return rules
  }

  /// Without its projects and channels.
  private static func rule(_ row: Statement) -> StoredAlertRule {
    let rule = AlertRule(
      measure: AlertRule.Measure(rawValue: row.text(8)) ?? .sessionCrashFree, projects: [],
      environment: row.optionalText(9), releases: AlertRule.Releases(row.optionalText(10)),
      windowMinutes: Int(row.integer(11)),
      comparison: row.optionalText(12).flatMap { AlertRule.Comparison(rawValue: $0) },
      isAbove: row.integer(13) != 0, critical: row.optionalDouble(14) ?? 0,
      warning: row.optionalDouble(15), resolve: row.optionalDouble(16),
      sessionsMin: row.integer(17), period: Int(row.integer(18)))
    let level = AlertLevel(rawValue: Int(row.integer(19))) ?? .ok
    return StoredAlertRule(
      id: row.integer(0), organization: OrganizationID(rawValue: row.integer(1)),
      draft: AlertRuleDraft(name: row.text(2), rule: rule), isDeclared: row.integer(3) != 0,
      created: Timestamp(milliseconds: row.integer(4)),
      modified: Timestamp(milliseconds: row.integer(5)),
      asked: Timestamp(milliseconds: row.integer(6)),
      mutedUntil: row.optionalInteger(7).map { Timestamp(milliseconds: $0) },
      state: AlertState(
        level: level, alarming: Int(row.integer(20)), critical: Int(row.integer(21)),
        eased: Int(row.integer(22)), resolved: Int(row.integer(23))),
      evaluated: row.optionalInteger(24).map {
        AlertRecord(
          time: Timestamp(milliseconds: $0), value: row.optionalDouble(25),
          sessions: row.integer(26), level: level)
      },
      incident: row.optionalInteger(27))
  }

  /// Writes what people say of a rule; its state stays.
  static func write(
    _ stored: StoredAlertRule, on connection: Connection
  ) throws(StoreError) {
    let (draft, rule) = (stored.draft, stored.draft.rule)
    let update = try connection.prepare(
      """
      UPDATE alert_rule SET name = ?2, declared = ?3, modified = ?4, asked = ?5, measure = ?6,
        environment = ?7, release = ?8, window_minutes = ?9, comparison = ?10, above = ?11,
        critical = ?12, warning = ?13, resolve = ?14, sessions_min = ?15, period = ?16
      WHERE id = ?1
      """)
    update.bind(1, stored.id)
    update.bind(2, draft.name)
    update.bind(3, stored.isDeclared ? 1 : 0)
    update.bind(4, stored.modified.milliseconds)
    update.bind(5, stored.asked.milliseconds)
    update.bind(6, rule.measure.rawValue)
    update.bind(7, rule.environment)
    update.bind(8, rule.releases.text)
    update.bind(9, rule.windowMinutes)
    update.bind(10, rule.comparison?.rawValue)
    update.bind(11, rule.isAbove ? 1 : 0)
    update.bind(12, rule.critical)
    update.bind(13, rule.warning)
    update.bind(14, rule.resolve)
    update.bind(15, rule.sessionsMin)
    update.bind(16, rule.period)
    try update.run()
    for table in ["alert_rule_project", "alert_rule_channel"] {
      try connection.execute("DELETE FROM \(table) WHERE rule = \(stored.id)")
    }
    let project = try connection.prepare(
      "INSERT INTO alert_rule_project (rule, project) VALUES (?, ?)")
    for id in rule.projects {
      project.bind(1, stored.id)
      project.bind(2, id.rawValue)
      try project.run()
    }
    let channel = try connection.prepare(
      "INSERT INTO alert_rule_channel (rule, level, position, name) VALUES (?, ?, ?, ?)")
    for (level, names) in [draft.channels, draft.warningChannels, draft.criticalChannels]
      .enumerated()
    {
      for (position, name) in names.enumerated() {
        channel.bind(1, stored.id)
        channel.bind(2, level)
        channel.bind(3, position)
        channel.bind(4, name)
        try channel.run()
      }
    }
  }

  /// A row for a rule, to be written then.
  static func insert(
    _ name: String, of organization: OrganizationID, isDeclared: Bool, at now: Timestamp,
    on connection: Connection
  ) throws(StoreError) -> Int64 {
    let insert = try connection.prepare(
      """
      INSERT INTO alert_rule (organization, name, declared, created, modified, asked, measure,
        window_minutes, above, critical, sessions_min, period)
      VALUES (?1, ?2, ?3, ?4, ?4, ?4, '', 1, 0, 0, 0, 1)
      """)
    insert.bind(1, organization.rawValue)
    insert.bind(2, name)
    insert.bind(3, isDeclared ? 1 : 0)
    insert.bind(4, now.milliseconds)
    try insert.run()
    return connection.lastInsertedRow
  }

  /// Begins a rule anew: it asks for another value than before.
  static func reset(_ rule: StoredAlertRule, on connection: Connection) throws(StoreError) {
    try connection.execute(
      """
      UPDATE alert_rule SET level = 0, alarming_run = 0, critical_run = 0, eased_run = 0,
        resolved_run = 0, evaluated = NULL, value = NULL, sessions = NULL, incident = NULL
      WHERE id = \(rule.id)
      """)
  }

  static func delete(
    _ rule: StoredAlertRule, at now: Timestamp, telling: AlertEnding, on connection: Connection
  ) throws(StoreError) {
    try end(rule, at: now, telling: telling, on: connection)
    try connection.execute("DELETE FROM alert_rule WHERE id = \(rule.id)")
  }

  /// Closes the incident of a rule that stops to ask for its value.
  static func end(
    _ rule: StoredAlertRule, at now: Timestamp, telling: AlertEnding, on connection: Connection
  ) throws(StoreError) {
    guard
      let incident = try move(rule, to: .ok, at: now, value: rule.evaluated?.value, on: connection)
    else { return }
    if let notice = telling(rule, incident) {
      try tell(notice, rule: rule, incident, on: connection)
    }
  }

  // MARK: Evaluations

  /// Keeps one evaluation with what follows from it.
  static func keep(_ result: AlertResult, on connection: Connection) throws(StoreError) {
    guard let rule = try rules("id = ?1", result.rule.id, on: connection).first,
      rule.draft == result.rule.draft, rule.evaluated == result.rule.evaluated
    else { return }
    let insert = try connection.prepare(
      """
      INSERT OR REPLACE INTO alert_evaluation (rule, minute, value, sessions, level)
      VALUES (?, ?, ?, ?, ?)
      """)
    insert.bind(1, rule.id)
    insert.bind(2, result.record.time.minute)
    insert.bind(3, result.record.value)
    insert.bind(4, result.record.sessions)
    insert.bind(5, result.state.level.rawValue)
    try insert.run()
    var incident = rule.incident
    if rule.state.level != result.state.level {
      guard
        let changed = try move(
          rule, to: result.state.level, at: result.record.time, value: result.record.value,
          on: connection)
      else { return }
      incident = changed.closed == nil ? changed.id : nil
      if let notice = result.notice?(changed) {
        try tell(notice, rule: rule, changed, on: connection)
      }
    } else if let make = result.notice, let id = rule.incident,
      let open = try incidents("id = ?1", id, offset: 0, limit: 1, on: connection).first
    {
      // Told later than it happened; who knows it already is not told again.
      try tell(make(open), rule: rule, open, on: connection)
    }
    let update = try connection.prepare(
      """
      UPDATE alert_rule SET level = ?2, alarming_run = ?3, critical_run = ?4, eased_run = ?5,
        resolved_run = ?6, evaluated = ?7, value = ?8, sessions = ?9, incident = ?10
      WHERE id = ?1
      """)
    let state = result.state
    update.bind(1, rule.id)
    update.bind(2, state.level.rawValue)
    update.bind(3, state.alarming)
    update.bind(4, state.critical)
    update.bind(5, state.eased)
    update.bind(6, state.resolved)
    update.bind(7, result.record.time.milliseconds)
    update.bind(8, result.record.value)
    update.bind(9, result.record.sessions)
    update.bind(10, incident)
    try update.run()
  }

  /// Opens, changes or closes the rule's incident.
  ///
  /// - Returns: nil when there is none to be closed.
  private static func move(
    _ rule: StoredAlertRule, to level: AlertLevel, at time: Timestamp, value: Double?,
    on connection: Connection
  ) throws(StoreError) -> AlertIncident? {
    var incident: AlertIncident
    if let id = rule.incident,
      let open = try incidents("id = ?1", id, offset: 0, limit: 1, on: connection).first
    {
      incident = open
    } else if level == .ok {
      return nil
    } else {
      try connection.execute(
        """
        INSERT INTO alert_incident (rule, opened, status, reached, transitions)
        VALUES (\(rule.id), \(time.milliseconds), 10, 1, 0)
        """)
      incident = AlertIncident(
        id: connection.lastInsertedRow, rule: rule.id, opened: time, closed: nil, level: level,
        reached: [], transitions: 0, value: nil)
    }
    incident.level = level
    incident.value = value
    incident.transitions += 1
    if level == .ok { incident.closed = time } else { incident.reached.insert(level) }
    let update = try connection.prepare(
      """
      UPDATE alert_incident SET closed = ?2, status = ?3, reached = ?4, transitions = ?5, value = ?6
      WHERE id = ?1
      """)
    update.bind(1, incident.id)
    update.bind(2, incident.closed?.milliseconds)
    update.bind(3, incident.status)
    update.bind(4, incident.reached.reduce(0) { $0 | $1.rawValue })
    update.bind(5, incident.transitions)
    update.bind(6, incident.value)
    try update.run()
    return incident
  }

  /// Puts a notice before all that are to be told: of the level, and of those that are over by it. That
  /// something is over is told where it was told of.
  private static func tell(
    _ notice: Notice, rule: StoredAlertRule, _ incident: AlertIncident, on connection: Connection
  ) throws(StoreError) {
    var names = Set<String>()
    let told = incident.level == .critical ? [.critical] : incident.reached
    for level in told { names.formUnion(rule.draft.channels(of: level)) }
    let select = try connection.prepare(
      "SELECT id, name FROM notice_channel WHERE organization = ? ORDER BY id")
    select.bind(1, rule.organization.rawValue)
    var channels: [Int64] = []
    while try select.step() {
      if names.contains(select.text(1)) { channels.append(select.integer(0)) }
    }
    for channel in channels {
      if incident.closed != nil,
        try !NoticeTables.isKnown(notice, to: channel, on: connection)
      {
        continue
      }
      try NoticeTables.enqueue(notice, channel: channel, on: connection)
    }
  }

  // MARK: Incidents

  /// - Parameter condition: about the columns, with the value for ?1.
  static func incidents(
    _ condition: String, _ value: Int64, offset: Int, limit: Int, on connection: Connection
  ) throws(StoreError) -> [AlertIncident] {
    let select = try connection.prepare(
      """
      SELECT id, rule, opened, closed, status, reached, transitions, value FROM alert_incident
      WHERE \(condition) ORDER BY id DESC LIMIT ?2 OFFSET ?3
      """)
    select.bind(1, value)
    select.bind(2, limit)
    select.bind(3, offset)
    var incidents: [AlertIncident] = []
    while try select.step() {
      let reached = Int(select.integer(5))
      incidents.append(
        AlertIncident(
          id: select.integer(0), rule: select.integer(1),
          opened: Timestamp(milliseconds: select.integer(2)),
          closed: select.optionalInteger(3).map { Timestamp(milliseconds: $0) },
          level: select.integer(4) == 20 ? .critical : select.integer(4) == 10 ? .warning : .ok,
          reached: Set([AlertLevel.warning, .critical].filter { reached & $0.rawValue != 0 }),
          transitions: Int(select.integer(6)), value: select.optionalDouble(7)))
    }
    return incidents
  }
}
