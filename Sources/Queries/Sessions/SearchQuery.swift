package import API
package import ReleaseHealth
package import Storage

/// A search over sessions in the language of Sentry's page "Search" (Query Syntax): terms over the
/// release, the environment and the project, which `AND`, `OR` and parentheses join, and over
/// `session.status`, which have to hold beside all others.
package struct SearchQuery: Sendable {
  /// As the request gave it.
  package let text: String
  /// The severities that count; nil when the search says nothing of `session.status`. Empty when
  /// no session can match.
  package let statuses: SeveritySet?
  /// Whether it asks for stages of adoption, which ``includes(_:stage:)`` then has to be told.
  package let asksForStages: Bool
  /// Whether names of releases have to be read: once a scope, not once a term.
  private let asksForVersions: Bool
  private let conditions: SearchTree<Condition>

  /// What a term asks of a scope.
  private struct Condition: Sendable {
    enum Subject: Sendable {
      case release(ReleaseCondition)
      case environment([TextPattern])
      case project(Set<ProjectID>)
      /// A status is no part of a scope: it selects among the counts.
      case nothing
    }

    var subject: Subject
    var isNegated = false

    func holds(for scope: Scope, _ release: ReleaseSubject) -> Bool {
      switch subject {
      case .release(let condition): condition.holds(for: release) != isNegated
      case .environment(let patterns):
        patterns.contains { $0.matches(part: Self.name(of: scope.environment)) } != isNegated
      case .project(let ids): ids.contains(scope.project) != isNegated
      case .nothing: true
      }
    }

    /// The empty environment is none.
    private static func name(of environment: String?) -> String? {
      environment?.isEmpty == true ? nil : environment
    }
  }

  /// - Parameters:
  ///   - projects: those that the search may name.
  ///   - environments: those that the request selects.
  package init(
    _ text: String, projects: [Project], environments: EnvironmentSelection = EnvironmentSelection()
  ) throws(APIError) {
    self.text = text
    var statuses: SeveritySet?
    var asksForStages = false
    var asksForVersions = false
    conditions = try SearchTree(text).map { (leaf, isAlternative) throws(APIError) in
      let term = try Self.term(leaf)
      if term.key == "session.status" {
        // Sentry counts each status by itself, and cannot tell which of them an alternative means.
        guard !isAlternative else { throw Self.unparsableStatus }
        // Several terms have to hold together, as in Sentry.
        let kept = try Self.severities(term)
        statuses = statuses?.intersection(kept) ?? kept
        return Condition(subject: .nothing)
      }
      if let condition = try ReleaseCondition(term, environments: environments) {
        asksForStages = asksForStages || condition.asksForStage
        asksForVersions = asksForVersions || condition.asksForVersion
        return Condition(subject: .release(condition), isNegated: term.isNegated)
      }
      try term.refuseComparisons()
      return Condition(
        subject: term.key == "environment"
          ? .environment(term.values.map(\.pattern))
          : .project(try Self.projectIDs(term.values, of: projects)),
        isNegated: term.isNegated)
    }
    self.statuses = statuses
    self.asksForStages = asksForStages
    self.asksForVersions = asksForVersions
  }

  /// Whether sessions of the scope may count.
  ///
  /// - Parameter stage: of the scope's release in its project and environment.
  package func includes(_ scope: Scope, stage: AdoptionStage = .lowAdoption) -> Bool {
    let release = ReleaseSubject(
      name: scope.release, version: asksForVersions ? ReleaseVersion(scope.release) : nil,
      stage: stage)
    return conditions.holds { $0.holds(for: scope, release) }
  }

  private static let keys = ReleaseCondition.keys + ["environment", "project", "session.status"]

  private static let unparsableStatus = APIError.badRequest(
    "Unable to parse condition with session.status")

  private static func term(_ leaf: SearchLeaf) throws(APIError) -> SearchTerm {
    switch leaf {
    case .term(let term) where keys.contains(term.key): return term
    case .term(let term): throw .badRequest("Invalid query field: \"\(term.key)\"")
    case .freeText(let text):
      throw .badRequest(
        "Free text is not supported in the query: \"\(text)\". Write key:value with one of the "
          + "keys \(keys.joined(separator: ", ")).")
    }
  }

  private static func severities(_ term: SearchTerm) throws(APIError) -> SeveritySet {
    var names: [String] = []
    for value in term.values {
      guard let name = value.literal else { throw unparsableStatus }
      if value.isComparison { throw .badRequest("Unable to resolve session.status filter") }
      names.append(name)
    }
    let named = SeveritySet(Severity.allCases.filter { names.contains($0.name) })
    return term.isNegated ? SeveritySet.all.subtracting(named) : named
  }

  /// Sentry refuses a search for projects outside the selection instead of finding nothing.
  private static func projectIDs(
    _ values: [SearchValue], of projects: [Project]
  ) throws(APIError) -> Set<ProjectID> {
    var ids: Set<ProjectID> = []
    for value in values {
      if let name = value.literal {
        guard let project = projects.first(named: name) else {
          throw .badRequest(
            "Invalid query. Project(s) \(name) do not exist or are not actively selected.")
        }
        ids.insert(project.id)
      } else {
        let pattern = value.pattern
        ids.formUnion(projects.filter { pattern.matches($0.slug) }.map(\.id))
      }
    }
    return ids
  }
}
