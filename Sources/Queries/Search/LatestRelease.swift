internal import ReleaseHealth
internal import Storage

/// Which release `latest` means in a request.
enum LatestRelease {
  /// No release has this name: sessions that report it are rejected.
  static let name = "latest"

  /// The release among those that a query counts, which are of one organization; nil when it counts
  /// none. Of very many, those with the most sessions are looked at. Blocks.
  ///
  /// - Parameters:
  ///   - isFinalized: whether only finalized releases, or only the others, are looked at.
  ///   - sessionsMin: see ``SeenRelease``.
  static func found(
    by query: HealthQuery, of organization: OrganizationID, isFinalized: Bool? = nil,
    sessionsMin: Int64 = 0, _ store: any SessionReading & ReleaseReading
  ) throws(StoreError) -> ReleaseRecord? {
    let sessions = try store.releaseSessions(query)
    let records = try store.releases(
      named: sessions.keys.map(\.text), of: organization, withDeploys: false
    ).filter { isFinalized == nil || $0.isFinalized == isFinalized }
    let seen = records.compactMap { record in
      sessions[Name(record.version)].map {
        SeenRelease(record.version, sessions: $0, record.standing(in: query))
      }
    }
    let latest = seen.latest(
      at: Timestamp(minute: query.minutes.upperBound), sessionsMin: sessionsMin)
    return latest.flatMap { latest in records.first { Name($0.version) == Name(latest.name) } }
  }
}

extension SessionReading {
  /// The sessions of each release that a query counts. Of very many releases these are the ones
  /// with the most. Blocks.
  func releaseSessions(_ query: HealthQuery) throws(StoreError) -> [Name: Int64] {
    var query = query
    query.intervalMinutes = nil
    query.groupBy = [.release]
    query.measures = .sessions
    query.groupsMax = HealthQuery.rankedGroupsMax
    return Dictionary(
      try health(query).map { (Name($0.key.release ?? ""), $0.totals.sessions.total) },
      uniquingKeysWith: { first, _ in first })
  }
}

extension KnownNames {
  /// The release of a name, which may be `latest`: the latest of those that a query counts. Blocks.
  ///
  /// - Parameters:
  ///   - other: a release that is not the latest: no release is compared with itself.
  ///   - sessionsMin: see ``SeenRelease``.
  func release(
    _ name: String, latestIn query: HealthQuery, besides other: String? = nil,
    sessionsMin: Int64 = 0, _ store: any SessionReading & ReleaseReading
  ) throws(StoreError) -> ReleaseRecord? {
    if name != LatestRelease.name { return try release(name) }
    var query = query
    if let other { query.filter = .all([query.filter, .not(.release(other))]) }
    return try LatestRelease.found(by: query, of: organization, sessionsMin: sessionsMin, store)
  }

  /// The reason why a name, which may be `latest`, has no release.
  ///
  /// - Parameter mayCome: see ``KnownNames/refusal(ofRelease:mayCome:)``.
  func refusal(
    ofReleaseOrLatest name: String, mayCome: Bool = false
  ) throws(StoreError) -> String {
    name == LatestRelease.name
      ? "There is no latest release: none has sessions in the range, projects and environments."
      : try refusal(ofRelease: name, mayCome: mayCome)
  }
}

extension SeriesFilter {
  /// `release:latest`, before it is known which release that is.
  static let latest = SeriesFilter.release(LatestRelease.name)

  var namesLatest: Bool { naming(latest: .everything) != self }

  /// The filter with `release:latest` replaced.
  func naming(latest: SeriesFilter) -> SeriesFilter {
    switch self {
    case Self.latest: latest
    case .all(let parts): .all(parts.map { $0.naming(latest: latest) })
    case .any(let parts): .any(parts.map { $0.naming(latest: latest) })
    case .not(let part): .not(part.naming(latest: latest))
    default: self
    }
  }

  /// The filter with the release that `release:latest` means within the rest of the search:
  /// `release.package:shop release:latest` is the latest one of that package. Blocks.
  ///
  /// - Parameters:
  ///   - query: what counts beside the search.
  ///   - isFinalized: see ``LatestRelease``.
  /// - Returns: also the release; nil when there is none.
  func naming(
    latestIn query: HealthQuery, of organization: OrganizationID, isFinalized: Bool? = nil,
    _ store: any SessionReading & ReleaseReading
  ) throws(StoreError) -> (filter: SeriesFilter, release: String?) {
    var query = query
    query.filter = .all([query.filter, candidates])
    let release = try LatestRelease.found(
      by: query, of: organization, isFinalized: isFinalized, store)?.version
    return (naming(latest: release.map { .release($0) } ?? .any([])), release)
  }

  /// The filter without its terms about the latest release.
  private var candidates: SeriesFilter {
    switch self {
    case Self.latest, .not(Self.latest): .everything
    case .all(let parts): .all(parts.map(\.candidates))
    case .any(let parts): .any(parts.map(\.candidates))
    case .not(let part): part.namesLatest ? .everything : self
    default: self
    }
  }
}
