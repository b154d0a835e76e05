package import ReleaseHealth
package import Storage
internal import Locks

/// Releases from the changes made to them and from the raw reports.
extension ReferenceStore: ReleaseStore {
  /// All releases of an organization; those that were finalized or created last come first.
  func allReleases(
    of organization: OrganizationID, withDeploys: Bool
  ) throws(StoreError) -> [ReleaseRecord] {
    let raw = snapshot
    guard organization == Self.organization else { return [] }
    return raw.releases.map { release in
      var release = release
      let places = raw.seen.filter { Name($0.key.release) == Name(release.version) }
      release.places = places.map { series, time in
        ReleaseRecord.Place(
          project: series.project, environment: series.environment, firstSeen: time,
          adoption: raw.adoption.times[series] ?? AdoptionTimes())
      }
      .sorted {
        ($0.firstSeen, $0.project, $0.environment ?? "")
          < ($1.firstSeen, $1.project, $1.environment ?? "")
      }
      release.projects = Set(release.projects + places.keys.map(\.project)).sorted()
      if withDeploys { release.deploys = deploys(of: Name(release.version), raw) }
      return release
    }
    .sorted {
      let (one, other) = ($0.released ?? $0.created, $1.released ?? $1.created)
      return one == other ? $0.id > $1.id : one > other
    }
  }

  package func saveRelease(
    _ change: ReleaseChange, of organization: OrganizationID, at now: Timestamp
  ) throws(StoreError) -> Bool {
    raw.withLock { raw in
      let old = raw.releases.firstIndex { Name($0.version) == Name(change.version) }
      let index = old ?? raw.makeRelease(change.version, at: now)
      raw.releases[index].released = change.released ?? raw.releases[index].released
      raw.releases[index].ref = change.ref ?? raw.releases[index].ref
      raw.releases[index].url = change.url ?? raw.releases[index].url
      raw.releases[index].status = change.status ?? raw.releases[index].status
      raw.releases[index].projects += change.projects
      return old == nil
    }
  }

  package func addDeploy(
    _ deploy: Deploy, ofRelease version: String, of organization: OrganizationID
  ) throws(StoreError) -> Deploy? {
    raw.withLock { raw in
      guard organization == Self.organization,
        raw.releases.contains(where: { Name($0.version) == Name(version) })
      else { return nil }
      raw.lastDeploy += 1
      var stored = deploy
      stored.id = raw.lastDeploy
      raw.deploys.append((Name(version), stored))
      return stored
    }
  }

  /// Every deploy that is the last one of some project in its environment, with these projects.
  private func deploys(of release: Name, _ raw: Raw) -> ReleaseDeploys {
    let all = raw.deploys.filter { $0.release == release }.map(\.deploy)
    var deploys = ReleaseDeploys()
    deploys.count = Int64(all.count)
    for (index, deploy) in all.enumerated().reversed() {
      let later = all[(index + 1)...].filter { Name($0.environment) == Name(deploy.environment) }
      var last = deploy
      last.projects.removeAll { project in later.contains { $0.projects.contains(project) } }
      let isLast =
        deploy.projects.isEmpty
        ? !later.contains { $0.projects.isEmpty } : !last.projects.isEmpty
      if isLast { deploys.current.append(last) }
    }
    return deploys
  }

  package func deleteRelease(
    version: String, of organization: OrganizationID
  ) throws(StoreError) -> Bool {
    let name = Name(version)
    if snapshot.seen.keys.contains(where: { Name($0.release) == name }) {
      throw .releaseHasSessions
    }
    return raw.withLock { raw in
      let count = raw.releases.count
      raw.releases.removeAll { Name($0.version) == name }
      raw.deploys.removeAll { $0.release == name }
      return raw.releases.count < count
    }
  }

  package func sessionHours(
    ofRelease id: Int64, projects: Set<ProjectID>, environments: EnvironmentSelection
  ) throws(StoreError) -> ClosedRange<Int>? {
    guard let record = snapshot.releases.first(where: { $0.id == id }) else { return nil }
    let hours = facts.filter {
      Name($0.series.release) == Name(record.version) && projects.contains($0.series.project)
        && environments.includes($0.series.environment)
    }
    .map { Self.hour($0.minute) }
    guard let first = hours.min(), let last = hours.max() else { return nil }
    return first...last
  }

  package func uses(of organization: OrganizationID) throws(StoreError) -> [ProjectID: ProjectUse] {
    var uses: [ProjectID: ProjectUse] = [:]
    guard organization == Self.organization else { return uses }
    for series in snapshot.seen.keys {
      var use = uses[series.project] ?? ProjectUse()
      use.environments = Self.sorted(use.environments + [series.environment ?? ""])
      uses[series.project] = use
    }
    for (_, deploy) in snapshot.deploys {
      for project in deploy.projects {
        var use = uses[project] ?? ProjectUse()
        use.deployEnvironments = Self.sorted(use.deployEnvironments + [deploy.environment])
        uses[project] = use
      }
    }
    for (key, _) in snapshot.batches.flatMap(\.outcomes) {
      if key.outcome == .accepted { uses[key.project]?.hasSingleSessions = true }
      if key.outcome == .acceptedAggregate { uses[key.project]?.hasAggregates = true }
    }
    return uses
  }

  /// By bytes: two spellings of one text are two environments.
  private static func sorted(_ names: [String]) -> [String] {
    Set(names.map { Name($0) }).sorted().map(\.text)
  }

  package func runAdoption(at now: Timestamp) throws(StoreError) -> Int {
    var adoption = snapshot.adoption
    let count = try adoption.run(at: now, self)
    keep(adoption)
    return count
  }

  package func runAdoption(of project: ProjectID, hour: Int) throws(StoreError) {
    var adoption = snapshot.adoption
    try adoption.run(hour: hour, of: [project], self)
    keep(adoption)
  }

  private func keep(_ adoption: ReferenceStages) {
    raw.withLock { $0.adoption = adoption }
  }
}
