/// The roll-out of a release to its users.
///
/// Times are shares of the demo's history: 0 is its beginning, 1 its end. Later traffic follows the
/// same curves.
package struct RollOut: Sendable {
  package let version: String
  /// The shares of its sessions by their end.
  let health: Health
  /// The time at which the first users get it.
  let begin: Double
  /// The time from the first users to the last.
  let width: Double
  /// The share of users that get it in the end.
  var ceiling = 1.0
  /// The time at which the roll-out is stopped, because the release is bad.
  var stop = Double.infinity

  /// The share of users that have been offered the release.
  func share(at time: Double) -> Double {
    let way = min(max((min(time, stop) - begin) / width, 0), 1)
    return ceiling * way * way * (3 - 2 * way)
  }

  /// The roll-out to testers: all of them get each release, and earlier.
  var forTesters: RollOut {
    RollOut(version: version, health: health, begin: begin - 0.06, width: 0.04)
  }
}

/// The shares of sessions that end badly; the rest are healthy.
struct Health: Sendable {
  var errored: Double
  var unhandled = 0.0
  var abnormal = 0.0
  var crashed: Double
}
