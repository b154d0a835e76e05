package import API
internal import HTTP
internal import ReleaseHealth
package import Storage

/// Queries of counts.
package struct HealthActions: Sendable {
  private let store: any SessionStore & ReleaseStore
  private let retentionDays: Int

  package init(
    store: any SessionStore & ReleaseStore, retentionDays: Int
  ) {
    self.store = store
    self.retentionDays = retentionDays
  }

  func sessions(_ call: APICall) throws(APIError) -> APIRoute.Work {
    var limits = SessionsLimits()
    limits.retentionDays = retentionDays
    let request = try SessionsRequest.parse(
      call.items, projects: try call.projects(), now: call.now, limits: limits)
    return { () throws(StoreError) in
      let answer = try SessionsAnswer(request, store: store)
      return .json(answer.json, headers: ["Link": answer.linkHeader(url: call.url)])
    }
  }

  func releaseStats(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let project = try call.project()
    let request = try ReleaseStatsRequest(
      call.items, project: project, release: call.version, now: call.now)
    return { () throws(StoreError) in
      let store = store
      let record = try store.releases(of: organization.id).first {
        Name($0.version) == Name(call.version)
      }
      guard let record, record.projects.contains(project.id) else { return Response(.notFound) }
      let hours = try store.sessionHours(
        ofRelease: record.id, projects: [project.id], environments: request.environments)
      return .json(
        try request.json(created: record.created, firstHour: hours?.lowerBound, store: store))
    }
  }

  func adoption(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let request = try AdoptionChartRequest(call.items, projects: try call.projects(), now: call.now)
    return { () throws(StoreError) in .json(try request.json(store: store)) }
  }

  func active(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let request = try ActiveRequest(call.items, projects: try call.projects(), now: call.now)
    return { () throws(StoreError) in .json(try request.json(store: store)) }
  }
}

/// The routes of the API that these actions answer.
extension HealthActions {
  package var routes: [APIRoute] {
    [
      APIRoute("organizations/{organization}/sessions", .get(sessions)),
      APIRoute("organizations/{organization}/adoption", .get(adoption)),
      APIRoute("organizations/{organization}/active", .get(active)),
      APIRoute(
        "projects/{organization}/{project}/releases/{version}/stats",
        .get(releaseStats)),
    ]
  }
}
