extension ReleaseVersion {
  /// The comparable part of a version, which the search key `release.version` uses.
  ///
  /// A greater value is a higher version. Packages and build codes are ignored.
  package struct Semver: Hashable, Comparable, Sendable {
    package let major: Int64
    package let minor: Int64
    package let patch: Int64
    package let revision: Int64
    /// The prerelease; empty for a final version, which is above its prereleases.
    package let prerelease: String

    package static func < (left: Semver, right: Semver) -> Bool {
      let numbers = (left.major, left.minor, left.patch, left.revision)
      let others = (right.major, right.minor, right.patch, right.revision)
      if numbers != others { return numbers < others }
      if left.prerelease.isEmpty || right.prerelease.isEmpty {
        return !left.prerelease.isEmpty && right.prerelease.isEmpty
      }
      // Sentry compares prereleases as text: rc.10 is below rc.9.
      return left.prerelease < right.prerelease
    }
  }

  /// The key of the order by version, greatest first; releases with equal keys are ordered by date.
  package struct SemverKey: Hashable, Comparable, Sendable {
    private enum Build: Hashable, Comparable, Sendable {
      case none
      case number(Int64)
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

  /// The version; nil without one, or if a number exceeds the range of Sentry's database.
  package var semver: Semver? {
    guard let version,
      let major = Int64(exactly: version.major), let minor = Int64(exactly: version.minor),
      let patch = Int64(exactly: version.patch), let revision = Int64(exactly: version.revision)
    else { return nil }
    return Semver(
      major: major, minor: minor, patch: patch, revision: revision,
      prerelease: version.prerelease ?? "")
  }

  package var semverKey: SemverKey { SemverKey(self) }

  /// The build code as a number; nil if it is not a number, or without a ``semver``.
  package var buildNumber: Int64? {
    guard semver != nil, let code = version?.buildCode, let number = Int64(code) else { return nil }
    return number < 0 ? nil : number
  }
}
