package import ReleaseHealth
package import Storage

extension SQLiteStore: CatalogStore {
  package func catalog(unlessVersion since: Int64?) throws(StoreError) -> Catalog? {
    try readCatalog { (connection) throws(StoreError) in
      try connection.transaction("DEFERRED") { () throws(StoreError) in
        let version = try connection.number(
          "SELECT value FROM setting WHERE name = 'catalog_version'")
        guard let version, version != since else { return nil }
        return try CatalogRows.read(from: connection, version: version)
      }
    }
  }

  package func createOrganization(
    slug: String, at now: Timestamp
  ) throws(StoreError) -> Organization {
    try change { (connection) throws(StoreError) in
      try refuse(
        .conflict(.organization(slug)), if: "SELECT 1 FROM organization WHERE slug = ?1",
        connection
      ) { $0.bind(1, slug) }
      let insert = try connection.prepare("INSERT INTO organization (slug, created) VALUES (?, ?)")
      insert.bind(1, slug)
      insert.bind(2, now.milliseconds)
      try insert.run()
      return Organization(
        id: OrganizationID(rawValue: connection.lastInsertedRow), slug: slug, created: now)
    }
  }

  package func createProject(
    organization: OrganizationID, slug: String, platform: String?, id: ProjectID?,
    publicKey: String, at now: Timestamp
  ) throws(StoreError) -> Project {
    try change { (connection) throws(StoreError) in
      try refuse(
        .conflict(.project(slug)),
        if: "SELECT 1 FROM project WHERE organization = ?1 AND slug = ?2", connection
      ) {
        $0.bind(1, organization.rawValue)
        $0.bind(2, slug)
      }
      if let id {
        try refuse(
          .conflict(.projectID(id.rawValue)),
          if: "SELECT 1 FROM project WHERE id = ?1", connection
        ) { $0.bind(1, id.rawValue) }
      }
      let insert = try connection.prepare(
        "INSERT INTO project (id, organization, slug, platform, created) VALUES (?, ?, ?, ?, ?)")
      insert.bind(1, id?.rawValue)
      insert.bind(2, organization.rawValue)
      insert.bind(3, slug)
      insert.bind(4, platform)
      insert.bind(5, now.milliseconds)
      try insert.run()
      let project = ProjectID(rawValue: connection.lastInsertedRow)
      try insertKey(publicKey, project: project, at: now, connection)
      return Project(
        id: project, organization: organization, slug: slug, platform: platform, created: now)
    }
  }

  package func createKey(
    project: ProjectID, publicKey: String, at now: Timestamp
  ) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      try insertKey(publicKey, project: project, at: now, connection)
    }
  }

  package func revokeKey(publicKey: String, at now: Timestamp) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      let update = try connection.prepare(
        "UPDATE project_key SET revoked = ? WHERE public_key = ? AND revoked IS NULL")
      update.bind(1, now.milliseconds)
      update.bind(2, publicKey)
      try update.run()
      if connection.changes > 0 { return }
      try refuse(
        .revoked(.key(publicKey)),
        if: "SELECT 1 FROM project_key WHERE public_key = ?1", connection
      ) { $0.bind(1, publicKey) }
      throw .notFound(.key(publicKey))
    }
  }

  package func createToken(
    organization: OrganizationID, name: String, scope: TokenScope, digest: [UInt8],
    at now: Timestamp
  ) throws(StoreError) -> APIToken {
    try change { (connection) throws(StoreError) in
      try refuse(
        .conflict(.token(name)),
        if: "SELECT 1 FROM token WHERE organization = ?1 AND name = ?2", connection
      ) {
        $0.bind(1, organization.rawValue)
        $0.bind(2, name)
      }
      try refuse(
        .conflict(.tokenSecret), if: "SELECT 1 FROM token WHERE digest = ?1", connection
      ) { $0.bind(1, blob: digest) }
      let insert = try connection.prepare(
        "INSERT INTO token (organization, name, scope, digest, created) VALUES (?, ?, ?, ?, ?)")
      insert.bind(1, organization.rawValue)
      insert.bind(2, name)
      insert.bind(3, scope.rawValue)
      insert.bind(4, blob: digest)
      insert.bind(5, now.milliseconds)
      try insert.run()
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
            SELECT 1 FROM token WHERE organization = ?1 AND name = ?2 AND scope = 'admin'
              AND revoked IS NULL AND NOT EXISTS (
                SELECT 1 FROM token WHERE organization = ?1 AND name <> ?2 AND scope = 'admin'
                  AND revoked IS NULL)
            """, connection
        ) {
          $0.bind(1, organization.rawValue)
          $0.bind(2, name)
        }
      }
      let update = try connection.prepare(
        "UPDATE token SET revoked = ? WHERE organization = ? AND name = ? AND revoked IS NULL")
      update.bind(1, now.milliseconds)
      update.bind(2, organization.rawValue)
      update.bind(3, name)
      try update.run()
      if connection.changes > 0 { return }
      try refuse(
        .revoked(.token(name)),
        if: "SELECT 1 FROM token WHERE organization = ?1 AND name = ?2", connection
      ) {
        $0.bind(1, organization.rawValue)
        $0.bind(2, name)
      }
      throw .notFound(.token(name))
    }
  }

  package func setObjective(
    _ objective: Objective, of project: ProjectID, at now: Timestamp
  ) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      let upsert = try connection.prepare(
        """
        INSERT OR REPLACE INTO objective (project, measure, target, days, created)
        VALUES (?, ?, ?, ?, ?)
        """)
      upsert.bind(1, project.rawValue)
      upsert.bind(2, objective.measure.rawValue)
      upsert.bind(3, objective.target.millionths)
      upsert.bind(4, Int64(objective.days))
      upsert.bind(5, now.milliseconds)
      try upsert.run()
    }
  }

  package func removeObjective(of project: ProjectID) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      let delete = try connection.prepare("DELETE FROM objective WHERE project = ?")
      delete.bind(1, project.rawValue)
      try delete.run()
      if connection.changes == 0 { throw .notFound(.objective) }
    }
  }

  package func setPublicURL(_ url: String) throws(StoreError) {
    try change { (connection) throws(StoreError) in
      let upsert = try connection.prepare(
        """
        INSERT INTO setting (name, value) VALUES ('public_url', ?)
        ON CONFLICT DO UPDATE SET value = excluded.value
        """)
      upsert.bind(1, url)
      try upsert.run()
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
      .conflict(.key(publicKey)),
      if: "SELECT 1 FROM project_key WHERE public_key = ?1", connection
    ) { $0.bind(1, publicKey) }
    let insert = try connection.prepare(
      "INSERT INTO project_key (public_key, project, created) VALUES (?, ?, ?)")
    insert.bind(1, publicKey)
    insert.bind(2, project.rawValue)
    insert.bind(3, now.milliseconds)
    try insert.run()
  }

  func refuse(
    _ error: StoreError, if sql: String, _ connection: Connection, _ bind: (Statement) -> Void
  ) throws(StoreError) {
    let select = try connection.prepare(sql)
    bind(select)
    if try select.step() { throw error }
  }
}

/// Reads the catalog tables.
private enum CatalogRows {
  static func read(from connection: Connection, version: Int64) throws(StoreError) -> Catalog {
    let secret = try connection.prepare("SELECT value FROM setting WHERE name = 'user_hash_key'")
    guard try secret.step(), secret.blob(0).count == 32 else {
      throw .corrupt(
        operation: "read the key of the user hashes",
        reason: "it is missing, and without it every user would count as a new one")
    }
    let userHashKey = secret.blob(0)
    let publicURL = try connection.prepare("SELECT value FROM setting WHERE name = 'public_url'")
    return Catalog(
      version: version,
      organizations: try rows("SELECT id, slug, created FROM organization ORDER BY id", connection)
      {
        Organization(
          id: OrganizationID(rawValue: $0.integer(0)), slug: $0.text(1), created: time($0, 2))
      },
      projects: try rows(
        "SELECT id, organization, slug, platform, created FROM project ORDER BY id", connection
      ) {
        Project(
          id: ProjectID(rawValue: $0.integer(0)),
          organization: OrganizationID(rawValue: $0.integer(1)), slug: $0.text(2),
          platform: $0.optionalText(3), created: time($0, 4))
      },
      keys: try rows(
        "SELECT public_key, project, created, revoked FROM project_key ORDER BY created, public_key",
        connection
      ) {
        ProjectKey(
          publicKey: $0.text(0), project: ProjectID(rawValue: $0.integer(1)),
          created: time($0, 2), revoked: optionalTime($0, 3))
      },
      tokens: try rows(
        "SELECT id, organization, name, scope, digest, created, revoked FROM token ORDER BY id",
        connection
      ) {
        APIToken(
          id: $0.integer(0), organization: OrganizationID(rawValue: $0.integer(1)),
          name: $0.text(2), scope: TokenScope(rawValue: $0.text(3)) ?? .read, digest: $0.blob(4),
          created: time($0, 5), revoked: optionalTime($0, 6))
      },
      objectives: try rows(
        "SELECT project, measure, target, days, created FROM objective ORDER BY project",
        connection
      ) {
        ProjectObjective(
          project: ProjectID(rawValue: $0.integer(0)),
          objective: Objective(
            measure: Objective.Measure(rawValue: $0.text(1)) ?? .sessions,
            target: Objective.Target(millionths: $0.integer(2)) ?? .usual,
            days: Int($0.integer(3))),
          created: time($0, 4))
      },
      userHashKey: userHashKey,
      publicURL: try publicURL.step() ? publicURL.text(0) : nil)
  }

  private static func rows<Row>(
    _ sql: String, _ connection: Connection, _ make: (Statement) -> Row
  ) throws(StoreError) -> [Row] {
    let statement = try connection.prepare(sql)
    var rows: [Row] = []
    while try statement.step() { rows.append(make(statement)) }
    return rows
  }

  private static func time(_ row: Statement, _ column: Int32) -> Timestamp {
    Timestamp(milliseconds: row.integer(column))
  }

  private static func optionalTime(_ row: Statement, _ column: Int32) -> Timestamp? {
    row.optionalInteger(column).map { Timestamp(milliseconds: $0) }
  }
}
