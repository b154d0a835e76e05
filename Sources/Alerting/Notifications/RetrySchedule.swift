package import ReleaseHealth

/// The times at which a failed notification is retried.
package enum RetrySchedule {
  /// The pauses after the first attempts, in seconds; the last one repeats.
  static let pauses: [Int64] = [10, 30, 120, 600, 1800, 3600]
  /// The age from which no further attempt is made, in hours.
  static let hoursMax: Int64 = 24
  /// A permanent failure is retried a few times, since somebody may be repairing the receiver.
  static let permanentAttemptsMax = 4

  /// - Parameters:
  ///   - attempts: the number of attempts so far.
  ///   - created: when the notification was created.
  ///   - failure: whether the receiver would answer the same again, and the seconds of its
  ///     `Retry-After`.
  ///   - jitter: from 0 up to 1, so that notifications that failed together are not all retried
  ///     together.
  /// - Returns: nil when the notification is given up.
  package static func next(
    attempts: Int, created: Timestamp, now: Timestamp,
    failure: (isPermanent: Bool, retryAfter: Int64?), jitter: Double
  ) -> Timestamp? {
    if failure.isPermanent, attempts >= permanentAttemptsMax { return nil }
    if now.milliseconds - created.milliseconds >= hoursMax * 3_600_000 { return nil }
    let pause = pauses[min(max(attempts, 1), pauses.count) - 1] * 1000
    let spread = Int64(Double(pause) * (0.9 + 0.2 * jitter))
    let requested = min(max(failure.retryAfter ?? 0, 0), hoursMax * 3600) * 1000
    return now.advanced(byMilliseconds: max(spread, requested))
  }

  /// The seconds of a `Retry-After` field (RFC 9110 §10.2.3): a number, or a date.
  static func seconds(_ field: String, now: Timestamp) -> Int64? {
    // Some servers send fractions.
    if let number = Double(field), number.isFinite, (0...1e9).contains(number) {
      return Int64(number.rounded(.up))
    }
    // Sun, 06 Nov 1994 08:49:37 GMT
    let parts = field.split(separator: " ")
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    guard parts.count == 6, let month = months.firstIndex(of: String(parts[2])) else { return nil }
    let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    guard let time = RFC3339.parse("\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z") else {
      return nil
    }
    return max(0, time.seconds - now.seconds)
  }
}
