import Foundation
import HTTP
import Locks
import Storage
import TestSupport
import Testing

@testable import API
@testable import Metrics
@testable import Service

/// Queries that have to end before their answer, and what the client gets.
@Suite struct QueryLimitsTests {
  /// An API with one route, whose work never ends by itself.
  private struct Endless {
    let fixture: ServiceFixture
    let answers = Answers()
    let api: APIEndpoint
    let exchange = ExchangeID(rawValue: 1)
    let begun = DispatchSemaphore(value: 0)

    init(
      workers: Workers, _ step: @escaping @Sendable () throws(StoreError) -> Void = { () in }
    ) throws {
      fixture = try ServiceFixture(workers: workers)
      let begun = begun
      let route = APIRoute(
        "endless",
        .get(.only()) { (_) throws(APIError) -> APIRoute.Work in
          { () throws(StoreError) -> Response in
            begun.signal()
            while true {
              try CurrentQuery.check()
              try step()
            }
          }
        })
      let dependencies = fixture.dependencies.api
      let failures = AuthenticationFailures(metrics: dependencies.metrics, log: dependencies.log)
      api = APIEndpoint([route], dependencies, failures: failures, start: "", sink: answers)
    }

    /// Sends the request, and waits until the work has begun.
    func begin() {
      let head = RequestHead(
        method: .get, path: "/api/0/endless/", query: nil,
        headers: ["Authorization": "Bearer \(ServiceFixture.token)"])
      var tenant: Tenant?
      guard case .pending = api.begin(head, ["endless"], exchange: exchange, tenant: &tenant) else {
        Issue.record("the query is not taken")
        return
      }
      begun.wait()
    }

    var answer: Response { answers.wait(for: exchange) }

    var stops: [QueryStop: Int64] { fixture.metrics.current.queryStops }
  }

  private static func text(_ response: Response) -> String {
    String(decoding: response.body, as: UTF8.self)
  }

  @Test func slowQueryIsAnsweredWithTheLimit() throws {
    let time = Locked(Int64(0))
    let queries = QueryQueue(timeoutSeconds: 3) { time.withLock { $0 } }
    let endless = try Endless(workers: Workers(queries: queries))
    endless.begin()
    time.withLock { $0 = 3_000_000_000 }
    let answer = endless.answer
    #expect(answer.status == 504)
    #expect(Self.text(answer).contains("longer than 3 s"))
    #expect(Self.text(answer).contains("--query-timeout"))
    #expect(endless.stops == [.timedOut: 1])
  }

  @Test func queryOfMuchMemoryIsRefused() throws {
    let endless = try Endless(workers: Workers()) { () throws(StoreError) in
      try CurrentQuery.hold(1 << 20)
    }
    endless.begin()
    let answer = endless.answer
    #expect(answer.status == 400 && Self.text(answer).contains("128 MiB"))
    #expect(endless.stops == [.outOfMemory: 1])
  }

  /// Nobody reads the answer; it shows that the work has ended.
  @Test func queryEndsWhenItsClientIsGone() throws {
    let endless = try Endless(workers: Workers())
    endless.begin()
    endless.api.abandon(endless.exchange)
    _ = endless.answer
    #expect(endless.stops == [.cancelled: 1])
  }

  @Test func queryEndsWhenTheServiceStops() throws {
    let workers = Workers()
    let endless = try Endless(workers: workers)
    endless.begin()
    workers.queries.close()
    let answer = endless.answer
    #expect(answer.status == 503 && answer.headers["Retry-After"] == "1")
    #expect(endless.stops == [.closed: 1])
  }

  /// Metrics and health are answered while queries keep all workers, and wait, too.
  @Test func metricsWaitForNoQuery() throws {
    let endless = try Endless(workers: Workers())
    endless.begin()
    let text = endless.fixture.ask("/metrics", token: nil).text
    #expect(text.contains("hale_query_stops_total{reason=\"timeout\"} 0\n"))
    #expect(endless.fixture.ask("/healthz", token: nil).status == 200)
    #expect(endless.fixture.ask("/readyz", token: nil).status == 200)
    endless.api.abandon(endless.exchange)
    _ = endless.answer
  }

  /// More than ten scrapes in a second share the last text; the next second has a new one.
  @Test func manyScrapesShareAText() throws {
    let time = Locked(Int64(0))
    let fixture = try ServiceFixture(metrics: Metrics { time.withLock { $0 } })
    let line = "hale_http_requests_total{endpoint=\"metrics\"} "
    func scrape() -> Int {
      let text = fixture.ask("/metrics", token: nil).text
      return text.split(separator: "\n").first { $0.hasPrefix(line) }
        .flatMap { Int($0.dropFirst(line.count)) } ?? 0
    }
    let counts = (0..<30).map { _ in scrape() }
    #expect(counts == Array(1...10) + Array(repeating: 10, count: 20))
    time.withLock { $0 = 1_000_000_000 }
    #expect(scrape() == 31)
  }
}
