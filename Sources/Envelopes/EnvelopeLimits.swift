/// The wire format of envelopes: bytes in, domain values out.
///
/// Invariant of this module: no input or output, no clock, memory bounded by ``EnvelopeLimits``
/// whatever the length of an envelope. It is the only place that knows the keys on the wire.

/// The limits of envelopes.
package enum EnvelopeLimits {
  /// The size of a whole decoded envelope, in bytes: Sentry's documented limit.
  package static let envelopeBytesMax = 200 << 20
  /// The number of items in an envelope: Relay's limit.
  package static let itemsMax = 500
  /// The number of `session` and `sessions` items together: Relay's `max_session_count`.
  package static let sessionItemsMax = 100
  /// The size of one envelope or item header, in bytes. Relay has no such limit; it holds the whole
  /// body anyway.
  package static let headerBytesMax = 64 << 10
  /// The size of the payload of one `session` or `sessions` item, in bytes.
  package static let sessionPayloadBytesMax = 1 << 20
  /// The size of the payload of a `client_report` item, in bytes: Sentry's documented limit. Longer
  /// ones are skipped.
  package static let clientReportBytesMax = 4 << 10
  /// The number of sessions that one client report can count as dropped, for each reason.
  package static let droppedSessionsMax: Int64 = 1_000_000
  /// The number of buckets in one `sessions` item.
  package static let bucketsMax = 10_000
  /// The newest version of the protocol.
  package static let protocolVersionMax: UInt16 = 7
}
