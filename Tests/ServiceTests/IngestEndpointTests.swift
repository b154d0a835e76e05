import Access
import HTTP
import Locks
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Metrics
@testable import Service

@Suite struct IngestEndpointTests {
  static let started = "2026-01-01T11:30:00.000Z"

  static func session(
    _ number: Int, status: String = "ok", release: String = "shop@1.0.0", extra: String = ""
  ) -> String {
    let digits = String(number, radix: 16)
    let sid = String(repeating: "0", count: 32 - digits.count) + digits
    return """
      {"type":"session"}
      {"sid":"\(sid)","started":"\(started)","status":"\(status)","did":"u\(number)"\(extra),\
      "attrs":{"release":"\(release)","environment":"production"}}

      """
  }

  static let totals =
    "/api/0/organizations/default/sessions/?field=sum(session)&field=count_unique(user)"
    + "&statsPeriod=1h&includeSeries=0"

  /// The hour that begins with what arrives at noon.
  private static let outcomes =
    "/api/0/organizations/default/outcomes/?start=2026-01-01T12:00&end=2026-01-01T13:00"

  @Test func anEnvelopeIsAnsweredAfterItsCommit() throws {
    let fixture = try ServiceFixture()
    let exchange = fixture.begin(body: [Array(("{}\n" + Self.session(1)).utf8)])
    #expect(exchange.response == nil)
    fixture.drain()
    let response = fixture.answer(to: exchange.id)
    #expect(response.status == 200 && response.body == Array("{}".utf8))
    #expect(fixture.ask(Self.totals).text.contains(#""sum(session)":1,"count_unique(user)":1"#))
  }

  /// However the bytes are cut, the same is counted.
  @Test func slicesDoNotMatter() throws {
    let fixture = try ServiceFixture()
    let text = "{}\n" + (1...20).map { Self.session($0) }.joined()
    for length in [1, 7, 100, 1000] {
      let bytes = Array(text.utf8)
      let slices = stride(from: 0, to: bytes.count, by: length).map {
        Array(bytes[$0..<min($0 + length, bytes.count)])
      }
      #expect(fixture.send(body: slices).status == 200)
    }
    #expect(fixture.ask(Self.totals).text.contains(#""sum(session)":20,"count_unique(user)":20"#))
  }

  /// An upload of hours goes with those that end when it does, and its drift is that of its
  /// beginning: it has none.
  @Test func anEnvelopeArrivesWhenItIsWhole() throws {
    let time = Locked(ServiceFixture.now)
    let fixture = try ServiceFixture(clock: WallClock { time.withLock { $0 } })
    let exchange = ExchangeID(rawValue: 1000)
    let head = RequestHead(
      method: .post, path: "/api/1/envelope/",
      headers: ["X-Sentry-Auth": "Sentry sentry_key=\(ServiceFixture.key)"])
    guard case .read(let slow) = fixture.service.begin(head, exchange: exchange) else {
      Issue.record("the body is not read")
      return
    }
    let text = "{\"sent_at\":\"2026-01-01T12:00:00Z\"}\n" + Self.session(1)
    _ = slow.read(Array(text.utf8).span)
    time.withLock { $0 = $0.advanced(byMilliseconds: 2 * 3_600_000) }
    // This one opens the batch.
    #expect(fixture.begin(body: [Array(("{}\n" + Self.session(2)).utf8)]).response == nil)
    guard case .pending = slow.end() else {
      Issue.record("it was passed over")
      return
    }
    fixture.drain()
    #expect(fixture.answer(to: exchange).status == 200)
    let hour =
      "/api/0/organizations/default/sessions/?field=sum(session)&includeSeries=0"
      + "&interval=1h&start=2026-01-01T11:00:00Z&end=2026-01-01T12:00:00Z"
    #expect(fixture.ask(hour).text.contains(#""sum(session)":2"#))
  }

  @Test func theAnswerNamesTheEvent() throws {
    let fixture = try ServiceFixture()
    let id = "9ec79c33ec9942ab8353589fcb2e04dc"
    let event = "{\"type\":\"event\"}\n{}\n"
    for (header, items, answer) in [
      ("{\"event_id\":\"\(id)\"}", event, "{\"id\":\"\(id)\"}"),
      ("{\"event_id\":\"\(id)\"}", event + Self.session(1), "{\"id\":\"\(id)\"}"),
      ("{}", event, "{\"id\":\"00000000000000000000000000000007\"}"),
      ("{}", "", "{}"),
    ] {
      let response = fixture.send(header + "\n" + items)
      #expect(response.status == 200)
      #expect(String(decoding: response.body, as: UTF8.self) == answer)
    }
  }

  /// Items are dropped alone, each with its reason; what is good counts.
  @Test func badItemsAreDroppedAloneAndCounted() throws {
    let fixture = try ServiceFixture()
    let text =
      "{}\n" + Self.session(1) + Self.session(2, release: "latest")
      + Self.session(3, release: " ")
      + Self.session(4).replacing("2026-01-01T11", with: "2025-12-27T11")
      + Self.session(5).replacing("2026-01-01T11:30", with: "2026-01-01T12:02")
      + Self.session(6).replacing("2026-01-01T11", with: "yesterday")
      + Self.session(7).replacing("\"sid\":\"0", with: "\"sid\":\"x")
      + "{\"type\":\"session\"}\nnonsense\n" + Self.session(1)
      + "{\"type\":\"client_report\"}\n{}\n{\"type\":\"of the future\"}\n{}\n"
        + """
        {"type":"sessions"}
        {"aggregates":[{"started":"\(Self.started)","exited":3},{"started":"?","exited":1}],\
        "attrs":{"release":"shop@1.0.0"}}

        """
    #expect(fixture.send(text).status == 200)
    let outcomes = fixture.ask(Self.outcomes).text
    for (outcome, quantity) in [
      ("accepted", 2), ("repeated", 1), ("accepted_anonymous", 1), ("other_item", 2),
    ] {
      #expect(
        outcomes.contains("{\"project\":1,\"outcome\":\"\(outcome)\",\"quantity\":\(quantity)}"),
        "\(outcome) in \(outcomes)")
    }
    for (reason, quantity) in [
      ("invalid_release", 1), ("missing_release", 1), ("too_old", 1), ("in_future", 1),
      ("invalid_started", 2), ("invalid_session_id", 1), ("invalid_payload", 1),
    ] {
      #expect(
        outcomes.contains(
          "\"outcome\":\"rejected\",\"reason\":\"\(reason)\",\"quantity\":\(quantity)}"),
        "\(reason) in \(outcomes)")
    }
    #expect(fixture.ask(Self.totals).text.contains(#""sum(session)":4"#))
  }

  @Test func bucketsAreLimitedForTheWholeEnvelope() throws {
    let fixture = try ServiceFixture()
    let buckets = Array(repeating: "{\"started\":\"\(Self.started)\",\"exited\":1}", count: 6000)
    let item =
      "{\"type\":\"sessions\"}\n{\"aggregates\":[" + buckets.joined(separator: ",")
      + "],\"attrs\":{\"release\":\"r\"}}\n"
    #expect(fixture.send("{}\n" + item + item).status == 200)
    #expect(fixture.ask(Self.totals).text.contains(#""sum(session)":6000"#))
    #expect(
      fixture.ask(Self.outcomes).text
        .contains("\"reason\":\"too_large\",\"quantity\":6000"))
  }

  /// A store that fails is 503 with the time to come again, and nothing of the batch counts; the
  /// next one does.
  @Test(arguments: [
    StoreError.full(operation: "write", reason: "database or disk is full"),
    StoreError.unavailable(operation: "sync", reason: "disk I/O error"),
  ])
  func aFailingStoreIsAnsweredLater(error: StoreError) throws {
    let fixture = try ServiceFixture()
    fixture.store.fail(with: error)
    let response = fixture.send("{}\n" + Self.session(1))
    #expect(response.status == 503)
    #expect(response.headers["Retry-After"] == "30")
    #expect(response.headers["Access-Control-Allow-Origin"] == "*")
    #expect(fixture.ask("/readyz", token: nil).status == 503)
    #expect(fixture.ask("/healthz", token: nil).status == 200)
    fixture.store.fail(with: nil)
    #expect(fixture.ask(Self.totals).text.contains(#""sum(session)":0"#))
    #expect(fixture.send("{}\n" + Self.session(1)).status == 200)
    #expect(fixture.ask("/readyz", token: nil).status == 200)
    #expect(fixture.ask(Self.totals).text.contains(#""sum(session)":1"#))
  }

  /// A full batch takes no more; whoever was turned away is told when there is room, and then
  /// nothing is lost and nothing refused.
  @Test func aFullQueueMakesReadersWait() throws {
    let milliseconds = Locked(Int64(0))
    let fixture = try ServiceFixture(
      batchUpdatesMax: 2,
      metrics: Metrics(monotonicNanoseconds: { milliseconds.withLock { $0 * 1_000_000 } }))
    let first = fixture.begin(body: [Array(("{}\n" + Self.session(1) + Self.session(2)).utf8)])
    // A full one takes one more of each project.
    let late = fixture.begin(body: [Array(("{}\n" + Self.session(4)).utf8)])
    let second = fixture.begin(body: [Array(("{}\n" + Self.session(3)).utf8)])
    let waiting = try #require(second.blocked)
    #expect(first.blocked == nil && late.blocked == nil)
    milliseconds.withLock { $0 = 7 }
    #expect(fixture.drain() == 1)
    milliseconds.withLock { $0 = 20 }
    guard case .pending = waiting.end() else {
      Issue.record("still no room")
      return
    }
    milliseconds.withLock { $0 = 30 }
    fixture.drain()
    #expect(fixture.answer(to: second.id).status == 200)
    #expect(fixture.ask(Self.totals).text.contains(#""sum(session)":4"#))
    // All were whole at the beginning, so that two waited 7 ms and the other 30.
    let waits = fixture.metrics.current.ingestSeconds
    #expect(waits.counts.reduce(0, +) == 3 && abs(waits.sum - 0.044) < 1e-9)
  }

  struct Refusal: Sendable {
    var target = "/api/1/envelope/"
    var headers: Headers = ["X-Sentry-Auth": "Sentry sentry_key=\(ServiceFixture.key)"]
    var body = "{}"
    var status: Int
    var detail: String
  }

  static let other = String(repeating: "b", count: 32)

  @Test(arguments: [
    Refusal(target: "/api/shop/envelope/", status: 400, detail: "bad project path parameter"),
    Refusal(headers: [:], status: 401, detail: "missing authorization information"),
    Refusal(headers: [:], body: "x", status: 401, detail: "bad envelope authentication header"),
    Refusal(
      target: "/api/2/envelope/", status: 403,
      detail: "event submission rejected with_reason: ProjectId"),
    Refusal(
      headers: ["X-Sentry-Auth": "Sentry sentry_key=\(other)"], status: 403,
      detail: "event submission rejected with_reason: ProjectId"),
    Refusal(body: "", status: 400, detail: "empty request body"),
    Refusal(body: "nonsense", status: 400, detail: "invalid event envelope"),
    Refusal(
      body: "{\"dsn\":\"http://\(ServiceFixture.key)@h/2\"}", status: 400,
      detail: "invalid event envelope"),
    Refusal(
      headers: [
        "X-Sentry-Auth": "Sentry sentry_key=\(ServiceFixture.key)", "Content-Encoding": "lzma",
      ], status: 415,
      detail: "unsupported content encoding; accepted are gzip, deflate, br, zstd, identity"),
    Refusal(
      headers: [
        "X-Sentry-Auth": "Sentry sentry_key=\(ServiceFixture.key)", "Content-Encoding": "gzip",
      ], body: "plain", status: 400, detail: "invalid content encoding"),
    Refusal(
      target: "/api/1/minidump/", status: 404, detail: "there is nothing at /api/1/minidump/"),
    Refusal(target: "/api/1/store/", body: "{", status: 400, detail: "invalid JSON data"),
  ])
  func refusals(_ example: Refusal) throws {
    let fixture = try ServiceFixture()
    let response = fixture.send(
      .post, example.target, headers: example.headers,
      body: example.body.isEmpty ? [] : [Array(example.body.utf8)])
    #expect(response.status == example.status)
    let text = String(decoding: response.body, as: UTF8.self)
    #expect(text.hasPrefix("{\"detail\":\"\(example.detail)\""), "\(text)")
    // And the service goes on.
    #expect(fixture.send("{}\n" + Self.session(1)).status == 200)
  }

  @Test func theDSNOfTheEnvelopeAuthenticates() throws {
    let fixture = try ServiceFixture()
    let header = "{\"dsn\":\"https://\(ServiceFixture.key)@tunnel.example/1\"}\n"
    let response = fixture.send(
      .post, "/api/1/envelope/", headers: [:], body: [Array((header + Self.session(1)).utf8)])
    #expect(response.status == 200)
    #expect(fixture.ask(Self.totals).text.contains(#""sum(session)":1"#))
  }

  @Test func aPublicPathIsServedToo() throws {
    let fixture = try ServiceFixture(pathPrefix: "/sentry/base")
    for path in ["/sentry/base/api/1/envelope/", "/api/1/envelope", "//api//1/envelope/"] {
      #expect(fixture.send(.post, path, body: [Array("{}".utf8)]).status == 200, "\(path)")
    }
  }

  @Test func pagesOfOtherOriginsMaySend() throws {
    let fixture = try ServiceFixture()
    let preflight = fixture.send(.options, "/api/1/envelope/", headers: [:])
    #expect(preflight.status == 200 && preflight.body.isEmpty)
    #expect(preflight.headers["Access-Control-Allow-Methods"] == "POST")
    // Those that the request names are allowed beside those of SDKs; what is no name is not.
    for (named, allowed) in [
      ("traceparent, baggage", ["x-sentry-auth", "traceparent", "baggage"]),
      ("Sentry-Trace,x-b3-traceid", ["content-type", "sentry-trace", "x-b3-traceid"]),
      ("a b:c, ,x-ok", ["x-ok"]),
    ] {
      let preflight = fixture.send(
        .options, "/api/1/envelope/", headers: ["Access-Control-Request-Headers": named])
      let names = (preflight.headers["Access-Control-Allow-Headers"] ?? "").lowercased()
        .split(separator: ", ").map(String.init)
      #expect(Set(names).isSuperset(of: allowed) && !names.contains { $0.contains(":") })
    }
    let wrong = fixture.send(.get, "/api/1/envelope/", headers: [:])
    #expect(wrong.status == 405 && wrong.headers["Allow"] == "POST, OPTIONS")
  }

  @Test func whoAsksIsChecked() throws {
    let fixture = try ServiceFixture()
    for (token, target, status, text) in [
      (nil, Self.totals, 401, "{\"detail\":\"Authentication credentials were not provided.\"}"),
      ("wrong", Self.totals, 401, "{\"detail\":\"Invalid token\"}"),
      (
        ServiceFixture.token, "/api/0/organizations/nobody/sessions/", 404,
        "{\"detail\":\"The requested resource does not exist. There is no organization "
          + "\\\"nobody\\\". There is only default.\"}"
      ),
      (
        ServiceFixture.token, "/api/0/organizations/1/sessions/", 400,
        "{\"detail\":\"Request is missing a \\\"field\\\"\"}"
      ),
    ] as [(String?, String, Int, String)] {
      let answer = fixture.ask(target, token: token)
      #expect(answer.status == status && answer.text == text)
    }
  }

  @Test func jobsRunOverTheControlSocketAlone() throws {
    let fixture = try ServiceFixture()
    let path = "/control/jobs/retention/run"
    #expect(fixture.send(.post, path).status == 404)
    let run = fixture.send(.post, path, headers: [:], isControl: true)
    #expect(String(decoding: run.body, as: UTF8.self).contains("\"succeeded\":true"))
    let unknown = fixture.send(.post, "/control/jobs/dishes/run", headers: [:], isControl: true)
    #expect(unknown.status == 404)
  }
}
