internal import API
internal import Bytes
internal import ReleaseHealth
internal import Storage

/// The terms about releases, which all searches share.
enum ReleaseTerms {
  static let keys = [
    "release", "release.package", "release.version", "release.build", "release.stage",
  ]

  /// The key of the searches of sessions or releases that a word is, or is a slip of the hand of.
  static func key(meantBy word: String) -> String? {
    let all = SearchQuery.keys + ReleaseSearch.keys
    return all.first { $0 == word } ?? all.first { NearNames.isSlip(word, of: $0) }
  }

  /// The error about a term whose key a search does not have.
  ///
  /// - Parameters:
  ///   - keys: the keys that the search has.
  ///   - quoted: how it finds a release whose name is the whole term.
  static func unknownKey(
    _ term: SearchTerm, among keys: [String], quoted: (String) -> String
  ) -> APIError {
    var error = APIError.unknown("Invalid search filter: \(term.key)", term.key, among: keys)
    if let key = key(meantBy: term.key) {
      // What the other search has is no name of a release.
      if AcceptedNames.selection.contains(key), !keys.contains(key) {
        error.detail += " The parameter \(key)= selects by \(key)."
      } else if !keys.contains(key) {
        let others = SearchQuery.keys.contains(key) ? "sessions" : "releases"
        error.detail += " Only searches of \(others) have \(key)."
      }
    } else if let value = term.values[0].literal, term.values.count == 1,
      !term.values[0].isQuoted, NearNames.near(term.key, among: keys).isEmpty
    {
      let name = "\(term.key):\(value)"
      error.detail += " The release \"\(name)\" is found by \(quoted("\"\(name)\""))."
    }
    return error
  }

  /// The filter of a term; nil for a term with another key.
  static func filter(
    _ term: SearchTerm, environments: EnvironmentSelection
  ) throws(APIError) -> SeriesFilter? {
    var conditions: [SeriesFilter] = []
    switch term.key {
    case "release":
      try term.refuseComparisons()
      // The names of a list are one condition, however many there are.
      let names = Set(term.values.compactMap { $0.literal.map { Name($0) } })
      let others = names.filter { $0.text.lowercased() != LatestRelease.name }
      if !others.isEmpty { conditions.append(.releases(others)) }
      if others.count < names.count { conditions.append(.latest) }
      conditions += term.values.filter { $0.literal == nil }.map { .releaseMatches($0.pattern) }
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

  /// The limits of a search: every condition is held against every series.
  private static let conditionsMax = 100
  private static let wildcardsMax = 20

  /// Refuses a search that would take seconds where there are very many releases.
  func checkedSearch() throws(APIError) -> SeriesFilter {
    guard conditionCount <= Self.conditionsMax else {
      throw .badRequest(
        "The query has more than \(Self.conditionsMax) terms. A list counts as one: "
          + "release:[a, b].")
    }
    guard wildcardCount <= Self.wildcardsMax else {
      throw .badRequest(
        "The query has more than \(Self.wildcardsMax) terms with a wildcard or without a key.")
    }
    return self
  }
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

/// The comparisons of versions in searches: `release.version:>1.2`, `release.version:shop@1.2`,
/// `release.version:1.2.*`.
extension VersionComparison {
  init(_ value: SearchValue) throws(APIError) {
    let (relation, text) = value.comparison
    let isPattern = text.hasSuffix(".*")
    let bare = isPattern ? String(text.dropLast(2)) : text
    // A version is parsed only after a package. Of 12 or 20 digits it is one, too: a number.
    let version = ReleaseVersion(bare.contains("@") ? bare : "-@" + bare, takesHashes: false)
    guard let semver = version.semver, let parsed = version.version,
      !isPattern || (relation == .equal && parsed.prerelease == nil)
    else {
      throw .badRequest(
        "Invalid release.version: \"\(text)\". Give a version, for example 1.2.3, >=1.2 or 1.2.*.")
    }
    self.init(
      relation, package: bare.contains("@") ? version.package : nil, wanted: semver,
      components: isPattern ? parsed.components : nil)
  }
}

/// The comparisons of builds in searches: `release.build:>42`, `release.build:abc*`.
extension BuildComparison {
  init(_ value: SearchValue) {
    let (relation, text) = value.comparison
    self.init(
      relation, wanted: value.pieces.count == 1 ? VersionNumber(text.utf8) : nil,
      pattern: value.pattern)
  }
}

extension SearchValue {
  /// The relation (`>`, `>=`, `<`, `<=` or none) and the text after it.
  fileprivate var comparison: (relation: Relation, text: String) {
    if isQuoted { return (.equal, text) }
    for (prefix, relation) in [
      (">=", Relation.atLeast), ("<=", .atMost), (">", .above), ("<", .below),
    ] where text.hasPrefix(prefix) {
      return (relation, String(text.dropFirst(prefix.count)))
    }
    return (.equal, text)
  }
}
