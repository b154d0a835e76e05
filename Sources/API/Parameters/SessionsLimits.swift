/// The limits of requests to the sessions endpoint.
package struct SessionsLimits: Equatable, Sendable {
  /// The resolution of counts, 1 or 60: intervals are multiples of it.
  package var intervalMinutesMin = 1
  /// The maximum number of buckets of a series. Sentry's limit.
  package var pointsMax = 1000
  /// The maximum number of groups in one page. Sentry's limit.
  package var groupsMax = 5000
  /// The maximum number of values per field in one page: the totals count as one value. Sentry's
  /// limit.
  package var cellsMax = 10_000
  /// The retention of counts, in days. Ranges may reach further back and find zeros there, as in
  /// Sentry; the default range does not.
  package var retentionDays = 90
  /// The range of a request that gives none, in days. Sentry's default.
  package var defaultRangeDays = 90

  package init() {}
}
