/// The rates of Sentry's API as fractions of 1. A rate is nil, neither 0 nor 1, when there is
/// nothing to divide by.

extension SessionCounts {
  package var crashRate: Double? { share(of: crashed) }
  package var crashFreeRate: Double? { crashRate.map { 1 - $0 } }
  /// Errored alone: with the crash-free rates' companions it adds up to 1.
  package var erroredRate: Double? { share(of: errored) }
  package var unhandledRate: Double? { share(of: unhandled) }
  package var abnormalRate: Double? { share(of: abnormal) }
  /// Everything that is not healthy.
  package var unhealthyRate: Double? { share(of: total - healthy) }

  private func share(of part: Int64) -> Double? {
    total > 0 ? Double(part) / Double(total) : nil
  }
}

extension UserCounts {
  package var crashRate: Double? { share(of: byWorst.crashed) }
  package var crashFreeRate: Double? { crashRate.map { 1 - $0 } }
  /// Users whose worst session was errored.
  package var erroredRate: Double? { share(of: byWorst.errored) }
  package var unhandledRate: Double? { share(of: withUnhandled) }
  package var abnormalRate: Double? { share(of: withAbnormal) }
  /// Users who saw the application not responding.
  package var hangRate: Double? { share(of: withHang) }
  package var foregroundHangRate: Double? { share(of: withForegroundHang) }

  private func share(of part: Int64) -> Double? {
    total > 0 ? Double(part) / Double(total) : nil
  }
}
