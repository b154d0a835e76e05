internal import Bytes
package import ReleaseHealth

/// Reads the payloads of `session` and `sessions` items.
///
/// All of the JSON is checked first, including ignored parts. Of a duplicate key the last value
/// counts. `null` means absent everywhere; Relay refuses it for some keys, which helps nobody. Of
/// several faults the first in the order of ``RejectionReason`` is reported.
package enum SessionPayload {
  /// - Returns: the update of a `session` item.
  package static func update(_ bytes: Span<UInt8>) throws(RejectionReason) -> SessionUpdate {
    var reading = UpdateReading()
    do throws(JSONError) {
      try reading.read(bytes)
    } catch {
      throw .invalidPayload
    }
    if let reason = reading.rejection { throw reason }
    return reading.update
  }

  /// The 128 bits of 32 hexadecimal digits, or of 36 characters with a UUID's hyphens.
  static func sessionID(_ text: Span<UInt8>) -> SessionID? {
    Hexadecimal.number(text).map { SessionID(value: $0) }
  }
}

/// The state of reading an update, with its faulty fields so far. A later duplicate of a key clears
/// its fault.
private struct UpdateReading {
  /// The start and the release are placeholders until they are read.
  var update = SessionUpdate(started: Timestamp(milliseconds: 0), release: "")
  private var faults: Faults = [.started]
  private var attributes = AttributeFaults()

  /// The first fault in the order of ``RejectionReason``.
  var rejection: RejectionReason? {
    if !faults.subtracting([.sessionID, .started]).isEmpty || attributes.isFaulty {
      return .invalidPayload
    }
    if faults.contains(.sessionID) { return .invalidSessionID }
    if faults.contains(.started) { return .invalidStart }
    return attributes.hasRelease ? nil : .missingRelease
  }

  mutating func read(_ bytes: Span<UInt8>) throws(JSONError) {
    var json = JSONReader()
    guard try json.enterObject(bytes) else { throw JSONError() }
    var isFirst = true
    while let key = try json.nextKey(bytes, isFirst: &isFirst) {
      switch key.withBytes(bytes, SessionKey.init) {
      case .sessionID:
        let field = try json.stringField(bytes, depth: 1)
        update.sessionID = field.map { $0.withBytes(bytes, SessionPayload.sessionID) }
        faults.set(.sessionID, update.sessionID == nil && !field.isNull)
      case .distinctID:
        let field = try json.stringField(bytes, depth: 1)
        update.distinctID = field.distinctID(bytes)
        faults.set(.distinctID, field.isOther)
      case .sequence:
        faults.set(.sequence, try json.unsignedField(bytes, depth: 1).isOther)
      case .initial:
        let field = try json.booleanField(bytes, depth: 1)
        update.isInitial = field.map { $0 } ?? false
        faults.set(.initial, field.isOther)
      case .started:
        let field = try json.stringField(bytes, depth: 1)
        let started = field.map { $0.withBytes(bytes, RFC3339.parse) }
        if let started { update.started = started }
        faults.set(.started, started == nil)
      case .timestamp:
        let field = try json.stringField(bytes, depth: 1)
        update.timestamp = field.map { $0.withBytes(bytes, RFC3339.parse) }
        faults.set(.timestamp, update.timestamp == nil && !field.isNull)
      case .duration:
        let field = try json.numberField(bytes, depth: 1)
        update.durationMilliseconds = field.map { $0.durationMilliseconds }
        faults.set(.duration, field.isOther)
      case .status:
        let field = try json.stringField(bytes, depth: 1)
        update.status = field.map { $0.withBytes(bytes, SessionStatus.init(wire:)) } ?? .ok
        faults.set(.status, field.isOther)
      case .errors:
        let field = try json.unsignedField(bytes, depth: 1)
        update.errors = field.map { $0 } ?? 0
        faults.set(.errors, field.isOther)
      case .mechanism:
        let field = try json.stringField(bytes, depth: 1)
        update.mechanism = field.map { $0.withBytes(bytes, AbnormalMechanism.init(wire:)) } ?? .none
        faults.set(.mechanism, field.isOther)
      case .attributes:
        try attributes.read(bytes, &json, &update.release, &update.environment)
      case nil:
        try json.skipValue(bytes, depth: 1)
      }
    }
    try json.end(bytes)
  }
}

/// The faulty fields of an update.
private struct Faults: OptionSet {
  var rawValue: UInt16

  static let sessionID = Faults(rawValue: 1 << 0)
  static let distinctID = Faults(rawValue: 1 << 1)
  static let sequence = Faults(rawValue: 1 << 2)
  static let initial = Faults(rawValue: 1 << 3)
  static let started = Faults(rawValue: 1 << 4)
  static let timestamp = Faults(rawValue: 1 << 5)
  static let duration = Faults(rawValue: 1 << 6)
  static let status = Faults(rawValue: 1 << 7)
  static let errors = Faults(rawValue: 1 << 8)
  static let mechanism = Faults(rawValue: 1 << 9)

  mutating func set(_ fault: Faults, _ isFaulty: Bool) {
    if isFaulty { insert(fault) } else { remove(fault) }
  }
}

extension JSONDecimal {
  /// The number of seconds in milliseconds, rounded and cut to the domain's limit. A negative sign
  /// is dropped, as sentry-java sends it with durations.
  fileprivate var durationMilliseconds: Int64? {
    let limit = UInt64(DomainLimits.durationMillisecondsMax)
    var value = digits
    var exponent = exponent + 3
    if value == 0 { return 0 }
    if exponent >= 0 {
      while exponent > 0 && value < limit {
        value *= 10
        exponent -= 1
      }
    } else {
      // With nineteen or more decimals dropped, nineteen digits round to zero.
      guard exponent >= -19 else { return 0 }
      var divisor: UInt64 = 1
      for _ in 0..<(-exponent) { divisor *= 10 }
      // Digits that were dropped in parsing cannot make a half that rounds down round up.
      let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
      value = quotient + (remainder >= divisor - remainder ? 1 : 0)
    }
    return Int64(min(value, limit))
  }
}

extension AbnormalMechanism {
  fileprivate init(wire name: Span<UInt8>) {
    switch true {
    case name.equals("anr_foreground"): self = .foreground
    case name.equals("anr_background"): self = .background
    default: self = .none
    }
  }
}

private enum SessionKey {
  case sessionID, distinctID, sequence, initial, started, timestamp, duration, status, errors
  case mechanism, attributes

  @inline(__always)
  init?(_ name: Span<UInt8>) {
    switch true {
    case name.equals("sid"): self = .sessionID
    case name.equals("init"): self = .initial
    case name.equals("started"): self = .started
    case name.equals("timestamp"): self = .timestamp
    case name.equals("status"): self = .status
    case name.equals("errors"): self = .errors
    case name.equals("did"): self = .distinctID
    case name.equals("duration"): self = .duration
    case name.equals("seq"): self = .sequence
    case name.equals("abnormal_mechanism"): self = .mechanism
    case name.equals("attrs"): self = .attributes
    default: return nil
    }
  }
}

extension SessionStatus {
  /// - Parameter name: of any length. Only short ones are compared as text.
  fileprivate init(wire name: Span<UInt8>) {
    self = name.count <= 16 ? SessionStatus(name: String(copying: name)) : .unknown
  }
}
