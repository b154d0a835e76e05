extension ReleaseVersion {
  /// A version as far as others are compared with it: what `release.version` searches for.
  ///
  /// The greater one is the higher version. Packages and build codes play no part.
  package struct Semver: Hashable, Comparable, Sendable {
    package let major: Int64
    package let minor: Int64
    package let patch: Int64
    package let revision: Int64
    /// Empty for a final version, which stands above its prereleases.
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

  /// By what a list sorted by version is sorted, the greatest first; releases that share a key are
  /// sorted by their date.
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

  /// nil where there is no version, or a number of it is beyond what Sentry's database holds.
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

  /// The build code as a number; nil where it is none, or does not belong to a ``semver``.
  package var buildNumber: Int64? {
    guard semver != nil, let code = version?.buildCode, let number = Int64(code) else { return nil }
    return number < 0 ? nil : number
  }
}
