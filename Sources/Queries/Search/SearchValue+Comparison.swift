internal import API
internal import ReleaseHealth

/// The comparisons of versions in searches: `release.version:>1.2`, `release.version:shop@1.2`,
/// `release.version:1.2.*`.
extension VersionComparison {
  init(_ value: SearchValue) throws(APIError) {
    let (relation, text) = value.comparison
    let isPattern = text.hasSuffix(".*")
    let bare = isPattern ? String(text.dropLast(2)) : text
    // A version is parsed only after a package.
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

/// The comparisons of builds in searches: `release.build:>42`, `release.build:abc*`.
extension BuildComparison {
  init(_ value: SearchValue) {
    let (relation, text) = value.comparison
    self.init(
      relation, wanted: value.pieces.count == 1 ? Int64(text) : nil, pattern: value.pattern)
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
