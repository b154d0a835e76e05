package import ReleaseHealth
package import Storage

extension SQLiteStore: ReleaseStore {
  package func releases(
    of organization: OrganizationID, withDeploys: Bool
  ) throws(StoreError) -> [ReleaseRecord] {
    try snapshot { (snapshot) throws(StoreError) in
      try snapshot.releases(of: organization, withDeploys: withDeploys)
    }
  }

  package func saveRelease(
    _ change: ReleaseChange, of organization: OrganizationID, at now: Timestamp
  ) throws(StoreError) -> Bool {
    try commit { (connection) throws(StoreError) in
      try connection.run(
        """
        INSERT INTO release (organization, version, created) VALUES (?, ?, ?)
        ON CONFLICT DO NOTHING
        """, [organization, change.version, now])
      let isNew = connection.changes == 1
      try connection.run(
        """
        UPDATE release SET released = coalesce(?3, released), ref = coalesce(?4, ref),
          url = coalesce(?5, url), status = coalesce(?6, status)
        WHERE organization = ?1 AND version = ?2
        """,
        [
          organization, change.version, change.released, change.ref, change.url,
          change.status?.rawValue,
        ])
      let join = try connection.prepare(
        """
        INSERT OR IGNORE INTO release_project (release, project)
        SELECT id, ?3 FROM release WHERE organization = ?1 AND version = ?2
        """)
      for project in change.projects { try join.run([organization, change.version, project]) }
      return isNew
    }
  }

  package func deleteRelease(
    version: String, of organization: OrganizationID
  ) throws(StoreError) -> Bool {
    try write { (writer) throws(StoreError) in
      let connection = writer.connection
      let isDeleted = try connection.transaction { () throws(StoreError) -> Bool in
        let found = try connection.number(
          "SELECT id FROM release WHERE organization = ? AND version = ?", [organization, version])
        guard let id = found else { return false }
        let series = "(SELECT id FROM scope WHERE release = \(id))"
        let counts = try connection.number(
          "SELECT 1 FROM session_day WHERE scope IN \(series) AND \(Self.hasSessions) LIMIT 1")
        if counts != nil { throw .releaseHasSessions }
        for table in [
          "adoption", "session_day", "user_hour", "user_day", "user_hour_open", "user_day_open",
        ] {
          try connection.execute("DELETE FROM \(table) WHERE scope IN \(series)")
        }
        try connection.execute("DELETE FROM scope WHERE release = \(id)")
        try connection.execute("DELETE FROM release_project WHERE release = \(id)")
        // Its deploys go with it.
        try connection.execute("DELETE FROM release WHERE id = \(id)")
        return true
      }
      // The cached series ids of the release must not be used again.
      if isDeleted { try writer.interning.forget() }
      return isDeleted
    }
  }

  /// Whether a row of `session_day` has sessions. If corrections moved all sessions of a day to
  /// another, its row stays, but is empty.
  fileprivate static let hasSessions = "length(identified) + length(anonymous) > 0"

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

  package func runAdoption(at now: Timestamp) throws(StoreError) -> Int {
    try ingesting { (writer) throws(StoreError) in
      while writer.ingest.waits(by: now) { try writer.ingest.foldSlice() }
      let connection = writer.connection
      return try connection.transaction { () throws(StoreError) in
        let last = try connection.setting("adoption_hour")
        // The first run ever is for this hour. A clock that was set back waits for the hours that
        // had their run; after one that was far ahead, runs start again at this hour.
        var previous = last.map { Int($0) } ?? now.hour - 1
        if previous >= now.hour + 24 { previous = now.hour - 1 }
        if previous >= now.hour { return 0 }
        let first = max(previous + 1, now.hour - Adoption.catchUpRunsMax + 1)
        let hours = first..<now.hour + 1
        for hour in hours { try AdoptionRows.run(hour: hour, connection) }
        try connection.save(now.hour, as: "adoption_hour")
        return hours.count
      }
    }
  }

  package func runAdoption(of project: ProjectID, hour: Int) throws(StoreError) {
    try write { (writer) throws(StoreError) in
      try writer.connection.transaction { () throws(StoreError) in
        try AdoptionRows.run(hour: hour, of: project, writer.connection)
      }
    }
  }
}

extension SQLiteSnapshot: ReleaseReading {
  func releases(
    of organization: OrganizationID, withDeploys: Bool
  ) throws(StoreError) -> [ReleaseRecord] {
    try ReleaseRows.read(organization, withDeploys: withDeploys, from: connection)
  }

  func sessionHours(
    ofRelease id: Int64, projects: Set<ProjectID>, environments: EnvironmentSelection
  ) throws(StoreError) -> ClosedRange<Int>? {
    let days = ["ASC", "DESC"].map {
      """
      SELECT day, identified, anonymous FROM session_day
      WHERE scope = ?1 AND \(SQLiteStore.hasSessions) ORDER BY day \($0) LIMIT 1
      """
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
      for sql in days {
        try connection.forEachRow(sql, [series.integer(0)]) { day in
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

  func uses(of organization: OrganizationID) throws(StoreError) -> [ProjectID: ProjectUse] {
    var uses: [ProjectID: ProjectUse] = [:]
    try connection.forEachRow(
      """
      SELECT DISTINCT scope.project, environment.name
      FROM project JOIN scope ON scope.project = project.id
        JOIN environment ON environment.id = scope.environment
      WHERE project.organization = ? ORDER BY 1, 2
      """, [organization]
    ) { row in
      uses[ProjectID(rawValue: row.integer(0)), default: ProjectUse()]
        .environments.append(row.text(1))
    }
    try DeployRows.forEachEnvironment(of: organization, connection) { project, environment in
      uses[project, default: ProjectUse()].deployEnvironments.append(environment)
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
}

/// Reads the release tables.
private enum ReleaseRows {
  static func read(
    _ organization: OrganizationID, withDeploys: Bool, from connection: Connection
  ) throws(StoreError) -> [ReleaseRecord] {
    let places = try places(organization, connection)
    let named = try projects(organization, connection)
    let deploys = withDeploys ? try DeployRows.read(organization, connection) : [:]
    return try connection.rows(
      """
      SELECT id, version, created, released, ref, url, status FROM release
      WHERE organization = ? ORDER BY coalesce(released, created) DESC, id DESC
      """, [organization]
    ) { row in
      let id = row.integer(0)
      let seen = places[id] ?? []
      var record = ReleaseRecord(
        id: id, version: row.text(1), created: row.time(2), released: row.optionalTime(3),
        ref: row.optionalText(4), url: row.optionalText(5),
        status: ReleaseRecord.Status(rawValue: row.text(6)) ?? .open,
        projects: Set(seen.map(\.project)).union(named[id] ?? []).sorted(), places: seen)
      record.deploys = deploys[id] ?? ReleaseDeploys()
      return record
    }
  }

  private static func places(
    _ organization: OrganizationID, _ connection: Connection
  ) throws(StoreError) -> [Int64: [ReleaseRecord.Place]] {
    var places: [Int64: [ReleaseRecord.Place]] = [:]
    try connection.forEachRow(
      """
      SELECT scope.release, scope.project, environment.name, scope.created, adoption.adopted,
        adoption.unadopted
      FROM project JOIN scope ON scope.project = project.id
        JOIN environment ON environment.id = scope.environment
        LEFT JOIN adoption ON adoption.scope = scope.id
      WHERE project.organization = ? ORDER BY scope.id
      """, [organization]
    ) { row in
      let environment = row.text(2)
      places[row.integer(0), default: []].append(
        ReleaseRecord.Place(
          project: ProjectID(rawValue: row.integer(1)),
          environment: environment.isEmpty ? nil : environment, firstSeen: row.time(3),
          adoption: row.adoption(4)))
    }
    return places
  }

  private static func projects(
    _ organization: OrganizationID, _ connection: Connection
  ) throws(StoreError) -> [Int64: [ProjectID]] {
    var projects: [Int64: [ProjectID]] = [:]
    try connection.forEachRow(
      """
      SELECT release_project.release, release_project.project
      FROM release JOIN release_project ON release_project.release = release.id
      WHERE release.organization = ?
      """, [organization]
    ) { projects[$0.integer(0), default: []].append(ProjectID(rawValue: $0.integer(1))) }
    return projects
  }
}

/// One hourly adoption run over the tables.
private enum AdoptionRows {
  /// - Parameter project: the only project to process; nil for all.
  static func run(
    hour: Int, of project: ProjectID? = nil, _ connection: Connection
  ) throws(StoreError) {
    var known = try known(connection)
    var (sessions, ids) = try sessions(hours: hour - Adoption.windowHours..<hour, connection)
    if let project {
      known.times = known.times.filter { $0.key.project == project }
      sessions = sessions.filter { $0.key.project == project }
    }
    let changed = Adoption.run(
      sessions: sessions, known: known.times, at: Timestamp(minute: hour * 60))
    let upsert = try connection.prepare(
      """
      INSERT INTO adoption (scope, adopted, unadopted) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET adopted = excluded.adopted, unadopted = excluded.unadopted
      """)
    for (series, times) in changed {
      try upsert.run([ids[series] ?? known.ids[series], times.adopted, times.unadopted])
    }
  }

  private static let seriesColumns = "scope.id, scope.project, release.version, environment.name"

  /// Joins the series that a column names, with its project and environment.
  private static func joinSeries(_ column: String) -> String {
    """
    JOIN scope ON scope.id = \(column) JOIN release ON release.id = scope.release
      JOIN environment ON environment.id = scope.environment
    """
  }

  private static func series(_ row: Statement) -> SeriesKey {
    let environment = row.text(3)
    return SeriesKey(
      project: ProjectID(rawValue: row.integer(1)), release: row.text(2),
      environment: environment.isEmpty ? nil : environment)
  }

  private static func known(
    _ connection: Connection
  ) throws(StoreError) -> (times: [SeriesKey: AdoptionTimes], ids: [SeriesKey: Int64]) {
    var times: [SeriesKey: AdoptionTimes] = [:]
    var ids: [SeriesKey: Int64] = [:]
    try connection.forEachRow(
      """
      SELECT \(seriesColumns), adoption.adopted, adoption.unadopted
      FROM adoption \(joinSeries("adoption.scope"))
      """
    ) { row in
      let series = series(row)
      ids[series] = row.integer(0)
      times[series] = row.adoption(4)
    }
    return (times, ids)
  }

  /// The number of sessions in the hours, by series id.
  private static func sessions(
    hours: Range<Int>, _ connection: Connection
  ) throws(StoreError) -> (counts: [SeriesKey: Int64], ids: [SeriesKey: Int64]) {
    var counts: [SeriesKey: Int64] = [:]
    var ids: [SeriesKey: Int64] = [:]
    let days: [(any Bindable)?] = [
      hours.lowerBound.flooredDivision(by: 24), (hours.upperBound - 1).flooredDivision(by: 24),
    ]
    try connection.forEachRow(
      """
      SELECT \(seriesColumns), session_day.day, session_day.identified, session_day.anonymous
      FROM session_day \(joinSeries("session_day.scope"))
      WHERE session_day.day >= ? AND session_day.day <= ?
      """, days
    ) { row in
      let series = series(row)
      ids[series] = row.integer(0)
      for column: Int32 in [5, 6] {
        for (slot, count) in CountGrid(packed: row.blob(column)).slots
        where hours.contains(Int(row.integer(4)) * 24 + slot) {
          counts[series, default: 0] += count.total
        }
      }
    }
    return (counts, ids)
  }
}
