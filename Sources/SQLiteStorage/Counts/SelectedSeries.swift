internal import ReleaseHealth
internal import Storage

/// The series that a ``HealthQuery`` selects; all readers of counts use them.
struct SelectedSeries {
  struct Member {
    var id: Int64
    var key: SeriesKey
    /// The id of the series' environment.
    var environment: Int64
    /// Whether the query selects all series of the project and environment.
    var isOfWholeEnvironment = false
  }

  /// The selected series, ordered by project only.
  private(set) var members: [Member] = []
  /// Whether so few series are selected that it is cheaper to look them up one by one than to read
  /// past all others.
  let isSelective: Bool

  init(_ query: HealthQuery, from connection: Connection) throws(StoreError) {
    let filter = query.filter
    let (needsStage, needsVersion) = (filter.needsStage, filter.needsVersion)
    let select = try connection.prepare(Self.statement(withStages: needsStage))
    var all = 0
    for project in query.projects.sorted() {
      let first = members.count
      // The number of series of each environment that the query does not select.
      var omitted: [Int64: Int] = [:]
      select.bind(1, project.rawValue)
      while try select.step() {
        all += 1
        // A filter of thousands of terms takes a tenth of a millisecond for each series.
        if all & 0xf == 0 { try CurrentQuery.check() }
        let environment = select.text(2)
        let key = SeriesKey(
          project: project, release: select.text(1),
          environment: environment.isEmpty ? nil : environment)
        let member = Member(id: select.integer(0), key: key, environment: select.integer(3))
        omitted[member.environment, default: 0] += 1
        let isSelected = filter.matches(
          key, stage: needsStage ? select.adoption(4).stage : .lowAdoption,
          version: needsVersion ? ReleaseVersion(key.release) : nil)
        guard isSelected else { continue }
        members.append(member)
        if members.count & 0xff == 0xff { try connection.hold(256 * MemoryLayout<Member>.stride) }
        omitted[member.environment, default: 0] -= 1
      }
      for index in members.indices[first...] {
        members[index].isOfWholeEnvironment = omitted[members[index].environment] == 0
      }
    }
    isSelective = members.count * 4 < all
  }

  private static func statement(withStages: Bool) -> String {
    let times = withStages ? ", adoption.adopted, adoption.unadopted" : ""
    let adoption = withStages ? "LEFT JOIN adoption ON adoption.scope = scope.id" : ""
    return """
      SELECT scope.id, release.version, environment.name, environment.id\(times)
      FROM scope JOIN release ON release.id = scope.release
        JOIN environment ON environment.id = scope.environment \(adoption)
      WHERE scope.project = ?
      """
  }
}
