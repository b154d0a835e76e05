/// The limits of the domain.
package enum DomainLimits {
  /// The minimum drift between an envelope's `sent_at` and its arrival that is corrected. Relay's
  /// `MINIMUM_CLOCK_DRIFT`.
  package static let driftSecondsMin: Int64 = 55 * 60
  /// The maximum age of an update, inclusive. Relay's default.
  package static let ageMillisecondsMax: Int64 = 5 * 86_400_000
  /// The maximum time of an update in the future. Relay's default.
  package static let futureMillisecondsMax: Int64 = 60_000
  /// The maximum length of a release, as in Relay's `validate_release`.
  package static let releaseBytesMax = 200
  /// The maximum length of an environment, as in Relay's `validate_environment`.
  package static let environmentBytesMax = 64
  /// The maximum duration; longer ones are clamped to it: 2³⁶ ms, a little over two years.
  package static let durationMillisecondsMax: Int64 = 1 << 36
  /// The maximum number of users of one session. Sessions have one, or two when somebody signs in.
  package static let usersPerSessionMax = 100
  /// The retention of session states after the latest corrected start: the maximum age and an hour,
  /// so that every update that is still accepted finds the state.
  package static let stateMillisecondsKept: Int64 = ageMillisecondsMax + 3_600_000
  /// The maximum age of the start of a query by the minute.
  package static let minuteQueriesMilliseconds: Int64 = 5 * 86_400_000
  /// The minimum retention of minutes: as long as states, and so that a query's range, which is
  /// rounded outwards to whole hours and intervals, still finds them.
  package static let minutesMillisecondsKept: Int64 = minuteQueriesMilliseconds + 12 * 3_600_000
}
