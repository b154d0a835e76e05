internal import Bytes
package import API
package import Access
internal import FoundationEssentials
internal import HTTP
internal import ReleaseHealth
package import Storage

/// The objective of a project, and the budget that it leaves.
package struct ObjectiveActions: Sendable {
  private let store: any SessionStore & ReleaseStore
  private let catalog: CatalogCache
  private let retentionDays: Int

  package init(
    store: any SessionStore & ReleaseStore, catalog: CatalogCache, retentionDays: Int
  ) {
    self.store = store
    self.catalog = catalog
    self.retentionDays = retentionDays
  }

  /// An objective. What is not given stays as it is; of a new one it has the defaults: 99.9 % of
  /// sessions over 28 days.
  private struct Body: Decodable {
    var measure: String?
    var target: Double?
    var days: Double?
  }

  func list(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let project = try call.project()
    let objective = call.snapshot.objective(of: project.id)
    return { () throws(StoreError) in
      let isUnmatched = try isUnmatched(project)
      return .list([objective].compactMap(\.self)) {
        BudgetJSON.write($1, isUnmatched: isUnmatched, to: &$0)
      }
    }
  }

  func set(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let project = try call.project()
    let body = try call.body.isEmpty ? Body() : call.json(Body.self)
    let daysMax = min(Objective.daysRange.upperBound, retentionDays)
    let known =
      call.snapshot.objective(of: project.id)?.objective
      ?? Objective(days: min(Objective.daysDefault, daysMax))
    var objective = known
    var errors = FieldErrors()
    if let name = body.measure {
      if let measure = Objective.Measure(rawValue: name) {
        objective.measure = measure
      } else {
        let names = Objective.Measure.allCases.map(\.rawValue).joined(separator: " or ")
        errors.add("measure", "\"\(name)\" is not \(names).")
      }
    }
    if let percent = body.target {
      // The shortest digits that parse to the same number are those of the request.
      if let target = Objective.Target(percent: percent.description) {
        objective.target = target
      } else {
        errors.add("target", "\(percent) is not \(Objective.Target.rule).")
      }
    }
    if let days = body.days {
      if let days = Int(exactly: days), (1...daysMax).contains(days) {
        objective.days = days
      } else {
        let text = Int(exactly: days).map { "\($0)" } ?? "\(days)"
        errors.add("days", "\(text) is not a whole number from 1 to \(daysMax).")
      }
    }
    if !errors.isEmpty { return { [errors] () throws(StoreError) in errors.response } }
    let fresh = ProjectObjective(
      project: project.id, objective: objective, bad: project.bad, created: call.now)
    return { () throws(StoreError) in
      try catalog.change { (catalog) throws(StoreError) in
        try catalog.setObjective(
          fresh.objective, of: fresh.project, known: known, at: fresh.created)
      }
      let isUnmatched = try isUnmatched(project)
      return .json { BudgetJSON.write(fresh, isUnmatched: isUnmatched, to: &$0) }
    }
  }

  func remove(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let project = try call.project()
    guard call.snapshot.objective(of: project.id) != nil else { throw .notFound }
    return { () throws(StoreError) in
      try catalog.change { (catalog) throws(StoreError) in
        try catalog.removeObjective(of: project.id)
      }
      return Response(status: 204)
    }
  }

  func budget(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let project = try call.project()
    let objective = call.snapshot.objective(of: project.id)
    return { () throws(StoreError) in
      guard let objective else { return .json { BudgetJSON.writeNone(to: &$0) } }
      let budget = try store.snapshot(of: [project.id]) { (store) throws(StoreError) in
        try ProjectBudget(objective, now: call.now, retentionDays: retentionDays, store: store)
      }
      let isUnmatched = try isUnmatched(project)
      let hint = BadHint(
        crashed: budget.crashed, failed: budget.failed, of: budget.budget.counts.total,
        unit: objective.objective.measure == .users ? "users" : "sessions"
      ).sentence(
        [project], of: organization, tolerated: 1 - budget.budget.target.percent / 100)
      return .json { BudgetJSON.write(budget, hint, isUnmatched: isUnmatched, to: &$0) }
    }
  }

  /// Whether no session of the project has arrived yet: its objective matches nothing.
  private func isUnmatched(_ project: Project) throws(StoreError) -> Bool {
    try !store.haveSessions([project.id])
  }

  // MARK: Routes

  package var routes: [APIRoute] {
    [
      APIRoute(
        "projects/{organization}/{project}/objectives", .get(.only(), list),
        .change(.put, .only(["measure", "target", "days"]), set),
        .change(.delete, .only(), remove)),
      APIRoute("projects/{organization}/{project}/budget", .get(.only(), budget)),
    ]
  }
}
