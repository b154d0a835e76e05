internal import ReleaseHealth
internal import Storage

/// The rows of alert rules, and of what becomes of them.
struct AlertTables {
  let connection: Connection

  // MARK: Rules

  private static let columns = """
    id, organization, name, declared, created, modified, asked, muted_until, measure, environment,
    release, window_minutes, comparison, above, critical, warning, resolve, sessions_min, period,
    level, alarming_run, critical_run, eased_run, resolved_run, evaluated, value, sessions,
    incident, observed_release
    """

  /// - Parameter condition: about the columns, with the value for ?1.
  func rules(_ condition: String, _ value: Int64) throws(StoreError) -> [StoredAlertRule] {
    var rules = try connection.rows(
      "SELECT \(Self.columns) FROM alert_rule WHERE \(condition) ORDER BY id", [value], Self.rule)
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

  /// What the columns from `measure` to `period` say, without the projects.
  static func condition(_ row: Statement, from column: Int32) -> AlertRule {
    AlertRule(
      measure: AlertRule.Measure(rawValue: row.text(column)) ?? .sessionCrashFree, projects: [],
      environment: row.optionalText(column + 1),
      releases: AlertRule.Releases(row.optionalText(column + 2)),
      windowMinutes: Int(row.integer(column + 3)),
      comparison: row.optionalText(column + 4).flatMap { AlertRule.Comparison(rawValue: $0) },
      isAbove: row.integer(column + 5) != 0, critical: row.optionalDouble(column + 6) ?? 0,
      warning: row.optionalDouble(column + 7), resolve: row.optionalDouble(column + 8),
      sessionsMin: row.integer(column + 9), period: Int(row.integer(column + 10)))
  }

  /// The values of the columns from `measure` to `period`.
  static func values(_ rule: AlertRule) -> [(any Bindable)?] {
    [
      rule.measure.rawValue, rule.environment, rule.releases.text, rule.windowMinutes,
      rule.comparison?.rawValue, rule.isAbove ? 1 : 0, rule.critical, rule.warning, rule.resolve,
      rule.sessionsMin, rule.period,
    ]
  }

  /// Without its projects and channels.
  private static func rule(_ row: Statement) -> StoredAlertRule {
    let rule = condition(row, from: 8)
    let level = AlertLevel(rawValue: Int(row.integer(19))) ?? .ok
    return StoredAlertRule(
      id: row.integer(0), organization: OrganizationID(rawValue: row.integer(1)),
      draft: AlertRuleDraft(name: row.text(2), rule: rule), isDeclared: row.integer(3) != 0,
      created: row.time(4), modified: row.time(5), requested: row.time(6),
      mutedUntil: row.optionalTime(7),
      state: AlertState(
        level: level, alarming: Int(row.integer(20)), critical: Int(row.integer(21)),
        eased: Int(row.integer(22)), resolved: Int(row.integer(23))),
      evaluated: row.optionalTime(24).map {
        AlertRecord(
          time: $0, value: row.optionalDouble(25), sessions: row.integer(26), level: level)
      },
      release: row.optionalText(28), incident: row.optionalInteger(27))
  }

  /// Writes a rule, which may be new.
  func save(
    _ draft: AlertRuleDraft, over before: StoredAlertRule?, isDeclared: Bool,
    among rules: [StoredAlertRule], of organization: OrganizationID, at now: Timestamp
  ) throws(StoreError) -> StoredAlertRule? {
    if before == nil, rules.count >= AlertLimits.rulesMax {
      throw .ruleLimitReached(AlertLimits.rulesMax)
    }
    let id =
      if let before { before.id } else {
        try insert(draft.name, of: organization, isDeclared: isDeclared, at: now)
      }
    guard var stored = try self.rules("id = ?1", id).first else { return nil }
    stored.draft = draft
    stored.modified = now
    if let before, !before.rule.queriesTheSame(as: draft.rule) {
      stored.requested = now
      try end(before, .ruleChanged, at: now)
      try write(AlertState(), nil, incident: nil, of: id)
    }
    try write(stored)
    return try self.rules("id = ?1", id).first
  }

  /// Writes what people say of a rule; its state stays.
  private func write(_ stored: StoredAlertRule) throws(StoreError) {
    let (draft, rule) = (stored.draft, stored.draft.rule)
    let values: [(any Bindable)?] = [
      stored.id, draft.name, stored.isDeclared ? 1 : 0, stored.modified, stored.requested,
    ]
    try connection.run(
      """
      UPDATE alert_rule SET name = ?2, declared = ?3, modified = ?4, asked = ?5, measure = ?6,
        environment = ?7, release = ?8, window_minutes = ?9, comparison = ?10, above = ?11,
        critical = ?12, warning = ?13, resolve = ?14, sessions_min = ?15, period = ?16
      WHERE id = ?1
      """, values + Self.values(rule))
    for table in ["alert_rule_project", "alert_rule_channel"] {
      try connection.execute("DELETE FROM \(table) WHERE rule = \(stored.id)")
    }
    let project = try connection.prepare(
      "INSERT INTO alert_rule_project (rule, project) VALUES (?, ?)")
    for id in rule.projects { try project.run([stored.id, id]) }
    let channel = try connection.prepare(
      "INSERT INTO alert_rule_channel (rule, level, position, name) VALUES (?, ?, ?, ?)")
    let lists = [draft.channels, draft.warningChannels, draft.criticalChannels]
    for (level, names) in lists.enumerated() {
      for (position, name) in names.enumerated() {
        try channel.run([stored.id, level, position, name])
      }
    }
  }

  /// A row for a rule, to be written then.
  private func insert(
    _ name: String, of organization: OrganizationID, isDeclared: Bool, at now: Timestamp
  ) throws(StoreError) -> Int64 {
    try connection.run(
      """
      INSERT INTO alert_rule (organization, name, declared, created, modified, asked, measure,
        window_minutes, above, critical, sessions_min, period)
      VALUES (?1, ?2, ?3, ?4, ?4, ?4, '', 1, 0, 0, 0, 1)
      """, [organization, name, isDeclared ? 1 : 0, now])
    return connection.lastInsertedRow
  }

  /// - Parameter record: the last evaluation; nil for a rule that begins anew.
  private func write(
    _ state: AlertState, _ record: AlertRecord?, release: String? = nil, incident: Int64?,
    of rule: Int64
  ) throws(StoreError) {
    try connection.run(
      """
      UPDATE alert_rule SET level = ?2, alarming_run = ?3, critical_run = ?4, eased_run = ?5,
        resolved_run = ?6, evaluated = ?7, value = ?8, sessions = ?9, incident = ?10,
        observed_release = ?11
      WHERE id = ?1
      """,
      [
        rule, state.level.rawValue, state.alarming, state.critical, state.eased, state.resolved,
        record?.time, record?.value, record?.sessions, incident, release,
      ])
  }

  func delete(_ rule: StoredAlertRule, at now: Timestamp) throws(StoreError) {
    try end(rule, .ruleDeleted, at: now)
    try connection.execute("DELETE FROM alert_rule WHERE id = \(rule.id)")
  }

  /// Closes the incident of a rule that no longer queries its value. The channels of a muted rule
  /// are not notified.
  private func end(
    _ rule: StoredAlertRule, _ ending: AlertTransition.Ending, at now: Timestamp
  ) throws(StoreError) {
    let (value, sessions) = (rule.evaluated?.value, rule.evaluated?.sessions ?? 0)
    guard let incident = try move(rule, to: .ok, at: now, value: value) else { return }
    if rule.isMuted(at: now) { return }
    let record = AlertRecord(time: now, value: value, sessions: sessions, level: .ok)
    try TransitionTable(connection: connection).add(
      AlertTransition(of: rule, incident, found: record, ending: ending), of: rule.draft)
  }

  // MARK: Evaluations

  /// Keeps one evaluation with what follows from it.
  func keep(_ result: AlertResult) throws(StoreError) {
    guard let rule = try rules("id = ?1", result.rule.id).first,
      rule.draft == result.rule.draft, rule.evaluated == result.rule.evaluated
    else { return }
    let (record, level) = (result.record, result.state.level)
    try connection.run(
      """
      INSERT OR REPLACE INTO alert_evaluation (rule, minute, value, sessions, level)
      VALUES (?, ?, ?, ?, ?)
      """, [rule.id, record.time.minute, record.value, record.sessions, level.rawValue])
    var incident = rule.incident
    if rule.state.level != level {
      let changed = try move(rule, to: level, at: record.time, value: record.value)
      guard let changed else { return }
      incident = changed.closed == nil ? changed.id : nil
      try notify(of: changed, result)
    } else if result.notifies, let open = try openIncident(of: rule) {
      // Later than it happened; a channel that knows it already is not notified again.
      try notify(of: open, result)
    }
    try write(
      result.state, record, release: result.release, incident: incident, of: rule.id)
  }

  /// Opens, changes or closes the rule's incident.
  ///
  /// - Returns: nil when there is none to be closed.
  private func move(
    _ rule: StoredAlertRule, to level: AlertLevel, at time: Timestamp, value: Double?
  ) throws(StoreError) -> AlertIncident? {
    var incident: AlertIncident
    if let open = try openIncident(of: rule) {
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
    try connection.run(
      """
      UPDATE alert_incident SET closed = ?2, status = ?3, reached = ?4, transitions = ?5, value = ?6
      WHERE id = ?1
      """,
      [
        incident.id, incident.closed, incident.status, Self.bits(incident.reached),
        incident.transitions, incident.value,
      ])
    return incident
  }

  private func openIncident(of rule: StoredAlertRule) throws(StoreError) -> AlertIncident? {
    guard let id = rule.incident else { return nil }
    return try incidents("id = ?1", id, offset: 0, limit: 1).first
  }

  /// The column `reached`.
  static func bits(_ levels: Set<AlertLevel>) -> Int { levels.reduce(0) { $0 | $1.rawValue } }

  private func notify(of incident: AlertIncident, _ result: AlertResult) throws(StoreError) {
    guard result.notifies else { return }
    var transition = AlertTransition(of: result.rule, incident, found: result.record)
    transition.release = result.release
    transition.baseRelease = result.baseRelease
    try TransitionTable(connection: connection).add(transition, of: result.rule.draft)
  }

  // MARK: Incidents

  /// - Parameter condition: about the columns, with the value for ?1.
  func incidents(
    _ condition: String, _ value: Int64, offset: Int, limit: Int
  ) throws(StoreError) -> [AlertIncident] {
    try connection.rows(
      """
      SELECT id, rule, opened, closed, status, reached, transitions, value FROM alert_incident
      WHERE \(condition) ORDER BY id DESC LIMIT ?2 OFFSET ?3
      """, [value, limit, offset]
    ) { Self.incident($0, from: 0) }
  }

  /// - Parameter column: the first of id, rule, opened, closed, status, reached, transitions,
  ///   value.
  static func incident(_ row: Statement, from column: Int32) -> AlertIncident {
    let (status, reached) = (row.integer(column + 4), Int(row.integer(column + 5)))
    return AlertIncident(
      id: row.integer(column), rule: row.integer(column + 1), opened: row.time(column + 2),
      closed: row.optionalTime(column + 3),
      level: status == 20 ? .critical : status == 10 ? .warning : .ok,
      reached: Set([AlertLevel.warning, .critical].filter { reached & $0.rawValue != 0 }),
      transitions: Int(row.integer(column + 6)), value: row.optionalDouble(column + 7))
  }
}
