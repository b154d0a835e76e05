internal import ReleaseHealth
internal import Storage

/// A search over releases: free text is looked for in the name, and terms over the name's parts
/// and the adoption stage, of which all have to hold.
struct ReleaseSearch {
  /// A release as the search sees it.
  struct Subject {
    let name: String
    let version: ReleaseVersion
    /// In the one environment that was asked for.
    let stage: AdoptionStage
  }

  private let conditions: [@Sendable (Subject) -> Bool]

  /// - Parameter environments: those that the request selects.
  init(_ text: String, environments: EnvironmentSelection) throws(APIError) {
    if let condition = Self.describedBuild(text) {
      conditions = [condition]
      return
    }
    var conditions: [@Sendable (Subject) -> Bool] = []
    for token in try SearchLexer.tokens(of: text) {
      switch token {
      case .freeText(let text):
        let wanted = text.lowercased()
        conditions.append { $0.name.lowercased().contains(wanted) }
      case .term(let term):
        let condition = try Self.condition(term, environments: environments)
        conditions.append { condition($0) != term.isNegated }
      case .and: continue
      case .or, .opening, .closing:
        throw .badRequest("OR and parentheses are not supported in the query.")
      }
    }
    self.conditions = conditions
  }

  func includes(_ subject: Subject) -> Bool {
    conditions.allSatisfy { $0(subject) }
  }

  /// `1.9.0 (7)`, as releases are shown to people, who copy it: the release `1.9.0+7`. Sentry
  /// reads it so, too.
  private static func describedBuild(_ text: String) -> (@Sendable (Subject) -> Bool)? {
    let text = text.lowercased()
    guard !text.contains(":"), let match = text.wholeMatch(of: /(.*?)\s+\(([^()]+)\)\s*/) else {
      return nil
    }
    let name = "\(match.1)+\(match.2)"
    return { subject in
      let subject = subject.name.lowercased()
      return subject.contains(name) || subject.contains(text)
    }
  }

  private static func condition(
    _ term: SearchTerm, environments: EnvironmentSelection
  ) throws(APIError) -> @Sendable (Subject) -> Bool {
    switch term.key {
    case "release":
      // In Sentry it stands for the newest release. No release is called so.
      if term.values.contains(where: { $0.literal == "latest" }) {
        throw .badRequest("\"release:latest\" is not supported in the query. Name the release.")
      }
      let patterns = term.values.map(Pattern.init)
      return { subject in patterns.contains { $0.matches(subject.name) } }
    case "release.package":
      let patterns = term.values.map(Pattern.init)
      return { subject in
        subject.version.semver != nil
          && patterns.contains { $0.matches(subject.version.package ?? "") }
      }
    case "release.version":
      var comparisons: [VersionComparison] = []
      for value in term.values { comparisons.append(try VersionComparison(value)) }
      return { [comparisons] subject in comparisons.contains { $0.holds(for: subject.version) } }
    case "release.build":
      let comparisons = term.values.map(BuildComparison.init)
      return { subject in comparisons.contains { $0.holds(for: subject.version) } }
    case "release.stage":
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
      return { [stages] subject in stages.contains(subject.stage) }
    default:
      throw .badRequest("Invalid query field: \"\(term.key)\"")
    }
  }
}

/// A text with wildcards.
private struct Pattern: Sendable {
  let pieces: [String]

  init(_ value: SearchValue) {
    pieces = value.pieces
  }

  /// A part that the name does not have is empty, and nothing that a wildcard finds.
  func matches(part: String?) -> Bool {
    part.map(matches) ?? (pieces == [""])
  }

  func matches(_ text: String) -> Bool {
    guard let first = pieces.first, let last = pieces.last else { return false }
    if pieces.count == 1 { return text == first }
    guard text.hasPrefix(first), text.hasSuffix(last),
      text.utf8.count >= first.utf8.count + last.utf8.count
    else { return false }
    var rest = text.dropFirst(first.count).dropLast(last.count)
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      guard let range = rest.firstRange(of: piece) else { return false }
      rest = rest[range.upperBound...]
    }
    return true
  }
}

/// `>`, `>=`, `<`, `<=` or nothing before a value.
private enum Relation: Sendable {
  case equal, above, atLeast, below, atMost

  /// Cuts the relation off a value.
  static func split(_ value: SearchValue) -> (relation: Relation, text: String) {
    let text = value.text
    if value.isQuoted { return (.equal, text) }
    for (prefix, relation) in [
      (">=", Relation.atLeast), ("<=", .atMost), (">", .above), ("<", .below),
    ] where text.hasPrefix(prefix) {
      return (relation, String(text.dropFirst(prefix.count)))
    }
    return (.equal, text)
  }

  /// - Parameter order: negative, zero or positive, as what is compared stands to the value.
  func holds(_ order: Int) -> Bool {
    switch self {
    case .equal: order == 0
    case .above: order > 0
    case .atLeast: order >= 0
    case .below: order < 0
    case .atMost: order <= 0
    }
  }
}

/// `release.version:>1.2`, `release.version:shop@1.2`, `release.version:1.2.*`. What is missing of
/// a version is 0; a package that is named has to be the release's.
private struct VersionComparison: Sendable {
  private let relation: Relation
  private let package: String?
  private let wanted: ReleaseVersion.Semver
  /// So many of the numbers count; nil when all of the version does.
  private let components: Int?

  init(_ value: SearchValue) throws(APIError) {
    let (relation, text) = Relation.split(value)
    self.relation = relation
    let isPattern = text.hasSuffix(".*")
    let bare = isPattern ? String(text.dropLast(2)) : text
    // Only behind a package is something read as a version.
    let version = ReleaseVersion(bare.contains("@") ? bare : "-@" + bare)
    guard let semver = version.semver, let parsed = version.version,
      !isPattern || (relation == .equal && parsed.prerelease == nil)
    else {
      throw .badRequest(
        "Invalid release.version: \"\(text)\". Give a version, for example 1.2.3, >=1.2 or 1.2.*.")
    }
    package = bare.contains("@") ? version.package : nil
    wanted = semver
    components = isPattern ? parsed.components : nil
  }

  func holds(for version: ReleaseVersion) -> Bool {
    guard let semver = version.semver, package == nil || package == version.package else {
      return false
    }
    if let components {
      let theirs = [semver.major, semver.minor, semver.patch, semver.revision]
      let ours = [wanted.major, wanted.minor, wanted.patch, wanted.revision]
      return theirs.prefix(components) == ours.prefix(components)
    }
    return relation.holds(semver == wanted ? 0 : semver > wanted ? 1 : -1)
  }
}

/// `release.build:>42`, `release.build:abc*`.
private struct BuildComparison: Sendable {
  private let pattern: Pattern
  private let relation: Relation
  private let wanted: Int64?

  init(_ value: SearchValue) {
    pattern = Pattern(value)
    let (relation, text) = Relation.split(value)
    self.relation = relation
    wanted = value.pieces.count == 1 ? Int64(text) : nil
  }

  func holds(for version: ReleaseVersion) -> Bool {
    guard let wanted, let number = version.buildNumber else {
      return pattern.matches(part: version.version?.buildCode)
    }
    return relation.holds(number == wanted ? 0 : number > wanted ? 1 : -1)
  }
}
