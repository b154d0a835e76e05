/// How late the crashes of a project become known, learnt from its log of arrivals.
///
/// The chain ladder of actuaries (Mack, "Distribution-free calculation of the standard error of
/// chain ladder reserve estimates", 1993): from lag to lag the known crashes grow by a factor that
/// all hours old enough to show it give together. So young hours tell of short lags, and bias
/// nothing.
package struct ReportingDelay: Equatable, Sendable {
  /// The share of crashes that is known so many hours after the end of the hour of the start; it
  /// rises, and the last one is 1.
  package let shares: [Double]
  /// The crashes that it was learnt from.
  package let crashes: Int64
  /// How little is known of the step from a lag to the next one: the variance of the logarithm of its
  /// factor. Those of several steps add up, as Mack shows.
  let variances: [Double]
  /// How much more the crashes of an hour vary than if each came by itself, as a factor of the
  /// variance: a user whose app crashes at each start makes many at once.
  package let dispersion: Double

  /// An update is taken for five days.
  package static let hoursMax = 5 * 24
  /// From fewer nothing can be learnt.
  package static let crashesMin: Int64 = 20
  /// An hour in which everything crashed would else make a week of bands useless.
  static let dispersionMax = 20.0

  /// - Parameters:
  ///   - reported: of the same hours, also over several releases.
  ///   - now: the hour that runs, counted as the hours are.
  package init(_ reported: ReportedSessions, now: Int) {
    var (before, after) = (
      [Double](repeating: 0, count: Self.hoursMax), [Double](repeating: 0, count: Self.hoursMax)
    )
    var learnt = 0.0
    var (previous, spread, pairs) = (SessionTally(), 0.0, 0.0)
    for (start, hour) in reported.hours.enumerated() {
      var known = [Double](repeating: 0, count: Self.hoursMax + 1)
      known[0] = hour.prompt.crashes
      for change in hour.late {
        known[min(max(0, change.arrivalHour - start), Self.hoursMax)] += change.change.crashes
      }
      let seen = min(now - start - 1, Self.hoursMax)
      guard seen > 0 else { continue }
      for lag in 1...seen {
        let earlier = known[lag - 1]
        known[lag] += earlier
        before[lag - 1] += earlier
        after[lag - 1] += known[lag]
      }
      learnt += max(0, known[seen])
      // Neighbours in time have the same rate, or nearly so.
      let sessions = hour.late.reduce(into: hour.prompt) { $0 += $1.change }.sessions
      let next = SessionTally(sessions: sessions, crashes: max(0, known[seen]))
      if previous.sessions > 0, next.sessions > 0 {
        let (one, two) = (Double(previous.sessions), Double(next.sessions))
        let difference = previous.crashes * two - next.crashes * one
        spread += difference * difference / (one * two)
        pairs += previous.crashes + next.crashes
      }
      previous = next
    }
    crashes = Int64(learnt)
    var shares = [Double](repeating: 1, count: Self.hoursMax + 1)
    var variances = [Double](repeating: 0, count: Self.hoursMax)
    if crashes >= Self.crashesMin {
      for lag in (0..<Self.hoursMax).reversed() {
        // A crash that turns out to be none is no reason for a share above 1; and where none was
        // known before, half a one was.
        let growth = max(1, after[lag] / max(before[lag], 0.5))
        shares[lag] = shares[lag + 1] / growth
        variances[lag] = (growth - 1) / max(after[lag], 0.5)
      }
    }
    self.shares = shares
    dispersion = min(max(1, spread / max(pairs, 1)), Self.dispersionMax)
    self.variances = variances
  }

  package var isLearnt: Bool { crashes >= Self.crashesMin }

  /// The share that is known after whole hours; what is not over yet knows what the first lag knows.
  package func share(afterHours lag: Int) -> Double {
    shares[min(max(0, lag), Self.hoursMax)]
  }

  /// After how many hours so much of the crashes is known.
  package func hours(untilShare share: Double) -> Int {
    shares.firstIndex { $0 >= share } ?? Self.hoursMax
  }

  /// Of the crashes of sessions, given by the hour of their start, the share that is known before
  /// the hour `now`; 1 when there are no sessions.
  package func knownShare(of hours: [SessionTally], now: Int) -> Double {
    var (known, all) = (0.0, 0.0)
    for (start, tally) in hours.enumerated() {
      known += Double(tally.sessions) * share(afterHours: now - start - 1)
      all += Double(tally.sessions)
    }
    return all > 0 ? known / all : 1
  }
}
