internal import ReleaseHealth

/// An hour or a day of a series.
struct BucketKey: Hashable {
  /// Hours or days since 1970.
  var bucket: Int
  var seriesID: Int64
}

/// The change of one series' counts in one hour.
struct HourDelta {
  struct UserKey: Hashable {
    var minute: Int
    var kind: UserKind
    var user: UInt32
  }

  /// Counts of sessions with an id, by minute of the hour.
  private(set) var identified = CountGrid()
  /// Counts of session aggregates, by minute of the hour.
  private(set) var aggregated = CountGrid()
  private(set) var durations = DurationHistogram()
  /// Changes of sessions per user, in the order in which they were added.
  private(set) var userChanges: [(key: UserKey, sessions: Int64)] = []
  /// The change of the number of sessions without an `init` update.
  private(set) var withoutInitial: Int64 = 0
  /// The number of updates of the hour's sessions that changed nothing.
  var repeated: Int64 = 0

  /// The hour of a minute since 1970, and the minute of that hour.
  static func split(minute: Int) -> (hour: Int, minute: Int) {
    let hour = minute.flooredDivision(by: 60)
    return (hour, minute - hour * 60)
  }

  /// - Parameter sign: 1 to add, -1 to subtract.
  mutating func apply(_ contribution: Contribution, minute: Int, sign: Int64) {
    var counts = SessionCounts()
    counts[contribution.severity] = sign
    identified.add(counts, at: minute)
    if contribution.lacksInitial { withoutInitial += sign }
    if let duration = contribution.durationMilliseconds {
      durations.add(milliseconds: duration, count: sign)
    }
    contribution.users.forEach { user in
      add(sign, minute, UserKind(contribution.severity), user)
      if let hang = UserKind(contribution.mechanism) { add(sign, minute, hang, user) }
    }
  }

  mutating func apply(_ sessions: AggregatedSessions, user: UserID?, minute: Int) {
    aggregated.add(sessions.counts, at: minute)
    if let duration = sessions.durationMilliseconds { durations.add(milliseconds: duration) }
    guard let user else { return }
    for severity in Severity.allCases where sessions.counts[severity] > 0 {
      add(sessions.counts[severity], minute, UserKind(severity), user)
    }
    if let hang = UserKind(sessions.mechanism) { add(1, minute, hang, user) }
  }

  mutating func merge(_ other: HourDelta) {
    identified.add(other.identified)
    aggregated.add(other.aggregated)
    durations.merge(other.durations)
    userChanges += other.userChanges
    withoutInitial += other.withoutInitial
    repeated += other.repeated
  }

  private mutating func add(_ count: Int64, _ minute: Int, _ kind: UserKind, _ user: UserID) {
    userChanges.append((UserKey(minute: minute, kind: kind, user: user.rawValue), count))
  }

  /// The sums of the changes; changes that cancel out give zero.
  var users: [UserKey: Int64] {
    userChanges.reduce(into: [:]) { $0[$1.key] = UserChanges.sum($0[$1.key] ?? 0, $1.sessions) }
  }
}

extension CountGrid {
  /// The sum over all slots.
  var total: SessionCounts {
    slots.reduce(into: SessionCounts()) { $0 += $1.value }
  }

  mutating func add(_ other: CountGrid) {
    for (slot, counts) in other.slots { add(counts, at: slot) }
  }
}

extension SessionCounts {
  /// Whether any count decreases.
  var hasNegative: Bool { Severity.allCases.contains { self[$0] < 0 } }
}
