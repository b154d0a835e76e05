import ReleaseHealth
import Service
import Storage
import Testing

struct SearchQueryTests {
  private static let scopes = [
    Scope(project: ProjectID(rawValue: 1), release: "a@1", environment: "prod"),
    Scope(project: ProjectID(rawValue: 2), release: "a@1", environment: nil),
    Scope(project: ProjectID(rawValue: 2), release: "b 2", environment: ""),
    Scope(project: ProjectID(rawValue: 7), release: "c*3", environment: "dev"),
    Scope(project: ProjectID(rawValue: 30), release: "d", environment: "prod"),
  ]

  /// Which of the scopes above a search keeps.
  private static let searches: [SessionsCase<[Int]>] = [
    SessionsCase("everything", "", [0, 1, 2, 3, 4]),
    SessionsCase("white space", " \t", [0, 1, 2, 3, 4]),
    SessionsCase("a release", "release:a@1", [0, 1]),
    SessionsCase("not a release", "!release:a@1", [2, 3, 4]),
    SessionsCase("quoted", "release:\"b 2\"", [2]),
    SessionsCase("an escaped asterisk", "release:c\\*3", [3]),
    SessionsCase("an escaped asterisk in quotation marks", "release:\"c\\*3\"", [3]),
    SessionsCase("a list", "release:[a@1, \"b 2\" ,d]", [0, 1, 2, 4]),
    SessionsCase("a list of one", "release:[d]", [4]),
    SessionsCase("not in a list", "!release:[a@1,d]", [2, 3]),
    SessionsCase("no environment", "environment:\"\"", [1, 2]),
    SessionsCase("some environment", "!environment:\"\"", [0, 3, 4]),
    SessionsCase("no environment in a list", "environment:[\"\", dev]", [1, 2, 3]),
    SessionsCase("terms", "release:a@1 environment:prod", [0]),
    SessionsCase("terms with AND", "release:a@1 AND !environment:prod", [1]),
    SessionsCase("and in lower case", "release:a@1 and environment:prod", [0]),
    SessionsCase("terms that exclude each other", "release:a@1 release:d", []),
    SessionsCase("a release that nobody knows", "release:z", []),
    SessionsCase("a project by slug", "project:till", [1, 2]),
    SessionsCase("a project by number", "project:1", [0]),
    SessionsCase("a number goes before a slug", "project:7", [3]),
    SessionsCase("not a project", "!project:[shop,seven]", [1, 2, 4]),
    SessionsCase("a colon in a value", "release:a:b", []),
    SessionsCase("a status says nothing of scopes", "session.status:crashed", [0, 1, 2, 3, 4]),
  ]

  @Test(arguments: searches)
  func selects(_ row: SessionsCase<[Int]>) throws {
    let search = try SearchQuery(row.query, projects: SessionsFixtures.projects)
    #expect(Self.scopes.indices.filter { search.includes(Self.scopes[$0]) } == row.expected)
    #expect(search.text == row.query)
  }

  private static let statuses: [SessionsCase<Set<Severity>?>] = [
    SessionsCase("none", "release:a", nil),
    SessionsCase("one", "session.status:crashed", [.crashed]),
    SessionsCase("two", "session.status:[crashed, errored]", [.crashed, .errored]),
    SessionsCase(
      "not one", "!session.status:healthy", [.errored, .unhandled, .abnormal, .crashed]),
    SessionsCase("unknown", "session.status:bogus", []),
    SessionsCase("unknown beside known", "session.status:[bogus,healthy]", [.healthy]),
    SessionsCase("not unknown", "!session.status:bogus", Set(Severity.allCases)),
    SessionsCase(
      "both at once", "session.status:[crashed,errored] !session.status:errored", [.crashed]),
    SessionsCase("excluding each other", "session.status:crashed session.status:healthy", []),
  ]

  @Test(arguments: statuses)
  func readsStatuses(_ row: SessionsCase<Set<Severity>?>) throws {
    let search = try SearchQuery(row.query, projects: SessionsFixtures.projects)
    #expect(search.statuses == row.expected)
    #expect(search.includesAll == !row.query.contains("release"))
  }

  private static let refusals: [SessionsCase<String>] = [
    SessionsCase("unknown key", "foo:bar", "Invalid query field: \"foo\""),
    SessionsCase("stage", "release.stage:adopted", "Invalid query field: \"release.stage\""),
    SessionsCase("version", "release.version:>1.0", "Invalid query field: \"release.version\""),
    SessionsCase("negated unknown key", "!has:release", "Invalid query field: \"has\""),
    SessionsCase(
      "free text", "crash",
      "Free text is not supported in the query: \"crash\". Write key:value with one of the keys "
        + "release, environment, project and session.status."),
    SessionsCase(
      "quoted free text", "release:a \"or\"",
      "Free text is not supported in the query: \"or\". Write key:value with one of the keys "
        + "release, environment, project and session.status."),
    SessionsCase(
      "alternatives", "release:a OR release:b",
      "OR is not supported in the query. List alternatives, for example release:[a, b]."),
    SessionsCase(
      "parentheses", "(release:a)",
      "Parentheses are not supported in the query. Put values that have them in quotation marks."),
    SessionsCase(
      "a parenthesis in a value", "release:a(b)",
      "Parentheses are not supported in the query. Put values that have them in quotation marks."),
    SessionsCase(
      "wildcards", "release:a*",
      "Wildcards are not supported in the query: \"release:a*\". "
        + "An asterisk of the value itself is written \\*."),
    SessionsCase(
      "wildcards in a list", "release:[x, \"*\"]",
      "Wildcards are not supported in the query: \"release:*\". "
        + "An asterisk of the value itself is written \\*."),
    SessionsCase(
      "wildcard status", "session.status:c*", "Unable to parse condition with session.status"),
    SessionsCase(
      "comparison", "release:>=1.0",
      "Comparisons are not supported in the query: \"release:>=1.0\". "
        + "Put a value that begins with < or > in quotation marks."),
    SessionsCase(
      "latest", "release:latest",
      "\"release:latest\" is not supported in the query. Name the release."),
    SessionsCase(
      "unknown project", "project:nowhere",
      "Invalid query. Project(s) nowhere do not exist or are not actively selected."),
    SessionsCase(
      "no value", "release:",
      "A value is missing behind \"release:\". The empty value is written release:\"\"."),
    SessionsCase(
      "space before the value", "release: a",
      "A value is missing behind \"release:\". The empty value is written release:\"\"."),
    SessionsCase(
      "open quotation", "release:\"a",
      "The query has a quotation mark that is not closed."),
    SessionsCase(
      "text behind quotation", "release:\"a\"b",
      "A space is missing behind the quoted value of \"release\"."),
    SessionsCase(
      "open list", "release:[a, b",
      "The list of values of \"release\" is not closed. Lists are written release:[a, \"b c\"]."),
    SessionsCase(
      "empty list", "release:[]",
      "The list of values of \"release\" has an empty one. "
        + "Lists are written release:[a, \"b c\"]."),
    SessionsCase(
      "AND first", "AND release:a", "AND has to stand between two terms of the query."),
    SessionsCase("AND last", "release:a AND", "AND has to stand between two terms of the query."),
    SessionsCase(
      "AND twice", "release:a AND AND release:b",
      "AND has to stand between two terms of the query."),
    SessionsCase("AND alone", "AND", "AND has to stand between two terms of the query."),
  ]

  @Test(arguments: refusals)
  func refuses(_ row: SessionsCase<String>) {
    #expect(throws: APIError.badRequest(row.expected)) {
      try SearchQuery(row.query, projects: SessionsFixtures.projects)
    }
  }

  /// No text makes the lexer fail otherwise than by an ``APIError``: every string of up to four of
  /// the characters that mean something.
  @Test func readsOrRefusesEverything() {
    let alphabet: [Character] = ["r", ":", "\"", "\\", "[", "]", ",", "(", "!", " ", "*"]
    var texts = [""]
    var readable = 0
    for _ in 0..<4 {
      texts = texts.flatMap { text in alphabet.map { text + String($0) } }
      for text in texts where (try? SearchQuery(text, projects: [])) != nil { readable += 1 }
    }
    // Only white space names no unknown key.
    #expect(readable == 4)
  }
}
