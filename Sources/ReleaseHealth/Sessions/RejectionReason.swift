/// Why an item, or a bucket of one, was dropped. The raw values are the names in outcomes.
package enum RejectionReason: String, CaseIterable, Error, Sendable {
  /// The payload is not the JSON that the protocol asks for.
  case invalidPayload = "invalid_payload"
  /// The session's id is not 128 bits in hex.
  case invalidSessionID = "invalid_session_id"
  /// `started` is absent or no RFC 3339 date-time.
  case invalidStart = "invalid_started"
  /// No release was named.
  case missingRelease = "missing_release"
  /// The release breaks Sentry's rules for names.
  case invalidRelease = "invalid_release"
  /// More than 5 days before its arrival.
  case tooOld = "too_old"
  /// More than a minute after its arrival.
  case inFuture = "in_future"
  /// The payload is longer, or has more buckets, than Hale takes.
  case tooLarge = "too_large"
}
