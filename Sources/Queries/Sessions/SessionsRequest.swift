internal import HTTP
package import API
package import ReleaseHealth
package import Storage

/// A validated request to Sentry's sessions API.
package struct SessionsRequest: Sendable {
  /// The order of groups by a field.
  package struct Order: Equatable, Sendable {
    package var field: SessionsField
    package var isDescending: Bool
  }

  static let names =
    [
      "field", "groupBy", "query", "interval", "orderBy", "includeTotals", "includeSeries",
    ] + AcceptedNames.selection + DateRange.names + AcceptedNames.pages

  /// The fields in the order of the request, without duplicates. Never empty.
  package let fields: [SessionsField]
  package let groupBy: Set<HealthQuery.Dimension>
  /// Whether groups are split by `session.status` as well.
  package let isGroupedByStatus: Bool
  package let range: DateRange
  package let projects: Set<ProjectID>
  private let organization: OrganizationID
  /// The environments that count.
  package let environments: EnvironmentSelection
  package private(set) var search: SearchQuery
  package let order: Order
  package let page: Page
  package let includesTotals: Bool
  package let includesSeries: Bool

  /// Parses the parameters of a request.
  ///
  /// The checks have Sentry's order, so that a request with several mistakes gets the same error.
  ///
  /// - Parameter projects: the projects of the organization.
  package init(
    _ items: [(name: String, value: String)], projects: [Project], now: Timestamp,
    limits: SessionsLimits = SessionsLimits()
  ) throws(APIError) {
    let parameters = QueryParameters(items)
    let selected = try projects.selected(by: parameters, canBeNone: false)
    self.projects = Set(selected.map(\.id))
    organization = selected[0].organization
    fields = try Self.fields(parameters)
    (groupBy, isGroupedByStatus) = try Self.groupBy(parameters)
    range = try DateRange(parameters, now: now, limits: limits)
    includesTotals = try parameters.flag("includeTotals", default: true)
    includesSeries = try parameters.flag("includeSeries", default: true)
    if !includesTotals && !includesSeries {
      throw .badRequest("Cannot omit both series and totals")
    }
    environments = EnvironmentSelection(parameters.all("environment"))
    search = try SearchQuery(
      parameters.one("query") ?? "", projects: selected, environments: environments)
    try Self.checkStatuses(fields, isGrouped: isGroupedByStatus, filter: search.statuses)
    try Self.checkDurations(fields, intervalMinutes: range.intervalMinutes)
    order = try Self.order(
      parameters, fields: fields, isGroupedByStatus: isGroupedByStatus, filter: search.statuses)
    let points = includesSeries ? range.bucketStarts.count : 0
    page = try Page(
      parameters, sizeMax: max(1, min(limits.groupsMax, limits.cellsMax / (points + 1))))
  }

  /// The request with the release that `release:latest` in its search means. Blocks.
  package func namingLatest(
    _ store: any SessionReading & ReleaseReading
  ) throws(StoreError) -> SessionsRequest {
    guard search.filter.namesLatest else { return self }
    var query = HealthQuery(projects: projects, minutes: range.minutes)
    query.filter = .environments(environments)
    var named = self
    named.search = try search.namingLatest(in: query, of: organization, store)
    return named
  }

  /// Whether no session can match, or no field has a value for those that can. As in Sentry, the
  /// answer then has no groups, and the store is not queried.
  package var matchesNothing: Bool {
    search.statuses?.isEmpty == true || !fields.contains { $0.speaks(of: search.statuses) }
  }

  /// Whether groups are ranked by their totals first: there may be tens of thousands of them, and a
  /// page shows the series of a few.
  package var isRankedFirst: Bool { includesSeries && !groupBy.isEmpty }

  /// The query that ranks the groups.
  package func rankingQuery() -> HealthQuery {
    var query = healthQuery()
    query.intervalMinutes = nil
    // The counts of sessions show which groups exist. Users cost more, and are queried only where
    // they rank.
    if query.measures.contains(.sessions), order.field.measure == .sessions {
      query.measures = .sessions
    }
    return query
  }

  /// The query for the groups of one page.
  package func healthQuery(of page: Set<GroupKey>) -> HealthQuery {
    var query = healthQuery()
    query.filter = .all([query.filter, .groups(page, by: groupBy)])
    return query
  }

  /// The query for all groups.
  package func healthQuery() -> HealthQuery {
    var query = HealthQuery(projects: projects, minutes: range.minutes)
    query.intervalMinutes = includesSeries ? range.intervalMinutes : nil
    query.groupBy = groupBy
    if !groupBy.isEmpty { query.groupsMax = HealthQuery.rankedGroupsMax }
    // A measure that the filter makes null is not counted, and makes no groups.
    query.measures = HealthQuery.Measures(
      fields.filter { $0.speaks(of: search.statuses) }.map(\.measure))
    query.filter = .all([.environments(environments), search.filter])
    return query
  }

  private static func fields(_ parameters: QueryParameters) throws(APIError) -> [SessionsField] {
    var fields: [SessionsField] = []
    for name in parameters.all("field") {
      let field = try SessionsField(name: name)
      if !fields.contains(field) { fields.append(field) }
    }
    guard !fields.isEmpty else { throw .badRequest("Request is missing a \"field\"") }
    return fields
  }

  private static func groupBy(
    _ parameters: QueryParameters
  ) throws(APIError) -> (Set<HealthQuery.Dimension>, isGroupedByStatus: Bool) {
    var dimensions: Set<HealthQuery.Dimension> = []
    var isGroupedByStatus = false
    for name in parameters.all("groupBy") {
      switch name {
      case "project": dimensions.insert(.project)
      case "release": dimensions.insert(.release)
      case "environment": dimensions.insert(.environment)
      case "session.status": isGroupedByStatus = true
      default:
        throw .unknown(
          "Invalid groupBy: \"\(name)\"", name,
          among: ["project", "release", "environment", "session.status"])
      }
    }
    return (dimensions, isGroupedByStatus)
  }

  /// Checks Sentry's rules on which fields go with `session.status`.
  private static func checkStatuses(
    _ fields: [SessionsField], isGrouped: Bool, filter: SeveritySet?
  ) throws(APIError) {
    // Sentry answers a filter that nothing can match before it checks the fields.
    if filter?.isEmpty == true { return }
    for field in fields {
      if field.isCount {
        // A user with a healthy and a crashed session counts as crashed only, so the sum over some
        // statuses is not the number of users with such sessions.
        if field == .userCount, !isGrouped, let filter, filter.count > 1 {
          throw .badRequest(
            "Cannot filter count_unique by multiple session.status unless it is in groupBy")
        }
      } else if field.isDuration {
        continue
      } else if isGrouped {
        throw .badRequest("Cannot group field \(field.rawValue) by session.status")
      } else if filter != nil {
        throw .badRequest("Cannot filter field \(field.rawValue) by session.status")
      }
    }
  }

  /// Refuses durations of ranges that may begin or end within an hour: histograms are kept by the
  /// hour, and would be those of other minutes.
  private static func checkDurations(
    _ fields: [SessionsField], intervalMinutes: Int
  ) throws(APIError) {
    guard intervalMinutes % 60 != 0, let field = fields.first(where: \.isDuration) else { return }
    throw .badRequest(
      "The interval has to be a multiple of one hour for \(field.rawValue): durations are kept by "
        + "the hour. Use an interval of 1h.")
  }

  private static func order(
    _ parameters: QueryParameters, fields: [SessionsField], isGroupedByStatus: Bool,
    filter: SeveritySet?
  ) throws(APIError) -> Order {
    let names = parameters.all("orderBy").filter { !$0.isEmpty }
    guard let name = names.first else {
      let first = fields.first { $0.speaks(of: filter) } ?? fields[0]
      return Order(
        field: fields.contains(.sessionCount) ? .sessionCount : first, isDescending: true)
    }
    if names.count > 1 { throw .badRequest("Cannot order by multiple fields") }
    if isGroupedByStatus {
      throw .badRequest("Cannot use 'orderBy' when grouping by sessions.status")
    }
    let isDescending = name.hasPrefix("-")
    let fieldName = isDescending ? String(name.dropFirst()) : name
    guard let field = fields.first(where: { $0.rawValue == fieldName }) else {
      throw .unknown(
        "'orderBy' must be one of the provided 'fields', not \"\(fieldName)\"", fieldName,
        among: fields.map(\.rawValue))
    }
    if let filter, filter.count > 1 {
      throw .badRequest("Cannot order by \(field.rawValue) with the current filters")
    }
    return Order(field: field, isDescending: isDescending)
  }
}
