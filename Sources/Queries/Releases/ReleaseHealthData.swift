internal import ReleaseHealth
internal import Storage

/// The counts that a list of releases shows and ranks by, by release and project.
struct ReleaseHealthData {
  private(set) var summary: [GroupKey: HealthCell] = [:]
  private(set) var day: [GroupKey: HealthCell] = [:]
  private(set) var projectDay: [ProjectID: HealthCell] = [:]
  private(set) var series: [GroupKey: [HealthCell]] = [:]
  private(set) var overviews: [GroupKey: ReleaseOverview] = [:]
}

extension ReleaseHealthData {
  /// Queries the counts that the request ranks by. Of very many releases those with the most
  /// sessions are ranked. Blocks.
  init(ranking request: ReleasesRequest, store: any SessionReading) throws(StoreError) {
    switch request.sort {
    case .date, .semver, .build, .adoption: return
    case .sessions, .users, .crashFreeSessions, .crashFreeUsers:
      summary = Self.totals(try store.health(request.summaryQuery.ofLargestGroups))
    case .sessions24h, .users24h:
      day = Self.totals(try store.health(request.dayQuery.ofLargestGroups))
    }
  }

  /// Queries the counts of the entries. Blocks.
  ///
  /// Only their releases are counted: an organization has thousands, and a page a hundred.
  mutating func load(
    for entries: [ReleaseEntry], _ request: ReleasesRequest, of organization: OrganizationID,
    store: any SessionReading & ReleaseReading
  ) throws(StoreError) {
    guard request.withHealth else { return }
    let releases = Set(entries.map { Name($0.record.version) })
    if releases.isEmpty { return }
    if request.withOverview {
      overviews = try ReleaseOverview.of(entries, request, in: organization, store: store)
    }
    if summary.isEmpty {
      let previous = overviews.values.compactMap { $0.previous.map { Name($0) } }
      summary = Self.totals(try store.health(request.summaryQuery.of(releases.union(previous))))
    }
    if day.isEmpty { day = Self.totals(try store.health(request.dayQuery.of(releases))) }
    for group in try store.health(request.projectDayQuery) {
      if let project = group.key.project { projectDay[project] = group.totals }
    }
    for group in try store.health(request.seriesQuery.of(releases)) {
      series[group.key] = group.series
    }
  }

  private static func totals(_ groups: [HealthGroup]) -> [GroupKey: HealthCell] {
    Dictionary(uniqueKeysWithValues: groups.map { ($0.key, $0.totals) })
  }
}

extension HealthQuery {
  /// The same query, of those groups that have the most sessions where there are very many.
  fileprivate var ofLargestGroups: HealthQuery {
    var query = self
    query.groupsMax = Self.rankedGroupsMax
    return query
  }

  /// The same query, restricted to some releases.
  fileprivate func of(_ releases: Set<Name>) -> HealthQuery {
    var query = self
    query.filter = .all([.releases(releases), filter])
    return query
  }
}
