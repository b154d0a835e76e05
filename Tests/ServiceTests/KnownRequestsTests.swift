import Access
import HTTP
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Ingest
@testable import Service

/// What is remembered of requests must never be seen in an answer.
@Suite struct KnownRequestsTests {
  private static let otherKey = String(repeating: "b", count: 32)

  private func post(_ fixture: ServiceFixture, _ target: String, key: String) -> Int {
    fixture.send(
      .post, target, headers: ["X-Sentry-Auth": "Sentry sentry_key=\(key)"],
      body: [Array(("{}\n" + IngestEndpointTests.session(1)).utf8)]
    ).status
  }

  @Test func aKeyThatIsRevokedIsRefused() throws {
    let fixture = try ServiceFixture()
    for _ in 1...2 {
      #expect(post(fixture, "/api/1/envelope/", key: ServiceFixture.key) == 200)
    }
    try fixture.change { catalog throws(StoreError) in
      try catalog.revokeKey(publicKey: ServiceFixture.key, at: ServiceFixture.now)
    }
    for _ in 1...2 {
      #expect(post(fixture, "/api/1/envelope/", key: ServiceFixture.key) == 403)
    }
  }

  @Test func aProjectThatIsCreatedIsTaken() throws {
    let fixture = try ServiceFixture()
    #expect(post(fixture, "/api/2/envelope/", key: Self.otherKey) == 403)
    #expect(post(fixture, "/api/1/envelope/", key: ServiceFixture.key) == 200)
    try fixture.change { catalog throws(StoreError) in
      _ = try catalog.createProject(
        organization: OrganizationID(rawValue: 1), slug: "till", settings: ProjectSettings(),
        id: nil,
        publicKey: Self.otherKey, at: ServiceFixture.now)
    }
    for _ in 1...2 {
      #expect(post(fixture, "/api/2/envelope/", key: Self.otherKey) == 200)
      #expect(post(fixture, "/api/1/envelope/", key: ServiceFixture.key) == 200)
      #expect(post(fixture, "/api/1/envelope/", key: Self.otherKey) == 403)
      #expect(post(fixture, "/api/2/envelope/", key: ServiceFixture.key) == 403)
    }
  }

  /// What else a request says about itself still counts.
  @Test func onlyWhatIsTheSameIsKnown() throws {
    let fixture = try ServiceFixture()
    let key = ServiceFixture.key
    #expect(post(fixture, "/api/1/envelope/", key: key) == 200)
    let known: Headers = ["X-Sentry-Auth": "Sentry sentry_key=\(key)"]
    let body = [Array("{}".utf8)]
    for (method, target, headers, status) in [
      (HTTP.Method.post, "/api/1/envelope/", known, 200),
      (.get, "/api/1/envelope/", known, 405),
      (.post, "/api/1/envelope/", known.adding("X-Sentry-Auth", "Sentry sentry_key=\(key)"), 401),
      (.post, "/api/1/envelope/", known.adding("Authorization", "Sentry sentry_key=\(key)"), 401),
      (.post, "/api/1/envelope/", known.adding("Content-Encoding", "rot13"), 415),
      (.post, "/api/1/envelope/", [:], 401),
      (.post, "/api/1/envelope/?sentry_key=\(key)", known, 401),
      (.post, "/api/1/envelope/?sentry_key=\(key)", [:], 200),
      (.post, "/api/1/envelope/?sentry_key=\(key)", [:], 200),
      (.post, "/api/3/envelope/", known, 403),
      (.post, "/api/1/unknown/", known, 404),
    ] {
      #expect(fixture.send(method, target, headers: headers, body: body).status == status)
    }
    let control = fixture.send(headers: known, body: body, isControl: true)
    #expect(control.status == 404)
  }

  @Test func littleIsRemembered() throws {
    let access = try IngestAccess(
      publicKey: ServiceFixture.key, project: nil, snapshot: Self.snapshot)
    let known = KnownRequests()
    let snapshot = Self.snapshot
    func head(_ client: String) -> RequestHead {
      RequestHead(
        method: .post, path: "/api/1/envelope/",
        headers: [
          "X-Sentry-Auth": "Sentry sentry_key=\(ServiceFixture.key), sentry_client=\(client)"
        ])
    }
    for number in 1...3000 {
      let entry = KnownRequests.Entry(
        kind: .envelope, project: ProjectID(rawValue: Int64(number)), access: access)
      known.remember(head("sdk/\(number)"), entry, snapshot)
      #expect(
        known.find(head("sdk/\(number)"), snapshot)?.project?.rawValue == Int64(number))
    }
    #expect(known.slots.count == KnownRequests.slotCount)
    // Those that are still there are told apart.
    let left = (1...3000).filter { number in
      let found = known.find(head("sdk/\(number)"), snapshot)
      #expect(found == nil || found?.project?.rawValue == Int64(number))
      return found != nil
    }
    #expect(left.count > KnownRequests.slotCount / 2 && left.count <= KnownRequests.slotCount)

    let entry = KnownRequests.Entry(kind: .envelope, project: nil, access: access)
    let long = head(String(repeating: "x", count: KnownRequests.keyBytesMax))
    known.remember(long, entry, snapshot)
    #expect(known.find(long, snapshot) == nil)

    #expect(known.find(head("sdk/3000"), Self.snapshot) == nil, "another catalog")
  }

  /// A new one each time, as after every change.
  private static var snapshot: CatalogSnapshot {
    CatalogSnapshot(
      Catalog(
        version: 1, organizations: [], projects: [],
        keys: [
          ProjectKey(
            publicKey: ServiceFixture.key, project: ProjectID(rawValue: 1),
            created: ServiceFixture.now, revoked: nil)
        ],
        tokens: [], userHashKey: [1], publicURL: nil))
  }
}

extension Headers {
  fileprivate func adding(_ name: String, _ value: String) -> Headers {
    var headers = self
    headers.add(name, value)
    return headers
  }
}
