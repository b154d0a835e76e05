internal import ReleaseHealth
internal import Storage

/// Reads what is known of single releases.
struct ReleaseRows {
  private let organization: OrganizationID
  private let release: Statement
  private let places: Statement
  private let projects: Statement
  private let deploys: DeployRows?

  init(
    of organization: OrganizationID, withDeploys: Bool, from connection: Connection
  ) throws(StoreError) {
    self.organization = organization
    release = try connection.prepare(
      """
      SELECT id, version, created, released, ref, url, status FROM release
      WHERE organization = ? AND version = ?
      """)
    places = try connection.prepare(
      """
      SELECT scope.project, environment.name, scope.created, adoption.adopted, adoption.unadopted
      FROM scope JOIN environment ON environment.id = scope.environment
        LEFT JOIN adoption ON adoption.scope = scope.id
      WHERE scope.release = ? ORDER BY scope.id DESC LIMIT \(ReleaseRecord.placesMax)
      """)
    projects = try connection.prepare(
      """
      SELECT project FROM scope WHERE release = ?1
      UNION SELECT project FROM release_project WHERE release = ?1 ORDER BY 1
      """)
    deploys = withDeploys ? try DeployRows(connection) : nil
  }

  func record(named name: String) throws(StoreError) -> ReleaseRecord? {
    release.bind([organization, name])
    guard try release.step() else { return nil }
    let row = release
    var record = ReleaseRecord(
      id: row.integer(0), version: row.text(1), created: row.time(2),
      released: row.optionalTime(3), ref: row.optionalText(4), url: row.optionalText(5),
      status: ReleaseRecord.Status(rawValue: row.text(6)) ?? .open, projects: [], places: [])
    release.reset()
    places.bind(1, record.id)
    while try places.step() { record.places.append(Self.place(places)) }
    record.places.reverse()
    projects.bind(1, record.id)
    while try projects.step() {
      record.projects.append(ProjectID(rawValue: projects.integer(0)))
    }
    if let deploys { record.deploys = try deploys.read(ofRelease: record.id) }
    return record
  }

  private static func place(_ row: Statement) -> ReleaseRecord.Place {
    let environment = row.text(1)
    return ReleaseRecord.Place(
      project: ProjectID(rawValue: row.integer(0)),
      environment: environment.isEmpty ? nil : environment, firstSeen: row.time(2),
      adoption: row.adoption(3))
  }
}

/// Finds the places of some releases in the order by version, in one pass over the names of all.
struct VersionPlaces {
  /// A release whose place is looked for.
  private struct Own {
    let id: Int64
    let package: String?
    let rank: ReleaseRank
    /// The number of releases between this one and the next lower one that is looked for.
    var below = 0
    /// The highest of these that was seen, by project.
    var highest: [ProjectID: (rank: ReleaseRank, version: String)] = [:]
  }

  /// Ascending.
  private var own: [Own]
  private let projects: [ProjectID]
  /// nil for all.
  private let environments: Set<Int64>?
  private let seen: Statement

  static func read(
    of records: [ReleaseRecord], in organization: OrganizationID, projects: Set<ProjectID>,
    _ selection: EnvironmentSelection, from connection: Connection
  ) throws(StoreError) -> [Int64: VersionPlace] {
    var places = VersionPlaces(
      own: records.map { record in
        let version = ReleaseVersion(record.version)
        return Own(
          id: record.id, package: version.package,
          rank: ReleaseRank(record.version, version: version, created: record.created))
      }.sorted { $0.rank < $1.rank },
      projects: projects.sorted(),
      environments: selection.isAll ? nil : Set(try connection.ids(of: selection)),
      seen: try connection.prepare(
        "SELECT environment FROM scope WHERE project = ? AND release = ?"))
    let packages = Set(places.own.map(\.package))
    try connection.forEachRow(
      "SELECT id, version, created FROM release WHERE organization = ?", [organization]
    ) { (row) throws(StoreError) in
      let name = row.text(1)
      let version = ReleaseVersion(name)
      let rank = ReleaseRank(name, version: version, created: row.time(2))
      guard let index = places.index(above: rank) else { return }
      places.own[index].below += 1
      guard packages.contains(version.package) else { return }
      try places.note(row.integer(0), name, version.package, rank, from: index)
    }
    return try places.found()
  }

  /// The first release that is looked for and higher.
  private func index(above rank: ReleaseRank) -> Int? {
    var (low, high) = (0, own.count)
    while low < high {
      let middle = (low + high) / 2
      if rank < own[middle].rank { high = middle } else { low = middle + 1 }
    }
    return low < own.count ? low : nil
  }

  /// Keeps a release that may be the previous one of the next higher release of its package.
  private mutating func note(
    _ id: Int64, _ name: String, _ package: String?, _ rank: ReleaseRank, from index: Int
  ) throws(StoreError) {
    guard let next = own[index...].firstIndex(where: { $0.package == package }) else { return }
    for project in projects {
      if let known = own[next].highest[project], rank < known.rank { continue }
      if try isSeen(id, in: project) { own[next].highest[project] = (rank, name) }
    }
  }

  private func isSeen(_ release: Int64, in project: ProjectID) throws(StoreError) -> Bool {
    seen.bind([project, release])
    while try seen.step() {
      guard environments?.contains(seen.integer(0)) != false else { continue }
      seen.reset()
      return true
    }
    return false
  }

  private func found() throws(StoreError) -> [Int64: VersionPlace] {
    var found: [Int64: VersionPlace] = [:]
    var rank = 0
    // The highest versions so far, by package and project.
    var last: [String?: [ProjectID: String]] = [:]
    for release in own {
      rank += release.below
      let versions = release.highest.mapValues(\.version)
      last[release.package, default: [:]].merge(versions) { _, higher in higher }
      var place = VersionPlace(rank: rank)
      for (project, version) in last[release.package] ?? [:] {
        if try isSeen(release.id, in: project) { place.previous[project] = version }
      }
      found[release.id] = place
    }
    return found
  }
}
