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
      try store.snapshot { (store) throws(StoreError) in
        let request = try request.namingLatest(of: organization.id, store)
        let records = try store.releases(of: organization.id, withDeploys: true)
        var health = try ReleaseHealthData(ranking: request, store: store)
        let entries = try ReleaseEntry.entries(of: records, request, health)
        let page = entries.dropFirst(request.page.offset).prefix(request.page.size)
        try health.load(for: page, among: records, request, store: store)
        let writer = ReleaseJSON(request: request, health: health)
        let json = JSONWriter.array { json in
          for entry in page { writer.write(entry, to: &json) }
        }
        let hasMore = entries.count > request.page.offset + page.count
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
      try store.snapshot { (store) throws(StoreError) in
        let records = try store.releases(of: organization.id, withDeploys: true)
        // No release is named `latest`.
        let record =
          call.version == LatestRelease.name
          ? try LatestRelease.found(by: request.summaryQuery, among: records, store)
          : records.first { Name($0.version) == Name(call.version) }
        guard let record else { return Response(.notFound) }
        return try page(
          of: record, among: records, try request.namingLatest(of: organization.id, store), store)
      }
    }
  }

  /// Answers the versions of releases with their dates, for lists to choose from and for charts.
  func dates(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try ReleasesRequest(
      call.items, projects: try call.projects(), now: call.now, for: .dates)
    return { () throws(StoreError) in
      try store.snapshot { (store) throws(StoreError) in
        let entries = try ReleaseEntry.entries(
          of: try store.releases(of: organization.id, withDeploys: true),
          try request.namingLatest(of: organization.id, store), ReleaseHealthData())
        let page = entries.dropFirst(request.page.offset)
        let link = request.page.linkHeader(
          url: call.url, hasMore: page.count > request.page.size)
        return .list(page.prefix(request.page.size), headers: ["Link": link]) { json, entry in
          json.object { json in
            json.member("version", entry.record.version)
            json.member("date", entry.date)
          }
        }.naming(try request.unknown(where: entries.isEmpty, store))
      }
    }
  }

  func gate(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let request = try GateRequest(call, retentionDays: retentionDays)
    return { () throws(StoreError) in
      try store.snapshot { (store) throws(StoreError) in
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
      try store.snapshot { (store) throws(StoreError) in
        try request.response(of: organization.id, store: store)
      }
    }
  }

  private func page(
    of record: ReleaseRecord, among records: [ReleaseRecord], _ request: ReleasesRequest,
    _ store: any SessionReading & ReleaseReading, status: Int = 200
  ) throws(StoreError) -> Response {
    let selected = request.projects.filter { record.projects.contains($0.id) }
    if selected.isEmpty, !record.projects.isEmpty { return Response(.notFound) }
    let entry = ReleaseEntry(
      record: record, version: ReleaseVersion(record.version), projects: selected)
    var health = ReleaseHealthData()
    try health.load(for: [entry], among: records, request, store: store)
    var meta: ReleaseMeta?
    if request.namesProjects {
      meta = try ReleaseMeta(
        of: record.id, among: records, request,
        sessionHours: try store.sessionHours(
          ofRelease: record.id, projects: Set(selected.map(\.id)),
          environments: request.environments))
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
    var projects: [ProjectName]?
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
    guard Normalization.isValidRelease(version), !version.allSatisfy(\.isWhitespace) else {
      throw .badRequest("Invalid release name: \"\(version)\"")
    }
    var change = ReleaseChange(version: version)
    let projects = try call.projects()
    if call.names["project"] != nil { change.projects = [try call.project().id] }
    for name in body.projects ?? [] {
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
      let known = try store.releases(of: organization.id).first {
        Name($0.version) == Name(version)
      }
      if mustExist, known == nil { return Response(.notFound) }
      // As in Sentry: a new release without a project would appear nowhere.
      if known == nil, change.projects.isEmpty {
        return Response(.badRequest("\"projects\" is required: a list of ids or slugs."))
      }
      let isNew =
        try store.saveRelease(change, of: organization.id, at: call.now)
        || !change.projects.allSatisfy { known?.projects.contains($0) ?? false }
      let records = try store.releases(of: organization.id, withDeploys: true)
      guard let record = records.first(where: { Name($0.version) == Name(version) }) else {
        return Response(.notFound)
      }
      return try page(
        of: record, among: records, request, store, status: mustExist ? 200 : isNew ? 201 : 208)
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
