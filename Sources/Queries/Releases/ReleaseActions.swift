internal import Bytes
package import API
internal import FoundationEssentials
internal import HTTP
internal import ReleaseHealth
package import Storage

/// Releases: list, page, and what release tools change.
package struct ReleaseActions: Sendable {
  private let store: any SessionStore & ReleaseStore & OutcomeStore
  private let retentionDays: Int

  package init(store: any SessionStore & ReleaseStore & OutcomeStore, retentionDays: Int) {
    self.store = store
    self.retentionDays = retentionDays
  }

  func list(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try ReleasesRequest(
      try items(of: call), projects: try call.projects(), now: call.now)
    return { () throws(StoreError) in
      try store.snapshot(of: Set(request.projects.map(\.id))) { (store) throws(StoreError) in
        let request = try request.namingLatest(of: organization.id, store)
        var health = try ReleaseHealthData(ranking: request, store: store)
        var list = request.list(
          of: organization.id, limit: request.page.size + 1, ranks: health.ranks(by: request.sort))
        list.offset = request.page.offset
        let found = try store.releases(list)
        let hasMore = found.count > request.page.size
        let entries = try ReleaseEntry.read(
          found.prefix(request.page.size), request, of: organization.id, store)
        try health.load(for: entries, request, of: organization.id, store: store)
        let writer = ReleaseJSON(request: request, health: health)
        let json = JSONWriter.array { json in
          for entry in entries { writer.write(entry, to: &json) }
        }
        return .json(
          json, headers: ["Link": request.page.linkHeader(url: call.url, hasMore: hasMore)]
        ).naming(try request.unknown(where: entries.isEmpty, store))
      }
    }
  }

  func detail(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try ReleasesRequest(
      try items(of: call), projects: try call.projects(), now: call.now, for: .page)
    return { () throws(StoreError) in
      try store.snapshot(of: Set(request.projects.map(\.id))) { (store) throws(StoreError) in
        // No release is named `latest`.
        let latest =
          call.version == LatestRelease.name
          ? try LatestRelease.found(by: request.summaryQuery, of: organization.id, store)?.version
          : call.version
        guard let latest,
          let record = try store.release(latest, of: organization.id, withDeploys: true)
        else { return Response(.notFound) }
        return try page(
          of: record, in: organization.id, try request.namingLatest(of: organization.id, store),
          store)
      }
    }
  }

  /// Answers the versions of releases with their dates, for lists to choose from and for charts.
  func dates(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try ReleasesRequest(
      call.items, projects: try call.projects(), now: call.now, for: .dates)
    return { () throws(StoreError) in
      try store.snapshot(of: Set(request.projects.map(\.id))) { (store) throws(StoreError) in
        var list = try request.namingLatest(of: organization.id, store)
          .list(of: organization.id, limit: request.page.size + 1)
        list.offset = request.page.offset
        let found = try store.releases(list)
        let link = request.page.linkHeader(
          url: call.url, hasMore: found.count > request.page.size)
        return .list(found.prefix(request.page.size), headers: ["Link": link]) { json, listing in
          json.object { json in
            json.member("version", listing.version)
            json.member("date", listing.created)
          }
        }.naming(try request.unknown(where: found.isEmpty, store))
      }
    }
  }

  func gate(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try GateRequest(call, retentionDays: retentionDays)
    return { () throws(StoreError) in
      try store.snapshot(of: request.projects) { (store) throws(StoreError) in
        switch try request.response(of: organization.id, store: store) {
        case .success(let json): .json(json)
        // The release may still appear. A wrong path, also 404, has no release to wait for.
        case .failure(let error) where error.status == 404:
          .failure(error.status, error.detail, missing: "release")
        case .failure(let error): Response(error)
        }
      }
    }
  }

  func estimate(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try EstimateRequest(call, retentionDays: retentionDays)
    return { () throws(StoreError) in
      try store.snapshot(of: request.projects) { (store) throws(StoreError) in
        try request.response(of: organization.id, store: store)
      }
    }
  }

  private func page(
    of record: ReleaseRecord, in organization: OrganizationID, _ request: ReleasesRequest,
    _ store: any SessionReading & ReleaseReading, status: Int = 200
  ) throws(StoreError) -> Response {
    let entry = ReleaseEntry(record, among: request.projects)
    let selected = entry.projects
    if selected.isEmpty, !record.projects.isEmpty { return Response(.notFound) }
    var health = ReleaseHealthData()
    try health.load(for: [entry], request, of: organization, store: store)
    var meta: ReleaseMeta?
    if request.namesProjects {
      meta = try ReleaseMeta(
        of: record, request, in: organization,
        sessionHours: try store.sessionHours(
          ofRelease: record.id, projects: Set(selected.map(\.id)),
          environments: request.environments),
        store: store)
    }
    let writer = ReleaseJSON(request: request, health: health)
    let isSeen = record.places.contains { place in
      selected.contains { $0.id == place.project }
        && request.environments.includes(place.environment)
    }
    let unknown = try request.unknown(where: !isSeen, store)
    return .json(status: status) { writer.write(entry, meta: meta, to: &$0) }.naming(unknown)
  }

  // MARK: Changes

  /// The body that release tools send; members for error trackers are ignored.
  private struct Body: Decodable {
    var version: String?
    var projects: ShortList<ProjectName>?
    var dateReleased: String?
    var ref: String?
    var url: String?
    var status: String?

    private static let names = ["projects", "dateReleased", "ref", "url", "status"]
    private static let idle = ["refs", "commits", "owner", "dateStarted", "dateCreated"]
    static let created = AcceptedNames.sentrys(["version"] + names, idle: idle)
    static let changed = AcceptedNames.sentrys(names, idle: idle + ["version"])
  }

  /// Creates a release. As in Sentry, the status is 201 for a release that is new or new in one of
  /// the projects, and 208 for any other.
  func create(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let body = try call.json(Body.self)
    guard let version = body.version else { throw .badRequest("\"version\" is required.") }
    return try save(version, body, call)
  }

  func update(_ call: APICall) throws(APIError) -> APIRoute.Work {
    try save(call.version, try call.json(Body.self), call, mustExist: true)
  }

  private func save(
    _ version: String, _ body: Body, _ call: APICall, mustExist: Bool = false
  ) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let lacksProjects = APIError.badRequest("\"projects\" is required: a list of ids or slugs.")
    if !mustExist, call.names["project"] == nil, body.projects == nil { throw lacksProjects }
    guard Normalization.isValidRelease(version) else {
      throw .invalid("release name", version, accepted: Normalization.releaseRule)
    }
    var change = ReleaseChange(version: version)
    let projects = try call.projects()
    if call.names["project"] != nil { change.projects = [try call.project().id] }
    for name in body.projects?.elements ?? [] {
      guard let project = projects.first(named: name.text) else {
        let error = APIError.unknown(
          "Invalid project ids or slugs: \"\(name.text)\"", name.text, among: projects.map(\.slug))
        return { FieldErrors("projects", error.detail).response }
      }
      change.projects.append(project.id)
    }
    if let text = body.dateReleased {
      guard let date = RFC3339.parseShort(text) else {
        throw .invalid("dateReleased", text, accepted: "Give an ISO 8601 date-time.")
      }
      change.released = date
    }
    if let text = body.status {
      guard let status = ReleaseRecord.Status(rawValue: text) else {
        throw .badRequest("invalid value for status")
      }
      change.status = status
    }
    change.ref = body.ref
    change.url = body.url
    let request = try ReleasesRequest([], projects: projects, now: call.now, for: .page)
    return { [change] () throws(StoreError) in
      let store = store
      let known = try store.release(version, of: organization.id)
      if mustExist, known == nil { return Response(.notFound) }
      // As in Sentry: a new release without a project would appear nowhere. Of a known one
      // sentry-cli sends an empty list to archive it.
      if known == nil, change.projects.isEmpty { return Response(lacksProjects) }
      let isNew =
        try store.saveRelease(change, of: organization.id, at: call.now)
        || !change.projects.allSatisfy { known?.projects.contains($0) ?? false }
      let saved = try store.release(version, of: organization.id, withDeploys: true)
      guard let saved else { return Response(.notFound) }
      return try page(
        of: saved, in: organization.id, request, store,
        status: mustExist ? 200 : isNew ? 201 : 208)
    }
  }

  func delete(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    if call.names["project"] != nil { _ = try call.project() }
    return { () throws(StoreError) in
      try store.deleteRelease(version: call.version, of: organization.id)
        ? Response(status: 204) : Response(.notFound)
    }
  }

  /// The parameters. A project in the path replaces the parameter.
  private func items(of call: APICall) throws(APIError) -> [(name: String, value: String)] {
    guard call.names["project"] != nil else { return call.items }
    let project = try call.project()
    return call.items.filter { $0.name != "project" }
      + [(name: "project", value: String(project.id.rawValue))]
  }

  /// The routes of the API that these actions answer.
  package var routes: [APIRoute] {
    [
      APIRoute(
        "organizations/{organization}/releases",
        .get(
          .sentrys(
            ReleasesRequest.names + ["project", "flatten"], keys: ReleaseSearch.keys), list),
        .change(.post, Body.created, create)),
      // Before the pages of releases: as in Sentry, a release with this name has none.
      APIRoute(
        "organizations/{organization}/releases/stats",
        .get(.sentrys(ReleasesRequest.datesNames, keys: ReleaseSearch.keys), dates)),
      APIRoute(
        "organizations/{organization}/releases/{version}",
        .get(.sentrys(ReleasesRequest.names + ["project", "project_id"]), detail),
        .change(.put, Body.changed, update), .change(.delete, .sentrys(), delete)),
      APIRoute(
        "organizations/{organization}/releases/{version}/gate", .get(GateRequest.names, gate)),
      APIRoute(
        "organizations/{organization}/releases/{version}/estimate",
        .get(
          .only(AcceptedNames.selection + DateRange.names + ["interval"]), estimate)),
      APIRoute(
        "projects/{organization}/{project}/releases",
        .get(
          .sentrys(ReleasesRequest.names + ["flatten"], keys: ReleaseSearch.keys), list),
        .change(.post, Body.created, create)),
      APIRoute(
        "projects/{organization}/{project}/releases/{version}",
        .get(.sentrys(ReleasesRequest.names), detail),
        .change(.put, Body.changed, update), .change(.delete, .sentrys(), delete)),
    ]
  }
}
