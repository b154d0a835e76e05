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
  /// The release's name in lower case has this text in it.
  case releaseContains(String)
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

  /// Whether the series counts.
  ///
  /// - Parameters:
  ///   - stage: of the series; it matters only where ``needsStage`` is true.
  ///   - version: what the release's name says, where it was read before. A caller with many series
  ///     reads it once a series, where ``needsVersion`` is true.
  package func matches(
    _ series: SeriesKey, stage: AdoptionStage = .lowAdoption, version: ReleaseVersion? = nil
  ) -> Bool {
    switch self {
    case .all(let parts):
      parts.allSatisfy { $0.matches(series, stage: stage, version: version) }
    case .any(let parts):
      parts.contains { $0.matches(series, stage: stage, version: version) }
    case .not(let part): !part.matches(series, stage: stage, version: version)
    case .projects(let ids): ids.contains(series.project)
    case .environments(let environments): environments.includes(series.environment)
    case .environmentMatches(let pattern):
      pattern.matches(part: series.environment?.isEmpty == true ? nil : series.environment)
    case .stages(let stages): stages.contains(stage)
    case .groups(let keys, let dimensions): keys.contains(GroupKey(of: series, by: dimensions))
    case .releases(let names): names.contains(Name(series.release))
    case .releaseMatches(let pattern): pattern.matches(series.release)
    case .releaseContains(let text): series.release.lowercased().contains(text)
    case .package, .packageMatches, .version, .build:
      matches(version ?? ReleaseVersion(series.release))
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

  /// A condition depends on what the release's name says.
  package var needsVersion: Bool {
    contains {
      switch $0 {
      case .package, .packageMatches, .version, .build: true
      default: false
      }
    }
  }

  private func contains(_ isTrue: (SeriesFilter) -> Bool) -> Bool {
    switch self {
    case .all(let parts), .any(let parts): parts.contains { $0.contains(isTrue) }
    case .not(let part): part.contains(isTrue)
    default: isTrue(self)
    }
  }
}
