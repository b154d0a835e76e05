internal import ReleaseHealth
internal import Storage

/// The series that a ``HealthQuery`` selects, with their groups; all readers of counts use them.
///
/// There may be very many, so that a series takes some bytes and only a group has a name.
struct SelectedSeries {
  struct Member {
    var id: Int64
    var project: ProjectID
    /// The id of the series' environment.
    var environment: Int64
    /// The index of the group.
    var group: Int32
    /// Whether the query selects all series of the project and environment.
    var isOfWholeEnvironment = false
  }

  /// What the members of a group have in common, by the ids; 0 where the query does not group.
  private struct GroupID: Hashable {
    var project: Int64 = 0
    var release: Int64 = 0
    /// One more than the id.
    var environment: Int64 = 0
  }

  /// The selected series, ordered by project only.
  private(set) var members: [Member] = []
  private(set) var groupCount = 0
  /// The keys of the first groups: of all but those beyond ``HealthQuery/groupsMax``, most of which
  /// are never shown.
  private var keys: [GroupKey?] = []
  /// Whether so few series are selected that it is cheaper to look them up one by one than to read
  /// past all others, also those of other projects.
  private(set) var isSelective = false
  private let query: HealthQuery

  init(_ query: HealthQuery, from connection: Connection) throws(StoreError) {
    self.query = query
    var matcher = SeriesMatcher(query.filter)
    let needsStage = matcher.needsStage
    let source = try Source(query, needsStage, connection)
    var read = 0
    var groups: [GroupID: Int32] = [:]
    for project in query.projects.sorted() {
      let first = members.count
      // The environments of which the query does not select all series.
      var partial: Set<Int64> = []
      let isWhole = try source.forEachRow(of: project) { (select) throws(StoreError) in
        read += 1
        // A filter of thousands of terms takes a tenth of a millisecond for each series.
        if read & 0xf == 0 { try CurrentQuery.check() }
        let environment = select.text(2)
        let key = SeriesKey(
          project: project, release: select.text(1),
          environment: environment.isEmpty ? nil : environment)
        let isSelected = matcher.matches(
          key, stage: needsStage ? select.adoption(5).stage : .lowAdoption)
        let number = select.integer(3)
        guard isSelected else {
          partial.insert(number)
          return
        }
        let id = groupID(project, release: select.integer(4), environment: number, key)
        let known = groups[id]
        if known == nil { groups[id] = add(key) }
        members.append(
          Member(
            id: select.integer(0), project: project, environment: number,
            group: known ?? Int32(groupCount - 1)))
        if members.count & 0xff == 0 { try connection.hold(256 * MemoryLayout<Member>.stride) }
      }
      for index in members.indices[first...] {
        members[index].isOfWholeEnvironment =
          isWhole && !partial.contains(members[index].environment)
      }
    }
    let many = members.count * 4 + 1
    let count = try connection.number("SELECT count(*) FROM (SELECT 1 FROM scope LIMIT \(many))")
    isSelective = count == Int64(many)
  }

  private func groupID(
    _ project: ProjectID, release: Int64, environment: Int64, _ key: SeriesKey
  ) -> GroupID {
    var id = GroupID()
    if let named = query.named, !named.contains(GroupKey(of: key, by: query.groupBy)) { return id }
    if query.groupBy.contains(.project) { id.project = project.rawValue }
    if query.groupBy.contains(.release) { id.release = release }
    if query.groupBy.contains(.environment) { id.environment = environment + 1 }
    return id
  }

  /// Adds a group with the key of its first series.
  private mutating func add(_ key: SeriesKey) -> Int32 {
    groupCount += 1
    if groupCount <= query.groupsMax ?? .max { keys.append(query.groupKey(of: key)) }
    return Int32(groupCount - 1)
  }

  /// Reads the series of projects from which a query selects: id, release, environment, and the ids
  /// of both, then the adoption where a condition needs it.
  private struct Source {
    /// The number of series of a project from which on those of a few releases are looked up.
    static let many = 10_000

    private let all: Statement
    private let count: Statement
    /// The series of single releases; nil where the query may select any.
    private let ofRelease: Statement?
    private let releases: [Name]

    init(_ query: HealthQuery, _ needsStage: Bool, _ connection: Connection) throws(StoreError) {
      let times = needsStage ? ", adoption.adopted, adoption.unadopted" : ""
      let adoption = needsStage ? "LEFT JOIN adoption ON adoption.scope = scope.id" : ""
      let columns = "scope.environment, scope.release\(times)"
      // Without the names, an index has all that is read.
      let needsRelease = query.groupBy.contains(.release) || query.filter.needsRelease
      let needsEnvironment =
        query.groupBy.contains(.environment) || query.filter.needsEnvironment
      all = try connection.prepare(
        """
        SELECT scope.id, \(needsRelease ? "release.version" : "''"),
          \(needsEnvironment ? "environment.name" : "''"), \(columns)
        FROM scope \(needsRelease ? "JOIN release ON release.id = scope.release" : "")
          \(needsEnvironment ? "JOIN environment ON environment.id = scope.environment" : "")
          \(adoption)
        WHERE scope.project = ?
        """)
      count = try connection.prepare(
        "SELECT count(*) FROM (SELECT 1 FROM scope WHERE project = ? LIMIT \(Self.many))")
      releases = query.filter.onlyReleases?.sorted() ?? []
      ofRelease =
        query.filter.onlyReleases == nil
        ? nil
        : try connection.prepare(
          """
          SELECT scope.id, release.version, environment.name, \(columns)
          FROM release JOIN scope ON scope.project = ?1 AND scope.release = release.id
            JOIN environment ON environment.id = scope.environment \(adoption)
          WHERE release.organization = (SELECT organization FROM project WHERE id = ?1)
            AND release.version = ?2
          """)
    }

    /// - Returns: whether these are all series of the project.
    func forEachRow(
      of project: ProjectID, _ body: (Statement) throws(StoreError) -> Void
    ) throws(StoreError) -> Bool {
      if let ofRelease, try hasMany(project) {
        for release in releases {
          ofRelease.bind([project, release.text])
          while try ofRelease.step() { try body(ofRelease) }
        }
        return false
      }
      all.bind([project])
      while try all.step() { try body(all) }
      return true
    }

    private func hasMany(_ project: ProjectID) throws(StoreError) -> Bool {
      count.bind([project])
      var found: Int64 = 0
      while try count.step() { found = count.integer(0) }
      return found == Self.many
    }
  }
}

extension SelectedSeries {
  /// Keeps the groups with the greatest numbers, and their series.
  ///
  /// - Parameter numbers: a number of each group.
  mutating func keepGreatest(_ count: Int, by numbers: [Int64]) {
    let kept = numbers.indices.sorted { numbers[$0] > numbers[$1] }.prefix(count)
    var places = [Int32](repeating: -1, count: groupCount)
    for (place, group) in kept.enumerated() { places[group] = Int32(place) }
    members = members.compactMap { member in
      let place = places[Int(member.group)]
      guard place >= 0 else { return nil }
      var member = member
      member.group = place
      // Others of its environment may be gone.
      member.isOfWholeEnvironment = false
      return member
    }
    keys = kept.map { $0 < keys.count ? keys[$0] : nil }
    groupCount = kept.count
  }

  /// The key of each group; the names of those that were not kept before are read.
  func groupKeys(_ connection: Connection) throws(StoreError) -> [GroupKey] {
    let select = try connection.prepare(
      """
      SELECT release.version, environment.name
      FROM scope JOIN release ON release.id = scope.release
        JOIN environment ON environment.id = scope.environment
      WHERE scope.id = ?
      """)
    var found = keys
    for member in members where found[Int(member.group)] == nil {
      select.bind(1, member.id)
      while try select.step() {
        let environment = select.text(1)
        found[Int(member.group)] = query.groupKey(
          of: SeriesKey(
            project: member.project, release: select.text(0),
            environment: environment.isEmpty ? nil : environment))
      }
    }
    return found.map { $0 ?? GroupKey() }
  }
}
