/// The adoption stage of a release in its project and environment.
package enum AdoptionStage: String, CaseIterable, Sendable {
  /// The release has a tenth or more of the sessions of the last hours.
  case adopted
  /// The release has less, and never had more.
  case lowAdoption = "low_adoption"
  /// The release was adopted and is not any more.
  case replaced
}

/// The times when a release was adopted and replaced. Sentry stores the same two times
/// (`ReleaseProjectEnvironment`).
package struct AdoptionTimes: Hashable, Sendable {
  /// The first run that found the release adopted; replacement and return do not change it. A time
  /// in the future, from a clock that was ahead, becomes the time of the next run that finds the
  /// release adopted or replaced.
  package var adopted: Timestamp?
  /// The run that found the release replaced; nil again after a return.
  package var unadopted: Timestamp?

  package init(adopted: Timestamp? = nil, unadopted: Timestamp? = nil) {
    self.adopted = adopted
    self.unadopted = unadopted
  }

  package var stage: AdoptionStage {
    guard adopted != nil else { return .lowAdoption }
    return unadopted == nil ? .adopted : .replaced
  }

  /// Whether the release was adopted at a time, as far as the last change of each kind shows.
  package func isAdopted(at time: Timestamp) -> Bool {
    adopted.map { $0 <= time } ?? false && unadopted.map { time < $0 } ?? true
  }
}

/// The hourly job that computes adoption.
package enum Adoption {
  /// The window of a run, in hours.
  package static let windowHours = 6
  /// The maximum number of missed runs that are caught up after downtime.
  package static let catchUpRunsMax = 6
  /// The divisor of the adoption share: at least a tenth of the sessions make a release adopted.
  package static let shareDivisor: Int64 = 10

  /// Computes one run.
  ///
  /// - Parameters:
  ///   - sessions: the sessions of the window by series, also those without an environment.
  ///   - known: the stored times.
  ///   - now: the hour of the run.
  /// - Returns: the series whose times changed.
  package static func run(
    sessions: [SeriesKey: Int64], known: [SeriesKey: AdoptionTimes], at now: Timestamp
  ) -> [SeriesKey: AdoptionTimes] {
    // A project without sessions keeps its stages.
    let activeProjects = Set(sessions.filter { $0.value > 0 }.keys.map(\.project))
    let adopted = adoptedSeries(sessions)
    var changed: [SeriesKey: AdoptionTimes] = [:]
    for series in adopted {
      var times = known[series] ?? AdoptionTimes()
      times.adopted = min(times.adopted ?? now, now)
      times.unadopted = nil
      if times != known[series] { changed[series] = times }
    }
    for (series, times) in known
    where times.stage == .adopted && activeProjects.contains(series.project)
      && !adopted.contains(series)
    {
      changed[series] = AdoptionTimes(adopted: min(times.adopted ?? now, now), unadopted: now)
    }
    return changed
  }

  /// The series with the adoption share of the sessions of their project and environment. Series
  /// without an environment have no stage.
  private static func adoptedSeries(_ sessions: [SeriesKey: Int64]) -> Set<SeriesKey> {
    var totals: [SeriesKey: Int64] = [:]
    for (series, count) in sessions { totals[place(of: series), default: 0] += count }
    return Set(
      sessions.filter { series, count in
        let total = totals[place(of: series)] ?? 0
        // Rounds up a quotient, since a product could overflow.
        let least = total / shareDivisor + (total % shareDivisor == 0 ? 0 : 1)
        return series.environment != nil && count > 0 && count >= least
      }.keys)
  }

  /// The project and environment, without the release.
  private static func place(of series: SeriesKey) -> SeriesKey {
    SeriesKey(project: series.project, release: "", environment: series.environment)
  }
}
