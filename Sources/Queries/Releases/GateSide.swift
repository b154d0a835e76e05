internal import ReleaseHealth
internal import Storage

/// One of the two releases that a gate compares: its first hours.
struct GateSide {
  let release: String
  /// The hour of the first session, since 1970.
  let firstHour: Int
  /// The number of hours that are measured, including the running one.
  let age: Int
  let reported: ReportedSessions
  /// Whether the arrival log reaches back to the first session. Otherwise the counts are those
  /// known now, which is fair to the candidate: later crashes count against the baseline.
  let isKnownAtAge: Bool
  /// The users of the same hours, as known now.
  let users: UserCounts

  /// The counts that were known at the age, by hour.
  var hours: [SessionTally] { reported.known(atAge: age).map(\.sound) }

  /// The total that is known now.
  var final: SessionTally {
    reported.hours.reduce(into: SessionTally()) { $0 += $1.known(before: .max) }.sound
  }

  func arm(weighing: Bool) -> ReleaseGate.Arm {
    ReleaseGate.Arm(hours: hours, crashWeight: weighing ? crashWeight : 1)
  }

  private var crashWeight: Double {
    let (crashed, crashes) = (Double(users.byWorst.crashed), final.crashes)
    return crashed > 0 && crashes > crashed ? crashed / crashes : 1
  }
}
