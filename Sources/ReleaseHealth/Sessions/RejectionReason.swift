/// The reason why an item, or a bucket of one, is rejected. The raw values are the names in
/// outcomes.
package enum RejectionReason: String, CaseIterable, Error, Sendable {
  /// The payload is not the JSON of the protocol.
  case invalidPayload = "invalid_payload"
  /// The session id is not 128 bits in hexadecimal digits.
  case invalidSessionID = "invalid_session_id"
  /// `started` is missing or not an RFC 3339 date-time.
  case invalidStart = "invalid_started"
  /// The release is missing.
  case missingRelease = "missing_release"
  /// The release violates Sentry's rules for names.
  case invalidRelease = "invalid_release"
  /// The start is more than 5 days before the arrival.
  case tooOld = "too_old"
  /// The start is more than a minute after the arrival.
  case inFuture = "in_future"
  /// The payload is longer, or has more buckets, than Hale accepts.
  case tooLarge = "too_large"
  /// The session is new, and a quota of its project or key is used up. The store decides it.
  case quota
}
