import ReleaseHealth

/// Every number that bounds a request to the sessions endpoint.
package struct SessionsLimits: Equatable, Sendable {
  /// Intervals are multiples of it: the grain in which Hale counts.
  package var intervalMinutesMin = 1
  /// Ranges with intervals that are no whole hours are at most so long. Sentry's limit.
  package var minuteRangeHoursMax = 6
  /// Such ranges begin at most so long ago. Sentry keeps minutes for 30 days.
  package var minuteQueriesMilliseconds = DomainLimits.minuteQueriesMilliseconds
  /// Buckets of a series. Sentry's limit.
  package var pointsMax = 1000
  /// Numbers per field in one page of an answer: totals count as one beside the points. Sentry's
  /// limit.
  package var cellsMax = 10_000
  /// For so long counts are kept. Ranges may reach further back and find zeros there, as in
  /// Sentry; a request without a range gets no more than what can be there.
  package var retentionDays = 90
  /// The range of a request that gives none, in days. Sentry's default.
  package var defaultRangeDays = 90

  package init() {}
}
