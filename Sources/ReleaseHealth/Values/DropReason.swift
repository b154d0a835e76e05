/// The reason why an SDK dropped sessions without sending them, as its client reports give it
/// (Sentry's page "Client Reports" for developers of SDKs).
///
/// The list is closed, so that clients cannot create any number of outcomes. The raw values are the
/// names on the wire and in outcomes.
package enum DropReason: String, CaseIterable, Sendable {
  case backpressure
  case beforeSend = "before_send"
  case bufferOverflow = "buffer_overflow"
  case cacheOverflow = "cache_overflow"
  case eventProcessor = "event_processor"
  case insufficientData = "insufficient_data"
  case internalError = "internal_sdk_error"
  case networkError = "network_error"
  case queueOverflow = "queue_overflow"
  case rateLimit = "ratelimit_backoff"
  case sampleRate = "sample_rate"
  /// The service answered with an error.
  case sendError = "send_error"
  /// Any other reason, newer than this list.
  case other
}
