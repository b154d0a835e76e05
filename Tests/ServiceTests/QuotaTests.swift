import Access
import HTTP
import Locks
import ReleaseHealth
import SQLiteStorage
import Storage
import TestSupport
import Testing

@testable import Metrics
@testable import Service

/// Quotas as SDKs and the API see them.
@Suite struct QuotaTests {
  private static let second = String(repeating: "b", count: 32)
  private static let outcomes =
    "/api/0/organizations/default/outcomes/?start=2026-01-01T12:00&end=2026-01-01T13:00"

  /// A service whose clock can be set, with a second key.
  private struct World {
    private final class Time: Sendable {
      let now = Locked(ServiceFixture.now)
    }

    private let time = Time()
    let fixture: ServiceFixture

    init() throws {
      let clock = WallClock { [time] in time.now.withLock { $0 } }
      fixture = try ServiceFixture(clock: clock) { store in
        try store.createKey(
          project: ProjectID(rawValue: 1), publicKey: QuotaTests.second, at: ServiceFixture.now)
      }
    }

    func set(milliseconds: Int64) {
      time.now.withLock { $0 = ServiceFixture.now.advanced(byMilliseconds: milliseconds) }
    }

    func limit(_ path: String, _ body: String) {
      let answer = fixture.change(.put, "/api/0/projects/default/shop/\(path)", body)
      #expect(answer.status == 200, "\(answer.text)")
    }

    /// The request of an SDK, in each of the forms that carry a key.
    func send(_ form: Form = .header, key: String = ServiceFixture.key) -> Response {
      let session = IngestEndpointTests.session(1)
      switch form {
      case .header:
        return fixture.send(
          headers: ["X-Sentry-Auth": "Sentry sentry_key=\(key)"],
          body: [Array(("{}\n" + session).utf8)])
      case .query:
        return fixture.send(
          .post, "/api/1/envelope/?sentry_key=\(key)", headers: [:],
          body: [Array(("{}\n" + session).utf8)])
      case .body:
        let header = #"{"dsn":"https://\#(key)@hale.example.com/1"}"#
        return fixture.send(headers: [:], body: [Array((header + "\n" + session).utf8)])
      case .store:
        return fixture.send(
          .post, "/api/1/store/", headers: ["X-Sentry-Auth": "Sentry sentry_key=\(key)"],
          body: [Array("{}".utf8)])
      case .pixel:
        return fixture.send(
          .get, "/api/1/store/?sentry_key=\(key)&sentry_data=%7B%7D", headers: [:])
      }
    }
  }

  enum Form: CaseIterable, Sendable {
    case header, query, body, store, pixel
  }

  /// Every form of a request counts and is refused, also one that equals an earlier request.
  @Test(arguments: Form.allCases)
  func requestsBeyondAQuotaAreAnsweredAsSentryDoes(_ form: Form) throws {
    let world = try World()
    world.limit("", #"{"requestsPerMinute": 2}"#)
    world.set(milliseconds: 22_500)
    for _ in 1...2 { #expect(world.send(form).status == 200) }
    for _ in 1...2 {
      let refused = world.send(form)
      #expect(refused.status == 429)
      #expect(refused.headers["Retry-After"] == "38")
      #expect(
        refused.headers["X-Sentry-Rate-Limits"] == "38:session:project:requests_per_minute")
      #expect(refused.headers["Access-Control-Allow-Origin"] == "*")
      #expect(
        refused.headers["Access-Control-Expose-Headers"]?.contains("X-Sentry-Rate-Limits") == true)
      #expect(
        String(decoding: refused.body, as: UTF8.self).contains("quota of requests per minute"))
    }
    world.set(milliseconds: 59_999)
    #expect(world.send(form).headers["Retry-After"] == "1")
    world.set(milliseconds: 60_000)
    #expect(world.send(form).status == 200)
    let metrics = world.fixture.metrics.current
    #expect(metrics.refusals == [429: 3])
    #expect(metrics.requestsBeyondQuota == [ProjectID(rawValue: 1): 3])
  }

  @Test func bothQuotasOfRequestsHold() throws {
    let world = try World()
    world.limit("", #"{"requestsPerMinute": 5}"#)
    world.limit("keys/\(ServiceFixture.key)/", #"{"rateLimit": {"window": 60, "count": 2}}"#)
    for _ in 1...2 { #expect(world.send().status == 200) }
    #expect(
      world.send().headers["X-Sentry-Rate-Limits"] == "60:session:key:requests_per_minute")
    // What the key was refused took nothing from the project.
    for _ in 1...3 { #expect(world.send(key: Self.second).status == 200) }
    #expect(
      world.send(key: Self.second).headers["X-Sentry-Rate-Limits"]
        == "60:session:project:requests_per_minute")
    world.limit("", #"{"requestsPerMinute": null}"#)
    #expect(world.send(key: Self.second).status == 200)
  }

  /// Beyond a quota of sessions an envelope is still 200.
  @Test func newSessionsBeyondAQuotaAreAnOutcome() throws {
    let world = try World()
    let fixture = world.fixture
    world.limit("", #"{"sessionsPerMinute": 3}"#)
    let sent = "{}\n" + (1...5).map { IngestEndpointTests.session($0) }.joined()
    #expect(fixture.send(sent).status == 200)
    let crashes =
      "{}\n" + (1...5).map { IngestEndpointTests.session($0, status: "crashed") }.joined()
    let answer = fixture.send(crashes)
    #expect(answer.status == 200 && answer.headers["X-Sentry-Rate-Limits"] == nil)
    #expect(fixture.ask(IngestEndpointTests.totals).text.contains(#""sum(session)":3"#))
    let outcomes = fixture.ask(Self.outcomes).text
    #expect(outcomes.contains(#""outcome":"rejected","reason":"quota","quantity":4"#))
    #expect(outcomes.contains(#""received":10,"accepted":6,"rejected":4"#))
    let explained = fixture.ask(
      "/api/0/organizations/default/sessions/explain/?bucket=2026-01-01T12:00:00Z"
    ).text
    #expect(explained.contains(#""quota":4"#))
    let quota = OutcomeKey(project: ProjectID(rawValue: 1), outcome: .rejected(.quota))
    #expect(fixture.metrics.current.outcomes[quota] == 4)
  }

  @Test(arguments: [
    ("", #"{"sessionsPerDay": -1}"#, "sessionsPerDay"),
    ("", #"{"sessionsPerDay": "many"}"#, "sessionsPerDay"),
    ("", #"{"sessionPerDay": 1}"#, "sessionsPerDay"),
    ("keys/\(ServiceFixture.key)/", #"{"rateLimit": {"window": 30, "count": 5}}"#, "Give 60"),
    ("keys/\(ServiceFixture.key)/", #"{"rateLimit": {"count": 5}}"#, "Give 60"),
    ("keys/\(ServiceFixture.key)/", #"{"rateLimit": {"window": 60, "count": -5}}"#, "count"),
    ("keys/\(ServiceFixture.key)/", #"{"rateLimit": 5}"#, "rateLimit"),
    ("keys/\(ServiceFixture.key)/", #"{"requestsPerMinute": -5}"#, "requestsPerMinute"),
  ])
  func wrongInputNamesTheMember(_ path: String, _ body: String, _ named: String) throws {
    let answer = try World().fixture.change(.put, "/api/0/projects/default/shop/\(path)", body)
    #expect(answer.status == 400 && answer.text.contains(named), "\(answer.text)")
  }

  /// What is not given stays; null, 0 and Sentry's empty limits take a quota off.
  @Test func quotasAreChangedOneByOne() throws {
    let world = try World()
    func key() throws -> ProjectKey {
      try #require(
        world.fixture.catalog.snapshot.catalog.keys.first { $0.publicKey == ServiceFixture.key })
    }
    let path = "keys/\(ServiceFixture.key)/"
    world.limit(path, #"{"sessionsPerMinute": 7, "rateLimit": {"window": 60, "count": 9}}"#)
    world.limit(path, #"{"sessionsPerDay": 8, "name": "Default", "isActive": true}"#)
    #expect(
      try key().quotas
        == Quotas(sessionsPerMinute: 7, sessionsPerDay: 8, requestsPerMinute: 9))
    for off in ["null", #"{"window": 0, "count": 0}"#, #"{"window": null, "count": null}"#] {
      world.limit(path, #"{"requestsPerMinute": 9}"#)
      world.limit(path, #"{"rateLimit": \#(off)}"#)
      #expect(try key().quotas.requestsPerMinute == nil)
    }
    world.limit(path, #"{"sessionsPerMinute": 0, "sessionsPerDay": null}"#)
    #expect(try key().quotas == Quotas())
    let made = world.fixture.change(
      .post, "/api/0/organizations/default/projects/", #"{"slug": "till", "sessionsPerDay": 5}"#)
    #expect(made.status == 201 && made.text.contains(#""sessionsPerDay":5"#))
  }
}
