import TestSupport
import API
import ReleaseHealth
import Queries
import Storage
import Testing

struct SearchQueryTests {
  private static let series = [
    SeriesKey(project: ProjectID(rawValue: 1), release: "a@1", environment: "prod"),
    SeriesKey(project: ProjectID(rawValue: 2), release: "a@1", environment: nil),
    SeriesKey(project: ProjectID(rawValue: 2), release: "b 2", environment: ""),
    SeriesKey(project: ProjectID(rawValue: 7), release: "c*3", environment: "dev"),
    SeriesKey(project: ProjectID(rawValue: 30), release: "d", environment: "prod"),
  ]

  /// Searches, with the indices of the series above that they select.
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
    SessionsCase("alternatives", "release:d OR release:\"b 2\"", [2, 4]),
    SessionsCase("or in lower case", "release:d or environment:dev", [3, 4]),
    SessionsCase(
      "alternatives of release and environment", "release:a@1 OR environment:prod", [0, 1, 4]),
    SessionsCase(
      "AND binds more closely", "release:d OR release:a@1 AND environment:prod", [0, 4]),
    SessionsCase(
      "side by side binds as AND does", "release:a@1 environment:prod OR release:d", [0, 4]),
    SessionsCase(
      "parentheses", "(release:d OR release:a@1) AND environment:prod", [0, 4]),
    SessionsCase("parentheses side by side", "(release:a@1) (project:till)", [1]),
    SessionsCase(
      "parentheses in parentheses", "((release:a@1) OR (project:seven AND (!release:d)))",
      [0, 1, 3]),
    SessionsCase("not, in an alternative", "!project:till OR release:a@1", [0, 1, 3, 4]),
    SessionsCase(
      "a status beside alternatives", "session.status:crashed (release:d OR release:a@1)",
      [0, 1, 4]),
    SessionsCase("wildcard behind", "release:a*", [0, 1]),
    SessionsCase("wildcard in front", "release:*1", [0, 1]),
    SessionsCase("wildcard inside", "release:c*3", [3]),
    SessionsCase("wildcards around", "release:\"* *\"", [2]),
    SessionsCase("only a wildcard", "release:*", [0, 1, 2, 3, 4]),
    SessionsCase("a wildcard and an asterisk", "release:*\\**", [3]),
    SessionsCase("a wildcard does not overlap itself", "release:a@1*1", []),
    SessionsCase("not a wildcard", "!release:a*", [2, 3, 4]),
    SessionsCase("wildcards in a list", "release:[d, b*]", [2, 4]),
    SessionsCase("wildcards pay no heed to case", "release:A*", [0, 1]),
    SessionsCase("names do", "release:A@1", []),
    SessionsCase("wildcard environment", "environment:*d*", [0, 3, 4]),
    SessionsCase("any environment is one", "environment:*", [0, 3, 4]),
    SessionsCase("not any environment is none", "!environment:*", [1, 2]),
    SessionsCase("wildcard project", "project:s*", [0, 3]),
    SessionsCase("wildcard project that nobody is", "project:z*", []),
    SessionsCase("a version", "release.version:1", [0, 1]),
  ]

  @Test(arguments: searches)
  func selects(_ row: SessionsCase<[Int]>) throws {
    let search = try SearchQuery(row.query, projects: SessionsFixtures.projects)
    #expect(Self.series.indices.filter { search.filter.matches(Self.series[$0]) } == row.expected)
    #expect(search.text == row.query)
  }

  private static let statuses: [SessionsCase<SeveritySet?>] = [
    SessionsCase("none", "release:a", nil),
    SessionsCase("one", "session.status:crashed", [.crashed]),
    SessionsCase("two", "session.status:[crashed, errored]", [.crashed, .errored]),
    SessionsCase(
      "not one", "!session.status:healthy", [.errored, .unhandled, .abnormal, .crashed]),
    SessionsCase("in parentheses", "(release:a session.status:crashed) project:till", [.crashed]),
    SessionsCase(
      "beside alternatives", "(release:a OR release:b) !session.status:healthy",
      [.errored, .unhandled, .abnormal, .crashed]),
    SessionsCase("unknown", "session.status:bogus", []),
    SessionsCase("unknown beside known", "session.status:[bogus,healthy]", [.healthy]),
    SessionsCase("not unknown", "!session.status:bogus", .all),
    SessionsCase(
      "both at once", "session.status:[crashed,errored] !session.status:errored", [.crashed]),
    SessionsCase("excluding each other", "session.status:crashed session.status:healthy", []),
  ]

  @Test(arguments: statuses)
  func readsStatuses(_ row: SessionsCase<SeveritySet?>) throws {
    let search = try SearchQuery(row.query, projects: SessionsFixtures.projects)
    #expect(search.statuses == row.expected)
  }

  private static let keys =
    "release, release.package, release.version, release.build, release.stage, environment, "
    + "project, session.status"

  private static let refusals: [SessionsCase<String>] = [
    SessionsCase(
      "unknown key", "foo:bar",
      "Invalid search filter: foo. There are \(keys). The release \"foo:bar\" is found by "
        + "release:\"foo:bar\"."),
    SessionsCase(
      "near key", "Environment:prod",
      "Invalid search filter: Environment; near: \"environment\". There are \(keys)."),
    SessionsCase(
      "part of a key", "status:crashed",
      "Invalid search filter: status; near: \"session.status\". There are \(keys)."),
    SessionsCase(
      "a key of releases", "finalized:true",
      "Invalid search filter: finalized. There are \(keys). Only searches of releases have "
        + "finalized."),
    SessionsCase(
      "nearly one", "finalised:true",
      "Invalid search filter: finalised. There are \(keys). Only searches of releases have "
        + "finalized."),
    SessionsCase(
      "a list is no name", "foo:[a,b]", "Invalid search filter: foo. There are \(keys)."),
    SessionsCase(
      "a stage in no environment", "release.stage:adopted",
      "Choose a single environment to filter by release stage."),
    SessionsCase(
      "no version", "release.version:>x",
      "Invalid release.version: \"x\". Give a version, for example 1.2.3, >=1.2 or 1.2.*."),
    SessionsCase(
      "negated unknown key", "!has:release",
      "Invalid search filter: has. There are \(keys). The release \"has:release\" is found by "
        + "release:\"has:release\"."),
    SessionsCase(
      "free text", "shop@1",
      "Free text is not supported in the query: \"shop@1\". Write key:value with one of the keys "
        + "\(keys), such as release:\"shop@1\"."),
    SessionsCase(
      "quoted free text", "release:a \"or\"",
      "Free text is not supported in the query: \"or\". Write key:value with one of the keys "
        + "\(keys), such as release:\"or\"."),
    SessionsCase(
      "a parenthesis in a value", "release:a(b)",
      "A value with parentheses must be quoted: \"release:a(\"."),
    SessionsCase(
      "an open parenthesis", "(release:a", "The query has a parenthesis that is not closed."),
    SessionsCase(
      "an open parenthesis at the end", "release:a (",
      "The query has a parenthesis that is not closed."),
    SessionsCase(
      "a parenthesis that was not opened", "release:a)",
      "The query has a parenthesis that closes nothing."),
    SessionsCase(
      "a parenthesis that closes nothing", ") release:a",
      "The query has a parenthesis that closes nothing."),
    SessionsCase(
      "empty parentheses", "release:a ()", "The query has parentheses with nothing in them."),
    SessionsCase(
      "too many parentheses",
      String(repeating: "(", count: 21) + "release:a" + String(repeating: ")", count: 21),
      "The query has more than 20 parentheses in each other."),
    SessionsCase(
      "a status in an alternative", "session.status:crashed OR release:a",
      "Unable to parse condition with session.status"),
    SessionsCase(
      "a status in an alternative, deep down",
      "environment:prod (release:b OR (release:a session.status:crashed))",
      "Unable to parse condition with session.status"),
    SessionsCase(
      "a status that is compared", "session.status:>crashed",
      "Unable to resolve session.status filter"),
    SessionsCase(
      "wildcard status", "session.status:c*", "Unable to parse condition with session.status"),
    SessionsCase(
      "comparison", "release:>=1.0",
      "Comparisons are not supported in the query: \"release:>=1.0\". "
        + "Put a value that begins with < or > in quotation marks."),
    SessionsCase(
      "unknown project", "project:nowhere",
      "Invalid query. Project(s) nowhere do not exist or are not actively selected. "
        + "There is no project \"nowhere\". There are shop, till, 7, seven."),
    SessionsCase(
      "no value", "release:",
      "A value is missing after \"release:\". The empty value is written release:\"\"."),
    SessionsCase(
      "space before the value", "release: a",
      "A value is missing after \"release:\". The empty value is written release:\"\"."),
    SessionsCase(
      "open quotation", "release:\"a",
      "The query has a quotation mark that is not closed."),
    SessionsCase(
      "text behind quotation", "release:\"a\"b",
      "A space is missing after the quoted value of \"release\"."),
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
    SessionsCase("OR first", "OR release:a", "OR has to stand between two terms of the query."),
    SessionsCase("OR last", "release:a OR", "OR has to stand between two terms of the query."),
    SessionsCase(
      "OR at the end of parentheses", "(release:a OR) release:b",
      "OR has to stand between two terms of the query."),
    SessionsCase(
      "AND behind OR", "release:a OR AND release:b",
      "AND has to stand between two terms of the query."),
    SessionsCase(
      "OR behind AND", "release:a AND OR release:b",
      "OR has to stand between two terms of the query."),
  ]

  @Test(arguments: refusals)
  func refuses(_ row: SessionsCase<String>) {
    #expect(throws: APIError.badRequest(row.expected)) {
      try SearchQuery(row.query, projects: SessionsFixtures.projects)
    }
  }

  /// Terms about the parts of a release's name, and about its adoption stage.
  private static let releases: [SessionsCase<[String]>] = [
    SessionsCase("above", "release.version:>1.2", ["shop@2.0.0", "shop@1.10.0+8"]),
    SessionsCase("from on", "release.version:>=1.2", ["shop@2.0.0", "shop@1.10.0+8", "web@1.2"]),
    SessionsCase("first numbers", "release.version:1.*", ["shop@1.10.0+8", "web@1.2"]),
    SessionsCase(
      "below 64 bits", "release.version:<18446744073709551615",
      ["shop@2.0.0", "shop@1.10.0+8", "web@1.2"]),
    SessionsCase("above 64 bits", "release.version:>18446744073709551616", []),
    SessionsCase(
      "of twelve digits", "release.version:<shop@123456789012", ["shop@2.0.0", "shop@1.10.0+8"]),
    SessionsCase("a package", "release.package:web", ["web@1.2"]),
    SessionsCase("not a package", "!release.package:shop", ["web@1.2", "nightly"]),
    SessionsCase("a build", "release.build:8", ["shop@1.10.0+8"]),
    SessionsCase(
      "alternatives", "release.package:web OR release.build:>7", ["shop@1.10.0+8", "web@1.2"]),
    SessionsCase("a stage", "release.stage:adopted", ["shop@2.0.0"]),
    SessionsCase(
      "a stage or a name", "release.stage:replaced OR release:night*",
      ["shop@1.10.0+8", "nightly"]),
    SessionsCase("not a stage", "!release.stage:adopted", ["shop@1.10.0+8", "web@1.2", "nightly"]),
  ]

  @Test(arguments: releases)
  func selectsReleases(_ row: SessionsCase<[String]>) throws {
    let stages: [(String, AdoptionStage)] = [
      ("shop@2.0.0", .adopted), ("shop@1.10.0+8", .replaced), ("web@1.2", .lowAdoption),
      ("nightly", .lowAdoption),
    ]
    let search = try SearchQuery(
      row.query, projects: SessionsFixtures.projects, environments: EnvironmentSelection(["prod"]))
    #expect(search.filter.needsStage == row.query.contains("stage"))
    let kept = stages.filter { name, stage in
      search.filter.matches(
        SeriesKey(project: ProjectID(rawValue: 1), release: name, environment: "prod"), stage: stage
      )
    }
    #expect(kept.map(\.0) == row.expected)
  }

  /// Every search of up to six terms, operators and parentheses is refused, or means the same as
  /// evaluation with operators on a stack: `AND` binds before `OR`, and terms side by side are
  /// joined by `AND`.
  @Test func joinsAsOperatorsOnAStackDo() {
    let words = ["release:a", "environment:e", "AND", "OR", "(", ")"]
    let series = ["a", "b"].flatMap { release in
      ["e", "f"].map {
        SeriesKey(project: ProjectID(rawValue: 1), release: release, environment: $0)
      }
    }
    var searches: [[String]] = [[]]
    var taken = 0
    for _ in 0..<6 {
      searches = searches.flatMap { search in words.map { search + [$0] } }
      for search in searches {
        let found = try? SearchQuery(search.joined(separator: " "), projects: [])
        let truths = series.map { series in
          OperatorStack.value(search) {
            $0 == "release:a" ? series.release == "a" : series.environment == "e"
          }
        }
        if found != nil { taken += 1 }
        let isSame = truths == series.map { series in found.map { $0.filter.matches(series) } }
        if !isSame { Issue.record("\(search): \(truths)") }
      }
    }
    #expect(taken > 1000)
  }

  /// Evaluates infix notation with two stacks, as a pocket calculator does.
  private struct OperatorStack {
    var values: [Bool] = []
    var operators: [String] = []

    /// The value; nil where the search cannot be parsed.
    static func value(_ words: [String], _ isTrue: (String) -> Bool) -> Bool? {
      var stack = OperatorStack()
      var isOperandNext = true
      for word in words {
        let isOperand = word == "(" || word.contains(":")
        if isOperand, !isOperandNext {
          stack.push("AND")
          isOperandNext = true
        }
        guard isOperand == isOperandNext else { return nil }
        switch word {
        case "(": stack.operators.append(word)
        case ")":
          while let top = stack.operators.last, top != "(" { stack.apply() }
          if stack.operators.popLast() == nil { return nil }
        case "AND", "OR":
          stack.push(word)
          isOperandNext = true
        default:
          stack.values.append(isTrue(word))
          isOperandNext = false
        }
      }
      if isOperandNext { return nil }
      while let top = stack.operators.last {
        if top == "(" { return nil }
        stack.apply()
      }
      return stack.values.last
    }

    private mutating func push(_ name: String) {
      // Operators that bind as closely or more closely are applied first.
      while let top = operators.last, top == "AND" || top == name { apply() }
      operators.append(name)
    }

    private mutating func apply() {
      let (right, left) = (values.removeLast(), values.removeLast())
      values.append(operators.removeLast() == "AND" ? left && right : left || right)
    }
  }

  /// The lexer fails with an ``APIError`` only: every string of up to four of the significant
  /// characters is accepted or refused.
  @Test func readsOrRefusesEverything() {
    let alphabet: [Character] = [
      "r", ":", "\"", "\\", "[", "]", ",", "(", ")", "!", " ", "*",
    ]
    var texts = [""]
    var readable = 0
    for _ in 0..<4 {
      texts = texts.flatMap { text in alphabet.map { text + String($0) } }
      for text in texts where (try? SearchQuery(text, projects: [])) != nil { readable += 1 }
    }
    // Only white space has no unknown key.
    #expect(readable == 4)
  }
}
