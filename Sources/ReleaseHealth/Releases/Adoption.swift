/// How far a release has come in its project and environment.
package enum AdoptionStage: String, CaseIterable, Sendable {
  /// A tenth or more of the sessions of the last hours.
  case adopted
  /// Less than that, and never more.
  case lowAdoption = "low_adoption"
  /// It was adopted once.
  case replaced
}

/// When a release was adopted and when it was replaced. Sentry keeps the same two times
/// (`ReleaseProjectEnvironment`).
package struct AdoptionTimes: Hashable, Sendable {
  /// The first run that found it adopted; it stays, also through replacement and return. A time
  /// that a clock left which was ahead becomes that of the next run that finds it adopted, or no
  /// more.
  package var adopted: Timestamp?
  /// The run that found it adopted no more; nil again after a return.
  package var unadopted: Timestamp?

  package init(adopted: Timestamp? = nil, unadopted: Timestamp? = nil) {
    self.adopted = adopted
    self.unadopted = unadopted
  }

  package var stage: AdoptionStage {
    guard adopted != nil else { return .lowAdoption }
    return unadopted == nil ? .adopted : .replaced
  }
}

/// The hourly look at who is adopted.
package enum Adoption {
  /// A run looks back so many hours.
  package static let windowHours = 6
  /// After a standstill at most so many runs are made up for.
  package static let catchUpRunsMax = 6
  /// One in so many sessions makes a release adopted; exactly so many do.
  package static let shareDivisor: Int64 = 10

  /// One run.
  ///
  /// - Parameters:
  ///   - sessions: of the window, by scope; also those without an environment.
  ///   - known: the times of all scopes that have some.
  ///   - now: the hour of the run.
  /// - Returns: the scopes whose times changed.
  package static func run(
    sessions: [Scope: Int64], known: [Scope: AdoptionTimes], at now: Timestamp
  ) -> [Scope: AdoptionTimes] {
    // A project without any session keeps its stages: nothing can be said about it.
    let activeProjects = Set(sessions.filter { $0.value > 0 }.keys.map(\.project))
    let adopted = adoptedScopes(sessions)
    var changed: [Scope: AdoptionTimes] = [:]
    for scope in adopted {
      var times = known[scope] ?? AdoptionTimes()
      times.adopted = min(times.adopted ?? now, now)
      times.unadopted = nil
      if times != known[scope] { changed[scope] = times }
    }
    for (scope, times) in known
    where times.stage == .adopted && activeProjects.contains(scope.project)
      && !adopted.contains(scope)
    {
      changed[scope] = AdoptionTimes(adopted: min(times.adopted ?? now, now), unadopted: now)
    }
    return changed
  }

  /// The scopes with their share of the sessions of the same project and environment. Sessions
  /// without an environment have no stage.
  private static func adoptedScopes(_ sessions: [Scope: Int64]) -> Set<Scope> {
    var totals: [Scope: Int64] = [:]
    for (scope, count) in sessions { totals[place(of: scope), default: 0] += count }
    return Set(
      sessions.filter { scope, count in
        let total = totals[place(of: scope)] ?? 0
        // Rounded up, instead of a product that large counts would overflow.
        let least = total / shareDivisor + (total % shareDivisor == 0 ? 0 : 1)
        return scope.environment != nil && count > 0 && count >= least
      }.keys)
  }

  /// Project and environment alone.
  private static func place(of scope: Scope) -> Scope {
    Scope(project: scope.project, release: "", environment: scope.environment)
  }
}
