internal import ReleaseHealth
internal import Storage

/// A line of a list of releases: a release with all of its projects, or with one of them.
struct ReleaseEntry {
  let record: ReleaseRecord
  let version: ReleaseVersion
  let projects: [Project]

  /// When the release was made, for lists: finalized, else created.
  var date: Timestamp { record.released ?? record.created }

  /// Its place in each project and environment that the request selects.
  func places(_ environments: Set<String>?) -> [ReleaseRecord.Place] {
    record.places.filter { place in
      projects.contains { $0.id == place.project }
        && environments?.contains(place.environment ?? "") ?? true
    }
  }

  /// The entries that a request asks for, in its order.
  static func entries(
    of records: [ReleaseRecord], _ request: ReleasesRequest, _ health: ReleaseHealthData
  ) -> [ReleaseEntry] {
    let selected = Dictionary(uniqueKeysWithValues: request.projects.map { ($0.id, $0) })
    var entries: [ReleaseEntry] = []
    for record in records where record.status == request.status {
      let projects = record.projects.compactMap { selected[$0] }
      let whole = ReleaseEntry(
        record: record, version: ReleaseVersion(record.version), projects: projects)
      guard whole.isSelected(by: request) else { continue }
      if request.isFlat {
        entries += projects.map {
          ReleaseEntry(record: record, version: whole.version, projects: [$0])
        }
      } else {
        entries.append(whole)
      }
    }
    return sorted(entries, request, health)
  }

  private func isSelected(by request: ReleasesRequest) -> Bool {
    // A release that was made for no project belongs to all of the organization.
    if projects.isEmpty, !record.projects.isEmpty { return false }
    let places = places(request.environments)
    if request.environments != nil, places.isEmpty { return false }
    if let dates = request.dates, !dates.contains(date) { return false }
    let stage = places.max { $0.firstSeen < $1.firstSeen }?.adoption.stage ?? .lowAdoption
    return request.search.includes(
      ReleaseSearch.Subject(name: record.version, version: version, stage: stage))
  }

  /// Sorts by what the request says, and what is equal there newest first.
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
      let keyed = entries.map { ($0, $0.version.semverKey) }
      return keyed.sorted { left, right in
        left.1 == right.1 ? isNewer(left.0, right.0) : left.1 > right.1
      }.map(\.0)
    default:
      // What has no rank comes last.
      let ranked = entries.map { ($0, $0.rank(request, health)) }
      return ranked.sorted { left, right in
        guard let one = left.1, let other = right.1, one != other else {
          return (left.1 == nil) == (right.1 == nil)
            ? isNewer(left.0, right.0) : right.1 == nil
        }
        return one > other
      }.map(\.0)
    }
  }

  /// The higher comes first.
  private func rank(_ request: ReleasesRequest, _ health: ReleaseHealthData) -> Double? {
    let key = projects.first.map {
      ReleaseHealthData.Key(project: $0.id, release: record.version)
    }
    let summary = key.flatMap { health.summary[$0] }
    let day = key.flatMap { health.day[$0] }
    return switch request.sort {
    case .date, .semver: nil
    case .build: version.buildNumber.map(Double.init)
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
