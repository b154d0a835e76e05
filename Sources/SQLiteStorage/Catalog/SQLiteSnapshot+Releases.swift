package import ReleaseHealth
package import Storage

extension SQLiteStore {
  package func releases(_ list: ReleaseList) throws(StoreError) -> [ReleaseListing] {
    try snapshot { (snapshot) throws(StoreError) in try snapshot.releases(list) }
  }

  package func releases(
    named names: [String], of organization: OrganizationID, withDeploys: Bool
  ) throws(StoreError) -> [ReleaseRecord] {
    try snapshot { (snapshot) throws(StoreError) in
      try snapshot.releases(named: names, of: organization, withDeploys: withDeploys)
    }
  }

  package func versionPlaces(
    of releases: [ReleaseRecord], in organization: OrganizationID, projects: Set<ProjectID>,
    _ environments: EnvironmentSelection
  ) throws(StoreError) -> [Int64: VersionPlace] {
    try snapshot { (snapshot) throws(StoreError) in
      try snapshot.versionPlaces(
        of: releases, in: organization, projects: projects, environments)
    }
  }

  package func sessionHours(
    ofRelease id: Int64, projects: Set<ProjectID>, environments: EnvironmentSelection
  ) throws(StoreError) -> ClosedRange<Int>? {
    try snapshot { (snapshot) throws(StoreError) in
      try snapshot.sessionHours(ofRelease: id, projects: projects, environments: environments)
    }
  }

  package func uses(of organization: OrganizationID) throws(StoreError) -> [ProjectID: ProjectUse] {
    try snapshot { (snapshot) throws(StoreError) in try snapshot.uses(of: organization) }
  }

  package func haveSessions(_ projects: Set<ProjectID>) throws(StoreError) -> Bool {
    try snapshot { (snapshot) throws(StoreError) in try snapshot.haveSessions(projects) }
  }

  package func environments(
    _ list: EnvironmentList
  ) throws(StoreError) -> [KnownEnvironment] {
    try snapshot { (snapshot) throws(StoreError) in try snapshot.environments(list) }
  }

  package func used(
    _ environments: EnvironmentSelection, in projects: Set<ProjectID>
  ) throws(StoreError) -> Set<Name> {
    try snapshot { (snapshot) throws(StoreError) in
      try snapshot.used(environments, in: projects)
    }
  }
}

extension SQLiteSnapshot: ReleaseReading {
  func releases(_ list: ReleaseList) throws(StoreError) -> [ReleaseListing] {
    try ReleaseListReader.read(list, from: connection)
  }

  func releases(
    named names: [String], of organization: OrganizationID, withDeploys: Bool
  ) throws(StoreError) -> [ReleaseRecord] {
    let rows = try ReleaseRows(of: organization, withDeploys: withDeploys, from: connection)
    var records: [ReleaseRecord] = []
    for name in names {
      if let record = try rows.record(named: name) { records.append(record) }
    }
    return records
  }

  func versionPlaces(
    of releases: [ReleaseRecord], in organization: OrganizationID, projects: Set<ProjectID>,
    _ environments: EnvironmentSelection
  ) throws(StoreError) -> [Int64: VersionPlace] {
    try VersionPlaces.read(
      of: releases, in: organization, projects: projects, environments, from: connection)
  }

  func sessionHours(
    ofRelease id: Int64, projects: Set<ProjectID>, environments: EnvironmentSelection
  ) throws(StoreError) -> ClosedRange<Int>? {
    var days: [Statement] = []
    for order in ["ASC", "DESC"] {
      days.append(
        try connection.prepare(
          """
          SELECT day, identified, anonymous FROM session_day
          WHERE scope = ?1 AND \(SQLiteStore.hasSessions) ORDER BY day \(order) LIMIT 1
          """))
    }
    var hours: ClosedRange<Int>?
    try connection.forEachRow(
      """
      SELECT scope.id, scope.project, environment.name
      FROM scope JOIN environment ON environment.id = scope.environment WHERE scope.release = ?
      """, [id]
    ) { (series) throws(StoreError) in
      guard projects.contains(ProjectID(rawValue: series.integer(1))),
        environments.includes(series.text(2))
      else { return }
      for day in days {
        day.bind(1, series.integer(0))
        while try day.step() {
          for column: Int32 in [1, 2] {
            for (slot, _) in CountGrid(packed: day.blob(column)).slots {
              let hour = Int(day.integer(0)) * 24 + slot
              hours = min(hours?.lowerBound ?? hour, hour)...max(hours?.upperBound ?? hour, hour)
            }
          }
        }
      }
    }
    return hours
  }

  // MARK: Uses

  /// The pairs of a project and an environment that sessions have. No index has the environments
  /// alone, but one has all three numbers of a series, in which these are found.
  private static func seen(_ projects: String) -> String {
    "SELECT DISTINCT project, environment FROM scope WHERE project IN (\(projects))"
  }

  private static func deployed(_ projects: String) -> String {
    """
    SELECT DISTINCT deploy_project.project, deploy.environment
    FROM deploy_project JOIN deploy ON deploy.id = deploy_project.deploy
    WHERE deploy_project.project IN (\(projects))
    """
  }

  private static func ids(_ projects: Set<ProjectID>) -> String {
    projects.sorted().map { String($0.rawValue) }.joined(separator: ", ")
  }

  func uses(of organization: OrganizationID) throws(StoreError) -> [ProjectID: ProjectUse] {
    var uses: [ProjectID: ProjectUse] = [:]
    let projects = "SELECT id FROM project WHERE organization = ?"
    for (pairs, names) in [
      (Self.seen(projects), \ProjectUse.environments),
      (Self.deployed(projects), \ProjectUse.deployEnvironments),
    ] {
      var count = 0
      try connection.forEachRow(
        """
        SELECT used.project, environment.name
        FROM (\(pairs)) AS used JOIN environment ON environment.id = used.environment
        ORDER BY 1, 2
        """, [organization]
      ) { row in
        let project = ProjectID(rawValue: row.integer(0))
        var use = uses.removeValue(forKey: project) ?? ProjectUse()
        // The first one says that there are sessions at all.
        if use[keyPath: names].isEmpty
          || use[keyPath: names].count < ProjectUse.environmentsMax
            && count < ProjectUse.environmentsOfAllMax
        {
          use[keyPath: names].append(row.text(1))
          count += 1
        } else {
          use.hasMoreEnvironments = true
        }
        uses[project] = use
      }
    }
    // Outcomes have a few rows per hour; counts would have a row per release and day.
    try connection.forEachRow("SELECT DISTINCT project, name FROM outcome") { row in
      let project = ProjectID(rawValue: row.integer(0))
      switch Outcome(name: row.text(1)) {
      case .accepted: uses[project]?.hasSingleSessions = true
      case .acceptedAggregate: uses[project]?.hasAggregates = true
      default: break
      }
    }
    return uses
  }

  func haveSessions(_ projects: Set<ProjectID>) throws(StoreError) -> Bool {
    try connection.number(
      "SELECT 1 FROM scope WHERE project IN (\(Self.ids(projects))) LIMIT 1") != nil
  }

  func environments(_ list: EnvironmentList) throws(StoreError) -> [KnownEnvironment] {
    func used(_ projects: String) -> String {
      "SELECT environment FROM (\(Self.seen(projects)) UNION ALL \(Self.deployed(projects)))"
    }
    let rows = try connection.prepare(
      """
      SELECT name, id IN (\(used(Self.ids(list.projects)))) FROM environment
      WHERE id IN (\(used("SELECT id FROM project WHERE organization = ?1"))) AND name <> ''
      ORDER BY name
      """)
    rows.bind([list.organization])
    var (place, skipped) = (-1, 0)
    var found: [KnownEnvironment] = []
    while found.count < list.limit, try rows.step() {
      place += 1
      let name = rows.text(0)
      guard rows.integer(1) == 1, list.name.map({ $0 == Name(name) }) ?? true else { continue }
      if skipped < list.offset {
        skipped += 1
      } else {
        found.append(KnownEnvironment(place: place, name: name))
      }
    }
    rows.reset()
    return found
  }

  func used(
    _ environments: EnvironmentSelection, in projects: Set<ProjectID>
  ) throws(StoreError) -> Set<Name> {
    let ids = try connection.ids(of: environments).map(String.init).joined(separator: ", ")
    let own = Self.ids(projects)
    return Set(
      try connection.rows(
        """
        SELECT name FROM environment WHERE id IN (\(ids)) AND id IN (
          SELECT environment FROM (
            \(Self.seen(own)) AND environment IN (\(ids))
            UNION ALL \(Self.deployed(own)) AND deploy.environment IN (\(ids))))
        """
      ) { Name($0.text(0)) })
  }
}
