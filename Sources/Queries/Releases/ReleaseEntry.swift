internal import ReleaseHealth
internal import Storage

/// An entry of a list of releases: a release with all of its projects, or with one of them.
struct ReleaseEntry {
  let record: ReleaseRecord
  let version: ReleaseVersion
  let projects: [Project]

  /// - Parameter projects: of the request.
  init(_ record: ReleaseRecord, among projects: [Project]) {
    self.record = record
    version = ReleaseVersion(record.version)
    let ids = Set(record.projects)
    self.projects = projects.filter { ids.contains($0.id) }
  }

  /// The places of the release in each project and environment that the request selects.
  func places(_ environments: EnvironmentSelection) -> [ReleaseRecord.Place] {
    record.places.filter { place in
      projects.contains { $0.id == place.project }
        && environments.includes(place.environment)
    }
  }

  /// Reads the entries of a page. Blocks.
  static func read(
    _ page: some Sequence<ReleaseListing>, _ request: ReleasesRequest,
    of organization: OrganizationID, _ store: any ReleaseReading
  ) throws(StoreError) -> [ReleaseEntry] {
    let records = try store.releases(
      named: page.map(\.version), of: organization, withDeploys: true)
    return zip(page, records).map { listing, record in
      ReleaseEntry(
        record,
        among: listing.project.map { id in request.projects.filter { $0.id == id } }
          ?? request.projects)
    }
  }
}

extension ReleasesRequest {
  /// A list with the filters of the request, in its order.
  ///
  /// - Parameter ranks: see ``ReleaseHealthData/ranks(by:)``.
  func list(
    of organization: OrganizationID, limit: Int, ranks: [GroupKey: Double] = [:]
  ) -> ReleaseList {
    var list = ReleaseList(of: organization, projects: Set(projects.map(\.id)), limit: limit)
    list.isOfAllProjects = isOfAllProjects
    list.environments = environments
    list.status = status
    list.dates = dates
    list.ofFinalized = search.ofFinalized
    list.ofOthers = search.ofOthers
    list.isFlat = isFlat
    list.order =
      switch sort {
      case .date: .created
      case .semver: .version
      case .build: .build
      case .adoption: .adoption
      default: .ranks(ranks)
      }
    return list
  }
}

extension ReleaseHealthData {
  /// What a list is ordered by, the highest first: of each release and project that has it.
  func ranks(by sort: ReleaseSort) -> [GroupKey: Double] {
    switch sort {
    case .date, .semver, .build, .adoption: [:]
    case .sessions: summary.mapValues { Double($0.sessions.total) }
    case .users: summary.mapValues { Double($0.users.total) }
    case .sessions24h: day.mapValues { Double($0.sessions.total) }
    case .users24h: day.mapValues { Double($0.users.total) }
    // Sentry ranks by the crash rate: the worst comes first.
    case .crashFreeSessions: summary.compactMapValues(\.sessions.crashRate)
    case .crashFreeUsers: summary.compactMapValues(\.users.crashRate)
    }
  }
}
