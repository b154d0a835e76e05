internal import API
internal import ReleaseHealth

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
struct VersionComparison: Equatable, Sendable {
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
struct BuildComparison: Equatable, Sendable {
  private let pattern: TextPattern
  private let relation: Relation
  private let wanted: Int64?

  init(_ value: SearchValue) {
    pattern = value.pattern
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
