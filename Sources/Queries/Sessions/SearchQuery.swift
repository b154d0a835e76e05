package import API
internal import Bytes
package import ReleaseHealth
package import Storage

/// A search over sessions in the language of Sentry's page "Search" (Query Syntax): terms about the
/// release, the environment and the project, joined by `AND`, `OR` and parentheses, and terms about
/// `session.status`, which are always joined by `AND`.
package struct SearchQuery: Sendable {
  /// The text as given in the request.
  package let text: String
  /// The severities that count; nil when the search has no `session.status`. It is empty when no
  /// session can match.
  package let statuses: SeveritySet?
  /// The condition on the series, from all terms but `session.status`: a status selects among the
  /// counts of a series.
  package private(set) var filter: SeriesFilter
  /// The release that `release:latest` means; nil without that term, or without releases.
  package private(set) var latest: String?

  /// - Parameter projects: the projects that the search may name.
  package init(
    _ text: String, projects: [Project], environments: EnvironmentSelection = EnvironmentSelection()
  ) throws(APIError) {
    self.text = text
    var statuses: SeveritySet?
    filter = try SearchTree(text).filter { (leaf, isAlternative) throws(APIError) in
      let term = try Self.term(leaf)
      if term.key == "session.status" {
        // Sentry counts each status by itself, and cannot apply one within an alternative.
        guard !isAlternative else { throw Self.unparsableStatus }
        // Several terms are joined by `AND`, as in Sentry.
        let kept = try Self.severities(term)
        statuses = statuses?.intersection(kept) ?? kept
        return .everything
      }
      if let filter = try ReleaseTerms.filter(term, environments: environments) { return filter }
      try term.refuseComparisons()
      let filter: SeriesFilter =
        term.key == "environment"
        ? Self.environments(term.values)
        : .projects(try Self.projectIDs(term.values, of: projects))
      return filter.negated(if: term.isNegated)
    }
    .checkedSearch()
    self.statuses = statuses
  }

  /// The search with the release that `release:latest` means. Blocks.
  ///
  /// - Parameter query: what counts beside the search.
  func namingLatest(
    in query: HealthQuery, of organization: OrganizationID,
    _ store: any SessionReading & ReleaseReading
  ) throws(StoreError) -> SearchQuery {
    var named = self
    (named.filter, named.latest) = try filter.naming(latestIn: query, of: organization, store)
    return named
  }

  static let keys = ReleaseTerms.keys + ["environment", "project", "session.status"]

  private static let unparsableStatus = APIError.badRequest(
    "Unable to parse condition with session.status")

  private static func term(_ leaf: SearchLeaf) throws(APIError) -> SearchTerm {
    switch leaf {
    case .term(let term) where keys.contains(term.key): return term
    // A pasted name is no search here: one that selects nothing would answer zeros.
    case .term(let term):
      throw ReleaseTerms.unknownKey(term, among: keys) { "release:\($0)" }
    case .freeText(let text):
      throw .badRequest(
        "Free text is not supported in the query: \"\(text)\". Write key:value with one of the "
          + "keys \(keys.joined(separator: ", ")), such as release:\"\(text)\".")
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

  private static func environments(_ values: [SearchValue]) -> SeriesFilter {
    let names = values.compactMap(\.literal)
    let named: [SeriesFilter] = names.isEmpty ? [] : [.environments(EnvironmentSelection(names))]
    return .any(
      named + values.filter { $0.literal == nil }.map { .environmentMatches($0.pattern) })
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
            "Invalid query. Project(s) \(name) do not exist or are not actively selected. "
              + NearNames.sentence("project", name, among: projects.map(\.slug)))
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
