package import ReleaseHealth
package import Storage

/// A search over sessions in Sentry's query language, as far as Hale speaks it: terms over
/// `release`, `environment`, `project` and `session.status`, of which all have to hold.
package struct SearchQuery: Equatable, Sendable {
  /// As the request gave it.
  package let text: String
  /// The severities that count; nil when the search says nothing of `session.status`. Empty when
  /// no session can match.
  package private(set) var statuses: Set<Severity>?
  private var condition = Condition.all([])

  /// - Parameter projects: those that the search may name.
  package init(_ text: String, projects: [Project]) throws(APIError) {
    self.text = text
    var conditions: [Condition] = []
    for term in try Self.terms(text) {
      let values = try Self.literals(term)
      switch term.key {
      case "session.status":
        // A status is no part of a scope: it selects among the counts. Several terms have to hold
        // together, as in Sentry.
        let named = Set(Severity.allCases.filter { values.contains($0.name) })
        let kept = term.isNegated ? Set(Severity.allCases).subtracting(named) : named
        statuses = statuses?.intersection(kept) ?? kept
        continue
      case "release":
        conditions.append(.release(Set(values.map { Name($0) })))
      case "environment":
        conditions.append(.environment(EnvironmentSelection(values)))
      default:
        conditions.append(.project(try Self.projectIDs(values, of: projects)))
      }
      if term.isNegated { conditions.append(.not(conditions.removeLast())) }
    }
    condition = .all(conditions)
  }

  /// Whether sessions of the scope may count.
  package func includes(_ scope: Scope) -> Bool { condition.holds(for: scope) }

  /// Every scope counts.
  package var includesAll: Bool { condition == .all([]) }

  /// What a search asks of a scope. Alternatives and patterns are to become cases of it.
  private indirect enum Condition: Equatable, Sendable {
    case release(Set<Name>)
    case environment(EnvironmentSelection)
    case project(Set<ProjectID>)
    case not(Condition)
    case all([Condition])

    func holds(for scope: Scope) -> Bool {
      switch self {
      case .release(let names): names.contains(Name(scope.release))
      case .environment(let selection): selection.includes(scope.environment)
      case .project(let ids): ids.contains(scope.project)
      case .not(let condition): !condition.holds(for: scope)
      case .all(let conditions): conditions.allSatisfy { $0.holds(for: scope) }
      }
    }
  }

  private static let keys: Set = ["release", "environment", "project", "session.status"]

  /// The terms of a conjunction, which `AND` may join or nothing.
  private static func terms(_ text: String) throws(APIError) -> [SearchTerm] {
    var terms: [SearchTerm] = []
    var mayJoin = false
    for token in try SearchLexer.tokens(of: text) {
      switch token {
      case .term(let term):
        guard keys.contains(term.key) else {
          throw .badRequest("Invalid query field: \"\(term.key)\"")
        }
        terms.append(term)
        mayJoin = true
      case .and:
        guard mayJoin else { throw misplacedAnd }
        mayJoin = false
      case .or:
        throw .badRequest(
          "OR is not supported in the query. List alternatives, for example release:[a, b].")
      case .opening, .closing:
        throw .badRequest(
          "Parentheses are not supported in the query. Put values that have them in quotation "
            + "marks.")
      case .freeText(let text):
        throw .badRequest(
          "Free text is not supported in the query: \"\(text)\". Write key:value with one of "
            + "the keys release, environment, project and session.status.")
      }
    }
    if !terms.isEmpty && !mayJoin { throw misplacedAnd }
    return terms
  }

  private static let misplacedAnd = APIError.badRequest(
    "AND has to stand between two terms of the query.")

  private static func literals(_ term: SearchTerm) throws(APIError) -> [String] {
    var literals: [String] = []
    for value in term.values {
      guard let literal = value.literal else {
        if term.key == "session.status" {
          throw .badRequest("Unable to parse condition with session.status")
        }
        throw .badRequest(
          "Wildcards are not supported in the query: \"\(term.key):\(value.text)\". "
            + "An asterisk of the value itself is written \\*.")
      }
      if !value.isQuoted, literal.hasPrefix("<") || literal.hasPrefix(">") {
        throw .badRequest(
          "Comparisons are not supported in the query: \"\(term.key):\(literal)\". "
            + "Put a value that begins with < or > in quotation marks.")
      }
      // In Sentry it stands for the newest release. No release is called so.
      if term.key == "release", literal == "latest" {
        throw .badRequest(
          "\"release:latest\" is not supported in the query. Name the release.")
      }
      literals.append(literal)
    }
    return literals
  }

  /// Sentry refuses a search for projects outside the selection instead of finding nothing.
  private static func projectIDs(
    _ names: [String], of projects: [Project]
  ) throws(APIError) -> Set<ProjectID> {
    var ids: Set<ProjectID> = []
    for name in names.sorted() {
      guard let project = projects.first(named: name) else {
        throw .badRequest(
          "Invalid query. Project(s) \(name) do not exist or are not actively selected.")
      }
      ids.insert(project.id)
    }
    return ids
  }
}

extension [Project] {
  /// The project with this number or, where there is none, with this slug.
  package func first(named name: String) -> Project? {
    first { String($0.id.rawValue) == name } ?? first { $0.slug == name }
  }
}
