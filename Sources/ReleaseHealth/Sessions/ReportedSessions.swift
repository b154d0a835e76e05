/// The sessions of a release by the hour of their start and the hour of their arrival. Apps report
/// crashes at the next launch, so a young release looks healthier than it is.
package struct ReportedSessions: Equatable, Sendable {
  /// The hours, from that of the first session on.
  package var hours: [Hour]

  package init(hours: [Hour] = []) {
    self.hours = hours
  }

  package struct Hour: Equatable, Sendable {
    /// The sessions known at the end of the hour, and those whose arrival is not logged.
    package var prompt: SessionTally
    package var late: [Change]

    package init(prompt: SessionTally = SessionTally(), late: [Change] = []) {
      self.prompt = prompt
      self.late = late
    }

    /// The sessions known when another hour begins, an index into ``ReportedSessions/hours``.
    package func known(before hour: Int) -> SessionTally {
      late.reduce(into: prompt) { if $1.arrivalHour < hour { $0 += $1.change } }
    }
  }

  package struct Change: Equatable, Sendable {
    /// The hour of the arrival, as an index into ``ReportedSessions/hours``.
    package var arrivalHour: Int
    package var change: SessionTally

    package init(arrivalHour: Int, change: SessionTally) {
      self.arrivalHour = arrivalHour
      self.change = change
    }
  }

  /// The first hours, with what was known when the release had that age.
  package func known(atAge hours: Int) -> [SessionTally] {
    self.hours.prefix(hours).map { $0.known(before: hours) }
  }
}

/// A number of sessions, and how many of them crashed, or are bad (``BadStatuses``) where that is
/// more than crashes.
package struct SessionTally: Equatable, Sendable {
  package var sessions: Int64
  /// The crashes, at most as many as sessions; weighted ones need not be a whole number.
  package var crashes: Double

  package init(sessions: Int64 = 0, crashes: Double = 0) {
    self.sessions = sessions
    self.crashes = crashes
  }

  package static func += (left: inout SessionTally, right: SessionTally) {
    left.sessions += right.sessions
    left.crashes += right.crashes
  }

  package var crashRate: Double? { sessions > 0 ? crashes / Double(sessions) : nil }

  /// The same sessions with weighted crashes.
  package func weighing(crashes weight: Double) -> SessionTally {
    SessionTally(sessions: sessions, crashes: crashes * weight)
  }

  /// The tally within valid bounds: changes that are cut at a time may lack the start of a session.
  package var sound: SessionTally {
    let sessions = max(0, sessions)
    return SessionTally(sessions: sessions, crashes: min(max(0, crashes), Double(sessions)))
  }
}
