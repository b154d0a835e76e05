/// Sessions and their crashes as they will be once all late crashes are told: an estimate.
package struct CrashEstimate: Equatable, Sendable {
  package var sessions: Int64
  /// As told so far.
  package var crashes: Double
  /// How many are still to come.
  package var coming: Double
  /// Holds the number that will have come with a confidence of 95 %.
  package var comingRange: ClosedRange<Double>
  /// The share of the crashes of such sessions that is told by now.
  package var knownShare: Double

  package var crashRate: Double? { rate(coming) }

  /// Holds what the rate will be with a confidence of 95 %.
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
  /// What the crashes of sessions, given by the hour of their start, come to.
  ///
  /// Each hour's sessions count with the share of their crashes that would be told by now: what is
  /// known, divided by these, is the rate, and what is missing of it is still to come. How many that
  /// are is a mixture of Poisson numbers whose mean is known by the crashes told so far (the prior is
  /// Jeffreys'), a negative binomial one; what is not known of the delay itself, by Mack's formula,
  /// widens it.
  ///
  /// - Parameters:
  ///   - hours: the last one is that which runs, or an earlier one.
  ///   - now: the hour that runs, counted as the hours are.
  package func estimate(_ hours: [SessionTally], now: Int) -> CrashEstimate {
    let whole = hours.reduce(into: SessionTally()) { $0 += $1 }
    var estimate = CrashEstimate(
      sessions: whole.sessions, crashes: whole.crashes, coming: 0, comingRange: 0...0,
      knownShare: knownShare(of: hours, now: now))
    // What is old enough is told; its rate tells less of the young ones than their own does.
    let oldest = max(0, now - Self.hoursMax)
    guard isLearnt, oldest < hours.count else { return estimate }
    let young = Array(hours[oldest...])
    let (sessions, crashes) = young.reduce(into: (0.0, 0.0)) {
      $0.0 += Double($1.sessions)
      $0.1 += $1.crashes
    }
    let told = knownShare(of: young, now: now - oldest) * sessions
    guard told > 0, told < sessions else { return estimate }
    let growth = (sessions - told) / told
    estimate.coming = crashes * growth
    let mean = (crashes + dispersion / 2) * growth
    let all = mean + crashes
    let variance =
      mean * (1 + growth) + all * all * variance(of: young, now: now - oldest, told: told)
    estimate.comingRange = Self.range(mean: mean, variance: variance * dispersion)
    return estimate
  }

  /// Of the logarithm of the share that is told, since the delay was learnt from few.
  private func variance(of hours: [SessionTally], now: Int, told: Double) -> Double {
    var weights = [Double](repeating: 0, count: Self.hoursMax + 1)
    for (start, tally) in hours.enumerated() {
      let lag = min(max(0, now - start - 1), Self.hoursMax)
      weights[lag] += Double(tally.sessions) * share(afterHours: lag) / told
    }
    // The step from a lag to the next one stands in the shares of all hours that are no older.
    var (sum, weight) = (0.0, 0.0)
    for lag in 0..<Self.hoursMax {
      weight += weights[lag]
      sum += weight * weight * variances[lag]
    }
    return sum
  }

  /// Of a number that is 0 or more: the gamma distribution of these moments, by Wilson and Hilferty
  /// (1931), and whole numbers around it.
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
