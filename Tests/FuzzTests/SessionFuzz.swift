import Bytes
import Envelopes
import ReleaseHealth

/// The payloads of `session` and `sessions` items, and their normalization.
func fuzzSession(_ input: [UInt8]) {
  let times = Normalization(
    receivedAt: Timestamp(milliseconds: 1_772_359_200_000),
    sentAt: RFC3339.parse(String(decoding: input.prefix(24), as: UTF8.self)))
  if let update = try? SessionPayload.update(input.span) {
    precondition(isValid(input))
    precondition(update.durationMilliseconds.map { $0 >= 0 } ?? true)
    checkNames(times, update.release, update.environment)
    if let start = try? times.correctedStart(update.started, timestamp: update.timestamp) {
      checkAge(start, times)
    }
  }
  if let aggregates = try? SessionPayload.aggregates(input.span) {
    precondition(isValid(input))
    precondition(aggregates.buckets.count <= EnvelopeLimits.bucketsMax)
    checkNames(times, aggregates.release, aggregates.environment)
    for bucket in aggregates.buckets {
      precondition(!bucket.counts.isZero && bucket.counts.total > 0)
      if let start = try? times.correctedStart(bucket.started, timestamp: nil) {
        checkAge(start, times)
      }
    }
  }
}

private func isValid(_ bytes: [UInt8]) -> Bool {
  var json = JSONReader()
  do {
    try json.skipValue(bytes.span, depth: 0)
    try json.end(bytes.span)
    return true
  } catch {
    return false
  }
}

private func checkAge(_ start: Timestamp, _ times: Normalization) {
  let age = times.receivedAt.milliseconds - start.milliseconds
  precondition(age <= DomainLimits.ageMillisecondsMax)
  precondition(-age <= DomainLimits.futureMillisecondsMax)
}

private func checkNames(_ times: Normalization, _ release: String, _ environment: String?) {
  let series = try? times.seriesKey(
    project: ProjectID(rawValue: 1), release: release, environment: environment)
  guard let series else { return }
  for text in [series.release, series.environment ?? "x"] {
    precondition(!text.isEmpty && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
  }
  _ = ReleaseVersion(series.release)
}
