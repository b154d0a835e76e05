package import API
internal import HTTP
internal import ReleaseHealth
package import Storage

/// Queries of counts: the numbers, how they came about, and how reliable they are.
package struct HealthActions: Sendable {
  private let store: any SessionStore & ReleaseStore & OutcomeStore
  private let retentionDays: Int

  package init(store: any SessionStore & ReleaseStore & OutcomeStore, retentionDays: Int) {
    self.store = store
    self.retentionDays = retentionDays
  }

  func sessions(_ call: APICall) throws(APIError) -> APIRoute.Work {
    var limits = SessionsLimits()
    limits.retentionDays = retentionDays
    let organization = try call.organization()
    let request = try SessionsRequest(
      call.items, projects: try call.projects(), now: call.now, limits: limits)
    return { () throws(StoreError) in
      try store.snapshot(of: request.projects) { (store) throws(StoreError) in
        let answer = try SessionsAnswer(try request.namingLatest(store), store: store)
        return .json(answer.json, headers: ["Link": answer.linkHeader(url: call.url)])
          .naming(
            try UnknownEnvironments(
              request.environments, of: request.projects, organization.id,
              isNothingFound: answer.isNothingFound, store))
      }
    }
  }

  func releaseStats(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let project = try call.project()
    let request = try ReleaseStatsRequest(
      call.items, project: project, release: call.version, now: call.now)
    return { () throws(StoreError) in
      try store.snapshot(of: [project.id]) { (store) throws(StoreError) in
        let record = try store.release(call.version, of: organization.id)
        guard let record, record.projects.contains(project.id) else { return Response(.notFound) }
        let hours = try store.sessionHours(
          ofRelease: record.id, projects: [project.id], environments: request.environments)
        return .json(
          try request.json(created: record.created, firstHour: hours?.lowerBound, store: store)
        )
        .naming(
          try UnknownEnvironments(
            request.environments, of: [project.id], organization.id, isNothingFound: hours == nil,
            store))
      }
    }
  }

  func adoption(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try AdoptionChartRequest(call)
    return { () throws(StoreError) in
      try store.snapshot { (store) throws(StoreError) in
        try request.response(of: organization.id, store: store)
      }
    }
  }

  func active(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try ActiveRequest(call)
    return { () throws(StoreError) in
      try store.snapshot(of: request.query.projects) { (store) throws(StoreError) in
        try request.response(of: organization.id, store: store)
      }
    }
  }

  func outcomes(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let request = try OutcomesRequest(call)
    return { () throws(StoreError) in
      let answer = try request.answer(url: call.url, store: store)
      return .json(answer.json, headers: ["Link": answer.link])
    }
  }

  func explain(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try ExplainRequest(call, retentionDays: retentionDays)
    return { () throws(StoreError) in
      try store.snapshot { (store) throws(StoreError) in
        try request.response(of: organization.id, store: store)
      }
    }
  }

  func compare(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try CompareRequest(call, retentionDays: retentionDays)
    return { () throws(StoreError) in
      try store.snapshot(of: request.projects) { (store) throws(StoreError) in
        switch try request.response(of: organization.id, store: store) {
        case .success(let json): .json(json)
        case .failure(let error): Response(error)
        }
      }
    }
  }

  /// The routes of the API that these actions answer.
  package var routes: [APIRoute] {
    [
      APIRoute(
        "organizations/{organization}/sessions",
        .get(.sentrys(SessionsRequest.names, keys: SearchQuery.keys), sessions)),
      APIRoute(
        "organizations/{organization}/sessions/explain", .get(ExplainRequest.names, explain)),
      APIRoute(
        "organizations/{organization}/sessions/compare", .get(CompareRequest.names, compare)),
      APIRoute("organizations/{organization}/outcomes", .get(OutcomesRequest.names, outcomes)),
      APIRoute("organizations/{organization}/adoption", .get(AdoptionChartRequest.names, adoption)),
      APIRoute("organizations/{organization}/active", .get(ActiveRequest.names, active)),
      APIRoute(
        "projects/{organization}/{project}/releases/{version}/stats",
        .get(.sentrys(["type", "environment", "interval"] + DateRange.names), releaseStats)),
    ]
  }
}
