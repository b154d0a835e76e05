internal import ReleaseHealth
internal import Storage

/// One of the two releases that a gate compares: its first hours.
struct GateSide {
  let release: String
  /// Of the first session, since 1970.
  let firstHour: Int
  /// How many hours are looked at, the one that runs among them.
  let age: Int
  let reported: ReportedSessions
  /// The log of arrivals reaches back to its first session; otherwise it is looked at as it is known
  /// now, which is fair to the candidate: later crashes count against the baseline.
  let isKnownAtAge: Bool
  /// Of the same hours, as known now.
  let users: UserCounts

  /// What was known at the age.
  var hours: [SessionTally] { reported.known(atAge: age).map(\.sound) }

  /// All that is known now.
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
