internal import Bytes
package import Access
package import HTTP
internal import Metrics
package import Storage

/// Finds the token of a request: a bearer token, or the cookie in which a browser keeps one.
package enum APICredentials {
  package static let cookieName = "hale_token"

  /// Answers the request's token; throws 401 if it is missing or invalid, 403 if its scope is too
  /// narrow, and 429 if too many were invalid.
  package static func token(
    of head: RequestHead, _ snapshot: CatalogSnapshot, for scope: TokenScope,
    publicOrigin: String?, _ failures: AuthenticationFailures
  ) throws(APIError) -> APIToken {
    let (text, kind): (String, Metrics.Credentials)
    let parts = head.headers["Authorization"]?.split(separator: " ") ?? []
    // Other schemes are those of a proxy in front.
    if parts.first?.lowercased() == "bearer" {
      guard parts.count == 2 else { throw .missingToken }
      (text, kind) = (String(parts[1]), .bearer)
    } else if let cookie = cookie(of: head) {
      // Browsers add cookies to requests of any page: a change has to come from Hale's own page.
      guard head.method.isReading || isSameOrigin(head, publicOrigin) else {
        throw APIError(
          status: 403, detail: "A change by cookie has to come from a page of the same origin.")
      }
      (text, kind) = (cookie, .cookie)
    } else {
      throw .missingToken
    }
    guard let token = snapshot.token(text) else {
      throw failures.note(kind, from: head.peer, "Invalid token")
    }
    guard scope == .read || token.scope == .admin else { throw .forbidden }
    return token
  }

  private static func cookie(of head: RequestHead) -> String? {
    for pair in head.headers.all("Cookie").flatMap({ $0.split(separator: ";") }) {
      let parts = pair.split(separator: "=", maxSplits: 1)
      let name = parts.first?.filter { $0 != " " }
      if name == cookieName, parts.count == 2 {
        return percentDecoded(String(parts[1]), plusIsSpace: false)
      }
    }
    return nil
  }

  /// Whether the request comes from a page of this service. Current browsers send
  /// `Sec-Fetch-Site`, which no page can set; older ones send `Origin`.
  package static func isSameOrigin(_ head: RequestHead, _ publicOrigin: String?) -> Bool {
    if let site = head.headers["Sec-Fetch-Site"] { return site == "same-origin" }
    guard let origin = head.headers["Origin"] else { return false }
    if origin == publicOrigin { return true }
    guard let host = head.headers["Host"] else { return false }
    return origin == "http://\(host)" || origin == "https://\(host)"
  }
}

extension Method {
  package var isReading: Bool { self == .get || self == .head }
}
