internal import ReleaseHealth
internal import Storage

/// The counts that a list of releases shows and ranks by.
struct ReleaseHealthData {
  /// A release in a project.
  struct Key: Hashable {
    var project: ProjectID
    var release: String
  }

  private(set) var summary: [Key: HealthCell] = [:]
  private(set) var day: [Key: HealthCell] = [:]
  private(set) var projectDay: [ProjectID: HealthCell] = [:]
  private(set) var series: [Key: [HealthCell]] = [:]

  /// No counts.
  init() {}

  /// Asks the store for what the request ranks by. Blocks.
  init(ranking request: ReleasesRequest, store: any SessionStore) throws(StoreError) {
    switch request.sort {
    case .date, .semver, .build, .adoption: return
    case .sessions, .users, .crashFreeSessions, .crashFreeUsers:
      summary = Self.totals(try store.health(request.summaryQuery))
    case .sessions24h, .users24h:
      day = Self.totals(try store.health(request.dayQuery))
    }
  }

  /// Asks the store for what the entries show. Blocks.
  ///
  /// Only their releases are counted: an organization has thousands, and a page a hundred.
  mutating func load(
    for entries: some Sequence<ReleaseEntry>, _ request: ReleasesRequest,
    store: any SessionStore
  ) throws(StoreError) {
    guard request.withHealth else { return }
    let releases = Set(entries.map(\.record.version))
    if releases.isEmpty { return }
    if summary.isEmpty {
      summary = Self.totals(try store.health(request.summaryQuery.of(releases)))
    }
    if day.isEmpty { day = Self.totals(try store.health(request.dayQuery.of(releases))) }
    for group in try store.health(request.projectDayQuery) {
      if let project = group.key.project { projectDay[project] = group.totals }
    }
    for group in try store.health(request.seriesQuery.of(releases)) {
      if let key = Self.key(group) { series[key] = group.series }
    }
  }

  private static func totals(_ groups: [HealthGroup]) -> [Key: HealthCell] {
    var totals: [Key: HealthCell] = [:]
    for group in groups {
      if let key = key(group) { totals[key] = group.totals }
    }
    return totals
  }

  private static func key(_ group: HealthGroup) -> Key? {
    guard let project = group.key.project, let release = group.key.release else { return nil }
    return Key(project: project, release: release)
  }
}

extension HealthQuery {
  /// The same question of some releases alone.
  fileprivate func of(_ releases: Set<String>) -> HealthQuery {
    var query = self
    query.includes = { [includes] in releases.contains($0.release) && includes($0) }
    return query
  }
}
