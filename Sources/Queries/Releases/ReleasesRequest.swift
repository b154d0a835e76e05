internal import Bytes
internal import HTTP
internal import API
internal import ReleaseHealth
internal import Storage

/// The order of a list of releases.
enum ReleaseSort: String, CaseIterable {
  case date, semver, build, adoption
  case sessions, users
  case sessions24h = "sessions_24h"
  case users24h = "users_24h"
  case crashFreeSessions = "crash_free_sessions"
  case crashFreeUsers = "crash_free_users"

  /// Whether the order is by counts, which belong to a release in one project.
  var needsHealth: Bool {
    switch self {
    case .date, .semver, .build, .adoption: false
    default: true
    }
  }
}

/// A request for the releases of an organization, read and checked.
struct ReleasesRequest {
  /// What is answered.
  enum Answer {
    case list
    /// One release. The list with the same filters has its neighbours.
    case page
    /// The versions of the list with their dates, archived ones among them.
    case dates
  }

  let projects: [Project]
  /// Whether these are all projects of the organization.
  let isOfAllProjects: Bool
  /// Whether the request selects projects; without them the page of a release has no neighbours.
  let namesProjects: Bool
  let environments: EnvironmentSelection
  private(set) var search: ReleaseSearch
  /// The status of the listed releases; nil for all.
  private(set) var status: ReleaseRecord.Status?
  let withHealth: Bool
  let withStages: Bool
  /// Whether health includes the members that Sentry's API lacks, and the previous release.
  let withOverview: Bool
  /// Whether the list has one entry for each release and project.
  let isFlat: Bool
  let sort: ReleaseSort
  let healthStat: CountedUnit
  /// The minutes of the counts of the summary, since 1970.
  let summaryMinutes: Range<Int>
  let healthPeriod: HealthPeriod
  /// The range of creation of the listed releases; nil for all.
  private(set) var dates: ClosedRange<Timestamp>?
  let page: Page
  let now: Timestamp

  /// The parameters that choose releases, beside those that select sessions.
  private static let filters = ["query"] + DateRange.names + AcceptedNames.pages
  /// The parameters of lists and pages; lists take `flatten`, too.
  static let names =
    [
      "environment", "status", "health", "overview", "adoptionStages", "sort", "healthStat",
      "summaryStatsPeriod", "summaryInterval", "healthStatsPeriod",
    ] + filters
  /// The parameters of lists of dates.
  static let datesNames = AcceptedNames.selection + filters

  init(
    _ items: [(name: String, value: String)], projects: [Project], now: Timestamp,
    for answer: Answer = .list
  ) throws(APIError) {
    let items = answer == .dates ? items.filter { Self.datesNames.contains($0.name) } : items
    let parameters = QueryParameters(items)
    self.now = now
    let given = answer == .page ? try Self.project(parameters, among: projects) : nil
    namesProjects = given != nil
    self.projects = if let given { given } else { try projects.selected(by: parameters) }
    isOfAllProjects = self.projects.count == projects.count
    environments = EnvironmentSelection(parameters.all("environment"))
    search = try ReleaseSearch(parameters.one("query") ?? "", environments: environments)
    status =
      answer == .dates
      ? nil : try parameters.choice("status", default: .open, otherwise: "invalid value for status")
    healthStat = try parameters.choice(
      "healthStat", default: .sessions, otherwise: "invalid healthStat")
    withHealth = try parameters.flag("health", default: false)
    withStages = try parameters.flag("adoptionStages", default: false)
    let overview = try parameters.flag("overview", default: false)
    withOverview = withHealth && overview
    let isFlat = try parameters.flag("flatten", default: false)
    let sort = try parameters.choice("sort", default: ReleaseSort.date, otherwise: "invalid sort")
    if answer == .list, sort.needsHealth, !isFlat {
      throw .badRequest("sorting by crash statistics requires flattening (flatten=1)")
    }
    // As in Sentry, the neighbours on a page are those by date, and without them it has no order.
    if namesProjects, sort != .date {
      throw .unknown("invalid sort", sort.rawValue, among: [ReleaseSort.date.rawValue])
    }
    self.isFlat = isFlat && answer == .list
    self.sort = answer == .list ? sort : .date
    summaryMinutes = try Self.summaryMinutes(parameters, now: now)
    healthPeriod = try HealthPeriod("healthStatsPeriod", parameters, default: .day24)
    dates = try Self.dates(parameters, now: now)
    page = try Page(parameters, sizeMax: answer == .dates ? 1000 : 100)
  }

  /// The project that the page of a release is about; nil where none is given.
  private static func project(
    _ parameters: QueryParameters, among projects: [Project]
  ) throws(APIError) -> [Project]? {
    let given = parameters.all("project").filter { !$0.isEmpty }
    // Sentry's older clients send the number so.
    let names = given.isEmpty ? parameters.all("project_id").filter { !$0.isEmpty } : given
    if names.isEmpty { return nil }
    if names.contains("-1") { return projects }
    var selected: [Project] = []
    for name in names {
      if let project = projects.first(named: name) {
        selected.append(project)
        continue
      }
      let isReadable = Slug.isValid(name) || name.utf8.allSatisfy(\.isDigit)
      throw isReadable
        ? .notFound : .unknown("Invalid project", name, among: projects.map(\.slug))
    }
    return selected
  }

  /// The period back from now, or, with an interval, the range that the sessions API would use, so
  /// that a list and the series beside it are of the same time.
  private static func summaryMinutes(
    _ parameters: QueryParameters, now: Timestamp
  ) throws(APIError) -> Range<Int> {
    let period = try HealthPeriod("summaryStatsPeriod", parameters, default: .weeks2)
    guard let interval = parameters.one("summaryInterval") else {
      return period.window(until: now)
    }
    let requested = QueryParameters([("interval", interval), ("statsPeriod", period.rawValue)])
    return try DateRange(requested, now: now, limits: SessionsLimits()).minutes
  }

  private static func dates(
    _ parameters: QueryParameters, now: Timestamp
  ) throws(APIError) -> ClosedRange<Timestamp>? {
    guard DateRange.names.contains(where: { parameters.one($0) != nil }) else { return nil }
    // Releases are no buckets: as in Sentry, the range is not widened here, and includes its end.
    let range = try DateRange.givenRange(parameters, now: now, limits: SessionsLimits())
    return range.start...range.end
  }

  /// The request for all releases of its projects and environments, whatever else it filters by.
  var unfiltered: ReleasesRequest {
    var request = self
    (request.search, request.status, request.dates) = (.everything, nil, nil)
    return request
  }

  /// The request with the release that `release:latest` in its search means, which has sessions in
  /// the summary's range. Blocks.
  func namingLatest(
    of organization: OrganizationID, _ store: any SessionReading & ReleaseReading
  ) throws(StoreError) -> ReleasesRequest {
    var named = self
    try named.search.nameLatest(in: summaryQuery, of: organization, store)
    return named
  }

  /// The environments that nothing of the projects has, looked for where an answer is empty.
  func unknown(
    where isEmpty: Bool, _ store: any ReleaseReading
  ) throws(StoreError) -> UnknownEnvironments? {
    guard let organization = projects.first?.organization else { return nil }
    return try UnknownEnvironments(
      environments, of: Set(projects.map(\.id)), organization, isNothingFound: isEmpty, store)
  }

  private func query(_ minutes: Range<Int>, by groups: Set<HealthQuery.Dimension>) -> HealthQuery {
    var query = HealthQuery(projects: Set(projects.map(\.id)), minutes: minutes)
    query.groupBy = groups
    query.measures = [.sessions, .users]
    query.filter = .environments(environments)
    return query
  }

  /// The counts of the summary, by project and release.
  var summaryQuery: HealthQuery {
    query(summaryMinutes, by: [.project, .release])
  }

  /// The counts of the last 24 hours, by project and release.
  var dayQuery: HealthQuery {
    query(HealthPeriod.day24.window(until: now), by: [.project, .release])
  }

  /// The counts of the last 24 hours of whole projects: users of several releases count once.
  var projectDayQuery: HealthQuery {
    query(HealthPeriod.day24.window(until: now), by: [.project])
  }

  /// The series of the health period, by project and release.
  var seriesQuery: HealthQuery {
    var query = query(healthPeriod.seriesMinutes(until: now), by: [.project, .release])
    query.intervalMinutes = healthPeriod.intervalMinutes
    query.measures = healthStat.measures
    return query
  }
}
