import Foundation
import HTTP
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Service

@Suite struct BudgetTests {
  private let path = "/api/0/projects/default/shop/"

  /// Sessions of the project, `minutesAgo`; the first of them crashed.
  private func ingest(
    _ fixture: ServiceFixture, minutesAgo: Int64, count: Int, crashed: Int, users: Int = 7
  ) throws {
    let start = ServiceFixture.now.advanced(byMilliseconds: -minutesAgo * 60_000)
    var batch = IngestBatch(receivedAt: ServiceFixture.now)
    for index in 0..<count {
      batch.add(
        NamedReport(
          key: SessionKey(
            series: SeriesKey(
              project: ProjectID(rawValue: 1), release: "shop@1", environment: "production"),
            started: start,
            sessionID: SessionID(value: UInt128(minutesAgo) << 32 | UInt128(index))),
          correctedStart: start, status: index < crashed ? .crashed : .exited,
          user: UserHash(value: UInt128(minutesAgo * 100) + UInt128(index % users))))
    }
    try fixture.store.ingest(batch)
  }

  @Test func anObjectiveIsSetReplacedAndRemoved() throws {
    let fixture = try ServiceFixture()
    #expect(fixture.ask(path + "objectives/").text == "[]")
    let none = try object(fixture.ask(path + "budget/").text)
    #expect(none["objective"] is NSNull && none["left"] is NSNull)
    var set = fixture.change(.put, path + "objectives/")
    #expect(set.status == 200)
    #expect(set.text.hasPrefix(#"{"measure":"crash_free_sessions","target":99.9,"days":28,"#))
    #expect(fixture.ask(path + "objectives/").text == "[\(set.text)]")
    set = fixture.change(
      .put, path + "objectives/", #"{"measure":"crash_free_users","target":99.5,"days":7}"#)
    #expect(fixture.ask(path + "objectives/").text == "[\(set.text)]")
    #expect(set.text.hasPrefix(#"{"measure":"crash_free_users","target":99.5,"days":7,"#))
    #expect(
      fixture.change(.put, path + "objectives/", token: ServiceFixture.token).status == 403)
    #expect(fixture.change(.delete, path + "objectives/").status == 204)
    #expect(fixture.change(.delete, path + "objectives/").status == 404)
    #expect(fixture.ask(path + "objectives/").text == "[]")
    #expect(fixture.ask("/api/0/projects/default/other/budget/").status == 404)
  }

  /// All that is wrong is told at once, by the member's name.
  @Test func refusalsNameFieldAndReason() throws {
    let fixture = try ServiceFixture()
    let answer = fixture.change(
      .put, path + "objectives/", #"{"measure":"happiness","target":100,"days":91}"#)
    #expect(answer.status == 400)
    let errors = try #require(try object(answer.text) as? [String: [String]])
    #expect(errors["measure"] == ["\"happiness\" is not crash_free_sessions or crash_free_users."])
    #expect(errors["target"]?.first?.hasPrefix("100.0 is not a percentage above 1") == true)
    #expect(errors["days"] == ["91 is not a whole number from 1 to 90."])
    for body in [
      #"{"target":99.99999}"#, #"{"target":0.999}"#, #"{"days":0}"#, #"{"days":1.5}"#,
      #"{"days":1e300}"#, "[]", "{", #"{"target":"99.9"}"#,
    ] {
      #expect(fixture.change(.put, path + "objectives/", body).status == 400, "\(body)")
    }
    #expect(fixture.ask(path + "objectives/").text == "[]")
  }

  @Test func budgetOfSessions() throws {
    let fixture = try ServiceFixture()
    // 27 and 40 days ago: within and before the window; 4 minutes, 50 minutes and 5 hours ago.
    for (minutesAgo, count, crashed) in [
      (40 * 1440, 100, 50), (27 * 1440, 1000, 4), (300, 500, 1), (50, 400, 2), (4, 100, 3),
    ] {
      try ingest(fixture, minutesAgo: Int64(minutesAgo), count: count, crashed: crashed)
    }
    #expect(fixture.change(.put, path + "objectives/", #"{"target":99}"#).status == 200)
    let budget = try object(fixture.ask(path + "budget/").text)
    #expect(budget["total"] as? Int == 2000 && budget["bad"] as? Int == 10)
    #expect(budget["allowed"] as? Double == 20 && budget["left"] as? Double == 0.5)
    #expect(budget["consumed"] as? Double == 0.5)
    let rates = try #require(budget["burnRates"] as? [[String: Any]])
    #expect(rates.map { $0["window"] as? String } == ["5m", "30m", "1h", "2h", "6h", "1d", "3d"])
    for (rate, wanted) in zip(rates, [3.0, 3, 1, 1, 0.6, 0.6, 0.6]) {
      #expect(abs(try #require(rate["rate"] as? Double) - wanted) < 1e-9)
    }
    let pairs = try #require(budget["pairs"] as? [[String: Any]])
    #expect(pairs.map { $0["burns"] as? Bool } == [false, false, false, false])
    let series = try #require(budget["series"] as? [String: [Any]])
    let (days, left) = (try #require(series["days"]), try #require(series["left"]))
    #expect(days.count == 28 && left.count == 28)
    #expect(days.last as? String == "2026-01-01T00:00:00Z" && left.last as? Double == 0.5)
    // Then the crashes of 40 days ago counted still: 54 of 1100 sessions, of which 11 may.
    #expect(abs(try #require(left[0] as? Double) - (1 - 54.0 / 11)) < 1e-9)
    // From the 14th day on they are too old.
    #expect(abs(try #require(left[26] as? Double) - 0.6) < 1e-9)
  }

  @Test func aPairBurns() throws {
    let fixture = try ServiceFixture()
    try ingest(fixture, minutesAgo: 30, count: 100, crashed: 20)
    try ingest(fixture, minutesAgo: 2, count: 100, crashed: 20)
    #expect(fixture.change(.put, path + "objectives/", #"{"target":99}"#).status == 200)
    let budget = try object(fixture.ask(path + "budget/").text)
    let pairs = try #require(budget["pairs"] as? [[String: Any]])
    #expect(pairs.map { $0["burns"] as? Bool } == [true, true, true, true])
    #expect(pairs.first?["long"] as? String == "1h" && pairs.first?["short"] as? String == "5m")
    #expect(budget["left"] as? Double == -19)
  }

  /// A user of several days is one user of the window.
  @Test func budgetOfUsers() throws {
    let fixture = try ServiceFixture()
    try ingest(fixture, minutesAgo: 2 * 1440, count: 100, crashed: 1, users: 100)
    try ingest(fixture, minutesAgo: 10, count: 50, crashed: 0, users: 50)
    #expect(
      fixture.change(
        .put, path + "objectives/", #"{"measure":"crash_free_users","target":90,"days":7}"#
      ).status == 200)
    let budget = try object(fixture.ask(path + "budget/").text)
    #expect(budget["total"] as? Int == 150 && budget["bad"] as? Int == 1)
    #expect(budget["allowed"] as? Double == 15)
    let series = try #require(budget["series"] as? [String: [Any]])
    let left = try #require(series["left"])
    #expect(left.count == 7 && left[0] is NSNull)
    #expect(abs(try #require(left[4] as? Double) - 0.9) < 1e-9)
    #expect(left[6] as? Double == budget["left"] as? Double)
  }

  @Test func metricsHaveThem() throws {
    let fixture = try ServiceFixture()
    func lines() -> [String] {
      String(decoding: fixture.send(.get, "/metrics", headers: [:]).body, as: UTF8.self)
        .split(separator: "\n").filter { $0.hasPrefix("hale_error_budget") }.map(String.init)
    }
    try ingest(fixture, minutesAgo: 10, count: 100, crashed: 1)
    #expect(lines() == [])
    #expect(fixture.change(.put, path + "objectives/", #"{"target":98}"#).status == 200)
    let labels = #"project="1",measure="crash_free_sessions",bad="crashed""#
    #expect(
      lines() == ["hale_error_budget_remaining_ratio{\(labels)} 0.5"]
        + ["30m", "1h", "2h", "6h", "1d", "3d"].map {
          "hale_error_budget_burn_rate{\(labels),window=\"\($0)\"} 0.5"
        })
    // Within the minute they are not read again.
    try ingest(fixture, minutesAgo: 9, count: 100, crashed: 100)
    #expect(lines().first?.hasSuffix(" 0.5") == true)
    #expect(fixture.change(.delete, path + "objectives/").status == 204)
    #expect(lines() == [])
  }
}
