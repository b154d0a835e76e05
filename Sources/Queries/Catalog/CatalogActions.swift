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
      return .json { CatalogJSON.write(organization, projects: projects, uses: uses, to: &$0) }
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
      let json = JSONWriter.array { json in
        for project in found.dropFirst(page.offset).prefix(page.size) {
          CatalogJSON.write(project, uses[project.id], of: organization, to: &json)
        }
      }
      let hasMore = found.count > page.offset && found.count - page.offset > page.size
      return .json(json, headers: ["Link": page.linkHeader(url: call.url, hasMore: hasMore)])
    }
  }

  func project(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let project = try call.project()
    return { () throws(StoreError) in
      let uses = try store.uses(of: organization.id)
      return .json { CatalogJSON.write(project, uses[project.id], of: organization, to: &$0) }
    }
  }

  func environment(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let project = try call.project()
    let name = Name(call.names["environment"] ?? "")
    return { () throws(StoreError) in
      let uses = try store.uses(of: organization.id)
      let all = CatalogJSON.environments(of: uses)
      let own = uses[project.id]?.named ?? []
      guard let place = all.firstIndex(where: { Name($0) == name }),
        own.contains(where: { Name($0) == name })
      else { return Response(.notFound) }
      return .json { CatalogJSON.write(environment: all[place], at: place, to: &$0) }
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
    // No environment is ever hidden.
    let isHidden =
      try parameters.choice(
        "visibility", default: Visibility.visible, otherwise: "Invalid value for 'visibility'")
      == .hidden
    return { () throws(StoreError) in
      let uses = try store.uses(of: organization.id)
      let all = CatalogJSON.environments(of: uses)
      let names = isHidden ? [] : Set(selected.flatMap { uses[$0.id]?.named ?? [] })
      return .json { CatalogJSON.write(environments: names, among: all, to: &$0) }
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
        .get(.sentrys(["project", "visibility"]), environments)),
      APIRoute("projects", .get(Self.projectList, projects)),
      APIRoute("projects/{organization}/{project}", .get(.sentrys(), project)),
      APIRoute(
        "projects/{organization}/{project}/environments",
        .get(.sentrys(["visibility"]), environments)),
      APIRoute(
        "projects/{organization}/{project}/environments/{environment}",
        .get(.sentrys(), environment)),
    ]
  }

  private enum Visibility: String, CaseIterable {
    case all, hidden, visible
  }

  private static let projectList = AcceptedNames.sentrys(["query"] + AcceptedNames.pages)
}
