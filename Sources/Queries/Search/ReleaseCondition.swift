internal import API
internal import ReleaseHealth
internal import Storage

/// A release as a search sees it, in a place where sessions of it were seen.
struct ReleaseSubject {
  let name: String
  /// In its project and environment.
  let stage: AdoptionStage
  private let knownVersion: ReleaseVersion?

  /// - Parameter version: what the name says, if it was read already.
  init(name: String, version: ReleaseVersion? = nil, stage: AdoptionStage) {
    self.name = name
    self.stage = stage
    knownVersion = version
  }

  var version: ReleaseVersion { knownVersion ?? ReleaseVersion(name) }
}

/// What a term asks of a release: one of the terms `release`, `release.package`,
/// `release.version`, `release.build` and `release.stage`, which all searches share.
enum ReleaseCondition: Equatable, Sendable {
  case name([TextPattern])
  case package([TextPattern])
  case version([VersionComparison])
  case build([BuildComparison])
  case stage(Set<AdoptionStage>)

  static let keys = [
    "release", "release.package", "release.version", "release.build", "release.stage",
  ]

  /// nil for a term with another key.
  ///
  /// - Parameter environments: those that the request selects.
  init?(_ term: SearchTerm, environments: EnvironmentSelection) throws(APIError) {
    switch term.key {
    case "release":
      // In Sentry it stands for the newest release. No release is called so.
      if term.values.contains(where: { $0.literal == "latest" }) {
        throw .badRequest("\"release:latest\" is not supported in the query. Name the release.")
      }
      try term.refuseComparisons()
      self = .name(term.values.map(\.pattern))
    case "release.package": self = .package(term.values.map(\.pattern))
    case "release.version":
      var comparisons: [VersionComparison] = []
      for value in term.values { comparisons.append(try VersionComparison(value)) }
      self = .version(comparisons)
    case "release.build": self = .build(term.values.map(BuildComparison.init))
    case "release.stage": self = .stage(try Self.stages(term, environments))
    default: return nil
    }
  }

  func holds(for release: ReleaseSubject) -> Bool {
    switch self {
    case .name(let patterns): return patterns.contains { $0.matches(release.name) }
    case .package(let patterns):
      let version = release.version
      return version.semver != nil && patterns.contains { $0.matches(version.package ?? "") }
    case .version(let comparisons):
      let version = release.version
      return comparisons.contains { $0.holds(for: version) }
    case .build(let comparisons):
      let version = release.version
      return comparisons.contains { $0.holds(for: version) }
    case .stage(let stages): return stages.contains(release.stage)
    }
  }

  /// It depends on more than the release's name.
  var asksForStage: Bool {
    if case .stage = self { true } else { false }
  }

  /// It depends on what the name says.
  var asksForVersion: Bool {
    switch self {
    case .package, .version, .build: true
    case .name, .stage: false
    }
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

extension SearchTerm {
  /// `release:>1.0` would compare names; nobody means that.
  func refuseComparisons() throws(APIError) {
    for value in values where value.isComparison {
      throw .badRequest(
        "Comparisons are not supported in the query: \"\(key):\(value.text)\". "
          + "Put a value that begins with < or > in quotation marks.")
    }
  }
}

extension SearchValue {
  /// It begins with `<` or `>`, as in a comparison.
  var isComparison: Bool { !isQuoted && (text.hasPrefix("<") || text.hasPrefix(">")) }
}
