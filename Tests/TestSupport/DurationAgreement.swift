package import ReleaseHealth
package import Storage

extension [HealthGroup] {
  /// Whether a store's answer agrees with the model's: counts exactly, and durations within the
  /// promised error (``DurationSummary``).
  package func agrees(with wanted: [HealthGroup]) -> Bool {
    count == wanted.count
      && zip(self, wanted).allSatisfy { found, wanted in
        found.key == wanted.key && found.totals.agrees(with: wanted.totals)
          && found.series.count == wanted.series.count
          && zip(found.series, wanted.series).allSatisfy { $0.agrees(with: $1) }
      }
  }
}

extension HealthCell {
  fileprivate func agrees(with wanted: HealthCell) -> Bool {
    guard sessions == wanted.sessions, users == wanted.users else { return false }
    guard let found = durations, let wanted = wanted.durations else {
      return durations == wanted.durations
    }
    return found.agrees(with: wanted)
  }
}

extension DurationHistogram {
  /// The summary; nil without durations.
  package var summary: DurationSummary? {
    var sum = DurationSum()
    for (bucket, count) in buckets { sum.add(bucket: bucket, count: count) }
    sum.add(totalMilliseconds: totalMilliseconds)
    return sum.summary
  }
}

extension DurationSummary {
  /// The upper bound of the relative error of a value that is read from a ``DurationHistogram``.
  package static let relativeErrorMax = 1.0 / 256

  /// - Parameter exact: the summary computed from the durations themselves.
  package func agrees(with exact: DurationSummary) -> Bool {
    let pairs = [
      (p50, exact.p50), (p75, exact.p75), (p90, exact.p90), (p95, exact.p95), (p99, exact.p99),
      (longest, exact.longest),
    ]
    return average == exact.average
      && pairs.allSatisfy { found, wanted in
        abs(found - wanted) <= wanted * (exact.longest < 256 ? 1e-12 : Self.relativeErrorMax)
      }
  }
}
