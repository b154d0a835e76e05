internal import Bytes
package import ReleaseHealth

/// The first line of an envelope. Keys that Hale does not use are ignored.
package struct EnvelopeHeader: Equatable, Sendable {
  /// The id of the event in the envelope: 32 hexadecimal digits in lower case.
  package var eventID: String?
  /// The DSN that the envelope is sent to. It authenticates a request without other credentials.
  package var dsn: DSN?
  /// The time at which the SDK sent the envelope, by the device's clock.
  package var sentAt: Timestamp?
  /// The origin of the web page.
  package var origin: String?

}

extension EnvelopeHeader {
  init(json bytes: Span<UInt8>) throws(HeaderFault) {
    self.init()
    var faults = HeaderFaults()
    do throws(JSONError) {
      var json = JSONReader()
      guard try json.enterObject(bytes) else { throw JSONError() }
      var isFirst = true
      while let name = try json.nextKey(bytes, isFirst: &isFirst) {
        switch name.withBytes(bytes, HeaderKey.init(wire:)) {
        case .eventID:
          eventID = try json.header(bytes, .eventID, &faults, Self.eventID)
        case .dsn:
          dsn = try json.header(bytes, .dsn, &faults) { DSN(String(copying: $0)) }
        case .sentAt:
          sentAt = try json.header(bytes, .sentAt, &faults, RFC3339.parse)
        case .origin:
          origin = try json.header(bytes, .origin, &faults) { String(copying: $0) }
        case .type, .length, nil:
          try json.skipValue(bytes, depth: 1)
        }
      }
      try json.end(bytes)
    } catch {
      throw .malformed
    }
    if let fault = faults.first { throw fault }
  }

  /// The 32 digits of a UUID with or without hyphens.
  private static func eventID(_ text: Span<UInt8>) -> String? {
    Hexadecimal.number(text).map { Hexadecimal.text($0) }
  }
}

/// The line before an item's payload.
struct ItemHeader {
  var type = ItemType.unknown
  /// The payload's length in bytes; without one the payload ends with its line.
  var length: Int?

  init(json bytes: Span<UInt8>) throws(HeaderFault) {
    var faults = HeaderFaults()
    do throws(JSONError) {
      var json = JSONReader()
      guard try json.enterObject(bytes) else { throw JSONError() }
      var type: ItemType?
      var isFirst = true
      while let name = try json.nextKey(bytes, isFirst: &isFirst) {
        switch name.withBytes(bytes, HeaderKey.init(wire:)) {
        case .type:
          type = try json.header(bytes, .type, &faults, ItemType.init(wire:))
        case .length:
          faults.check(.length)
          switch try json.unsignedField(bytes, depth: 1) {
          case .null: length = nil
          case .value(let value) where value <= UInt32.max: length = Int(value)
          case .value, .other: faults.add(.invalid(.length))
          }
        case .eventID, .dsn, .sentAt, .origin, nil:
          try json.skipValue(bytes, depth: 1)
        }
      }
      try json.end(bytes)
      if let type { self.type = type } else { faults.add(.missing(.type)) }
    } catch {
      throw .malformed
    }
    if let fault = faults.first { throw fault }
  }
}

/// The faults of a header, of which the first is reported.
private struct HeaderFaults {
  private(set) var first: HeaderFault?
  private var seen: UInt8 = 0

  mutating func add(_ fault: HeaderFault) {
    if first == nil { first = fault }
  }

  /// Adds a fault for a duplicate key.
  mutating func check(_ key: HeaderKey) {
    let bit: UInt8 = 1 << key.rawValue
    if seen & bit != 0 { add(.duplicate(key)) }
    seen |= bit
  }
}

extension JSONReader {
  /// Reads a member that is a string or null.
  fileprivate mutating func header<Value>(
    _ bytes: Span<UInt8>, _ key: HeaderKey, _ faults: inout HeaderFaults,
    _ parse: (Span<UInt8>) -> Value?
  ) throws(JSONError) -> Value? {
    faults.check(key)
    switch try stringField(bytes, depth: 1) {
    case .null: return nil
    case .value(let string):
      let value = string.withBytes(bytes, parse)
      if value == nil { faults.add(.invalid(key)) }
      return value
    case .other:
      faults.add(.invalid(key))
      return nil
    }
  }
}

extension HeaderKey {
  fileprivate init?(wire name: Span<UInt8>) {
    switch true {
    case name.equals("type"): self = .type
    case name.equals("length"): self = .length
    case name.equals("sent_at"): self = .sentAt
    case name.equals("dsn"): self = .dsn
    case name.equals("event_id"): self = .eventID
    case name.equals("origin"): self = .origin
    default: return nil
    }
  }
}
