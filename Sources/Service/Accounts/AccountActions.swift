internal import HTTP
internal import Storage

/// Questions about where numbers come from, and what they are worth.
enum AccountActions {
  static func outcomes(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let request = try OutcomesRequest(call.items, projects: try call.projects(), now: call.now)
    return { () throws(StoreError) in
      let answer = try request.answer(url: call.url, store: call.dependencies.store)
      return .json(answer.json, headers: ["Link": answer.link])
    }
  }

  static func explain(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let request = try ExplainRequest(
      call.items, projects: try call.projects(), now: call.now,
      retentionDays: call.dependencies.retentionDays)
    return { () throws(StoreError) in .json(try request.json(store: call.dependencies.store)) }
  }

  static func compare(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try CompareRequest(
      call.items, projects: try call.projects(), now: call.now,
      retentionDays: call.dependencies.retentionDays)
    return { () throws(StoreError) in
      switch try request.response(of: organization.id, store: call.dependencies.store) {
      case .success(let json): .json(json)
      case .failure(let error): Response(error)
      }
    }
  }
}
