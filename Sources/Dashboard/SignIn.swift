internal import Metrics
internal import Storage
internal import Bytes
package import API
package import Access
package import HTTP

/// Signs browsers in and out: `POST /sign-in/` sets a cookie with a token, which no script can read
/// and no other site can use, and `POST /sign-out/` removes it. Without the cookie every view
/// redirects to the form.
package struct SignIn {
  private let catalog: CatalogCache
  private let address: APIAddress
  private let failures: AuthenticationFailures

  package init(
    _ catalog: CatalogCache, address: APIAddress, failures: AuthenticationFailures
  ) {
    self.catalog = catalog
    self.address = address
    self.failures = failures
  }

  /// Whether the browser's cookie has a valid token.
  package func isDone(_ head: RequestHead) -> Bool {
    (try? APICredentials.token(
      of: head, catalog.snapshot, for: .read, publicOrigin: address.publicOrigin, failures)) != nil
  }

  /// Redirects to the form, which leads back to the requested view.
  package func redirection(_ head: RequestHead) -> Response {
    let prefix = address.pathPrefix + "/"
    var next =
      head.path.hasPrefix(prefix) ? head.path.dropFirst(prefix.count) : head.path.dropFirst()
    if let query = head.query { next += "?" + query }
    let form = prefix + "sign-in/" + (next.isEmpty ? "" : "?next=" + percentEncoded(String(next)))
    return Response(status: 303, headers: ["Location": form, "Cache-Control": "no-store"])
  }

  /// Signs in. The body is a form with the field `token`.
  package func begin(_ head: RequestHead) -> RequestDisposition {
    guard isFromOwnPage(head) else { return .respond(Self.foreign) }
    return .read(APIBodyReader(of: nil) { body in .respond(enter(head, body)) })
  }

  package func end(_ head: RequestHead) -> Response {
    guard isFromOwnPage(head) else { return Self.foreign }
    return Response(status: 204, headers: ["Set-Cookie": cookie("", head, seconds: 0)])
  }

  private func enter(_ head: RequestHead, _ body: [UInt8]) -> Response {
    let fields = QueryParameters(queryItems(String(decoding: body, as: UTF8.self)))
    let text = (fields.one("token") ?? "").filter { !$0.isWhitespace }
    if text.isEmpty { return .failure(400, "The form has no token.") }
    guard catalog.snapshot.token(text) != nil else {
      return Response(
        failures.note(
          .signIn, from: head.peer,
          "The token is invalid. `hale token create NAME` creates one and shows it once."))
    }
    return Response(
      status: 204,
      headers: ["Set-Cookie": cookie(percentEncoded(text), head, seconds: Self.keptSeconds)])
  }

  /// The lifetime of the cookie: a daily user signs in rarely. A revoked token is invalid at once.
  private static let keptSeconds = 90 * 86_400

  private func cookie(_ value: String, _ head: RequestHead, seconds: Int) -> String {
    let isSecure =
      address.publicOrigin?.hasPrefix("https:") == true || head.cameByTLS
    return "\(APICredentials.cookieName)=\(value); Path=\(address.pathPrefix)/; "
      + "Max-Age=\(seconds); HttpOnly; SameSite=Strict" + (isSecure ? "; Secure" : "")
  }

  /// The answer to other sites, which must not sign anybody in or out.
  private func isFromOwnPage(_ head: RequestHead) -> Bool {
    APICredentials.isSameOrigin(head, address.publicOrigin)
  }

  private static let foreign = Response.failure(
    403, "Sign-in and sign-out must come from a page of the same origin.")
}
