package import ReleaseHealth

/// What is known of a release beside its numbers.
package struct ReleaseRecord: Equatable, Sendable {
  package enum Status: String, CaseIterable, Sendable {
    case open
    case archived
  }

  package var id: Int64
  package var version: String
  /// When it was created over the API, or first seen in a session.
  package var created: Timestamp
  /// When it was finalized.
  package var released: Timestamp?
  /// The commit, as the creator of the release gave it.
  package var ref: String?
  package var url: String?
  package var status: Status
  /// Its projects, those that its creator named and those whose sessions did; ascending.
  package var projects: [ProjectID]
  /// Where sessions of it were seen: the last ``placesMax`` series.
  package var places: [Place]
  /// Empty where the releases are read without them.
  package var deploys = ReleaseDeploys()

  /// The maximum number of places that are read of a release, and of its last deploys.
  package static let placesMax = 1000

  /// A project and environment that sessions of the release came from.
  package struct Place: Equatable, Sendable {
    package var project: ProjectID
    package var environment: String?
    package var firstSeen: Timestamp
    package var adoption: AdoptionTimes

    package init(
      project: ProjectID, environment: String?, firstSeen: Timestamp, adoption: AdoptionTimes
    ) {
      self.project = project
      self.environment = environment
      self.firstSeen = firstSeen
      self.adoption = adoption
    }
  }

  package init(
    id: Int64, version: String, created: Timestamp, released: Timestamp?, ref: String?,
    url: String?, status: Status, projects: [ProjectID], places: [Place]
  ) {
    self.id = id
    self.version = version
    self.created = created
    self.released = released
    self.ref = ref
    self.url = url
    self.status = status
    self.projects = projects
    self.places = places
  }
}

extension ReleaseRecord {
  /// What decides which release is the latest among those that a query counts.
  package func standing(in query: HealthQuery) -> ReleaseStanding {
    var matcher = SeriesMatcher(query.filter)
    let places = places.filter { place in
      query.projects.contains(place.project)
        && matcher.matches(
          SeriesKey(project: place.project, release: version, environment: place.environment),
          stage: place.adoption.stage)
    }
    return ReleaseStanding(of: version, created: created, adoption: places.map(\.adoption))
  }
}

/// What sessions and deploys tell of a project.
package struct ProjectUse: Equatable, Sendable {
  /// Those that sessions came from, ascending; the empty one for sessions without an environment.
  package var environments: [String] = []
  /// Those that releases were deployed to, ascending.
  package var deployEnvironments: [String] = []
  /// Whether there are environments beyond ``environmentsMax`` and ``environmentsOfAllMax``, which
  /// are missing above.
  package var hasMoreEnvironments = false
  /// Some came one by one, as from applications with users.
  package var hasSingleSessions = false
  /// Some came counted up, as from servers.
  package var hasAggregates = false

  /// The maximum number of environments that are read of a project.
  package static let environmentsMax = 1000
  /// The maximum number of environments that are read of all projects together.
  package static let environmentsOfAllMax = 10_000

  package init() {}

  /// No session has arrived yet.
  package var hasNoSessions: Bool { environments.isEmpty }

  /// The environments of sessions and deploys.
  package var allEnvironments: Set<Name> {
    Set((environments + deployEnvironments).map { Name($0) })
  }
}

/// What is to become of a release. What is nil stays as it is.
package struct ReleaseChange: Equatable, Sendable {
  package var version: String
  /// They join those that are known.
  package var projects: [ProjectID] = []
  package var released: Timestamp?
  package var ref: String?
  package var url: String?
  package var status: ReleaseRecord.Status?

  package init(version: String) {
    self.version = version
  }
}

/// Keeps the releases of organizations, and their adoption. Called from any thread; blocks.
///
/// Laws, which the tests hold against every conformer:
/// - A release is there once it is made or a session of it is stored, and it is identified by the
///   bytes of its name. It is deleted only where it has no sessions.
/// - The places of a release are the series that sessions of it were stored in, each with the
///   arrival of the first batch.
/// - Every deploy of a release counts, and the last ones are those that were stored last. They need
///   no session, and go with their release.
/// - An hour has one run of adoption, which reads the six hours before it.
package protocol ReleaseStore: ReleaseReading, Sendable {
  /// Makes a release, or changes the one that has the version.
  ///
  /// - Returns: true when it is a new one.
  func saveRelease(
    _ change: ReleaseChange, of organization: OrganizationID, at now: Timestamp
  ) throws(StoreError) -> Bool

  /// Stores a deploy of a release.
  ///
  /// - Returns: the deploy with its id; nil when there is no such release.
  func addDeploy(
    _ deploy: Deploy, ofRelease version: String, of organization: OrganizationID
  ) throws(StoreError) -> Deploy?

  /// Deletes a release with its deploys.
  ///
  /// - Returns: false when there is no such release. One with counts stays
  ///   (``StoreError/releaseHasSessions``).
  func deleteRelease(version: String, of organization: OrganizationID) throws(StoreError) -> Bool

  /// Makes the hourly runs that are due at `now`, at most ``Adoption/catchUpRunsMax``. Called from
  /// the thread that calls `ingest`.
  ///
  /// - Returns: how many were made.
  func runAdoption(at now: Timestamp) throws(StoreError) -> Int

  /// Makes the run of one hour for one project alone: for a history that is imported hour by
  /// hour. The runs that are due by the clock stay due. Called from the thread that calls `ingest`.
  func runAdoption(of project: ProjectID, hour: Int) throws(StoreError)
}

/// Reads the releases of organizations. Called from any thread; blocks.
package protocol ReleaseReading {
  /// A part of a list of releases. An organization has any number of them: memory holds the part,
  /// and what comes before it in an order that the database does not know.
  func releases(_ list: ReleaseList) throws(StoreError) -> [ReleaseListing]

  /// The releases with some names, in the order of the names, without those that there are not.
  ///
  /// - Parameter withDeploys: whether ``ReleaseRecord/deploys`` are read: a release may have one
  ///   with each run of a pipeline, and hardly a caller needs them.
  func releases(
    named names: [String], of organization: OrganizationID, withDeploys: Bool
  ) throws(StoreError) -> [ReleaseRecord]

  /// The places of releases in the order by version, by id.
  ///
  /// - Parameter environments: those in which the previous versions were seen.
  func versionPlaces(
    of releases: [ReleaseRecord], in organization: OrganizationID, projects: Set<ProjectID>,
    _ environments: EnvironmentSelection
  ) throws(StoreError) -> [Int64: VersionPlace]

  /// The first and the last hour (since 1970) in which sessions of a release started; nil when
  /// there are none. `environments` nil stands for all.
  func sessionHours(
    ofRelease id: Int64, projects: Set<ProjectID>, environments: EnvironmentSelection
  ) throws(StoreError) -> ClosedRange<Int>?

  /// What the sessions and deploys of an organization's projects tell of them. Projects without any
  /// are not in it.
  func uses(of organization: OrganizationID) throws(StoreError) -> [ProjectID: ProjectUse]

  /// Whether a session of one of the projects has arrived.
  func haveSessions(_ projects: Set<ProjectID>) throws(StoreError) -> Bool

  /// A part of the list of an organization's environments.
  func environments(_ list: EnvironmentList) throws(StoreError) -> [KnownEnvironment]

  /// Those environments of a selection that sessions or deploys of the projects have; none for a
  /// selection of all.
  func used(
    _ environments: EnvironmentSelection, in projects: Set<ProjectID>
  ) throws(StoreError) -> Set<Name>
}

extension ReleaseReading {
  /// The release with a name.
  package func release(
    _ name: String, of organization: OrganizationID, withDeploys: Bool = false
  ) throws(StoreError) -> ReleaseRecord? {
    try releases(named: [name], of: organization, withDeploys: withDeploys).first
  }

  /// What decides which of the named releases is the latest among those that a query counts.
  package func standings(
    of names: [String], in query: HealthQuery, of organization: OrganizationID
  ) throws(StoreError) -> [Name: ReleaseStanding] {
    let records = try releases(named: names, of: organization, withDeploys: false)
    return Dictionary(
      records.map { (Name($0.version), $0.standing(in: query)) },
      uniquingKeysWith: { first, _ in first })
  }
}
