/// The reporting delay of the crashes of a project, learnt from its arrival log.
///
/// It uses the chain ladder method (Mack, "Distribution-free calculation of the standard error of
/// chain ladder reserve estimates", 1993): from lag to lag the known crashes grow by a factor,
/// which is learnt from all hours that are old enough. So young hours contribute to short lags
/// only, and cause no bias.
package struct ReportingDelay: Equatable, Sendable {
  /// The share of crashes known by the lag: whole hours after the end of the hour of the start. It
  /// rises, and the last one is 1.
  package let shares: [Double]
  /// The number of crashes that the delay was learnt from.
  package let crashes: Int64
  /// The uncertainty of the step from each lag to the next: the variance of the logarithm of its
  /// factor. Variances of several steps add up, as Mack shows.
  let variances: [Double]
  /// The factor by which the variance of an hour's crashes exceeds that of independent ones: a user
  /// whose app crashes at each start causes many at once.
  package let dispersion: Double

  /// The maximum lag: updates are accepted for five days.
  package static let hoursMax = 5 * 24
  /// The minimum number of crashes to learn from.
  package static let crashesMin: Int64 = 20
  /// The maximum dispersion: one hour of crashes must not make the intervals of a week useless.
  static let dispersionMax = 20.0

  /// Learns the delay.
  ///
  /// - Parameters:
  ///   - reported: the sessions by hour, possibly of several releases.
  ///   - now: the current hour, as an index into the hours.
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
      // Consecutive hours have nearly the same rate.
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
        // A retracted crash must not make a share exceed 1; zero known crashes count as a half.
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

  /// The share known after whole hours; an hour that is not over has the share of the first lag.
  package func share(afterHours lag: Int) -> Double {
    shares[min(max(0, lag), Self.hoursMax)]
  }

  /// The number of hours until the share of crashes is known.
  package func hours(untilShare share: Double) -> Int {
    shares.firstIndex { $0 >= share } ?? Self.hoursMax
  }

  /// The share of crashes that is known before the hour `now`, weighted by the sessions of each
  /// start hour; 1 without sessions.
  package func knownShare(of hours: [SessionTally], now: Int) -> Double {
    var (known, all) = (0.0, 0.0)
    for (start, tally) in hours.enumerated() {
      known += Double(tally.sessions) * share(afterHours: now - start - 1)
      all += Double(tally.sessions)
    }
    return all > 0 ? known / all : 1
  }
}
