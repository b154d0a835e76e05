package import ReleaseHealth
package import Storage

extension SQLiteStore: CatalogStore {
  package func catalog(unlessVersion since: Int64?) throws(StoreError) -> Catalog? {
    try readCatalog { (connection) throws(StoreError) in
      guard let version = try connection.setting("catalog_version"), version != since else {
        return nil
      }
      return try read(connection, version: version)
    }
  }

  /// Reads the tables of the catalog.
  private func read(_ connection: Connection, version: Int64) throws(StoreError) -> Catalog {
    let secrets = try connection.rows("SELECT value FROM setting WHERE name = 'user_hash_key'") {
      $0.blob(0)
    }
    guard let userHashKey = secrets.first, userHashKey.count == 32 else {
      throw .corrupt(
        operation: "read the key of the user hashes",
        reason: "it is missing, and without it every user would count as a new one")
    }
    let publicURLs = try connection.rows("SELECT value FROM setting WHERE name = 'public_url'") {
      $0.text(0)
    }
    let projects = try connection.rows(
      """
      SELECT id, organization, slug, platform, bad, created, \(Self.quotaColumns)
      FROM project ORDER BY id
      """
    ) {
      Project(
        id: ProjectID(rawValue: $0.integer(0)),
        organization: OrganizationID(rawValue: $0.integer(1)), slug: $0.text(2),
        settings: ProjectSettings(
          platform: $0.optionalText(3),
          bad: $0.optionalText(4).flatMap { BadStatuses(rawValue: $0) },
          quotas: Self.quotas($0, from: 6)),
        created: $0.time(5))
    }
    let bad = Dictionary(uniqueKeysWithValues: projects.map { ($0.id, $0.bad) })
    return Catalog(
      version: version,
      organizations: try connection.rows("SELECT id, slug, created FROM organization ORDER BY id") {
        Organization(
          id: OrganizationID(rawValue: $0.integer(0)), slug: $0.text(1), created: $0.time(2))
      },
      projects: projects,
      keys: try connection.rows(
        """
        SELECT public_key, project, created, revoked, \(Self.quotaColumns)
        FROM project_key ORDER BY created, public_key
        """
      ) {
        ProjectKey(
          publicKey: $0.text(0), project: ProjectID(rawValue: $0.integer(1)),
          created: $0.time(2), revoked: $0.optionalTime(3), quotas: Self.quotas($0, from: 4))
      },
      tokens: try connection.rows(
        "SELECT id, organization, name, scope, digest, created, revoked FROM token ORDER BY id"
      ) {
        APIToken(
          id: $0.integer(0), organization: OrganizationID(rawValue: $0.integer(1)),
          name: $0.text(2), scope: TokenScope(rawValue: $0.text(3)) ?? .read, digest: $0.blob(4),
          created: $0.time(5), revoked: $0.optionalTime(6))
      },
      objectives: try connection.rows(
        "SELECT project, measure, target, days, created FROM objective ORDER BY project"
      ) {
        ProjectObjective(
          project: ProjectID(rawValue: $0.integer(0)),
          objective: Objective(
            measure: Objective.Measure(rawValue: $0.text(1)) ?? .sessions,
            target: Objective.Target(millionths: $0.integer(2)) ?? .usual,
            days: Int($0.integer(3))),
          bad: bad[ProjectID(rawValue: $0.integer(0))] ?? .crashed, created: $0.time(4))
      },
      userHashKey: userHashKey, publicURL: publicURLs.first)
  }

  package func createOrganization(
    slug: String, at now: Timestamp
  ) throws(StoreError) -> Organization {
    try change { (connection) throws(StoreError) in
      try refuse(
        .conflict(.organization(slug)), if: "organization WHERE slug = ?1", [slug], connection)
      try connection.run("INSERT INTO organization (slug, created) VALUES (?, ?)", [slug, now])
      return Organization(
        id: OrganizationID(rawValue: connection.lastInsertedRow), slug: slug, created: now)
    }
  }

  package func createProject(
    organization: OrganizationID, slug: String, settings: ProjectSettings, id: ProjectID?,
    publicKey: String, at now: Timestamp
  ) throws(StoreError) -> Project {
    try change { (connection) throws(StoreError) in
      try refuse(
        .conflict(.project(slug)), if: "project WHERE organization = ?1 AND slug = ?2",
        [organization, slug], connection)
      if let id {
        try refuse(
          .conflict(.projectID(id.rawValue)), if: "project WHERE id = ?1", [id], connection)
      }
      try connection.run(
        """
        INSERT INTO project (id, organization, slug, platform, bad, created, \(Self.quotaColumns))
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [id, organization, slug, settings.platform, settings.bad?.rawValue, now]
          + Self.values(of: settings.quotas))
      let project = ProjectID(rawValue: connection.lastInsertedRow)
      try insertKey(publicKey, project: project, at: now, connection)
      return Project(
        id: project, organization: organization, slug: slug, settings: settings, created: now)
    }
  }

  package func setProject(
    _ project: ProjectID, _ settings: ProjectSettings, known: ProjectSettings
  ) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      if settings.platform != known.platform {
        try connection.run(
          "UPDATE project SET platform = ? WHERE id = ?", [settings.platform, project])
      }
      if settings.bad != known.bad {
        try connection.run(
          "UPDATE project SET bad = ? WHERE id = ?", [settings.bad?.rawValue, project])
      }
      for (column, value) in Self.changes(settings.quotas, known: known.quotas) {
        try connection.run("UPDATE project SET \(column) = ? WHERE id = ?", [value, project])
      }
    }
  }

  package func createKey(
    project: ProjectID, publicKey: String, at now: Timestamp
  ) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      try insertKey(publicKey, project: project, at: now, connection)
    }
  }

  package func setQuotas(
    _ quotas: Quotas, ofKey publicKey: String, known: Quotas
  ) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      for (column, value) in Self.changes(quotas, known: known) {
        try connection.run(
          "UPDATE project_key SET \(column) = ? WHERE public_key = ?", [value, publicKey])
        if connection.changes == 0 { throw .notFound(.key(publicKey)) }
      }
    }
  }

  package func revokeKey(publicKey: String, at now: Timestamp) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      try connection.run(
        "UPDATE project_key SET revoked = ? WHERE public_key = ? AND revoked IS NULL",
        [now, publicKey])
      if connection.changes > 0 { return }
      try refuse(
        .revoked(.key(publicKey)), if: "project_key WHERE public_key = ?1", [publicKey], connection)
      throw .notFound(.key(publicKey))
    }
  }

  package func createToken(
    organization: OrganizationID, name: String, scope: TokenScope, digest: [UInt8],
    at now: Timestamp
  ) throws(StoreError) -> APIToken {
    try change { (connection) throws(StoreError) in
      try refuse(
        .conflict(.token(name)), if: "token WHERE organization = ?1 AND name = ?2",
        [organization, name], connection)
      try refuse(.conflict(.tokenSecret), if: "token WHERE digest = ?1", [digest], connection)
      try connection.run(
        "INSERT INTO token (organization, name, scope, digest, created) VALUES (?, ?, ?, ?, ?)",
        [organization, name, scope.rawValue, digest, now])
      return APIToken(
        id: connection.lastInsertedRow, organization: organization, name: name, scope: scope,
        digest: digest, created: now, revoked: nil)
    }
  }

  package func revokeToken(
    organization: OrganizationID, name: String, keepsAdmin: Bool, at now: Timestamp
  ) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      if keepsAdmin {
        try refuse(
          .lastAdminToken(name),
          if: """
            token WHERE organization = ?1 AND name = ?2 AND scope = 'admin'
              AND revoked IS NULL AND NOT EXISTS (
                SELECT 1 FROM token WHERE organization = ?1 AND name <> ?2 AND scope = 'admin'
                  AND revoked IS NULL)
            """, [organization, name], connection)
      }
      try connection.run(
        "UPDATE token SET revoked = ? WHERE organization = ? AND name = ? AND revoked IS NULL",
        [now, organization, name])
      if connection.changes > 0 { return }
      try refuse(
        .revoked(.token(name)), if: "token WHERE organization = ?1 AND name = ?2",
        [organization, name], connection)
      throw .notFound(.token(name))
    }
  }

  package func setObjective(
    _ objective: Objective, of project: ProjectID, known: Objective, at now: Timestamp
  ) throws(StoreError) {
    let changed =
      (objective.measure == known.measure ? [] : ["measure"])
      + (objective.target == known.target ? [] : ["target"])
      + (objective.days == known.days ? [] : ["days"]) + ["created"]
    try change { (connection) throws(StoreError) in
      try connection.run(
        """
        INSERT INTO objective (project, measure, target, days, created) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET \(changed.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
        """,
        [project, objective.measure.rawValue, objective.target.millionths, objective.days, now])
    }
  }

  package func removeObjective(of project: ProjectID) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      try connection.run("DELETE FROM objective WHERE project = ?", [project])
      if connection.changes == 0 { throw .notFound(.objective) }
    }
  }

  package func setPublicURL(_ url: String) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      try connection.save(url, as: "public_url")
    }
  }

  /// Changes the catalog in one transaction; a running service notices it by the version.
  func change<Value: Sendable>(
    _ body: (Connection) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try write { (writer) throws(StoreError) in
      try writer.connection.transaction { () throws(StoreError) in
        let value = try body(writer.connection)
        try writer.connection.execute(
          "UPDATE setting SET value = value + 1 WHERE name = 'catalog_version'")
        return value
      }
    }
  }

  private func insertKey(
    _ publicKey: String, project: ProjectID, at now: Timestamp, _ connection: Connection
  ) throws(StoreError) {
    try refuse(
      .conflict(.key(publicKey)), if: "project_key WHERE public_key = ?1", [publicKey], connection)
    try connection.run(
      "INSERT INTO project_key (public_key, project, created) VALUES (?, ?, ?)",
      [publicKey, project, now])
  }

  // MARK: Quotas

  /// The columns of quotas, of projects and of keys.
  private static let quotaColumns = "sessions_per_minute, sessions_per_day, requests_per_minute"

  private static func quotas(_ row: Statement, from column: Int32) -> Quotas {
    Quotas(
      sessionsPerMinute: row.optionalInteger(column),
      sessionsPerDay: row.optionalInteger(column + 1),
      requestsPerMinute: row.optionalInteger(column + 2))
  }

  /// In the order of the columns.
  private static func values(of quotas: Quotas) -> [(any Bindable)?] {
    [quotas.sessionsPerMinute, quotas.sessionsPerDay, quotas.requestsPerMinute]
  }

  /// The columns that change.
  private static func changes(
    _ quotas: Quotas, known: Quotas
  ) -> [(column: String, value: Int64?)] {
    [
      ("sessions_per_minute", quotas.sessionsPerMinute, known.sessionsPerMinute),
      ("sessions_per_day", quotas.sessionsPerDay, known.sessionsPerDay),
      ("requests_per_minute", quotas.requestsPerMinute, known.requestsPerMinute),
    ].filter { $0.1 != $0.2 }.map { ($0.0, $0.1) }
  }

  /// - Parameter rows: of a table, with the condition that one of them meets.
  private func refuse(
    _ error: StoreError, if rows: String, _ values: [(any Bindable)?], _ connection: Connection
  ) throws(StoreError) {
    if try connection.number("SELECT 1 FROM \(rows)", values) != nil { throw error }
  }
}

extension SQLiteStore: JobRunStore {
  package func jobRuns() throws(StoreError) -> [JobRun] {
    try readCatalog { (connection) throws(StoreError) in
      try connection.rows(
        "SELECT name, started, duration_milliseconds, summary, succeeded FROM job ORDER BY name"
      ) {
        JobRun(
          name: $0.text(0), started: $0.time(1), durationMilliseconds: $0.integer(2),
          summary: $0.text(3), succeeded: $0.integer(4) != 0)
      }
    }
  }

  package func recordJobRun(_ run: JobRun) throws(StoreError) {
    try commit { (connection) throws(StoreError) in
      try connection.run(
        """
        INSERT OR REPLACE INTO job (name, started, duration_milliseconds, summary, succeeded)
        VALUES (?, ?, ?, ?, ?)
        """,
        [run.name, run.started, run.durationMilliseconds, run.summary, run.succeeded ? 1 : 0])
    }
  }
}
