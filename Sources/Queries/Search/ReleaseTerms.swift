internal import API
internal import ReleaseHealth
internal import Storage

/// The terms about releases, which all searches share.
enum ReleaseTerms {
  static let keys = [
    "release", "release.package", "release.version", "release.build", "release.stage",
  ]

  /// The filter of a term; nil for a term with another key.
  ///
  /// - Parameter environments: the environments that the request selects.
  static func filter(
    _ term: SearchTerm, environments: EnvironmentSelection
  ) throws(APIError) -> SeriesFilter? {
    var conditions: [SeriesFilter] = []
    switch term.key {
    case "release":
      // In Sentry it means the newest release. No release has that name.
      if term.values.contains(where: { $0.literal == "latest" }) {
        throw .badRequest("\"release:latest\" is not supported in the query. Name the release.")
      }
      try term.refuseComparisons()
      conditions = term.values.map { .releaseMatches($0.pattern) }
    case "release.package": conditions = term.values.map { .packageMatches($0.pattern) }
    case "release.version":
      for value in term.values { conditions.append(.version(try VersionComparison(value))) }
    case "release.build": conditions = term.values.map { .build(BuildComparison($0)) }
    case "release.stage": conditions = [.stages(try stages(term, environments))]
    default: return nil
    }
    return .any(conditions).negated(if: term.isNegated)
  }

  private static func stages(
    _ term: SearchTerm, _ environments: EnvironmentSelection
  ) throws(APIError) -> Set<AdoptionStage> {
    guard environments.isSingle else {
      throw .badRequest("Choose a single environment to filter by release stage.")
    }
    var stages: Set<AdoptionStage> = []
    for value in term.values {
      guard let stage = AdoptionStage(rawValue: value.text) else {
        throw .badRequest(
          "Unsupported release.stage value: \"\(value.text)\". Valid choices are "
            + AdoptionStage.allCases.map(\.rawValue).joined(separator: ", "))
      }
      stages.insert(stage)
    }
    return stages
  }
}

extension SeriesFilter {
  func negated(if isNegated: Bool) -> SeriesFilter { isNegated ? .not(self) : self }
}

extension SearchTerm {
  /// Refuses `release:>1.0`, which would compare names and is never intended.
  func refuseComparisons() throws(APIError) {
    for value in values where value.isComparison {
      throw .badRequest(
        "Comparisons are not supported in the query: \"\(key):\(value.text)\". "
          + "Put a value that begins with < or > in quotation marks.")
    }
  }
}

extension SearchValue {
  /// Whether the text begins with `<` or `>`, as a comparison does.
  var isComparison: Bool { !isQuoted && (text.hasPrefix("<") || text.hasPrefix(">")) }
}
