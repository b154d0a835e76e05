package import ReleaseHealth
package import Storage

/// Lists by their definitions: everything is read, filtered and sorted.
extension ReferenceStore {
  package func releases(_ list: ReleaseList) throws(StoreError) -> [ReleaseListing] {
    var entries: [(listing: ReleaseListing, rank: Double?, version: ReleaseRank)] = []
    for record in try allReleases(of: list.organization, withDeploys: true) {
      if let status = list.status, status != record.status { continue }
      if let dates = list.dates, !dates.contains(record.created) { continue }
      let selected = record.projects.filter { list.isOfAllProjects || list.projects.contains($0) }
      for projects in list.isFlat ? selected.map({ [$0] }) : [selected] {
        if projects.isEmpty, !record.projects.isEmpty { continue }
        guard let places = Self.places(of: record, in: Set(projects), list) else { continue }
        let listing = ReleaseListing(
          id: record.id, version: record.version, created: record.created,
          project: list.isFlat ? projects.first : nil)
        if let after = list.after {
          let isAscending = if case .createdAscending = list.order { true } else { false }
          guard listing != after, after.isNewer(than: listing) != isAscending else { continue }
        }
        let rank = ReleaseRank(record.version, created: record.created)
        entries.append((listing, Self.rank(listing, places, list.order), rank))
      }
    }
    if case .build = list.order {
      entries.removeAll { ReleaseVersion($0.listing.version).buildNumber == nil }
    }
    entries.sort { left, right in
      switch list.order {
      case .createdAscending where left.listing.id != right.listing.id:
        return right.listing.isNewer(than: left.listing)
      case .version where left.version != right.version: return left.version > right.version
      case .build:
        let builds = [left, right].map { ReleaseVersion($0.listing.version).buildNumber }
        if let one = builds[0], let other = builds[1], one != other { return one > other }
      default:
        let ranks = [left, right].map { $0.rank ?? -.infinity }
        if ranks[0] != ranks[1] { return ranks[0] > ranks[1] }
      }
      return left.listing.isNewer(than: right.listing)
    }
    return entries.map(\.listing).dropFirst(list.offset).prefix(list.limit).map(\.self)
  }

  private static func rank(
    _ listing: ReleaseListing, _ places: [ReleaseRecord.Place], _ order: ReleaseList.Order
  ) -> Double? {
    switch order {
    case .adoption:
      places.compactMap(\.adoption.adopted?.milliseconds).max().map(Double.init)
    case .ranks(let ranks):
      ranks[GroupKey(project: listing.project, release: listing.version)]
    default: nil
    }
  }

  /// The places of a release that is selected in some projects; nil for one that is not.
  private static func places(
    of record: ReleaseRecord, in projects: Set<ProjectID>, _ list: ReleaseList
  ) -> [ReleaseRecord.Place]? {
    let places = record.places.filter {
      projects.contains($0.project) && list.environments.includes($0.environment)
    }
    let isDeployed = record.deploys.current(of: projects).contains {
      list.environments.includes($0.environment)
    }
    if !list.environments.isAll, places.isEmpty, !isDeployed { return nil }
    let stages = places.isEmpty ? [.lowAdoption] : Set(places.map(\.adoption.stage))
    let filter = record.released == nil ? list.ofOthers : list.ofFinalized
    let series = SeriesKey(
      project: ProjectID(rawValue: 0), release: record.version, environment: nil)
    return stages.contains { filter.matches(series, stage: $0) } ? places : nil
  }

  package func releases(
    named names: [String], of organization: OrganizationID, withDeploys: Bool
  ) throws(StoreError) -> [ReleaseRecord] {
    let records = try allReleases(of: organization, withDeploys: withDeploys)
    return names.compactMap { name in records.first { Name($0.version) == Name(name) } }
  }

  package func versionPlaces(
    of releases: [ReleaseRecord], in organization: OrganizationID, projects: Set<ProjectID>,
    _ environments: EnvironmentSelection
  ) throws(StoreError) -> [Int64: VersionPlace] {
    func rank(_ record: ReleaseRecord) -> ReleaseRank {
      ReleaseRank(record.version, created: record.created)
    }
    func isSeen(_ record: ReleaseRecord, in project: ProjectID) -> Bool {
      record.places.contains {
        $0.project == project && environments.includes($0.environment)
      }
    }
    let all = try allReleases(of: organization, withDeploys: false)
      .sorted { rank($0) < rank($1) }
    var places: [Int64: VersionPlace] = [:]
    for release in releases {
      guard let index = all.firstIndex(where: { $0.id == release.id }) else { continue }
      var place = VersionPlace(rank: index)
      for project in projects where isSeen(release, in: project) {
        place.previous[project] =
          all[..<index].last {
            isSeen($0, in: project)
              && ReleaseVersion($0.version).package == ReleaseVersion(release.version).package
          }?.version
      }
      places[release.id] = place
    }
    return places
  }

  package func haveSessions(_ projects: Set<ProjectID>) throws(StoreError) -> Bool {
    snapshot.seen.keys.contains { projects.contains($0.project) }
  }

  package func environments(
    _ list: EnvironmentList
  ) throws(StoreError) -> [KnownEnvironment] {
    let uses = try uses(of: list.organization)
    func names(_ uses: [ProjectID: ProjectUse]) -> Set<Name> {
      Set(uses.values.flatMap(\.allEnvironments)).subtracting([Name("")])
    }
    let own = names(uses.filter { list.projects.contains($0.key) })
    return names(uses).sorted().enumerated()
      .filter { own.contains($0.element) && list.name.map { [$0] }?.contains($0.element) ?? true }
      .map { KnownEnvironment(place: $0.offset, name: $0.element.text) }
      .dropFirst(list.offset).prefix(list.limit).map(\.self)
  }

  package func used(
    _ environments: EnvironmentSelection, in projects: Set<ProjectID>
  ) throws(StoreError) -> Set<Name> {
    let uses = try uses(of: Self.organization).filter { projects.contains($0.key) }
    return Set(uses.values.flatMap(\.allEnvironments)).intersection(environments.given)
  }
}

extension ReleaseReading {
  /// All releases of an organization; those that were finalized or created last come first.
  package func releases(
    of organization: OrganizationID, withDeploys: Bool = false
  ) throws(StoreError) -> [ReleaseRecord] {
    var list = ReleaseList(of: organization, projects: [], limit: 1_000_000)
    list.isOfAllProjects = true
    return try releases(
      named: try releases(list).map(\.version), of: organization, withDeploys: withDeploys
    )
    .sorted {
      let (one, other) = ($0.released ?? $0.created, $1.released ?? $1.created)
      return one == other ? $0.id > $1.id : one > other
    }
  }
}
