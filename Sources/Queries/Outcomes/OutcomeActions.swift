package import API
internal import HTTP
package import Storage

/// Queries of how numbers came about, and how reliable they are.
package struct OutcomeActions: Sendable {
  private let store: any SessionStore & ReleaseStore & OutcomeStore
  private let retentionDays: Int

  package init(
    store: any SessionStore & ReleaseStore & OutcomeStore, retentionDays: Int
  ) {
    self.store = store
    self.retentionDays = retentionDays
  }

  func outcomes(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let request = try OutcomesRequest(call.items, projects: try call.projects(), now: call.now)
    return { () throws(StoreError) in
      let answer = try request.answer(url: call.url, store: store)
      return .json(answer.json, headers: ["Link": answer.link])
    }
  }

  func explain(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let request = try ExplainRequest(
      call.items, projects: try call.projects(), now: call.now,
      retentionDays: retentionDays)
    return { () throws(StoreError) in .json(try request.json(store: store)) }
  }

  func compare(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try CompareRequest(
      call.items, projects: try call.projects(), now: call.now,
      retentionDays: retentionDays)
    return { () throws(StoreError) in
      switch try request.response(of: organization.id, store: store) {
      case .success(let json): .json(json)
      case .failure(let error): Response(error)
      }
    }
  }
}

/// The routes of the API that these actions answer.
extension OutcomeActions {
  package var routes: [APIRoute] {
    [
      APIRoute("organizations/{organization}/sessions/explain", .get(explain)),
      APIRoute("organizations/{organization}/sessions/compare", .get(compare)),
      APIRoute("organizations/{organization}/outcomes", .get(outcomes)),
    ]
  }
}
