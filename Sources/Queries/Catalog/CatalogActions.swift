internal import Access
internal import Bytes
package import API
internal import HTTP
internal import ReleaseHealth
package import Storage

/// Answers what the pickers of dashboards need: scopes, organizations, projects, environments.
package struct CatalogActions: Sendable {
  private let store: any ReleaseStore

  package init(store: any ReleaseStore) {
    self.store = store
  }

  /// The scopes of the token; Hale has no users.
  func currentToken(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let json = JSONWriter.object { json in
      json.member("version", "0")
      json.member("user") { $0.null() }
      json.object("auth") { json in
        json.member("scopes") { CatalogJSON.write(scopes: call.token.scope, to: &$0) }
      }
    }
    return { () throws(StoreError) in .json(json) }
  }

  /// The organization of the token.
  func organizations(_ call: APICall) throws(APIError) -> APIRoute.Work {
    { () throws(StoreError) in
      let json = JSONWriter.array { json in
        for organization in call.snapshot.catalog.organizations
        where organization.id == call.token.organization {
          CatalogJSON.write(organization, to: &json)
        }
      }
      return .json(json)
    }
  }

  func organization(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    return { () throws(StoreError) in
      let uses = try store.uses(of: organization.id)
      let projects = call.snapshot.projects(of: organization)
      let shown = Array(projects.prefix(Self.projectsMax))
      return Response.json {
        CatalogJSON.write(organization, projects: shown, uses: uses, to: &$0)
      }
      .naming(truncated: uses, of: shown, lacksProjects: shown.count < projects.count)
    }
  }

  /// The projects of the organization that the path names, or of the token's.
  func projects(_ call: APICall) throws(APIError) -> APIRoute.Work {
    var call = call
    if call.names["organization"] == nil {
      call.names["organization"] = String(call.token.organization.rawValue)
    }
    let organization = try call.organization()
    let parameters = QueryParameters(call.items)
    let wanted = parameters.one("query")?.lowercased() ?? ""
    let page = try Page(parameters, sizeMax: 100)
    let found = try call.projects().filter { wanted.isEmpty || $0.slug.contains(wanted) }
    return { [call] () throws(StoreError) in
      let uses = try store.uses(of: organization.id)
      let shown = found.dropFirst(page.offset).prefix(page.size)
      let hasMore = found.count > page.offset && found.count - page.offset > page.size
      let link = page.linkHeader(url: call.url, hasMore: hasMore)
      return Response.list(shown, headers: ["Link": link]) { json, project in
        CatalogJSON.write(project, uses[project.id], of: organization, to: &json)
      }
      .naming(truncated: uses, of: shown)
    }
  }

  func project(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let project = try call.project()
    return { () throws(StoreError) in
      let uses = try store.uses(of: organization.id)
      return Response.json {
        CatalogJSON.write(project, uses[project.id], of: organization, to: &$0)
      }
      .naming(truncated: uses, of: [project])
    }
  }

  func environment(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let project = try call.project()
    let name = Name(call.names["environment"] ?? "")
    return { () throws(StoreError) in
      var list = EnvironmentList(of: organization.id, in: [project.id], limit: 1)
      list.name = name
      guard let environment = try store.environments(list).first else {
        return Response(.notFound)
      }
      return .json { CatalogJSON.write(environment, to: &$0) }
    }
  }

  /// The environments of the project that the path names, or of the selected ones.
  func environments(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let parameters = QueryParameters(call.items)
    let selected =
      call.names["project"] != nil
      ? [try call.project()]
      : try (try call.projects()).selected(by: parameters)
    // Sentry's list has no pages, so a page has as many as most organizations will ever have.
    let page = try Page(parameters, sizeMax: ProjectUse.environmentsMax)
    // No environment is ever hidden.
    let isHidden =
      try parameters.choice(
        "visibility", default: Visibility.visible, otherwise: "Invalid value for 'visibility'")
      == .hidden
    var list = EnvironmentList(
      of: organization.id, in: Set(selected.map(\.id)), limit: page.size + 1)
    list.offset = page.offset
    return { [list] () throws(StoreError) in
      let found = isHidden ? [] : try store.environments(list)
      let link = page.linkHeader(url: call.url, hasMore: found.count > page.size)
      return .list(found.prefix(page.size), headers: ["Link": link]) { json, environment in
        CatalogJSON.write(environment, to: &json)
      }
    }
  }

  /// The routes of the API that these actions answer.
  package var routes: [APIRoute] {
    [
      APIRoute("", .get(.sentrys(), currentToken)),
      APIRoute("organizations", .get(.sentrys(), organizations)),
      APIRoute("organizations/{organization}", .get(.sentrys(), organization)),
      APIRoute(
        "organizations/{organization}/projects", .get(Self.projectList, projects)),
      APIRoute(
        "organizations/{organization}/environments",
        .get(.sentrys(["project", "visibility"] + AcceptedNames.pages), environments)),
      APIRoute("projects", .get(Self.projectList, projects)),
      APIRoute("projects/{organization}/{project}", .get(.sentrys(), project)),
      APIRoute(
        "projects/{organization}/{project}/environments",
        .get(.sentrys(["visibility"] + AcceptedNames.pages), environments)),
      APIRoute(
        "projects/{organization}/{project}/environments/{environment}",
        .get(.sentrys(), environment)),
    ]
  }

  private enum Visibility: String, CaseIterable {
    case all, hidden, visible
  }
  /// The maximum number of projects of an organization's page, which has no pages of its own.
  private static let projectsMax = 1000

  private static let projectList = AcceptedNames.sentrys(["query"] + AcceptedNames.pages)
}

extension Response {
  /// Names the members that lack some of what there is, `Hale-Truncated: environments`.
  ///
  /// - Parameter projects: those that the answer has.
  fileprivate func naming(
    truncated uses: [ProjectID: ProjectUse], of projects: some Sequence<Project>,
    lacksProjects: Bool = false
  ) -> Response {
    let lacksEnvironments = projects.contains { uses[$0.id]?.hasMoreEnvironments == true }
    let names =
      (lacksProjects ? ["projects"] : []) + (lacksEnvironments ? ["environments"] : [])
    return names.isEmpty ? self : adding(["Hale-Truncated": names.joined(separator: ", ")])
  }
}
