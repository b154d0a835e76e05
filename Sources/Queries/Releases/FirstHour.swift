internal import ReleaseHealth
internal import Storage

extension ReleaseRecord {
  /// The hour in which the first session of a release started; nil when there was none. It is that
  /// of the first arrival where the sessions have expired.
  func firstHour(
    in projects: Set<ProjectID>, _ environments: EnvironmentSelection, _ store: any ReleaseStore
  ) throws(StoreError) -> Int? {
    let seen =
      places
      .filter { projects.contains($0.project) && environments.includes($0.environment) }
      .map(\.firstSeen.hour).min()
    let started = try store.sessionHours(
      ofRelease: id, projects: projects, environments: environments)
    return [seen, started?.lowerBound].compactMap(\.self).min()
  }
}
