import Bytes
import Demo
import ReleaseHealth

/// A made-up session.
struct MadeSession {
  var id: UInt128
  var user: Int
  var started: Timestamp
  var release: Int
  var environment: Int
  /// The final status.
  var status: SessionStatus
  var durationMilliseconds: Int64
}

/// Made-up traffic of users and releases.
///
/// A session is a function of the seed and its number, so that the sessions that fill a database
/// and those that are sent later are the same in every run and process.
struct Traffic {
  var seed: UInt64
  var now: Timestamp
  var sessions: Int
  var open: Int
  var days: Int
  var users: Int
  var releases: Int
  var environments: Int

  /// The kinds of sessions, each numbered separately.
  private enum Kind: UInt64 {
    case history = 1
    case open = 2
    case fresh = 3
    case packed = 4
  }

  /// A session of the history, which is spread uniformly over the days.
  func history(_ index: Int) -> MadeSession {
    let span = Int64(days) * 86_400_000
    let age = span - Int64(index) * span / Int64(max(sessions, 1))
    return make(.history, index, started: now.advanced(byMilliseconds: -age))
  }

  /// A session of the last hour that has not ended.
  func open(_ index: Int) -> MadeSession {
    let age = 3_600_000 - Int64(index) * 3_600_000 / Int64(max(open, 1))
    return make(.open, index, started: now.advanced(byMilliseconds: -age))
  }

  /// A session that begins during the measurement, 60 per millisecond.
  func fresh(_ index: Int) -> MadeSession {
    make(.fresh, index, started: now.advanced(byMilliseconds: Int64(index) / 60))
  }

  /// An ended session of the last hour that is sent in an envelope with others. One in twenty is of
  /// a new user.
  func packed(_ index: Int) -> MadeSession {
    var random = generator(.packed, index)
    let age = Int64(random.next() % 3_600_000)
    var session = make(.packed, index, started: now.advanced(byMilliseconds: -age))
    if index % 20 == 0 { session.user = users + index / 20 }
    return session
  }

  /// The open session that ends as the `index`th: each ends once, in a scattered order.
  func ending(_ index: Int) -> Int {
    // A stride without a common factor with the count visits all.
    let stride = Self.strides.first { open % $0 != 0 } ?? 1
    return index % open * stride % open
  }

  private static let strides = [611_953, 104_729, 7919]

  func releaseName(_ number: Int) -> String { "app@1.\(number).0" }

  func environmentName(_ number: Int) -> String {
    number == 0 ? "production" : "environment-\(number)"
  }

  func userName(_ number: Int) -> String { "user-\(number)" }

  /// All releases in all environments; ``seriesIndex(of:)`` is the index of a session's.
  func series(project: ProjectID) -> [SeriesKey] {
    (0..<releases).flatMap { release in
      (0..<environments).map { environment in
        SeriesKey(
          project: project, release: releaseName(release),
          environment: environmentName(environment))
      }
    }
  }

  func seriesIndex(of session: MadeSession) -> Int {
    session.release * environments + session.environment
  }

  private func generator(_ kind: Kind, _ index: Int) -> SplitMix64 {
    SplitMix64(
      seed: seed &* 0x9e37_79b9 ^ kind.rawValue << 56 ^ UInt64(index) &* 0xd134_2543_de82_ef95)
  }

  private func make(_ kind: Kind, _ index: Int, started: Timestamp) -> MadeSession {
    var random = generator(kind, index)
    // `packed` takes the first number for the age.
    _ = random.next()
    let id = UInt128(random.next()) << 64 | UInt128(random.next())
    let isFirst = environments == 1 || random.next() % 4 != 0
    return MadeSession(
      id: id, user: Int(random.next() % UInt64(users)), started: started,
      release: Int(random.next() % UInt64(releases)),
      environment: isFirst ? 0 : 1 + Int(random.next() % UInt64(environments - 1)),
      status: Self.status(random.next() % 1000),
      durationMilliseconds: Int64(random.next() % 600_000))
  }

  /// A realistic final status: two in a hundred sessions are not healthy.
  private static func status(_ draw: UInt64) -> SessionStatus {
    switch draw {
    case ..<4: .crashed
    case ..<6: .abnormal
    case ..<8: .unhandled
    case ..<20: .errored
    default: .exited
    }
  }
}
