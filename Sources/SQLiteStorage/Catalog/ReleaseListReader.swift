internal import ReleaseHealth
internal import Storage

/// Reads a part of a list of releases. What SQL can decide it does; names are held against the
/// search row by row, so that no more than the part is in memory.
struct ReleaseListReader {
  private let connection: Connection
  private let list: ReleaseList
  /// The numbers of the selected environments; nil for all.
  private let environments: String?
  private var ofFinalized: SeriesMatcher
  private var ofOthers: SeriesMatcher
  /// Reads the stages of a release in the selected places; nil where no condition needs them.
  private let stages: Statement?

  static func read(
    _ list: ReleaseList, from connection: Connection
  ) throws(StoreError) -> [ReleaseListing] {
    var reader = try ReleaseListReader(list, connection)
    switch list.order {
    case .created, .createdAscending, .adoption: return try reader.readInOrder()
    case .version:
      return try reader.readRanked { listing in
        ReleaseRank(listing.version, created: listing.created)
      }
    case .build:
      return try reader.readRanked(listsUnranked: false) { listing in
        ReleaseVersion(listing.version).buildNumber
      }
    case .ranks(let ranks):
      return try reader.readRanked { listing in
        ranks[GroupKey(project: listing.project, release: listing.version)]
      }
    }
  }

  private init(_ list: ReleaseList, _ connection: Connection) throws(StoreError) {
    self.list = list
    self.connection = connection
    environments =
      list.environments.isAll
      ? nil : try connection.ids(of: list.environments).map(String.init).joined(separator: ", ")
    ofFinalized = SeriesMatcher(list.ofFinalized)
    ofOthers = SeriesMatcher(list.ofOthers)
    stages =
      ofFinalized.needsStage || ofOthers.needsStage
      ? try connection.prepare(
        """
        SELECT DISTINCT adoption.adopted, adoption.unadopted
        FROM scope LEFT JOIN adoption ON adoption.scope = scope.id
        WHERE scope.release = ?1
          AND (?2 IS NULL AND \(Self.isSelected("scope.project", list)) OR scope.project = ?2)
          \(environments.map { "AND scope.environment IN (\($0))" } ?? "")
        """) : nil
  }

  // MARK: SQL

  private static func isSelected(_ column: String, _ list: ReleaseList) -> String {
    let ids = list.projects.sorted().map { String($0.rawValue) }
    return "\(column) IN (\(ids.joined(separator: ", ")))"
  }

  /// Whether a column has one of the projects that an entry is about.
  private func isOfEntry(_ column: String) -> String {
    list.isFlat ? "\(column) = place.project" : Self.isSelected(column, list)
  }

  /// The pairs of a release and a selected project, each once.
  private var places: String {
    """
    (SELECT DISTINCT project, release FROM scope WHERE \(Self.isSelected("project", list))
      UNION ALL
      SELECT project, release FROM release_project WHERE \(Self.isSelected("project", list))
        AND NOT EXISTS (
          SELECT 1 FROM scope WHERE scope.project = release_project.project
            AND scope.release = release_project.release)
    ) AS place JOIN release ON release.id = place.release
    """
  }

  private var conditions: [String] {
    var conditions = ["release.organization = ?1"]
    if let status = list.status { conditions.append("release.status = '\(status.rawValue)'") }
    if let dates = list.dates {
      let (first, last) = (dates.lowerBound.milliseconds, dates.upperBound.milliseconds)
      conditions.append("release.created BETWEEN \(first) AND \(last)")
    }
    if let after = list.after {
      var relation = "<"
      if case .createdAscending = list.order { relation = ">" }
      conditions.append(
        "(release.created, release.id) \(relation) (\(after.created.milliseconds), \(after.id))")
    }
    if !list.isFlat, !list.isOfAllProjects { conditions.append(isOfSelectedProjects) }
    if let environments {
      conditions.append(
        """
        (EXISTS (
            SELECT 1 FROM scope WHERE scope.release = release.id
              AND \(isOfEntry("scope.project")) AND scope.environment IN (\(environments)))
          OR EXISTS (
            SELECT 1 FROM deploy WHERE deploy.release = release.id
              AND deploy.environment IN (\(environments))
              AND (
                NOT EXISTS (SELECT 1 FROM deploy_project AS own WHERE own.deploy = deploy.id)
                OR EXISTS (
                  SELECT 1 FROM deploy_project AS own
                  WHERE own.deploy = deploy.id AND \(isOfEntry("own.project"))))))
        """)
    }
    return conditions
  }

  /// A release without a project belongs to the whole organization.
  private var isOfSelectedProjects: String {
    let ofRelease = "scope WHERE scope.release = release.id"
    let named = "release_project AS named WHERE named.release = release.id"
    return """
      (EXISTS (SELECT 1 FROM \(ofRelease) AND \(Self.isSelected("scope.project", list)))
        OR EXISTS (SELECT 1 FROM \(named) AND \(Self.isSelected("named.project", list)))
        OR NOT EXISTS (SELECT 1 FROM \(ofRelease)) AND NOT EXISTS (SELECT 1 FROM \(named)))
      """
  }

  /// The last adoption in the places of an entry.
  private var adopted: String {
    """
    (SELECT max(adoption.adopted) FROM scope JOIN adoption ON adoption.scope = scope.id
      WHERE scope.release = release.id AND \(isOfEntry("scope.project"))
      \(environments.map { "AND scope.environment IN (\($0))" } ?? ""))
    """
  }

  private func statement(_ ending: String) throws(StoreError) -> Statement {
    let statement = try connection.prepare(
      """
      SELECT release.id, release.version, release.created, release.released,
        \(list.isFlat ? "place.project" : "NULL")
      FROM \(list.isFlat ? places : "release")
      WHERE \(conditions.joined(separator: " AND ")) \(ending)
      """)
    statement.bind([list.organization])
    return statement
  }

  // MARK: Rows

  private mutating func selected(_ row: Statement) throws(StoreError) -> ReleaseListing? {
    let listing = ReleaseListing(
      id: row.integer(0), version: row.text(1), created: row.time(2),
      project: row.optionalInteger(4).map { ProjectID(rawValue: $0) })
    let isFinalized = row.optionalInteger(3) != nil
    let filter = isFinalized ? list.ofFinalized : list.ofOthers
    if filter == .everything { return listing }
    // No condition is about the project or the environment.
    let series = SeriesKey(
      project: ProjectID(rawValue: 0), release: listing.version, environment: nil)
    for stage in try stages(of: listing) {
      let isFound =
        isFinalized
        ? ofFinalized.matches(series, stage: stage) : ofOthers.matches(series, stage: stage)
      if isFound { return listing }
    }
    return nil
  }

  /// The stages of a release. It can be adopted in one project and replaced in another; as in
  /// Sentry, one match is enough.
  private func stages(of listing: ReleaseListing) throws(StoreError) -> Set<AdoptionStage> {
    guard let stages else { return [.lowAdoption] }
    stages.bind([listing.id, listing.project])
    var found: Set<AdoptionStage> = []
    while try stages.step() { found.insert(stages.adoption(0).stage) }
    return found.isEmpty ? [.lowAdoption] : found
  }

  private mutating func readInOrder() throws(StoreError) -> [ReleaseListing] {
    let newest = "release.created DESC, release.id DESC"
    let order =
      switch list.order {
      case .createdAscending: "release.created, release.id"
      case .adoption: "\(adopted) DESC, \(newest)"
      default: newest
      }
    // SQLite keeps no more rows than it is limited to.
    let isFiltered = list.ofFinalized != .everything || list.ofOthers != .everything
    let limit = isFiltered ? "" : "LIMIT \(list.limit) OFFSET \(list.offset)"
    let rows = try statement(
      "ORDER BY \(order)\(list.isFlat ? ", place.project" : "") \(limit)")
    var skipped = isFiltered ? 0 : list.offset
    var found: [ReleaseListing] = []
    while found.count < list.limit, try rows.step() {
      guard let listing = try selected(rows) else { continue }
      if skipped < list.offset {
        skipped += 1
      } else {
        found.append(listing)
      }
    }
    rows.reset()
    return found
  }

  /// Reads an order that only the names give: the highest rank comes first, and entries without a
  /// rank come last.
  private mutating func readRanked<Rank: Comparable>(
    listsUnranked: Bool = true, by rankOf: (ReleaseListing) -> Rank?
  ) throws(StoreError) -> [ReleaseListing] {
    let count = list.offset + list.limit
    var first: [(listing: ReleaseListing, rank: Rank?)] = []
    func cut() {
      first.sort { left, right in
        guard let one = left.rank, let other = right.rank, one != other else {
          return (left.rank == nil) == (right.rank == nil)
            ? left.listing.isNewer(than: right.listing) : right.rank == nil
        }
        return one > other
      }
      first.removeSubrange(min(count, first.count)...)
    }
    let rows = try statement("")
    while try rows.step() {
      guard let listing = try selected(rows) else { continue }
      let rank = rankOf(listing)
      if rank == nil, !listsUnranked { continue }
      first.append((listing, rank))
      if first.count >= 2 * count + 1000 { cut() }
    }
    cut()
    return first.dropFirst(list.offset).map(\.listing)
  }
}

extension Connection {
  /// The numbers of the environments of a selection, without those that there are not. Environment
  /// 0 stands for sessions without one.
  func ids(of environments: EnvironmentSelection) throws(StoreError) -> [Int64] {
    let select = try prepare("SELECT id FROM environment WHERE name = ?")
    var ids: [Int64] = []
    for name in environments.given {
      select.bind(1, name.text)
      while try select.step() { ids.append(select.integer(0)) }
    }
    return ids
  }
}
