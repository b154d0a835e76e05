/// An estimate of the crashes of sessions once all late ones are reported.
package struct CrashEstimate: Equatable, Sendable {
  package var sessions: Int64
  /// The crashes reported so far.
  package var crashes: Double
  /// The expected number of crashes still to come.
  package var coming: Double
  /// The interval of the crashes still to come, with a confidence of 95 %.
  package var comingRange: ClosedRange<Double>
  /// The share of the crashes of such sessions that is reported by now.
  package var knownShare: Double

  package var crashRate: Double? { rate(coming) }

  /// The interval of the final crash rate, with a confidence of 95 %.
  package var interval: ClosedRange<Double>? {
    guard let low = rate(comingRange.lowerBound), let high = rate(comingRange.upperBound) else {
      return nil
    }
    return low...high
  }

  private func rate(_ coming: Double) -> Double? {
    sessions > 0 ? min(1, (crashes + coming) / Double(sessions)) : nil
  }
}

extension ReportingDelay {
  /// Estimates the crashes of sessions by the hour of their start.
  ///
  /// Each hour's sessions are weighted by the share of their crashes that is reported by now. The
  /// reported crashes divided by the weighted sessions are the rate, and the rest of the sessions
  /// has the crashes still to come. Their number is negative binomial: a mixture of Poisson
  /// distributions, whose mean the reported crashes estimate with Jeffreys' prior. The uncertainty
  /// of the delay, by Mack's formula, widens the interval.
  ///
  /// - Parameters:
  ///   - hours: the tallies by start hour. Hours after the current one count as it does.
  ///   - now: the current hour, as an index into the hours.
  package func estimate(_ hours: [SessionTally], now: Int) -> CrashEstimate {
    let whole = hours.reduce(into: SessionTally()) { $0 += $1 }
    var estimate = CrashEstimate(
      sessions: whole.sessions, crashes: whole.crashes, coming: 0, comingRange: 0...0,
      knownShare: knownShare(of: hours, now: now))
    // Old hours are reported completely, and the young ones predict their own rate better.
    let oldest = max(0, now - Self.hoursMax)
    guard isLearnt, oldest < hours.count else { return estimate }
    let young = Array(hours[oldest...])
    let (sessions, crashes) = young.reduce(into: (0.0, 0.0)) {
      $0.0 += Double($1.sessions)
      $0.1 += $1.crashes
    }
    let reported = knownShare(of: young, now: now - oldest) * sessions
    guard reported > 0, reported < sessions else { return estimate }
    let growth = (sessions - reported) / reported
    estimate.coming = crashes * growth
    let mean = (crashes + dispersion / 2) * growth
    let all = mean + crashes
    let variance =
      mean * (1 + growth) + all * all * variance(of: young, now: now - oldest, reported)
    estimate.comingRange = Self.range(mean: mean, variance: variance * dispersion)
    return estimate
  }

  /// The variance of the logarithm of the reported share, which the learnt delay has.
  private func variance(of hours: [SessionTally], now: Int, _ reported: Double) -> Double {
    var weights = [Double](repeating: 0, count: Self.hoursMax + 1)
    for (start, tally) in hours.enumerated() {
      let lag = min(max(0, now - start - 1), Self.hoursMax)
      weights[lag] += Double(tally.sessions) * share(afterHours: lag) / reported
    }
    // The step from a lag to the next is a factor in the shares of all hours up to that lag.
    var (sum, weight) = (0.0, 0.0)
    for lag in 0..<Self.hoursMax {
      weight += weights[lag]
      sum += weight * weight * variances[lag]
    }
    return sum
  }

  /// The 95 % interval of a number that is 0 or more, in whole numbers: that of the gamma
  /// distribution with these moments, by Wilson and Hilferty (1931).
  private static func range(mean: Double, variance: Double) -> ClosedRange<Double> {
    let deviations = 1.959963984540054
    let shape = 9 * mean * mean / variance
    func bound(_ z: Double) -> Double {
      let root = max(0, 1 - 1 / shape + z / shape.squareRoot())
      return mean * root * root * root
    }
    let low = bound(-deviations).rounded(.down)
    return low...max(low, bound(deviations).rounded(.up))
  }
}
