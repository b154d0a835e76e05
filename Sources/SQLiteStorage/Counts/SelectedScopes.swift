internal import ReleaseHealth
internal import Storage

/// The scopes that a ``HealthQuery`` counts, as every reader of counts needs them.
struct SelectedScopes {
  struct Member {
    var id: Int64
    var scope: Scope
    /// The number of the scope's environment.
    var environment: Int64
    /// All scopes of its environment and project are selected.
    var isOfWholeEnvironment = false
  }

  /// By project, in no other order.
  private(set) var members: [Member] = []
  /// Only a few of the scopes count: to look for them one by one is less work than to read past
  /// all others.
  let isSelective: Bool

  init(_ query: HealthQuery, from connection: Connection) throws(StoreError) {
    let filter = query.filter
    let (needsStage, needsVersion) = (filter.needsStage, filter.needsVersion)
    let select = try connection.prepare(Self.statement(withStages: needsStage))
    var all = 0
    for project in query.projects.sorted() {
      let first = members.count
      // How many of each environment are left out.
      var leftOut: [Int64: Int] = [:]
      select.bind(1, project.rawValue)
      while try select.step() {
        all += 1
        let environment = select.text(2)
        let scope = Scope(
          project: project, release: select.text(1),
          environment: environment.isEmpty ? nil : environment)
        let member = Member(id: select.integer(0), scope: scope, environment: select.integer(3))
        leftOut[member.environment, default: 0] += 1
        let isSelected = filter.matches(
          scope, stage: needsStage ? Self.stage(select) : .lowAdoption,
          version: needsVersion ? ReleaseVersion(scope.release) : nil)
        guard isSelected else { continue }
        members.append(member)
        leftOut[member.environment, default: 0] -= 1
      }
      for index in members.indices[first...] {
        members[index].isOfWholeEnvironment = leftOut[members[index].environment] == 0
      }
    }
    isSelective = members.count * 4 < all
  }

  private static func stage(_ row: Statement) -> AdoptionStage {
    AdoptionTimes(
      adopted: row.optionalInteger(4).map { Timestamp(milliseconds: $0) },
      unadopted: row.optionalInteger(5).map { Timestamp(milliseconds: $0) }
    ).stage
  }

  private static func statement(withStages: Bool) -> String {
    let (times, adoption) =
      withStages
      ? (
        ", adoption.adopted, adoption.unadopted",
        "LEFT JOIN adoption ON adoption.scope = scope.id"
      ) : ("", "")
    return """
      SELECT scope.id, release.version, environment.name, environment.id\(times)
      FROM scope JOIN release ON release.id = scope.release
        JOIN environment ON environment.id = scope.environment \(adoption)
      WHERE scope.project = ?
      """
  }
}
