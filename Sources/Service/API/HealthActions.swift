internal import HTTP
internal import ReleaseHealth
internal import Storage

/// Questions about counts.
enum HealthActions {
  static func sessions(_ call: APICall) throws(APIError) -> APIRoute.Work {
    var limits = SessionsLimits()
    limits.retentionDays = call.dependencies.retentionDays
    let request = try SessionsRequest.parse(
      call.items, projects: try call.projects(), now: call.now, limits: limits)
    return { () throws(StoreError) in
      let answer = try SessionsAnswer(request, store: call.dependencies.store)
      return .json(answer.json, headers: ["Link": answer.linkHeader(url: call.url)])
    }
  }

  static func releaseStats(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let project = try call.project()
    let request = try ReleaseStatsRequest(
      call.items, project: project, release: call.version, now: call.now)
    return { () throws(StoreError) in
      let store = call.dependencies.store
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

  static func adoption(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let request = try AdoptionChartRequest(call.items, projects: try call.projects(), now: call.now)
    return { () throws(StoreError) in .json(try request.json(store: call.dependencies.store)) }
  }

  static func active(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let request = try ActiveRequest(call.items, projects: try call.projects(), now: call.now)
    return { () throws(StoreError) in .json(try request.json(store: call.dependencies.store)) }
  }
}
