internal import ReleaseHealth
internal import Storage

/// The scopes that a ``HealthQuery`` counts, as every reader of counts needs them.
struct SelectedScopes {
  /// By project, in no other order.
  private(set) var scopes: [(id: Int64, scope: Scope)] = []
  /// Only a few of the scopes count: to look for them one by one is less work than to read past
  /// all others.
  let isSelective: Bool

  init(_ query: HealthQuery, from connection: Connection) throws(StoreError) {
    let select = try connection.prepare(Self.statement(withStages: query.includesAtStage != nil))
    var all = 0
    for project in query.projects.sorted() {
      select.bind(1, project.rawValue)
      while try select.step() {
        all += 1
        let environment = select.text(2)
        let scope = Scope(
          project: project, release: select.text(1),
          environment: environment.isEmpty ? nil : environment)
        guard query.includes(scope) else { continue }
        if let includesAtStage = query.includesAtStage {
          let times = AdoptionTimes(
            adopted: select.optionalInteger(3).map { Timestamp(milliseconds: $0) },
            unadopted: select.optionalInteger(4).map { Timestamp(milliseconds: $0) })
          guard includesAtStage(scope, times.stage) else { continue }
        }
        scopes.append((select.integer(0), scope))
      }
    }
    isSelective = scopes.count * 4 < all
  }

  private static func statement(withStages: Bool) -> String {
    let (times, adoption) =
      withStages
      ? (
        ", adoption.adopted, adoption.unadopted",
        "LEFT JOIN adoption ON adoption.scope = scope.id"
      ) : ("", "")
    return """
      SELECT scope.id, release.version, environment.name\(times)
      FROM scope JOIN release ON release.id = scope.release
        JOIN environment ON environment.id = scope.environment \(adoption)
      WHERE scope.project = ?
      """
  }
}
