internal import Bytes
package import ReleaseHealth

/// Reads the payloads of `session` and `sessions` items.
///
/// The JSON is checked completely, also what is ignored, before anything comes of it. Where a key
/// occurs twice, the last one stands. `null` means absent everywhere; Relay refuses it for some
/// keys, to no one's use. When several things are wrong, the first in the order of
/// ``RejectionReason`` is told.
package enum SessionPayload {
  /// - Returns: a `session` item's one update.
  package static func update(_ bytes: Span<UInt8>) throws(RejectionReason) -> SessionUpdate {
    var draft = Draft()
    do throws(JSONError) {
      try draft.readUpdate(bytes)
    } catch {
      throw .invalidPayload
    }
    try draft.check()
    guard let started = draft.started else { throw .invalidStart }
    guard let release = draft.attributes.release else { throw .missingRelease }
    var update = SessionUpdate(started: started, release: release)
    update.sessionID = draft.sessionID
    update.distinctID = draft.distinctID
    update.isInitial = draft.isInitial
    update.timestamp = draft.timestamp
    update.durationMilliseconds = draft.durationMilliseconds
    update.status = draft.status
    update.errors = draft.errors
    update.mechanism = draft.mechanism
    update.environment = draft.attributes.environment
    return update
  }

  /// - Returns: the buckets of a `sessions` item, without those that count nothing.
  package static func aggregates(
    _ bytes: Span<UInt8>
  ) throws(RejectionReason) -> SessionAggregates {
    var draft = AggregatesDraft()
    do throws(JSONError) {
      try draft.read(bytes)
    } catch {
      throw .invalidPayload
    }
    if draft.isTooLarge { throw .tooLarge }
    if !draft.faults.isEmpty || draft.attributes.isFaulty { throw .invalidPayload }
    guard let release = draft.attributes.release else { throw .missingRelease }
    return SessionAggregates(
      release: release, environment: draft.attributes.environment, buckets: draft.buckets,
      unreadableBuckets: draft.unreadableBuckets)
  }

  /// The 128 bits of 32 hexadecimal digits, or of 36 characters with a UUID's hyphens.
  static func sessionID(_ text: Span<UInt8>) -> SessionID? {
    Hexadecimal.number(text).map { SessionID(value: $0) }
  }

  /// Relay takes the nil UUID, with or without hyphens, for no user.
  fileprivate static func isNilUUID(_ text: Span<UInt8>) -> Bool {
    guard text.count == 32 || text.count == 36, text[0] == UInt8(ascii: "0") else { return false }
    return sessionID(text)?.value == 0
  }
}

/// What of an item cannot be used. A later duplicate of the key takes it back.
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
  static let aggregates = Faults(rawValue: 1 << 10)

  mutating func set(_ fault: Faults, _ isFaulty: Bool) {
    if isFaulty { insert(fault) } else { remove(fault) }
  }
}

/// A `session` item while it is read.
private struct Draft {
  var sessionID: SessionID?
  var distinctID: String?
  var isInitial = false
  var started: Timestamp?
  var timestamp: Timestamp?
  var durationMilliseconds: Int64?
  var status = SessionStatus.ok
  var errors: UInt64 = 0
  var mechanism = HangMechanism.none
  var attributes = Attributes()
  var faults: Faults = []

  func check() throws(RejectionReason) {
    if !faults.subtracting([.sessionID, .started]).isEmpty || attributes.isFaulty {
      throw .invalidPayload
    }
    if faults.contains(.sessionID) { throw .invalidSessionID }
    if faults.contains(.started) { throw .invalidStart }
  }

  mutating func readUpdate(_ bytes: Span<UInt8>) throws(JSONError) {
    var json = JSONReader()
    guard try json.enterObject(bytes) else { throw JSONError() }
    var isFirst = true
    while let key = try json.nextKey(bytes, isFirst: &isFirst) {
      switch key.withBytes(bytes, SessionKey.init) {
      case .sessionID:
        let field = try json.stringField(bytes, depth: 1)
        sessionID = field.map { $0.withBytes(bytes, SessionPayload.sessionID) }
        faults.set(.sessionID, sessionID == nil && !field.isNull)
      case .distinctID:
        let field = try json.stringField(bytes, depth: 1)
        distinctID = field.distinctID(bytes)
        faults.set(.distinctID, field.isOther)
      case .sequence:
        faults.set(.sequence, try json.unsignedField(bytes, depth: 1).isOther)
      case .initial:
        let field = try json.booleanField(bytes, depth: 1)
        isInitial = field.map { $0 } ?? false
        faults.set(.initial, field.isOther)
      case .started:
        let field = try json.stringField(bytes, depth: 1)
        started = field.map { $0.withBytes(bytes, RFC3339.parse) }
        faults.set(.started, started == nil)
      case .timestamp:
        let field = try json.stringField(bytes, depth: 1)
        timestamp = field.map { $0.withBytes(bytes, RFC3339.parse) }
        faults.set(.timestamp, timestamp == nil && !field.isNull)
      case .duration:
        let field = try json.numberField(bytes, depth: 1)
        durationMilliseconds = field.map { $0.durationMilliseconds }
        faults.set(.duration, field.isOther)
      case .status:
        let field = try json.stringField(bytes, depth: 1)
        status = field.map { SessionStatus(name: $0.text(bytes)) } ?? .ok
        faults.set(.status, field.isOther)
      case .errors:
        let field = try json.unsignedField(bytes, depth: 1)
        errors = field.map { $0 } ?? 0
        faults.set(.errors, field.isOther)
      case .mechanism:
        let field = try json.stringField(bytes, depth: 1)
        mechanism = field.map { $0.withBytes(bytes, HangMechanism.init(wire:)) } ?? .none
        faults.set(.mechanism, field.isOther)
      case .attributes:
        try attributes.read(bytes, &json)
      case nil:
        try json.skipValue(bytes, depth: 1)
      }
    }
    try json.end(bytes)
  }
}

/// A `sessions` item while it is read.
private struct AggregatesDraft {
  var buckets: [SessionAggregate] = []
  var unreadableBuckets = 0
  var isTooLarge = false
  var attributes = Attributes()
  var faults: Faults = []

  mutating func read(_ bytes: Span<UInt8>) throws(JSONError) {
    var json = JSONReader()
    guard try json.enterObject(bytes) else { throw JSONError() }
    var isFirst = true
    while let key = try json.nextKey(bytes, isFirst: &isFirst) {
      switch key.withBytes(bytes, AggregatesKey.init) {
      case .aggregates: try readBuckets(bytes, &json)
      case .attributes: try attributes.read(bytes, &json)
      case nil: try json.skipValue(bytes, depth: 1)
      }
    }
    try json.end(bytes)
  }

  private mutating func readBuckets(
    _ bytes: Span<UInt8>, _ json: inout JSONReader
  ) throws(JSONError) {
    buckets = []
    unreadableBuckets = 0
    isTooLarge = false
    faults = []
    guard try json.enterArray(bytes) else {
      let field: JSONField<Void> = try json.otherField(bytes, 1)
      faults.set(.aggregates, field.isOther)
      return
    }
    var isFirst = true
    var count = 0
    while try json.nextElement(bytes, isFirst: &isFirst) {
      count += 1
      if count > EnvelopeLimits.bucketsMax {
        isTooLarge = true
        buckets = []
        try json.skipValue(bytes, depth: 2)
      } else if try json.enterObject(bytes) {
        try readBucket(bytes, &json)
      } else {
        faults.insert(.aggregates)
        try json.skipValue(bytes, depth: 2)
      }
    }
  }

  private mutating func readBucket(
    _ bytes: Span<UInt8>, _ json: inout JSONReader
  ) throws(JSONError) {
    var started: Timestamp?
    var distinctID: String?
    var counts = SessionCounts()
    var hasWrongUser = false
    var wrongCounts: Set<Severity> = []
    var isFirst = true
    while let key = try json.nextKey(bytes, isFirst: &isFirst) {
      switch key.withBytes(bytes, BucketKey.init) {
      case .started:
        started = try json.stringField(bytes, depth: 3).map {
          $0.withBytes(bytes, RFC3339.parse)
        }
      case .distinctID:
        let field = try json.stringField(bytes, depth: 3)
        distinctID = field.distinctID(bytes)
        hasWrongUser = field.isOther
      case .count(let severity):
        let field = try json.unsignedField(bytes, depth: 3)
        let count = field.map { UInt32(exactly: $0) }
        counts[severity] = Int64(count ?? 0)
        if count == nil && !field.isNull {
          wrongCounts.insert(severity)
        } else if !wrongCounts.isEmpty {
          wrongCounts.remove(severity)
        }
      case nil:
        try json.skipValue(bytes, depth: 3)
      }
    }
    if hasWrongUser || !wrongCounts.isEmpty { faults.insert(.aggregates) }
    guard let started else {
      unreadableBuckets += 1
      return
    }
    if counts.isZero { return }
    buckets.append(SessionAggregate(started: started, distinctID: distinctID, counts: counts))
  }
}

/// The `attrs` of an item.
private struct Attributes {
  var release: String?
  var environment: String?
  private var hasWrongType = false
  private var hasWrongRelease = false
  private var hasWrongEnvironment = false

  init() {}

  var isFaulty: Bool { hasWrongType || hasWrongRelease || hasWrongEnvironment }

  mutating func read(_ bytes: Span<UInt8>, _ json: inout JSONReader) throws(JSONError) {
    self = Attributes()
    guard try json.enterObject(bytes) else {
      let field: JSONField<Void> = try json.otherField(bytes, 1)
      hasWrongType = field.isOther
      return
    }
    var isFirst = true
    while let key = try json.nextKey(bytes, isFirst: &isFirst) {
      switch key.withBytes(bytes, AttributeKey.init) {
      case .release:
        let field = try json.stringField(bytes, depth: 2)
        release = field.map { $0.text(bytes) }
        hasWrongRelease = field.isOther
      case .environment:
        let field = try json.stringField(bytes, depth: 2)
        environment = field.map { $0.text(bytes) }
        hasWrongEnvironment = field.isOther
      case nil:
        try json.skipValue(bytes, depth: 2)
      }
    }
  }
}

extension JSONField {
  @inline(__always)
  fileprivate var isNull: Bool {
    if case .null = self { true } else { false }
  }

  @inline(__always)
  fileprivate var isOther: Bool {
    if case .other = self { true } else { false }
  }

  @inline(__always)
  fileprivate func map<Result>(_ transform: (Value) -> Result?) -> Result? {
    if case .value(let value) = self { transform(value) } else { nil }
  }
}

extension JSONField<JSONString> {
  /// The user; the empty string is one, as with Relay.
  fileprivate func distinctID(_ bytes: Span<UInt8>) -> String? {
    map { $0.withBytes(bytes) { SessionPayload.isNilUUID($0) ? nil : String(copying: $0) } }
  }
}

extension JSONDecimal {
  /// The number as seconds, in milliseconds: rounded, and cut to the domain's limit. Of a negative
  /// one the sign is dropped, as sentry-java does with the durations it sends.
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
      // Nineteen digits and more away nothing is left of nineteen digits, not even by rounding.
      guard exponent >= -19 else { return 0 }
      var divisor: UInt64 = 1
      for _ in 0..<(-exponent) { divisor *= 10 }
      // Digits that were dropped when reading cannot turn a half that rounds down into one up.
      let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
      value = quotient + (remainder >= divisor - remainder ? 1 : 0)
    }
    return Int64(min(value, limit))
  }
}

extension HangMechanism {
  fileprivate init(wire name: Span<UInt8>) {
    if name.equals("anr_foreground") {
      self = .foreground
    } else if name.equals("anr_background") {
      self = .background
    } else {
      self = .none
    }
  }
}

private enum SessionKey {
  case sessionID, distinctID, sequence, initial, started, timestamp, duration, status, errors
  case mechanism, attributes

  @inline(__always)
  init?(_ name: Span<UInt8>) {
    if name.equals("sid") {
      self = .sessionID
    } else if name.equals("init") {
      self = .initial
    } else if name.equals("started") {
      self = .started
    } else if name.equals("timestamp") {
      self = .timestamp
    } else if name.equals("status") {
      self = .status
    } else if name.equals("errors") {
      self = .errors
    } else if name.equals("did") {
      self = .distinctID
    } else if name.equals("duration") {
      self = .duration
    } else if name.equals("seq") {
      self = .sequence
    } else if name.equals("abnormal_mechanism") {
      self = .mechanism
    } else if name.equals("attrs") {
      self = .attributes
    } else {
      return nil
    }
  }
}

private enum AggregatesKey {
  case aggregates, attributes

  init?(_ name: Span<UInt8>) {
    if name.equals("aggregates") {
      self = .aggregates
    } else if name.equals("attrs") {
      self = .attributes
    } else {
      return nil
    }
  }
}

private enum BucketKey {
  case started, distinctID
  case count(Severity)

  @inline(__always)
  init?(_ name: Span<UInt8>) {
    if name.equals("started") {
      self = .started
    } else if name.equals("did") {
      self = .distinctID
    } else if name.equals("exited") {
      self = .count(.healthy)
    } else if name.equals("errored") {
      self = .count(.errored)
    } else if name.equals("crashed") {
      self = .count(.crashed)
    } else if name.equals("abnormal") {
      self = .count(.abnormal)
    } else if name.equals("unhandled") {
      self = .count(.unhandled)
    } else {
      return nil
    }
  }
}

private enum AttributeKey {
  case release, environment

  init?(_ name: Span<UInt8>) {
    if name.equals("release") {
      self = .release
    } else if name.equals("environment") {
      self = .environment
    } else {
      return nil
    }
  }
}
