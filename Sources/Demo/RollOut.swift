/// The way of one release to its users.
///
/// Times are shares of the demo's history: 0 is its beginning, 1 its end. What goes on afterwards
/// follows the same curves.
package struct RollOut: Sendable {
  package let version: String
  /// How its sessions end.
  let health: Health
  /// The first users get it.
  let begin: Double
  /// From the first users to the last.
  let width: Double
  /// The share of users that get it in the end.
  var ceiling = 1.0
  /// When nobody gets it any more, because it was seen to be bad.
  var stop = Double.infinity

  /// The share of users that have had it offered.
  func share(at time: Double) -> Double {
    let way = min(max((min(time, stop) - begin) / width, 0), 1)
    return ceiling * way * way * (3 - 2 * way)
  }

  /// Testers get each release earlier, all of them, and are spared none.
  var forTesters: RollOut {
    RollOut(version: version, health: health, begin: begin - 0.06, width: 0.04)
  }
}

/// How often sessions end badly; the rest exits in order.
struct Health: Sendable {
  var errored: Double
  var unhandled = 0.0
  var abnormal = 0.0
  var crashed: Double
}
