package import ReleaseHealth

/// A part of a list of an organization's releases: which ones it has, in which order, and where the
/// part begins and ends.
package struct ReleaseList: Sendable {
  package enum Order: Sendable {
    /// By the time of creation, and then by id; the newest comes first.
    case created
    /// The same, but the oldest comes first.
    case createdAscending
    /// By ``ReleaseRank``, the highest first.
    case version
    /// By the number of the build, the highest first. Others than numbers are not listed.
    case build
    /// By the last adoption in the selected projects and environments, the latest first.
    case adoption
    /// By these numbers of projects and releases, the highest first; for ``isFlat`` only.
    case ranks([GroupKey: Double])
  }

  package var organization: OrganizationID
  /// The selected projects. A release without a project belongs to all of them.
  package var projects: Set<ProjectID>
  /// Whether these are all projects of the organization, so that none has to be looked for.
  package var isOfAllProjects = false
  /// A release is listed where sessions of it were seen or it was deployed.
  package var environments = EnvironmentSelection()
  /// nil for any.
  package var status: ReleaseRecord.Status?
  /// The range of creation; nil for any.
  package var dates: ClosedRange<Timestamp>?
  /// The condition on the names and stages of finalized releases, those with a date of release.
  package var ofFinalized = SeriesFilter.everything
  /// The condition on those of the others.
  package var ofOthers = SeriesFilter.everything
  /// Whether the list has one entry for each release and selected project.
  package var isFlat = false
  /// Ties are ordered by ``Order/created``, and then by project.
  package var order = Order.created
  /// The release behind which the list begins, in an order by creation.
  package var after: ReleaseListing?
  /// The number of entries before the part.
  package var offset = 0
  /// The maximum number of entries of the part.
  package var limit: Int

  package init(of organization: OrganizationID, projects: Set<ProjectID>, limit: Int) {
    self.organization = organization
    self.projects = projects
    self.limit = limit
  }
}

/// An entry of a list of releases.
package struct ReleaseListing: Equatable, Sendable {
  package var id: Int64
  package var version: String
  /// The time of creation, by which lists are ordered.
  package var created: Timestamp
  /// The project of an entry of a flat list.
  package var project: ProjectID?

  package init(id: Int64, version: String, created: Timestamp, project: ProjectID? = nil) {
    self.id = id
    self.version = version
    self.created = created
    self.project = project
  }
}

extension ReleaseListing {
  /// Whether this entry comes first where both have the same rank.
  package func isNewer(than other: ReleaseListing) -> Bool {
    if created != other.created { return created > other.created }
    if id != other.id { return id > other.id }
    return (project?.rawValue ?? 0) < (other.project?.rawValue ?? 0)
  }
}

/// The place of a release in the order by version.
package struct VersionPlace: Equatable, Sendable {
  /// The number of the organization's releases that are lower.
  package var rank: Int
  /// The previous version in each project: the next lower one of the same package that was seen
  /// there.
  package var previous: [ProjectID: String]

  package init(rank: Int, previous: [ProjectID: String] = [:]) {
    self.rank = rank
    self.previous = previous
  }
}

/// A part of the list of an organization's environments that have a name, ascending.
package struct EnvironmentList: Sendable {
  package var organization: OrganizationID
  /// The projects whose sessions or deploys have the listed environments.
  package var projects: Set<ProjectID>
  /// The only environment that is listed; nil for all.
  package var name: Name?
  /// The number of entries before the part.
  package var offset = 0
  /// The maximum number of entries of the part.
  package var limit: Int

  package init(of organization: OrganizationID, in projects: Set<ProjectID>, limit: Int) {
    self.organization = organization
    self.projects = projects
    self.limit = limit
  }
}

/// An environment of an organization.
package struct KnownEnvironment: Equatable, Sendable {
  /// The place among all of the organization, from 0 on.
  package var place: Int
  package var name: String

  package init(place: Int, name: String) {
    self.place = place
    self.name = name
  }
}
