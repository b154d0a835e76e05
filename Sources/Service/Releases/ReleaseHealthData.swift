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

  /// Asks the store what the request needs. Blocks.
  init(_ request: ReleasesRequest, store: any SessionStore) throws(StoreError) {
    guard request.needsHealth else { return }
    summary = Self.totals(try store.health(request.summaryQuery))
    day = Self.totals(try store.health(request.dayQuery))
    guard request.withHealth else { return }
    for group in try store.health(request.projectDayQuery) {
      if let project = group.key.project { projectDay[project] = group.totals }
    }
    for group in try store.health(request.seriesQuery) {
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
