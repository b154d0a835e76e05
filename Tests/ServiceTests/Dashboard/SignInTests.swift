import HTTP
import TestSupport
import Testing

@testable import Service

@Suite struct SignInTests {
  private static let page: Headers = ["Sec-Fetch-Site": "same-origin"]
  private static let organization = "/api/0/organizations/default/"

  private func signIn(
    _ fixture: ServiceFixture, _ body: String, headers: Headers = page
  ) -> Response {
    fixture.send(.post, "/sign-in/", headers: headers, body: [Array(body.utf8)])
  }

  private func query(_ fixture: ServiceFixture, _ headers: Headers) -> Int {
    fixture.send(.get, Self.organization, headers: headers).status
  }

  @Test func aValidTokenIsSetAsACookieForTheAPI() throws {
    let fixture = try ServiceFixture()
    let answer = signIn(fixture, "token=\(ServiceFixture.token)")
    #expect(answer.status == 204)
    #expect(
      answer.headers["Set-Cookie"]
        == "hale_token=a-token; Path=/; Max-Age=7776000; HttpOnly; SameSite=Strict")
    #expect(query(fixture, ["Cookie": "other=1; hale_token=a-token"]) == 200)
    #expect(query(fixture, ["Cookie": "hale_token=wrong"]) == 401)
    // A bearer token takes precedence; the credentials of a proxy's scheme do not.
    for (field, status) in [("Bearer x", 401), ("Bearer", 401), ("Basic eDp5", 200)] {
      #expect(
        query(fixture, ["Authorization": field, "Cookie": "hale_token=a-token"]) == status)
    }
  }

  /// Views without a token redirect to the form, which leads back to the requested view.
  @Test(arguments: [
    ("/", "/sign-in/"), ("/?statsPeriod=7d", "/sign-in/?next=%3FstatsPeriod%3D7d"),
    ("/releases/shop%401/", "/sign-in/?next=releases%2Fshop%25401%2F"),
  ])
  func viewsLeadToTheForm(path: String, form: String) throws {
    for prefix in ["", "/tools/hale"] {
      let fixture = try ServiceFixture(pathPrefix: prefix)
      let answer = fixture.send(.get, prefix + path, headers: [:])
      #expect(answer.status == 303 && answer.headers["Location"] == prefix + form)
      #expect(answer.headers["Cache-Control"] == "no-store")
      #expect(fixture.send(.get, prefix + form, headers: [:]).status == 200)
    }
  }

  @Test func unknownAndEmptyTokensAreRejected() throws {
    let fixture = try ServiceFixture()
    #expect(signIn(fixture, "token=nobody").status == 401)
    #expect(signIn(fixture, "token=").status == 400)
    #expect(signIn(fixture, "token=nobody").headers["Set-Cookie"] == nil)
  }

  /// Another site must not sign in, sign out or change anything with the visitor's cookie.
  @Test(
    arguments: [
      [:], ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"],
      ["Origin": "https://evil.example", "Host": "hale.example"],
    ] as [Headers])
  func otherSitesAreRefused(headers: Headers) throws {
    let fixture = try ServiceFixture()
    #expect(signIn(fixture, "token=\(ServiceFixture.token)", headers: headers).status == 403)
    #expect(fixture.send(.post, "/sign-out/", headers: headers).status == 403)
    var headers = headers
    headers.add("Cookie", "hale_token=\(ServiceFixture.adminToken)")
    let body = Array(#"{"version": "shop@9", "projects": ["shop"]}"#.utf8)
    let target = Self.organization + "releases/"
    #expect(fixture.send(.post, target, headers: headers, body: [body]).status == 403)
  }

  @Test func theOwnPageMayChange() throws {
    let fixture = try ServiceFixture()
    let body = Array(#"{"version": "shop@9", "projects": ["shop"]}"#.utf8)
    let target = Self.organization + "releases/"
    for (index, own) in [Self.page, ["Origin": "https://hale.example", "Host": "hale.example"]]
      .enumerated()
    {
      var headers = own
      headers.add("Cookie", "hale_token=\(ServiceFixture.adminToken)")
      let answer = fixture.send(.post, target, headers: headers, body: [body])
      #expect(answer.status == (index == 0 ? 201 : 208))
    }
  }

  @Test func behindTLSTheCookieIsSecure() throws {
    let fixture = try ServiceFixture(pathPrefix: "/hale")
    var headers = Self.page
    headers.add("X-Forwarded-Proto", "https")
    let cookie = signIn(fixture, "token=a-token", headers: headers).headers["Set-Cookie"] ?? ""
    #expect(cookie.hasSuffix("; Secure") && cookie.contains("; Path=/hale/;"))
    let end = fixture.send(.post, "/hale/sign-out/", headers: headers)
    #expect(end.status == 204)
    #expect(end.headers["Set-Cookie"]?.hasPrefix("hale_token=; Path=/hale/; Max-Age=0;") == true)
  }
}
