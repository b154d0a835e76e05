import Foundation
import HTTP
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Metrics
@testable import Service

@Suite struct MetricsTests {
  @Test func histogramsCountUpToTheirBounds() {
    var histogram = Histogram(bounds: [1, 3])
    for value in [0.5, 1, 1.5, 3, 4] { histogram.observe(value) }
    #expect(histogram.counts == [2, 2, 1] && histogram.sum == 10)
  }

  /// Rates of the last 24 hours, to the minute, by project; without users there are none of them.
  @Test func ratesOfProjects() throws {
    let fixture = try ServiceFixture()
    var batch = IngestBatch(receivedAt: ServiceFixture.now)
    for (index, (status, minutes)) in [
      (.exited, 5), (.exited, 1439), (.crashed, 60), (.unhandled, 7), (.crashed, 1441),
    ].enumerated() as EnumeratedSequence<[(SessionStatus, Int64)]> {
      let started = ServiceFixture.now.advanced(byMilliseconds: -minutes * 60_000)
      let key = SessionKey(
        series: SeriesKey(project: ProjectID(rawValue: 1), release: "a@1", environment: nil),
        started: started, sessionID: SessionID(value: UInt128(index + 1)))
      batch.add(NamedReport(key: key, correctedStart: started, status: status))
    }
    try fixture.store.ingest(batch)
    let text = fixture.ask("/metrics", token: nil).text
    #expect(text.contains("hale_crash_free_ratio{project=\"1\",measure=\"sessions\"} 0.75\n"))
    #expect(text.contains("hale_failure_free_ratio{project=\"1\",measure=\"sessions\"} 0.5\n"))
    #expect(!text.contains("measure=\"users\""))
    #expect(text.contains("hale_project_info{project=\"1\",slug=\"shop\"} 1\n"))
    // They are read once a minute: a crash that arrives now is in the next figures.
    var late = IngestBatch(receivedAt: ServiceFixture.now)
    late.add(
      NamedReport(
        key: SessionKey(
          series: SeriesKey(project: ProjectID(rawValue: 1), release: "a@1", environment: nil),
          started: late.receivedAt, sessionID: SessionID(value: 9)),
        correctedStart: late.receivedAt, status: .crashed))
    try fixture.store.ingest(late)
    let again = fixture.ask("/metrics", token: nil).text
    #expect(again.contains("hale_crash_free_ratio{project=\"1\",measure=\"sessions\"} 0.75\n"))
  }

  /// What was received, stored and asked stands there, in Prometheus' text format.
  @Test func figuresOfWhatHappened() throws {
    let fixture = try ServiceFixture()
    let session =
      #"{"sid":"00000000000000000000000000000001","started":"2026-01-01T11:00:00Z","#
      + #""status":"exited","attrs":{"release":"app@1"}}"#
    for _ in 0..<2 {
      #expect(fixture.send("{}\n{\"type\":\"session\"}\n\(session)\n").status == 200)
    }
    #expect(fixture.send("{}\n{\"type\":\"session\"}\n{}\n").status == 200)
    // Nothing of these is taken, and nobody but their senders and this knows.
    #expect(fixture.send("{}\n{").status == 400)
    #expect(
      fixture.send(headers: [
        "X-Sentry-Auth": "Sentry sentry_key=\(String(repeating: "0", count: 32))"
      ])
      .status == 403)
    _ = fixture.ask("/api/0/organizations/default/releases/")
    fixture.store.fail(with: .full(operation: "write", reason: "full"))
    #expect(fixture.send("{}\n{\"type\":\"session\"}\n\(session)\n").status == 503)
    fixture.store.fail(with: nil)
    fixture.drain()

    let answer = fixture.send(.get, "/metrics", headers: [:])
    #expect(answer.status == 200)
    #expect(answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
    let lines = String(decoding: answer.body, as: UTF8.self).split(separator: "\n").map(String.init)
    for line in [
      #"hale_ingest_items_total{project="1",outcome="accepted"} 2"#,
      #"hale_ingest_items_total{project="1",outcome="repeated"} 1"#,
      // Those that wait for a commit, whatever comes of it.
      #"hale_ingest_duration_seconds_bucket{le="+Inf"} 3"#,
      #"hale_commit_duration_seconds_bucket{le="+Inf"} 4"#,
      #"hale_commit_batch_updates_bucket{le="1"} 3"#, "hale_commit_failures_total 1",
      #"hale_http_requests_total{endpoint="envelope"} 6"#,
      #"hale_ingest_refused_requests_total{status="400"} 1"#,
      #"hale_ingest_refused_requests_total{status="403"} 1"#,
      #"hale_ingest_refused_requests_total{status="413"} 0"#,
      #"hale_query_duration_seconds_count{route="/api/0/organizations/{organization}/releases"} 1"#,
      #"hale_job_failures_total{job="adoption"} 0"#, "# TYPE hale_query_duration_seconds histogram",
    ] {
      #expect(lines.contains(line), "\(line) is not in\n\(lines.joined(separator: "\n"))")
    }
    // Help and type stand once before each family.
    let types = lines.filter { $0.hasPrefix("# TYPE ") }
    #expect(Set(types).count == types.count)
  }
}
