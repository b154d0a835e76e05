package import ReleaseHealth
package import Storage

extension SQLiteStore {
  package func addDeploy(
    _ deploy: Deploy, ofRelease version: String, of organization: OrganizationID
  ) throws(StoreError) -> Deploy? {
    try commit { (connection) throws(StoreError) in
      let release = try connection.number(
        "SELECT id FROM release WHERE organization = ? AND version = ?", [organization, version])
      guard let release else { return nil }
      // Sessions need not have brought the environment.
      try connection.run(
        "INSERT INTO environment (name) VALUES (?) ON CONFLICT DO NOTHING", [deploy.environment])
      try connection.run(
        """
        INSERT INTO deploy (release, environment, name, url, started, finished)
        VALUES (?1, (SELECT id FROM environment WHERE name = ?2), ?3, ?4, ?5, ?6)
        """,
        [release, deploy.environment, deploy.name, deploy.url, deploy.started, deploy.finished])
      var stored = deploy
      stored.id = connection.lastInsertedRow
      let join = try connection.prepare(
        "INSERT INTO deploy_project (deploy, project) VALUES (?, ?)")
      for project in deploy.projects { try join.run([stored.id, project]) }
      return stored
    }
  }
}

/// Reads the tables of deploys.
enum DeployRows {
  /// The deploys of an organization's releases, by release.
  static func read(
    _ organization: OrganizationID, _ connection: Connection
  ) throws(StoreError) -> [Int64: ReleaseDeploys] {
    var deploys: [Int64: ReleaseDeploys] = [:]
    try connection.forEachRow(
      """
      SELECT deploy.release, count(*) FROM release JOIN deploy ON deploy.release = release.id
      WHERE release.organization = ? GROUP BY deploy.release
      """, [organization]
    ) { deploys[$0.integer(0), default: ReleaseDeploys()].count = $0.integer(1) }
    // A row for each project, and those of one deploy side by side. Beside max(), SQLite takes
    // other columns from the row that has it (sqlite.org/lang_select.html, "Bare columns").
    try connection.forEachRow(
      """
      SELECT deploy.release, max(deploy.id), environment.name, deploy.name, deploy.url,
        deploy.started, deploy.finished, deploy_project.project
      FROM release JOIN deploy ON deploy.release = release.id
        JOIN environment ON environment.id = deploy.environment
        LEFT JOIN deploy_project ON deploy_project.deploy = deploy.id
      WHERE release.organization = ?
      GROUP BY deploy.release, deploy.environment, deploy_project.project
      ORDER BY max(deploy.id) DESC, deploy_project.project
      """, [organization]
    ) { row in
      let projects = row.optionalInteger(7).map { [ProjectID(rawValue: $0)] } ?? []
      add(deploy(row, of: projects), to: &deploys[row.integer(0), default: ReleaseDeploys()])
    }
    return deploys
  }

  private static func deploy(_ row: Statement, of projects: [ProjectID]) -> Deploy {
    var deploy = Deploy(projects: projects, environment: row.text(2), finished: row.time(6))
    deploy.id = row.integer(1)
    deploy.name = row.optionalText(3)
    deploy.url = row.optionalText(4)
    deploy.started = row.optionalTime(5)
    return deploy
  }

  private static func add(_ deploy: Deploy, to deploys: inout ReleaseDeploys) {
    if let index = deploys.current.indices.last, deploys.current[index].id == deploy.id {
      deploys.current[index].projects += deploy.projects
    } else {
      deploys.current.append(deploy)
    }
  }

  /// The environments that were deployed to, ascending by project and name.
  static func forEachEnvironment(
    of organization: OrganizationID, _ connection: Connection,
    _ body: (ProjectID, String) -> Void
  ) throws(StoreError) {
    try connection.forEachRow(
      """
      SELECT DISTINCT deploy_project.project, environment.name
      FROM release JOIN deploy ON deploy.release = release.id
        JOIN deploy_project ON deploy_project.deploy = deploy.id
        JOIN environment ON environment.id = deploy.environment
      WHERE release.organization = ? ORDER BY 1, 2
      """, [organization]
    ) { body(ProjectID(rawValue: $0.integer(0)), $0.text(1)) }
  }
}
