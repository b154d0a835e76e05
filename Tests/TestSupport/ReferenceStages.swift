package import ReleaseHealth
package import Storage

/// Adoption computed a second time, from its definition and the model's raw reports.
package struct ReferenceStages {
  package private(set) var times: [SeriesKey: AdoptionTimes] = [:]
  private var lastHour: Int?

  package init(times: [SeriesKey: AdoptionTimes] = [:]) {
    self.times = times
  }

  /// Computes what a store's `runAdoption` does at that time.
  ///
  /// - Returns: the number of runs.
  @discardableResult
  package mutating func run(
    at now: Timestamp, _ model: ReferenceStore
  ) throws(StoreError) -> Int {
    let hour = now.hour
    let next = (lastHour ?? hour - 1) + 1
    guard next <= hour else { return 0 }
    let hours = max(next, hour - 5)...hour
    for hour in hours { try run(hour: hour, of: Self.projects, model) }
    lastHour = hour
    return hours.count
  }

  private static let projects: Set<ProjectID> = [ProjectID(rawValue: 1), ProjectID(rawValue: 2)]

  /// By bytes: two spellings of one text are two environments.
  private static func place(_ project: ProjectID, _ environment: String?) -> [Int64] {
    [project.rawValue] + (environment ?? "").utf8.map(Int64.init)
  }

  mutating func run(
    hour: Int, of projects: Set<ProjectID>, _ model: ReferenceStore
  ) throws(StoreError) {
    var query = HealthQuery(projects: projects, minutes: (hour - 6) * 60..<hour * 60)
    query.groupBy = [.project, .release, .environment]
    var counts: [SeriesKey: Double] = [:]
    var totals: [[Int64]: Double] = [:]
    var active: Set<ProjectID> = []
    for group in try model.health(query) {
      guard let project = group.key.project, let release = group.key.release,
        let environment = group.key.environment
      else { continue }
      let count = Double(group.totals.sessions.total)
      active.insert(project)
      if environment.isEmpty { continue }
      counts[SeriesKey(project: project, release: release, environment: environment)] = count
      totals[Self.place(project, environment), default: 0] += count
    }
    let time = Timestamp(minute: hour * 60)
    for (series, count) in counts {
      let total = totals[Self.place(series.project, series.environment)] ?? 0
      guard count * 10 >= total else { continue }
      times[series] = AdoptionTimes(adopted: times[series]?.adopted ?? time)
    }
    for (series, known) in times where known.unadopted == nil && active.contains(series.project) {
      let total = totals[Self.place(series.project, series.environment)] ?? 0
      let count = counts[series] ?? 0
      if count == 0 || count * 10 < total {
        times[series] = AdoptionTimes(adopted: known.adopted, unadopted: time)
      }
    }
  }
}
