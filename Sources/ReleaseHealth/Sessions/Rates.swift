/// The rates of Sentry's API as fractions of 1. A rate is nil if its denominator is 0.

extension SessionCounts {
  package var crashRate: Double? { share(of: crashed) }
  package var crashFreeRate: Double? { crashRate.map { 1 - $0 } }
  /// The rate of sessions that are neither crashed nor unhandled.
  package var failureFreeRate: Double? { share(of: crashed + unhandled).map { 1 - $0 } }
  /// The rate of sessions that are errored and nothing worse.
  package var erroredRate: Double? { share(of: errored) }
  package var unhandledRate: Double? { share(of: unhandled) }
  package var abnormalRate: Double? { share(of: abnormal) }
  /// The rate of sessions that are not healthy.
  package var unhealthyRate: Double? { share(of: total - healthy) }

  fileprivate func share(of part: Int64) -> Double? {
    total > 0 ? Double(part) / Double(total) : nil
  }
}

extension UserCounts {
  package var crashRate: Double? { share(of: byWorst.crashed) }
  package var crashFreeRate: Double? { crashRate.map { 1 - $0 } }
  /// The rate of users without a crashed or unhandled session.
  package var failureFreeRate: Double? { share(of: withFailure).map { 1 - $0 } }
  /// The rate of users whose worst session is errored.
  package var erroredRate: Double? { share(of: byWorst.errored) }
  package var unhandledRate: Double? { share(of: withUnhandled) }
  package var abnormalRate: Double? { share(of: withAbnormal) }
  /// The ANR rate: the rate of users with an application not responding.
  package var anrRate: Double? { share(of: withANR) }
  package var foregroundANRRate: Double? { share(of: withForegroundANR) }

  private func share(of part: Int64) -> Double? { byWorst.share(of: part) }
}
