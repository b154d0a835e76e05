/// What was known when about the sessions of a release, by the hour of their start. Crashes of apps
/// are told at the next launch, so that a young release looks healthier than it is.
package struct ReportedSessions: Equatable, Sendable {
  /// One for each hour, from that of the first session on.
  package var hours: [Hour]

  package init(hours: [Hour] = []) {
    self.hours = hours
  }

  package struct Hour: Equatable, Sendable {
    /// As known when the hour ended, and all whose arrival is not known.
    package var prompt: SessionTally
    package var late: [Change]

    package init(prompt: SessionTally = SessionTally(), late: [Change] = []) {
      self.prompt = prompt
      self.late = late
    }

    /// As known when another hour begins, counted as ``ReportedSessions/hours`` is.
    package func known(before hour: Int) -> SessionTally {
      late.reduce(into: prompt) { if $1.arrivalHour < hour { $0 += $1.change } }
    }
  }

  package struct Change: Equatable, Sendable {
    /// The hour of the arrival, counted as ``ReportedSessions/hours`` is.
    package var arrivalHour: Int
    package var change: SessionTally

    package init(arrivalHour: Int, change: SessionTally) {
      self.arrivalHour = arrivalHour
      self.change = change
    }
  }

  /// The first hours as they were known at their end: what one saw of the release at that age.
  package func known(atAge hours: Int) -> [SessionTally] {
    self.hours.prefix(hours).map { $0.known(before: hours) }
  }
}

/// Sessions, and how many of them crashed.
package struct SessionTally: Equatable, Sendable {
  package var sessions: Int64
  /// At most as many as sessions; crashes that are weighed are no whole number.
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

  /// The same sessions, with crashes that weigh less.
  package func weighing(crashes weight: Double) -> SessionTally {
    SessionTally(sessions: sessions, crashes: crashes * weight)
  }

  /// Differences of counts that are cut at a time may leave a session without its start.
  package var sound: SessionTally {
    let sessions = max(0, sessions)
    return SessionTally(sessions: sessions, crashes: min(max(0, crashes), Double(sessions)))
  }
}
