extension ReleaseVersion {
  /// The comparable part of a version, which the search key `release.version` uses.
  ///
  /// A greater value is a higher version, by Semantic Versioning 2.0.0, item 11. Packages and build
  /// codes are ignored.
  package struct Semver: Hashable, Comparable, Sendable {
    package let major: VersionNumber
    package let minor: VersionNumber
    package let patch: VersionNumber
    package let revision: VersionNumber
    /// The prerelease; empty for a final version, which is above its prereleases.
    package let prerelease: String

    package static func < (left: Semver, right: Semver) -> Bool {
      let numbers = (left.major, left.minor, left.patch, left.revision)
      let others = (right.major, right.minor, right.patch, right.revision)
      if numbers != others { return numbers < others }
      if left.prerelease.isEmpty || right.prerelease.isEmpty {
        return !left.prerelease.isEmpty && right.prerelease.isEmpty
      }
      return isLower(left.prerelease, right.prerelease)
    }

    /// Semantic Versioning 2.0.0, item 11.4: identifiers are compared one by one, and where all are
    /// equal the shorter list is lower.
    private static func isLower(_ left: String, _ right: String) -> Bool {
      let ours = left.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      let theirs = right.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      for (one, other) in zip(ours, theirs) where !one.elementsEqual(other) {
        switch (isNumeric(one), isNumeric(other)) {
        // Numbers have no leading zeros, and any length.
        case (true, true) where one.count != other.count: return one.count < other.count
        case (true, false): return true
        case (false, true): return false
        default: return one.lexicographicallyPrecedes(other)
        }
      }
      return ours.count < theirs.count
    }

    private static func isNumeric(_ identifier: Substring.UTF8View) -> Bool {
      !identifier.isEmpty && identifier.allSatisfy { (0x30...0x39).contains($0) }
    }
  }

  /// The key of the order by version; what has no version is lowest. See ``ReleaseRank``.
  package struct SemverKey: Hashable, Comparable, Sendable {
    private enum Build: Hashable, Comparable, Sendable {
      case none
      case number(VersionNumber)
      case text(String)
    }

    private let semver: Semver?
    private let build: Build

    fileprivate init(_ version: ReleaseVersion) {
      semver = version.semver
      if let number = version.buildNumber {
        build = .number(number)
      } else if semver != nil, let code = version.version?.buildCode {
        build = .text(code)
      } else {
        build = .none
      }
    }

    package static func < (left: SemverKey, right: SemverKey) -> Bool {
      guard let semver = left.semver, let other = right.semver else {
        return left.semver == nil && right.semver != nil
      }
      return semver == other ? left.build < right.build : semver < other
    }
  }

  /// The version; nil without one.
  package var semver: Semver? {
    version.map { version in
      Semver(
        major: version.major, minor: version.minor, patch: version.patch,
        revision: version.revision, prerelease: version.prerelease ?? "")
    }
  }

  package var semverKey: SemverKey { SemverKey(self) }

  /// The build code as a number; nil if it is not a number, or without a ``semver``.
  package var buildNumber: VersionNumber? {
    version?.buildCode.flatMap { VersionNumber($0.utf8) }
  }
}

/// The place of a release in the one order of releases, which rules, gates, lists and the page
/// share: by version, then by the time when the release was first seen, then by name.
package struct ReleaseRank: Hashable, Comparable, Sendable {
  private let key: ReleaseVersion.SemverKey
  private let created: Timestamp
  private let name: Name

  /// - Parameters:
  ///   - version: what the name says, where it was read before.
  ///   - created: when the release was created over the API, or first seen in a session.
  package init(_ name: String, version: ReleaseVersion? = nil, created: Timestamp) {
    key = (version ?? ReleaseVersion(name)).semverKey
    self.created = created
    self.name = Name(name)
  }

  package static func < (left: ReleaseRank, right: ReleaseRank) -> Bool {
    if left.key != right.key { return left.key < right.key }
    return (left.created, left.name) < (right.created, right.name)
  }
}
