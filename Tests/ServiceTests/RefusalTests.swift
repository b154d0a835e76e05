import Compression
import HTTP
import SQLiteStorage
import Storage
import TestSupport
import Testing

@testable import API
@testable import Service

/// What is refused: early, by whom it may concern, and without a word about the inside.
@Suite struct RefusalTests {
  // MARK: Wrong tokens

  @Test func wrongTokensAreSlowedDownAndRightOnesAreNot() throws {
    let fixture = try ServiceFixture()
    fixture.peer = PeerAddress("192.0.2.7")
    let page: Headers = ["Sec-Fetch-Site": "same-origin"]
    func signIn(_ token: String) -> Response {
      fixture.send(.post, "/sign-in/", headers: page, body: [Array("token=\(token)".utf8)])
    }
    func query(_ headers: Headers) -> Response {
      fixture.send(.get, "/api/0/organizations/", headers: headers)
    }
    for _ in 0..<4 { #expect(signIn("wrong").status == 401) }
    for _ in 0..<3 { #expect(query(["Authorization": "Bearer wrong"]).status == 401) }
    for _ in 0..<3 { #expect(query(["Cookie": "hale_token=wrong"]).status == 401) }
    for refused in [
      signIn("wrong"), query(["Authorization": "Bearer wrong"]),
      query(["Cookie": "hale_token=wrong"]),
    ] {
      #expect(refused.status == 429)
      #expect((1...60).contains(refused.headers["Retry-After"].flatMap { Int($0) } ?? 0))
      #expect(refused.headers["WWW-Authenticate"] == "Bearer")
      #expect(String(decoding: refused.body, as: UTF8.self).contains("try again in"))
    }
    // Another client has the same address, and the right token.
    #expect(signIn(ServiceFixture.token).status == 204)
    #expect(query(["Authorization": "Bearer \(ServiceFixture.token)"]).status == 200)
    #expect(query(["Cookie": "hale_token=\(ServiceFixture.token)"]).status == 200)
    // No token, and a token of too narrow a scope, are no guesses; views lead to the form.
    #expect(query([:]).status == 401)
    #expect(
      fixture.change(
        .post, "/api/0/organizations/default/projects/", "{}",
        token: ServiceFixture.token
      ).status == 403)
    #expect(fixture.send(.get, "/", headers: ["Cookie": "hale_token=wrong"]).status == 303)
    fixture.peer = PeerAddress("192.0.2.8")
    #expect(signIn("wrong").status == 401)

    let text = String(
      decoding: fixture.send(.get, "/metrics", headers: [:]).body, as: UTF8.self)
    #expect(text.contains(#"hale_authentication_failures_total{kind="sign_in"} 6"#))
    #expect(text.contains(#"hale_authentication_failures_total{kind="bearer"} 4"#))
    #expect(text.contains(#"hale_authentication_failures_total{kind="cookie"} 5"#))
  }

  // MARK: Before the body

  /// A token of one organization does not make the service read a body for another one's path.
  @Test func whatAPathNamesIsCheckedBeforeABodyIsRead() throws {
    let fixture = try ServiceFixture { store in
      _ = try store.createOrganization(slug: "other", at: ServiceFixture.now)
    }
    var number: UInt64 = 1 << 32
    func answerToTheHead(
      _ route: APIRoute, _ action: APIRoute.Action, organization: String, project: String = "x",
      token: String
    ) -> Int? {
      let path = route.name.replacing("{organization}", with: organization)
        .replacing("{project}", with: project).replacing("{", with: "").replacing("}", with: "")
      let head = RequestHead(
        method: action.method, path: path, headers: ["Authorization": "Bearer \(token)"])
      number += 1
      let disposition = fixture.service.begin(head, exchange: ExchangeID(rawValue: number))
      guard case .respond(let response) = disposition else { return nil }
      return response.status
    }
    var count = 0
    for route in fixture.dependencies.routes where route.name.contains("{organization}") {
      for action in route.actions where action.method != .get {
        count += 1
        let admin = ServiceFixture.adminToken
        #expect(
          answerToTheHead(route, action, organization: "other", token: admin) == 403,
          "\(action.method.name) \(route.name)")
        #expect(answerToTheHead(route, action, organization: "nobody", token: admin) == 404)
        #expect(answerToTheHead(route, action, organization: "default", token: "wrong") == 401)
        if route.name.contains("{project}") {
          #expect(answerToTheHead(route, action, organization: "default", token: admin) == 404)
        }
        if action.scope == .admin {
          let reader = ServiceFixture.token
          #expect(
            answerToTheHead(
              route, action, organization: "default", project: "shop", token: reader) == 403)
        }
      }
    }
    #expect(count > 10)
  }

  // MARK: Nothing about the inside

  @Test(arguments: [
    StoreError.full(operation: "/var/lib/hale.db: INSERT INTO session", reason: "full (SQLite 13)"),
    .unavailable(operation: "/var/lib/hale.db: COMMIT", reason: "disk I/O error (SQLite 10)"),
    .corrupt(operation: "/var/lib/hale.db: SELECT x", reason: "malformed (SQLite 11)"),
    .newerSchema(path: "/var/lib/hale.db", version: 99, known: 8),
  ])
  func errorsNameNoPathAndNoSQL(error: StoreError) throws {
    let lines = LogLines()
    let fixture = try ServiceFixture(log: lines.logger)
    fixture.store.fail(with: error)
    let session =
      #"{"sid":"\#(String(repeating: "b", count: 32))","started":"2026-01-01T11:59:00Z","#
      + #""status":"ok","init":true,"attrs":{"release":"a@1"}}"#
    let answers = [
      fixture.send("{}\n{\"type\":\"session\"}\n\(session)\n"),
      fixture.send(.get, "/readyz", headers: [:]), fixture.send(.get, "/readyz", headers: [:]),
    ]
    for answer in answers {
      let text = String(decoding: answer.body, as: UTF8.self)
      #expect(answer.status == 503)
      for secret in ["/var", "hale.db", "SQL", "SELECT", "INSERT", "COMMIT", "99"] {
        #expect(!text.contains(secret), "\(text)")
      }
      #expect(text.contains(error.publicSentence))
    }
    // The log has the whole, once.
    #expect(
      lines.all.filter { $0.contains("not ready") } == ["error not ready reason=\(error.sentence)"])
  }

  // MARK: The document

  @Test func theDocumentIsPacked() throws {
    let fixture = try ServiceFixture()
    let path = "/api/0/openapi.json"
    let plain = fixture.send(.get, path, headers: [:])
    #expect(plain.status == 200 && plain.headers["Content-Encoding"] == nil)
    let packed = fixture.send(.get, path, headers: ["Accept-Encoding": "gzip, br"])
    #expect(packed.headers["Content-Encoding"] == "gzip")
    #expect(packed.body == gzip(plain.body) && packed.body.count * 4 < plain.body.count)
    for answer in [plain, packed] {
      #expect(answer.headers["Vary"] == "Accept-Encoding")
      #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
      #expect(answer.headers.all("Cross-Origin-Resource-Policy") == ["cross-origin"])
    }
    let tag = try #require(plain.headers["ETag"])
    #expect(fixture.send(.get, path, headers: ["If-None-Match": tag]).status == 304)
    // All answers have the same bytes, not copies of them.
    let again = fixture.send(.get, path, headers: ["Accept-Encoding": "gzip"])
    #expect(Self.address(of: packed.body) == Self.address(of: again.body))
  }

  private static func address(of bytes: [UInt8]) -> UInt {
    // It is compared, and nothing is read there.
    unsafe bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
  }
}
