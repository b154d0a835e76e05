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

/// Reads the deploys of single releases.
struct DeployRows {
  private let count: Statement
  private let last: Statement

  init(_ connection: Connection) throws(StoreError) {
    count = try connection.prepare("SELECT count(*) FROM deploy WHERE release = ?")
    // A row for each project, and those of one deploy side by side. Beside max(), SQLite takes
    // other columns from the row that has it (sqlite.org/lang_select.html, "Bare columns").
    last = try connection.prepare(
      """
      SELECT max(deploy.id), deploy_project.project, environment.name, deploy.name, deploy.url,
        deploy.started, deploy.finished
      FROM deploy JOIN environment ON environment.id = deploy.environment
        LEFT JOIN deploy_project ON deploy_project.deploy = deploy.id
      WHERE deploy.release = ?
      GROUP BY deploy.environment, deploy_project.project
      ORDER BY max(deploy.id) DESC, deploy_project.project LIMIT \(ReleaseRecord.placesMax)
      """)
  }

  func read(ofRelease id: Int64) throws(StoreError) -> ReleaseDeploys {
    var deploys = ReleaseDeploys()
    count.bind(1, id)
    while try count.step() { deploys.count = count.integer(0) }
    last.bind(1, id)
    while try last.step() {
      let projects = last.optionalInteger(1).map { [ProjectID(rawValue: $0)] } ?? []
      if let index = deploys.current.indices.last, deploys.current[index].id == last.integer(0) {
        deploys.current[index].projects += projects
      } else {
        deploys.current.append(Self.deploy(last, of: projects))
      }
    }
    return deploys
  }

  private static func deploy(_ row: Statement, of projects: [ProjectID]) -> Deploy {
    var deploy = Deploy(projects: projects, environment: row.text(2), finished: row.time(6))
    deploy.id = row.integer(0)
    deploy.name = row.optionalText(3)
    deploy.url = row.optionalText(4)
    deploy.started = row.optionalTime(5)
    return deploy
  }
}
