internal import ReleaseHealth
internal import Storage

/// An entry of a list of releases: a release with all of its projects, or with one of them.
struct ReleaseEntry {
  let record: ReleaseRecord
  let version: ReleaseVersion
  let projects: [Project]

  /// The date that lists order and page by. As in Sentry (`date_added`), finalizing does not change
  /// it.
  var date: Timestamp { record.created }

  var rank: ReleaseRank { ReleaseRank(record.version, version: version, created: record.created) }

  /// The places of the release in each project and environment that the request selects.
  func places(_ environments: EnvironmentSelection) -> [ReleaseRecord.Place] {
    record.places.filter { place in
      projects.contains { $0.id == place.project }
        && environments.includes(place.environment)
    }
  }

  /// Whether the release was deployed to one of the environments, with sessions there or without.
  private func isDeployed(to environments: EnvironmentSelection) -> Bool {
    record.deploys.current(of: Set(projects.map(\.id))).contains {
      environments.includes($0.environment)
    }
  }

  /// The entries that a request selects, in its order.
  ///
  /// - Parameter id: a release that is listed whatever the filters select.
  static func entries(
    of records: [ReleaseRecord], _ request: ReleasesRequest, _ health: ReleaseHealthData,
    including id: Int64? = nil
  ) throws(StoreError) -> [ReleaseEntry] {
    let selected = Dictionary(uniqueKeysWithValues: request.projects.map { ($0.id, $0) })
    var entries: [ReleaseEntry] = []
    for record in records
    where request.status.map({ $0 == record.status }) ?? true || record.id == id {
      try CurrentQuery.check()
      let projects = record.projects.compactMap { selected[$0] }
      let whole = ReleaseEntry(
        record: record, version: ReleaseVersion(record.version), projects: projects)
      // In a flat list an entry is about one project: an environment or a stage of the release in
      // another project does not list it.
      let parts =
        request.isFlat
        ? projects.map { ReleaseEntry(record: record, version: whole.version, projects: [$0]) }
        : [whole]
      entries += record.id == id ? parts : parts.filter { $0.isSelected(by: request) }
    }
    return sorted(entries, request, health)
  }

  private func isSelected(by request: ReleasesRequest) -> Bool {
    // A release without a project belongs to the whole organization.
    if projects.isEmpty, !record.projects.isEmpty { return false }
    if let dates = request.dates, !dates.contains(date) { return false }
    let places = places(request.environments)
    if !request.environments.isAll, places.isEmpty, !isDeployed(to: request.environments) {
      return false
    }
    // A release can be adopted in one project and replaced in another; as in Sentry, one match is
    // enough. Without an environment no search filters stages, and any stage matches.
    let stages = Set(places.map(\.adoption.stage))
    return (stages.isEmpty ? [.lowAdoption] : stages).contains { stage in
      request.search.finds(
        record.version, isFinalized: record.isFinalized, at: stage, version: version)
    }
  }

  /// Sorts by the order of the request, and ties by the newest first.
  private static func sorted(
    _ entries: [ReleaseEntry], _ request: ReleasesRequest, _ health: ReleaseHealthData
  ) -> [ReleaseEntry] {
    func isNewer(_ left: ReleaseEntry, _ right: ReleaseEntry) -> Bool {
      if left.date != right.date { return left.date > right.date }
      if left.record.id != right.record.id { return left.record.id > right.record.id }
      return (left.projects.first?.id.rawValue ?? 0) < (right.projects.first?.id.rawValue ?? 0)
    }
    switch request.sort {
    case .date:
      return entries.sorted(by: isNewer)
    case .semver:
      return byRank { $0.rank }
    case .build:
      // As in Sentry, the others are not listed.
      return byRank(\.version.buildNumber).filter { $0.version.buildNumber != nil }
    default:
      return byRank { $0.rank(request, health) }
    }
    // The higher comes first; entries without a rank come last.
    func byRank<Rank: Comparable>(_ rank: (ReleaseEntry) -> Rank?) -> [ReleaseEntry] {
      entries.map { ($0, rank($0)) }.sorted { left, right in
        guard let one = left.1, let other = right.1, one != other else {
          return (left.1 == nil) == (right.1 == nil)
            ? isNewer(left.0, right.0) : right.1 == nil
        }
        return one > other
      }.map(\.0)
    }
  }

  /// The rank of an entry; the higher comes first.
  private func rank(_ request: ReleasesRequest, _ health: ReleaseHealthData) -> Double? {
    let key = projects.first.map {
      GroupKey(project: $0.id, release: record.version)
    }
    let summary = key.flatMap { health.summary[$0] }
    let day = key.flatMap { health.day[$0] }
    return switch request.sort {
    case .date, .semver, .build: nil
    case .adoption:
      places(request.environments).compactMap(\.adoption.adopted?.milliseconds).max()
        .map(Double.init)
    case .sessions: summary.map { Double($0.sessions.total) }
    case .users: summary.map { Double($0.users.total) }
    case .sessions24h: day.map { Double($0.sessions.total) }
    case .users24h: day.map { Double($0.users.total) }
    // Sentry ranks by the crash rate: the worst comes first.
    case .crashFreeSessions: summary?.sessions.crashRate
    case .crashFreeUsers: summary?.users.crashRate
    }
  }
}
