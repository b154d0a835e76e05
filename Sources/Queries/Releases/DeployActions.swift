package import Bytes
package import API
internal import HTTP
internal import ReleaseHealth
package import Storage

/// The deploys of a release.
package struct DeployActions: Sendable {
  private let store: any ReleaseStore

  package init(store: any ReleaseStore) {
    self.store = store
  }

  /// Lists the last deploy of each project and environment, as Sentry does.
  func list(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    // The slug of a project has a name of its own here.
    let parameters = QueryParameters(
      call.items.map { ($0.name == "projectSlug" ? "project" : $0.name, $0.value) })
    let projects = Set(try call.projects().selected(by: parameters).map(\.id))
    let page = try Page(parameters, sizeMax: 100)
    return { () throws(StoreError) in
      guard let release = try release(call.version, of: organization, withDeploys: true) else {
        return Response(.notFound)
      }
      let deploys = release.deploys.current(of: projects).sorted {
        ($0.finished, $0.id) > ($1.finished, $1.id)
      }
      let json = JSONWriter.array { json in
        for deploy in deploys.dropFirst(page.offset).prefix(page.size) { deploy.write(to: &json) }
      }
      let hasMore = deploys.count > page.offset + page.size
      return .json(json, headers: ["Link": page.linkHeader(url: call.url, hasMore: hasMore)])
    }
  }

  func create(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let known = try call.projects()
    let request = try DeployRequest(call)
    return { () throws(StoreError) in
      guard let release = try release(call.version, of: organization) else {
        return Response(.notFound)
      }
      if !request.errors.isEmpty { return request.errors.response }
      let own = known.filter { release.projects.contains($0.id) }
      if let error = request.refusal(of: release.version, own) { return Response(error) }
      let deploy = try store.addDeploy(
        request.deploy(of: own), ofRelease: release.version, of: organization.id)
      guard let deploy else { return Response(.notFound) }
      return .json(status: 201) { deploy.write(to: &$0) }
    }
  }

  private func release(
    _ version: String, of organization: Organization, withDeploys: Bool = false
  ) throws(StoreError) -> ReleaseRecord? {
    try store.release(version, of: organization.id, withDeploys: withDeploys)
  }

  /// The routes of the API that these actions answer.
  package var routes: [APIRoute] {
    [
      APIRoute(
        "organizations/{organization}/releases/{version}/deploys",
        .get(.sentrys(["project", "projectSlug"] + AcceptedNames.pages), list),
        .change(.post, .sentrys(DeployRequest.names), create))
    ]
  }
}

extension Deploy: JSONWritable {
  package func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("id", String(id))
      json.member("environment", environment)
      json.member("dateStarted", started)
      json.member("dateFinished", finished)
      json.member("name", name)
      json.member("url", url)
    }
  }
}
