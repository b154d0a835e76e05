package import ReleaseHealth
package import Storage

extension SQLiteStore: ReleaseStore {
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
  static let hasSessions = "length(identified) + length(anonymous) > 0"

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
