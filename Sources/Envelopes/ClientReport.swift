internal import Bytes
package import ReleaseHealth

/// The sessions that an SDK dropped, by reason: what a client report has about sessions (Sentry's
/// page "Client Reports" for developers of SDKs).
package struct ClientReport: Equatable, Sendable {
  package private(set) var dropped: [DropReason: Int64] = [:]

  /// Reads the payload of an item.
  ///
  /// - Returns: nil if it is not the JSON of a report. Entries that cannot be read are passed over.
  init?(_ payload: Span<UInt8>) {
    guard let node = try? JSONNode(unsafe payload.withUnsafeBufferPointer { unsafe Array($0) })
    else { return nil }
    guard case .array(let entries)? = node["discarded_events"]?.value else { return }
    for entry in entries {
      guard case .string("session")? = entry["category"]?.value,
        case .number(let quantity)? = entry["quantity"]?.value, quantity >= 1
      else { continue }
      var reason = DropReason.other
      if case .string(let name)? = entry["reason"]?.value {
        reason = DropReason(rawValue: name) ?? .other
      }
      let limit = EnvelopeLimits.droppedSessionsMax
      let sum = dropped[reason, default: 0] + Int64(min(quantity, Double(limit)))
      dropped[reason] = min(sum, limit)
    }
  }
}
