internal import HTTP
internal import ReleaseHealth
internal import Storage

/// Counts the requests of projects and keys with a quota, in the minute in which they begin. The
/// numbers are in memory only: a restart begins the minute anew.
///
/// Used on the loop thread only.
final class RequestQuotas {
  private var ofProjects: [ProjectID: QuotaWindow] = [:]
  private var ofKeys: [String: QuotaWindow] = [:]

  /// Counts a request, or refuses it where a quota is used up. Refused requests use nothing.
  func take(_ quotas: KeyQuotas, at now: Timestamp) throws(IngestRefusal) {
    var project = ofProjects[quotas.project] ?? QuotaWindow()
    var key = ofKeys[quotas.publicKey] ?? QuotaWindow()
    project.move(to: now.minute)
    key.move(to: now.minute)
    guard project.hasRoom(for: 1, of: quotas.ofProject.requestsPerMinute) else {
      throw Self.refusal("project", at: now)
    }
    guard key.hasRoom(for: 1, of: quotas.ofKey.requestsPerMinute) else {
      throw Self.refusal("key", at: now)
    }
    project.add(1)
    key.add(1)
    ofProjects[quotas.project] = project
    ofKeys[quotas.publicKey] = key
  }

  /// The answer 429 with the header by which Sentry's SDKs hold sessions back until the minute is
  /// over ("Rate Limiting" in Sentry's developer documentation).
  private static func refusal(_ level: String, at now: Timestamp) -> IngestRefusal {
    let minuteEnd = Timestamp(minute: now.minute + 1).milliseconds
    let seconds = (minuteEnd - now.milliseconds + 999) / 1000
    return IngestRefusal(
      429, "the quota of requests per minute of this \(level) is used up",
      headers: [
        "Retry-After": "\(seconds)",
        "X-Sentry-Rate-Limits": "\(seconds):session:\(level):requests_per_minute",
      ])
  }
}
