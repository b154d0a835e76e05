internal import Access
internal import Bytes
internal import API
internal import ReleaseHealth
internal import Storage

/// Writes keys and tokens with the keys that Sentry's API has.
enum ManagementJSON {
  static func write(_ key: ProjectKey, _ call: APICall, to json: inout JSONWriter) {
    // Keys have no names in Hale; clients show one.
    let name = String(key.publicKey.prefix(8))
    json.object { json in
      json.member("id") { $0.value(key.publicKey) }
      json.member("name") { $0.value(name) }
      json.member("label") { $0.value(name) }
      json.member("public") { $0.value(key.publicKey) }
      json.member("projectId") { $0.value(key.project.rawValue) }
      json.member("isActive") { $0.value(key.revoked == nil) }
      json.member("rateLimit") { $0.null() }
      json.member("dsn") { json in
        json.object { json in json.member("public") { $0.value(dsn(of: key, call)) } }
      }
      json.member("dateCreated") { $0.value(RFC3339.format(key.created)) }
      json.member("dateRevoked") { $0.optional(key.revoked.map(RFC3339.format)) }
    }
  }

  /// - Parameter secret: the token itself; only when it is created.
  static func write(
    _ token: APIToken, secret: String? = nil, _ call: APICall, to json: inout JSONWriter
  ) {
    json.object { json in
      json.member("id") { $0.value(String(token.id)) }
      json.member("name") { $0.value(token.name) }
      json.member("scope") { $0.value(token.scope.rawValue) }
      json.member("scopes") { CatalogJSON.write(scopes: token.scope, to: &$0) }
      json.member("isActive") { $0.value(token.revoked == nil) }
      json.member("isCurrent") { $0.value(token.id == call.token.id) }
      json.member("dateCreated") { $0.value(RFC3339.format(token.created)) }
      json.member("dateRevoked") { $0.optional(token.revoked.map(RFC3339.format)) }
      // Only a hash of the token is kept, and its use is not recorded.
      for name in ["tokenLastCharacters", "dateLastUsed", "projectLastUsedId"] {
        json.member(name) { $0.null() }
      }
      if let secret { json.member("token") { $0.value(secret) } }
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
