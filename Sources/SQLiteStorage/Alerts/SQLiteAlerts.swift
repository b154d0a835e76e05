package import ReleaseHealth
package import Storage

extension SQLiteStore: AlertStore {
  package func alertRules(
    of organization: OrganizationID?
  ) throws(StoreError) -> [StoredAlertRule] {
    try readCatalog { (connection) throws(StoreError) in
      try AlertTables(connection: connection).rules(
        organization == nil ? "id > ?1" : "organization = ?1", organization?.rawValue ?? 0)
    }
  }

  package func saveAlertRule(
    _ draft: AlertRuleDraft, id: Int64?, of organization: OrganizationID, at now: Timestamp
  ) throws(StoreError) -> StoredAlertRule? {
    try change { (connection) throws(StoreError) in
      let tables = AlertTables(connection: connection)
      let rules = try tables.rules("organization = ?1", organization.rawValue)
      let before = rules.first { $0.id == id }
      if id != nil, before == nil { return nil }
      if let before { try refuseIfDeclared(before) }
      if rules.contains(where: { $0.draft.name == draft.name && $0.id != id }) {
        throw .conflict(.rule(draft.name))
      }
      return try tables.save(
        draft, over: before, isDeclared: false, among: rules, of: organization, at: now)
    }
  }

  package func deleteAlertRule(
    id: Int64, of organization: OrganizationID, at now: Timestamp
  ) throws(StoreError) -> Bool {
    try change { (connection) throws(StoreError) in
      guard let rule = try rule(id, of: organization, connection) else { return false }
      try refuseIfDeclared(rule)
      try AlertTables(connection: connection).delete(rule, at: now)
      return true
    }
  }

  package func muteAlertRule(
    id: Int64, of organization: OrganizationID, until: Timestamp?
  ) throws(StoreError) -> Bool {
    try change { (connection) throws(StoreError) in
      guard try rule(id, of: organization, connection) != nil else { return false }
      try connection.run("UPDATE alert_rule SET muted_until = ?2 WHERE id = ?1", [id, until])
      return true
    }
  }

  package func declareAlertRules(
    _ drafts: [(organization: OrganizationID, draft: AlertRuleDraft)], at now: Timestamp
  ) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      let tables = AlertTables(connection: connection)
      let all = try tables.rules("id > ?1", 0)
      for rule in all where rule.isDeclared {
        let stays = drafts.contains { $0 == rule.organization && $1.name == rule.draft.name }
        if !stays { try tables.delete(rule, at: now) }
      }
      for (organization, draft) in drafts {
        let rules = try tables.rules("organization = ?1", organization.rawValue)
        let before = rules.first { $0.draft.name == draft.name }
        if let before, !before.isDeclared { throw .conflict(.rule(draft.name)) }
        if before?.draft == draft { continue }
        _ = try tables.save(
          draft, over: before, isDeclared: true, among: rules, of: organization, at: now)
      }
    }
  }

  package func keepAlerts(_ results: [AlertResult]) throws(StoreError) {
    if results.isEmpty { return }
    try commit { (connection) throws(StoreError) in
      for result in results { try AlertTables(connection: connection).keep(result) }
    }
  }

  package func alertIncidents(
    of organization: OrganizationID, rule: Int64?, offset: Int, limit: Int
  ) throws(StoreError) -> [AlertIncident] {
    try readCatalog { (connection) throws(StoreError) in
      let ofOrganization = "rule IN (SELECT id FROM alert_rule WHERE organization = ?1)"
      return try AlertTables(connection: connection).incidents(
        rule == nil ? ofOrganization : "rule = ?1", rule ?? organization.rawValue, offset: offset,
        limit: limit)
    }
  }

  package func alertRecords(
    of rule: Int64, minutes: Range<Int>, limit: Int
  ) throws(StoreError) -> [AlertRecord] {
    try readCatalog { (connection) throws(StoreError) in
      try connection.rows(
        """
        SELECT minute, value, sessions, level FROM alert_evaluation
        WHERE rule = ? AND minute >= ? AND minute < ? ORDER BY minute LIMIT ?
        """, [rule, minutes.lowerBound, minutes.upperBound, limit]
      ) {
        AlertRecord(
          time: Timestamp(minute: Int($0.integer(0))), value: $0.optionalDouble(1),
          sessions: $0.integer(2), level: AlertLevel(rawValue: Int($0.integer(3))) ?? .ok)
      }
    }
  }

  package func noticeChannels(of organization: OrganizationID) throws(StoreError) -> Set<String> {
    try readCatalog { (connection) throws(StoreError) in
      let names = try connection.rows(
        "SELECT name FROM notice_channel WHERE organization = ?", [organization]
      ) { $0.text(0) }
      return Set(names)
    }
  }

  private func rule(
    _ id: Int64, of organization: OrganizationID, _ connection: Connection
  ) throws(StoreError) -> StoredAlertRule? {
    try AlertTables(connection: connection).rules("id = ?1", id).first {
      $0.organization == organization
    }
  }

  private func refuseIfDeclared(_ rule: StoredAlertRule) throws(StoreError) {
    if rule.isDeclared { throw .ruleDeclared(rule.draft.name) }
  }
}
