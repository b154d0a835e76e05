import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

/// Queries read roll-ups: no statement of a query reads session states, and none scans a table that
/// grows with sessions, days or users.
@Suite struct QueryPlanTests {
  static let day = 20_000

  /// Tables with a row for each name, or for each combination of names that is used.
  static let small: Set = [
    "scope", "release", "environment", "project", "adoption", "release_project",
  ]

  /// Every kind of query of counts: grains, groups, measures, few series and all of them.
  static let queries: [HealthQuery] = {
    let day = QueryPlanTests.day
    let all: HealthQuery.Measures = [.sessions, .users, .durations]
    let measures: [HealthQuery.Measures] = [.sessions, .users, .durations, all]
    let ranges: [(minutes: Range<Int>, interval: Int?)] = [
      ((day - 30) * 1440..<day * 1440, nil), ((day - 30) * 1440..<day * 1440, 1440),
      ((day - 2) * 1440..<day * 1440 + 61, 60), (day * 1440 + 30..<day * 1440 + 90, 5),
    ]
    let everything: Set<HealthQuery.Dimension> = [.project, .release, .environment]
    let groups: [Set<HealthQuery.Dimension>] = [[], [.release], everything]
    var queries: [HealthQuery] = []
    for measures in measures {
      for range in ranges {
        for groupBy in groups {
          for isSelective in [false, true] {
            var query = HealthQuery(
              projects: [ProjectID(rawValue: 1)], minutes: range.minutes)
            query.intervalMinutes = range.interval
            query.groupBy = groupBy
            query.measures = measures
            if isSelective {
              query.filter = .all([.release("shop@3"), .stages([.lowAdoption])])
            }
            queries.append(query)
          }
        }
      }
    }
    return queries
  }()

  /// The statements that readers prepare while `body` runs queries.
  private func statements(
    of store: SQLiteStore, _ body: () throws -> Void
  ) throws -> Set<String> {
    final class Seen {
      var statements: Set<String> = []
    }
    let seen = Seen()
    try store.read { (connection) throws(StoreError) in
      connection.noteStatement = { seen.statements.insert($0) }
    }
    try body()
    try store.read { (connection) throws(StoreError) in connection.noteStatement = nil }
    return seen.statements
  }

  /// The lines of SQLite's query plan of a statement (sqlite.org/eqp.html).
  private func plan(_ sql: String, _ store: SQLiteStore) throws -> [String] {
    try store.read { (connection) throws(StoreError) in
      let explain = try connection.prepare("EXPLAIN QUERY PLAN \(sql)")
      var lines: [String] = []
      while try explain.step() { lines.append(explain.text(3)) }
      return lines
    }
  }

  private func filled() throws -> StoreFixture {
    let fixture = try StoreFixture()
    let noon = Timestamp(minute: Self.day * 1440 - 720)
    for days in 0..<3 {
      let start = noon.advanced(byMilliseconds: Int64(days) * -86_400_000)
      let reports = (0..<40).map { index in
        fixture.report(
          UInt64(days * 100 + index), started: start, status: .exited, duration: 1000,
          user: UInt64(index), release: "shop@\(index % 10)")
      }
      try fixture.ingest(reports, at: start)
    }
    return fixture
  }

  @Test func questionsReadNoStatesAndNoWholeTables() throws {
    let fixture = try filled()
    let store = fixture.store
    let statements = try statements(of: store) {
      for query in Self.queries { _ = try store.health(query) }
    }
    // One for the table of series, and two access paths to each kind of counts.
    #expect(statements.count >= 12)
    for table in [
      "session_day", "session_minute", "user_hour", "user_day", "user_minute", "user_hour_open",
      "user_environment_day", "duration_hour", "adoption",
    ] {
      #expect(
        statements.contains { sql in
          sql.split { !$0.isLetter && $0 != "_" }.contains { $0 == table }
        }, "nothing asks \(table)")
    }
    for sql in statements {
      for line in try plan(sql, store) { check(line, sql) }
    }
  }

  /// The same for lists and pages of releases, and for explanations of counts.
  @Test func listsAndAccountsReadNoStatesAndNoWholeTables() throws {
    let fixture = try filled()
    let store = fixture.store
    let organization = OrganizationID(rawValue: 1)
    let statements = try statements(of: store) {
      let release = try #require(try store.releases(of: organization).first)
      _ = try store.sessionHours(
        ofRelease: release.id, projects: [fixture.project], environments: EnvironmentSelection())
      _ = try store.outcomes(
        of: [fixture.project], hours: Self.day * 24..<Self.day * 24 + 24, intervalHours: 1)
      for var query in Self.queries where query.intervalMinutes == 1440 {
        query.groupBy = []
        _ = try store.history(query)
      }
    }
    #expect(statements.count >= 8)
    for sql in statements {
      for line in try plan(sql, store) { check(line, sql) }
    }
  }

  private func check(_ line: String, _ sql: String) {
    #expect(!line.contains(/\bsession\b/), "\(line), of \(sql)")
    // "SCAN name", or "SCAN TABLE name" before SQLite 3.36; a scan of an index counts, too.
    guard let scan = line.wholeMatch(of: /SCAN (?:TABLE )?(\w+).*/) else { return }
    // The single row of a SELECT without a table.
    if scan.1 == "CONSTANT" { return }
    #expect(Self.small.contains(String(scan.1)), "\(line), of \(sql)")
  }

  /// The check detects a scan.
  @Test func aScanWouldBeFound() throws {
    let fixture = try filled()
    for (sql, table) in [
      ("SELECT * FROM session", "session"),
      ("SELECT * FROM duration_hour WHERE scope = 1", "duration_hour"),
    ] {
      #expect(try plan(sql, fixture.store) == ["SCAN \(table)"])
    }
  }
}
