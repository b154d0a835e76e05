internal import Bytes

/// The types of items, by their names on the wire.
///
/// The list is closed, so that clients cannot create any number of counters.
package enum ItemType: String, CaseIterable, Hashable, Sendable {
  case attachment
  case checkIn = "check_in"
  case clientReport = "client_report"
  case event
  case feedback
  case formData = "form_data"
  case log
  case metricBuckets = "metric_buckets"
  case nel
  case otelSpan = "otel_span"
  case profile
  case profileChunk = "profile_chunk"
  case rawSecurity = "raw_security"
  case replayEvent = "replay_event"
  case replayRecording = "replay_recording"
  case replayVideo = "replay_video"
  case security
  case session
  case sessions
  case span
  case statsd
  case traceMetric = "trace_metric"
  case transaction
  case unrealReport = "unreal_report"
  case userReport = "user_report"
  /// Any other type, newer than this list.
  case unknown

  init(wire name: Span<UInt8>) {
    switch true {
    case name.equals("session"): self = .session
    case name.equals("sessions"): self = .sessions
    // Some versions of sentry-java use this name.
    case name.equals("profile_chunk_ui"): self = .profileChunk
    case name.count > 64: self = .unknown
    default: self = ItemType(rawValue: String(copying: name)) ?? .unknown
    }
  }

  /// Whether an envelope with such an item has an event id: the one in its header, or else a new
  /// one that the answer has. Relay's `requires_event`.
  package var requiresEvent: Bool {
    switch self {
    case .attachment, .event, .feedback, .formData, .profile, .rawSecurity, .replayEvent,
      .security, .transaction, .unrealReport, .userReport:
      true
    default: false
    }
  }
}
