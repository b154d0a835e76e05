internal import Bytes
package import API
package import Access
internal import HTTP
internal import ReleaseHealth
package import Storage

/// Creates, changes and revokes projects, DSN keys and tokens, with Sentry's paths and forms.
package struct ManagementActions: Sendable {
  private let store: any ReleaseStore
  private let catalog: CatalogCache
  private let random: @Sendable () -> UInt128

  package init(
    store: any ReleaseStore, catalog: CatalogCache, random: @escaping @Sendable () -> UInt128
  ) {
    self.store = store
    self.catalog = catalog
    self.random = random
  }

  // MARK: Projects

  /// The settings of a project in a body. A member that is not there changes nothing.
  private struct NewSettings: Decodable {
    private enum CodingKeys: CodingKey {
      case platform, bad
    }

    private var platform: String??
    private var bad: String??
    private let quotas: NewQuotas

    init(from decoder: any Decoder) throws {
      let members = try decoder.container(keyedBy: CodingKeys.self)
      func read(_ name: CodingKeys) throws -> String?? {
        members.contains(name) ? .some(try members.decodeIfPresent(String.self, forKey: name)) : nil
      }
      quotas = try NewQuotas(from: decoder)
      (platform, bad) = (try read(.platform), try read(.bad))
    }

    /// - Returns: the settings with what was given in place of theirs.
    func applied(to settings: ProjectSettings) throws(APIError) -> ProjectSettings {
      var settings = settings
      settings.quotas = try quotas.applied(to: settings.quotas)
      if let platform {
        settings.platform = platform
        if let platform, let reason = PlatformName.refusal(of: platform) {
          throw .invalid("platform", platform, accepted: reason)
        }
      }
      if let bad {
        settings.bad = bad.flatMap { BadStatuses(name: $0) }
        if let bad, settings.bad == nil, bad != "default" {
          throw .invalid("bad", bad, accepted: "Give \(BadStatuses.rule), or default.")
        }
      }
      return settings
    }
  }

  private struct NewProject: Decodable {
    var name: String?
    var slug: String?
  }

  /// The project gets a first key, as it does in Sentry.
  func createProject(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let body = try call.json(NewProject.self)
    guard let slug = body.slug ?? body.name.map(Slug.made) else {
      throw .badRequest("\"name\" or \"slug\" is required.")
    }
    guard Slug.isValid(slug) else {
      throw body.slug == nil
        ? .invalid(
          "name", body.name ?? "", accepted: "No slug can be made of it: give \"slug\", too.")
        : .invalid("slug", slug, accepted: "Give \(Slug.rule).")
    }
    let settings = try call.json(NewSettings.self).applied(to: ProjectSettings())
    return changing(call) { (catalog) throws(StoreError) in
      let project = try catalog.createProject(
        organization: organization.id, slug: slug, settings: settings, id: nil,
        publicKey: NewSecret.publicKey(random()), at: call.now)
      return .json(status: 201) { CatalogJSON.write(project, nil, of: organization, to: &$0) }
    }
  }

  func changeProject(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    var project = try call.project()
    let known = project.settings
    project.settings = try call.json(NewSettings.self).applied(to: known)
    return changing(call) { [project] (catalog) throws(StoreError) in
      try catalog.setProject(project.id, project.settings, known: known)
      let use = try store.uses(of: organization.id)[project.id]
      return .json { CatalogJSON.write(project, use, of: organization, to: &$0) }
    }
  }

  // MARK: Keys

  func keys(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let project = try call.project()
    let isListed = try isListed(call)
    return { () throws(StoreError) in
      let json = JSONWriter.array { json in
        for key in call.snapshot.catalog.keys
        where key.project == project.id && isListed(key.revoked) {
          ManagementJSON.write(key, call, to: &json)
        }
      }
      return .json(json)
    }
  }

  /// Keys have no names in Hale; Sentry's clients send one.
  private struct NewKey: Decodable {
    var name: String?
  }

  func createKey(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let project = try call.project()
    if !call.body.isEmpty { _ = try call.json(NewKey.self) }
    let key = ProjectKey(
      publicKey: NewSecret.publicKey(random()), project: project.id,
      created: call.now, revoked: nil)
    return changing(call) { (catalog) throws(StoreError) in
      try catalog.createKey(project: project.id, publicKey: key.publicKey, at: call.now)
      return .json(status: 201) { ManagementJSON.write(key, call, to: &$0) }
    }
  }

  /// The key that the path names.
  private func key(_ call: APICall) throws(APIError) -> ProjectKey {
    let project = try call.project()
    let name = call.names["key"]?.lowercased()
    let found = call.snapshot.catalog.keys.first {
      $0.publicKey == name && $0.project == project.id
    }
    guard let found else { throw .notFound }
    return found
  }

  func changeKey(_ call: APICall) throws(APIError) -> APIRoute.Work {
    var key = try key(call)
    let known = key.quotas
    key.quotas = try call.json(NewRateLimit.self).applied(to: known)
    key.quotas = try call.json(NewQuotas.self).applied(to: key.quotas)
    return changing(call) { [key] (catalog) throws(StoreError) in
      try catalog.setQuotas(key.quotas, ofKey: key.publicKey, known: known)
      return .json { ManagementJSON.write(key, call, to: &$0) }
    }
  }

  func revokeKey(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let key = try key(call)
    return changing(call) { (catalog) throws(StoreError) in
      try catalog.revokeKey(publicKey: key.publicKey, at: call.now)
      return Response(status: 204)
    }
  }

  // MARK: Tokens

  private struct NewToken: Decodable {
    var name: String?
    var scope: String?
  }

  func tokens(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let isListed = try isListed(call)
    return { () throws(StoreError) in
      let json = JSONWriter.array { json in
        for token in call.snapshot.catalog.tokens
        where token.organization == organization.id && isListed(token.revoked) {
          ManagementJSON.write(token, call, to: &json)
        }
      }
      return .json(json)
    }
  }

  /// Creates a token. Only this answer contains the token itself.
  func createToken(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let body = try call.json(NewToken.self)
    guard let name = body.name else { throw .badRequest("\"name\" is required.") }
    guard TokenName.isValid(name) else {
      throw .invalid("name", name, accepted: "Give \(TokenName.rule).")
    }
    guard let scope = TokenScope(rawValue: body.scope ?? TokenScope.read.rawValue) else {
      throw .invalid("scope", body.scope ?? "", accepted: "Give read or admin.")
    }
    let secret = NewSecret.token((random(), random()))
    return changing(call) { (catalog) throws(StoreError) in
      let token = try catalog.createToken(
        organization: organization.id, name: name, scope: scope,
        digest: TokenDigest.digest(secret), at: call.now)
      return .json(status: 201) { ManagementJSON.write(token, secret: secret, call, to: &$0) }
    }
  }

  func revokeToken(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let found = call.snapshot.catalog.tokens.first {
      String($0.id) == call.names["token"] && $0.organization == organization.id
    }
    guard let token = found else { throw .notFound }
    return changing(call) { (catalog) throws(StoreError) in
      try catalog.revokeToken(
        organization: organization.id, name: token.name, keepsAdmin: true, at: call.now)
      return Response(status: 204)
    }
  }

  // MARK: Shared parts

  /// Makes a change that all later requests see. A conflict with what is stored, such as a name
  /// that is taken or a key that is revoked already, is refused with 409.
  private func changing(
    _ call: APICall,
    _ body: @escaping @Sendable (any CatalogStore) throws(StoreError) -> Response
  ) -> APIRoute.Work {
    { () throws(StoreError) in
      do throws(StoreError) {
        return try catalog.change(body)
      } catch {
        guard error.isRefusal else { throw error }
        var sentence = error.sentence
        if case .lastAdminToken = error {
          sentence += ". Create another one first, or use `hale token revoke` on the server"
        }
        return .failure(409, sentence)
      }
    }
  }

  /// The filter of Sentry's `status` parameter. It takes the time of revocation, nil for none.
  private func isListed(
    _ call: APICall
  ) throws(APIError) -> @Sendable (_ revoked: Timestamp?) -> Bool {
    switch QueryParameters(call.items).one("status") {
    case nil: return { _ in true }
    case "active": return { $0 == nil }
    case "inactive": return { $0 != nil }
    case .some(let other):
      throw .invalid("status", other, accepted: "Give active or inactive.")
    }
  }

  /// The routes of the API that these actions answer.
  package var routes: [APIRoute] {
    [
      APIRoute(
        "organizations/{organization}/projects",
        .change(
          .post, .sentrys(["name", "slug", "platform", "bad"] + NewQuotas.names), createProject)),
      APIRoute(
        "projects/{organization}/{project}",
        .change(.put, .sentrys(["platform", "bad"] + NewQuotas.names), changeProject)),
      APIRoute(
        "projects/{organization}/{project}/keys", .get(.sentrys(["status"]), keys),
        .change(.post, .sentrys(["name"]), createKey)),
      APIRoute(
        "projects/{organization}/{project}/keys/{key}",
        .change(.put, .sentrys(["rateLimit"] + NewQuotas.names), changeKey),
        .change(.delete, .sentrys(), revokeKey)),
      APIRoute(
        "organizations/{organization}/org-auth-tokens", .get(.sentrys(["status"]), tokens),
        .change(.post, .sentrys(["name", "scope"]), createToken)),
      APIRoute(
        "organizations/{organization}/org-auth-tokens/{token}",
        .change(.delete, .sentrys(), revokeToken)),
    ]
  }
}

/// Writes keys and tokens with the keys that Sentry's API has.
private enum ManagementJSON {
  static func write(_ key: ProjectKey, _ call: APICall, to json: inout JSONWriter) {
    // Keys have no names in Hale; clients show one.
    let name = String(key.publicKey.prefix(8))
    json.object { json in
      json.member("id", key.publicKey)
      json.member("name", name)
      json.member("label", name)
      json.member("public", key.publicKey)
      json.member("projectId", key.project.rawValue)
      json.member("isActive", key.revoked == nil)
      NewRateLimit.write(key.quotas, to: &json)
      NewQuotas.write(key.quotas, to: &json)
      json.object("dsn") { json in json.member("public", dsn(of: key, call)) }
      json.member("dateCreated", key.created)
      json.member("dateRevoked", key.revoked)
    }
  }

  /// - Parameter secret: the token itself; only when it is created.
  static func write(
    _ token: APIToken, secret: String? = nil, _ call: APICall, to json: inout JSONWriter
  ) {
    json.object { json in
      json.member("id", String(token.id))
      json.member("name", token.name)
      json.member("scope", token.scope.rawValue)
      json.member("scopes") { CatalogJSON.write(scopes: token.scope, to: &$0) }
      json.member("isActive", token.revoked == nil)
      json.member("isCurrent", token.id == call.token.id)
      json.member("dateCreated", token.created)
      json.member("dateRevoked", token.revoked)
      // Only a hash of the token is kept, and its use is not recorded.
      for name in ["tokenLastCharacters", "dateLastUsed", "projectLastUsedId"] {
        json.member(name) { $0.null() }
      }
      if let secret { json.member("token", secret) }
    }
  }

  /// The DSN with the service's address: the configured one, that of the request, or the last one
  /// known.
  private static func dsn(of key: ProjectKey, _ call: APICall) -> String {
    let address =
      call.origin.map { $0 + call.address.pathPrefix }
      ?? call.snapshot.catalog.publicURL ?? ""
    guard let url = URLParts(address) else { return "" }
    return "\(url.scheme)://\(key.publicKey)@\(url.authority)\(url.path)/\(key.project.rawValue)"
  }
}
