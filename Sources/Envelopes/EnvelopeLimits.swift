/// The wire format of envelopes: bytes in, domain values out.
///
/// Invariant of this module: no input or output, no clock, memory bounded by ``EnvelopeLimits``
/// whatever the length of an envelope. It is the only place that knows the keys on the wire.

/// Every number that an envelope may not exceed.
package enum EnvelopeLimits {
  /// Of a whole envelope, decoded. Sentry's documented limit.
  package static let envelopeBytesMax = 200 << 20
  /// Of items in an envelope. Relay's limit.
  package static let itemsMax = 500
  /// Of `session` and `sessions` items together. Relay's `max_session_count`.
  package static let sessionItemsMax = 100
  /// Of one envelope or item header. Relay has no such limit; it holds the whole body anyway.
  package static let headerBytesMax = 64 << 10
  /// Of the payload of one `session` or `sessions` item.
  package static let sessionPayloadBytesMax = 1 << 20
  /// Of the buckets in one `sessions` item.
  package static let bucketsMax = 10_000
  /// The newest version of the protocol.
  package static let protocolVersionMax: UInt16 = 7
}
