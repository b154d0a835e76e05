/// Every number that the domain refuses to exceed.
package enum DomainLimits {
  /// From this drift between an envelope's `sent_at` and its arrival on, starts are corrected.
  /// Relay's `MINIMUM_CLOCK_DRIFT`.
  package static let driftSecondsMin: Int64 = 55 * 60
  /// Older updates are refused; exactly this age is still taken. Relay's default.
  package static let ageMillisecondsMax: Int64 = 5 * 86_400_000
  /// Updates further in the future are refused. Relay's default.
  package static let futureMillisecondsMax: Int64 = 60_000
  /// Relay's `validate_release`.
  package static let releaseBytesMax = 200
  /// Relay's `validate_environment`.
  package static let environmentBytesMax = 64
  /// Longer durations are cut to this: 2³⁶ ms, a little over two years.
  package static let durationMillisecondsMax: Int64 = 1 << 36
  /// So many users of one session are kept. Sessions have one, or two when somebody signs in.
  package static let usersPerSessionMax = 100
  /// A session's state is kept until its latest corrected start is this far behind the clock: the
  /// age limit and an hour, so that every update that can still be accepted finds it.
  package static let stateMillisecondsKept: Int64 = ageMillisecondsMax + 3_600_000
  /// So long ago a query by the minute may begin.
  package static let minuteQueriesMilliseconds: Int64 = 5 * 86_400_000
  /// For so long minutes are kept at least: as long as states, and so that a query's range, which
  /// is rounded outwards to whole hours and intervals, still finds them.
  package static let minutesMillisecondsKept: Int64 = minuteQueriesMilliseconds + 12 * 3_600_000
}
