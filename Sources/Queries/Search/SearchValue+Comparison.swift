internal import API
internal import ReleaseHealth

/// How searches write comparisons: `release.version:>1.2`, `release.version:shop@1.2`,
/// `release.version:1.2.*`.
extension VersionComparison {
  init(_ value: SearchValue) throws(APIError) {
    let (relation, text) = value.comparison
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
    self.init(
      relation, package: bare.contains("@") ? version.package : nil, wanted: semver,
      components: isPattern ? parsed.components : nil)
  }
}

/// `release.build:>42`, `release.build:abc*`.
extension BuildComparison {
  init(_ value: SearchValue) {
    let (relation, text) = value.comparison
    self.init(
      relation, wanted: value.pieces.count == 1 ? Int64(text) : nil, pattern: value.pattern)
  }
}

extension SearchValue {
  /// `>`, `>=`, `<`, `<=` or nothing, and what stands behind it.
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
