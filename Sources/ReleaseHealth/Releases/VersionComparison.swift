/// How a value stands to the one that it is compared with.
package enum Relation: Hashable, Sendable {
  case equal, above, atLeast, below, atMost

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

/// A condition on the version in a release's name: `>1.2`, `shop@1.2`, `1.2.*`.
package struct VersionComparison: Equatable, Sendable {
  private let relation: Relation
  private let package: String?
  private let wanted: ReleaseVersion.Semver
  private let components: Int?

  /// - Parameters:
  ///   - package: the release has to have the same one; nil for any.
  ///   - wanted: what the version is compared with; the numbers that it lacks are 0.
  ///   - components: the number of leading numbers that have to be equal for any relation; nil
  ///     compares the whole version.
  package init(
    _ relation: Relation, package: String?, wanted: ReleaseVersion.Semver, components: Int? = nil
  ) {
    self.relation = relation
    self.package = package
    self.wanted = wanted
    self.components = components
  }

  package func holds(for version: ReleaseVersion) -> Bool {
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

/// A condition on the build in a release's name: `>42` compares numbers, `abc*` text.
package struct BuildComparison: Equatable, Sendable {
  private let pattern: TextPattern
  private let relation: Relation
  private let wanted: VersionNumber?

  /// - Parameters:
  ///   - wanted: the number that a build number is compared with; nil where the condition names
  ///     none.
  ///   - pattern: what the build code is to look like where one of the two is no number.
  package init(_ relation: Relation, wanted: VersionNumber?, pattern: TextPattern) {
    self.relation = relation
    self.wanted = wanted
    self.pattern = pattern
  }

  package var hasWildcard: Bool { pattern.hasWildcard }

  package func holds(for version: ReleaseVersion) -> Bool {
    guard let wanted, let number = version.buildNumber else {
      return pattern.matches(part: version.version?.buildCode)
    }
    return relation.holds(number == wanted ? 0 : number > wanted ? 1 : -1)
  }
}
