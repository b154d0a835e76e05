package import ReleaseHealth

/// Which series a query counts: a tree of conditions that every database can evaluate.
///
/// A series is a project, a release and an environment. Names are compared byte by byte. The
/// meaning is ``matches(_:stage:version:)``.
package indirect enum SeriesFilter: Equatable, Sendable {
  /// Without parts it matches every series.
  case all([SeriesFilter])
  /// Without parts it matches none.
  case any([SeriesFilter])
  case not(SeriesFilter)
  case projects(Set<ProjectID>)
  case releases(Set<Name>)
  case releaseMatches(TextPattern)
  /// The release's name begins with this package, or with none.
  case package(String?)
  /// The release has a version, and its package, empty where there is none, looks like this.
  case packageMatches(TextPattern)
  case version(VersionComparison)
  case build(BuildComparison)
  case environments(EnvironmentSelection)
  /// No environment, which the empty name stands for too, is what no wildcard finds.
  case environmentMatches(TextPattern)
  /// The stage of adoption of the release in its project and environment.
  case stages(Set<AdoptionStage>)
  /// The series belongs to one of the groups of a query that groups by these dimensions.
  case groups(Set<GroupKey>, by: Set<HealthQuery.Dimension>)

  package static let everything = SeriesFilter.all([])

  package static func release(_ name: String) -> SeriesFilter { .releases([Name(name)]) }

  /// Whether the series counts. A caller with many series makes a ``SeriesMatcher``.
  ///
  /// - Parameter stage: of the series; it matters only where ``needsStage`` is true.
  package func matches(_ series: SeriesKey, stage: AdoptionStage = .lowAdoption) -> Bool {
    var matcher = SeriesMatcher(self)
    return matcher.matches(series, stage: stage)
  }

  fileprivate func matches(
    _ series: SeriesKey, _ stage: AdoptionStage, _ texts: SeriesMatcher.Texts
  ) -> Bool {
    switch self {
    case .all(let parts): parts.allSatisfy { $0.matches(series, stage, texts) }
    case .any(let parts): parts.contains { $0.matches(series, stage, texts) }
    case .not(let part): !part.matches(series, stage, texts)
    case .projects(let ids): ids.contains(series.project)
    case .environments(let environments): environments.includes(series.environment)
    case .environmentMatches(let pattern):
      series.environment.map { !$0.isEmpty } == true
        ? pattern.matches(series.environment ?? "", lowercased: texts.environment)
        : pattern.matches(part: nil)
    case .stages(let stages): stages.contains(stage)
    case .groups(let keys, let dimensions): keys.contains(GroupKey(of: series, by: dimensions))
    case .releases(let names): names.contains(Name(series.release))
    case .releaseMatches(let pattern):
      pattern.matches(series.release, lowercased: texts.release)
    case .package, .packageMatches, .version, .build:
      texts.version.map(matches) ?? false
    }
  }

  private func matches(_ version: ReleaseVersion) -> Bool {
    switch self {
    case .package(let name): version.package == name
    case .packageMatches(let pattern):
      version.semver != nil && pattern.matches(version.package ?? "")
    case .version(let comparison): comparison.holds(for: version)
    case .build(let comparison): comparison.holds(for: version)
    default: false
    }
  }

  /// A condition depends on the stage of adoption.
  package var needsStage: Bool {
    contains { if case .stages = $0 { true } else { false } }
  }

  /// A condition depends on the name of the release.
  package var needsRelease: Bool {
    contains {
      switch $0 {
      case .projects, .environments, .environmentMatches, .stages: false
      case .groups(_, let dimensions): dimensions.contains(.release)
      default: true
      }
    }
  }

  /// A condition depends on the name of the environment.
  package var needsEnvironment: Bool {
    contains {
      switch $0 {
      case .environments(let selection): !selection.isAll
      case .environmentMatches: true
      case .groups(_, let dimensions): dimensions.contains(.environment)
      default: false
      }
    }
  }

  /// The releases that a series has to be of, so that others need not be looked at; nil for any.
  package var onlyReleases: Set<Name>? {
    switch self {
    case .releases(let names): return names
    case .groups(let keys, let dimensions):
      return dimensions.contains(.release)
        ? Set(keys.compactMap { $0.release.map { Name($0) } }) : nil
    case .all(let parts):
      return parts.compactMap(\.onlyReleases).min { $0.count < $1.count }
    case .any(let parts):
      let releases = parts.compactMap(\.onlyReleases)
      return releases.count == parts.count
        ? releases.reduce(into: Set()) { $0.formUnion($1) } : nil
    default: return nil
    }
  }

  /// The number of conditions on a series, without those that cost nothing.
  package var conditionCount: Int {
    switch self {
    case .all(let parts), .any(let parts): parts.reduce(0) { $0 + $1.conditionCount }
    case .not(let part): part.conditionCount
    default: 1
    }
  }

  /// The number of conditions with a wildcard.
  package var wildcardCount: Int {
    switch self {
    case .all(let parts), .any(let parts): parts.reduce(0) { $0 + $1.wildcardCount }
    case .not(let part): part.wildcardCount
    case .releaseMatches(let pattern), .packageMatches(let pattern),
      .environmentMatches(let pattern):
      pattern.hasWildcard ? 1 : 0
    case .build(let comparison): comparison.hasWildcard ? 1 : 0
    default: 0
    }
  }

  /// A condition depends on what the release's name says.
  fileprivate var needsVersion: Bool {
    contains {
      switch $0 {
      case .package, .packageMatches, .version, .build: true
      default: false
      }
    }
  }

  fileprivate func contains(_ isTrue: (SeriesFilter) -> Bool) -> Bool {
    switch self {
    case .all(let parts), .any(let parts): parts.contains { $0.contains(isTrue) }
    case .not(let part): part.contains(isTrue)
    default: isTrue(self)
    }
  }
}

/// A filter that is held against many series: what its conditions compare is read from a name once
/// for all of them, and from the name of a release once for all of its series in a row.
package struct SeriesMatcher {
  private let filter: SeriesFilter
  /// See ``SeriesFilter/needsStage``.
  package let needsStage: Bool
  private let needsVersion: Bool
  private let needsRelease: Bool
  private let needsEnvironment: Bool
  /// The release of the last series.
  private var release: Name?
  private var texts = Texts()

  /// What the conditions compare of the names of a series.
  fileprivate struct Texts {
    var release: [UInt8] = []
    var environment: [UInt8] = []
    var version: ReleaseVersion?
  }

  package init(_ filter: SeriesFilter) {
    self.filter = filter
    needsStage = filter.needsStage
    needsVersion = filter.needsVersion
    needsRelease = filter.contains {
      if case .releaseMatches(let pattern) = $0 { pattern.hasWildcard } else { false }
    }
    needsEnvironment = filter.contains {
      if case .environmentMatches(let pattern) = $0 { pattern.hasWildcard } else { false }
    }
  }

  /// - Parameter stage: of the series; it matters only where ``needsStage`` is true.
  package mutating func matches(_ series: SeriesKey, stage: AdoptionStage = .lowAdoption) -> Bool {
    if needsVersion || needsRelease, release != Name(series.release) {
      release = Name(series.release)
      if needsVersion { texts.version = ReleaseVersion(series.release) }
      if needsRelease { texts.release = TextPattern.lowercased(series.release) }
    }
    if needsEnvironment { texts.environment = TextPattern.lowercased(series.environment ?? "") }
    return filter.matches(series, stage, texts)
  }
}
