/// The rates of Sentry's API as fractions of 1. A rate is nil if its denominator is 0.

extension SessionCounts {
  package var crashRate: Double? { share(of: crashed) }
  package var crashFreeRate: Double? { crashRate.map { 1 - $0 } }
  /// The sessions that crashed or had an unhandled error.
  package var failed: Int64 { crashed + unhandled }
  /// The rate of sessions that neither crashed nor had an unhandled error.
  package var failureFreeRate: Double? { share(of: failed).map { 1 - $0 } }
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
  /// The rate of users without any session that crashed or had an unhandled error.
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
