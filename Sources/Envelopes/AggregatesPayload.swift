internal import Bytes
package import ReleaseHealth

extension SessionPayload {
  /// - Returns: the buckets of a `sessions` item, without empty ones.
  package static func aggregates(
    _ bytes: Span<UInt8>
  ) throws(RejectionReason) -> SessionAggregates {
    var reading = AggregatesReading()
    do throws(JSONError) {
      try reading.read(bytes)
    } catch {
      throw .invalidPayload
    }
    if let reason = reading.rejection { throw reason }
    return reading.aggregates
  }
}

/// The state of reading a `sessions` item.
private struct AggregatesReading {
  var aggregates = SessionAggregates(release: "", environment: nil, buckets: [])
  private var isTooLarge = false
  private var attributes = AttributeFaults()
  private var isFaulty = false

  /// The first fault.
  var rejection: RejectionReason? {
    if isTooLarge { return .tooLarge }
    if isFaulty || attributes.isFaulty { return .invalidPayload }
    return attributes.hasRelease ? nil : .missingRelease
  }

  mutating func read(_ bytes: Span<UInt8>) throws(JSONError) {
    var json = JSONReader()
    guard try json.enterObject(bytes) else { throw JSONError() }
    var isFirst = true
    while let key = try json.nextKey(bytes, isFirst: &isFirst) {
      switch key.withBytes(bytes, AggregatesKey.init) {
      case .aggregates: try readBuckets(bytes, &json)
      case .attributes:
        try attributes.read(bytes, &json, &aggregates.release, &aggregates.environment)
      case nil: try json.skipValue(bytes, depth: 1)
      }
    }
    try json.end(bytes)
  }

  private mutating func readBuckets(
    _ bytes: Span<UInt8>, _ json: inout JSONReader
  ) throws(JSONError) {
    aggregates.buckets = []
    aggregates.unreadableBuckets = 0
    isTooLarge = false
    isFaulty = false
    guard try json.enterArray(bytes) else {
      let field: JSONField<Void> = try json.otherField(bytes, 1)
      isFaulty = field.isOther
      return
    }
    var isFirst = true
    var count = 0
    while try json.nextElement(bytes, isFirst: &isFirst) {
      count += 1
      if count > EnvelopeLimits.bucketsMax {
        isTooLarge = true
        aggregates.buckets = []
        try json.skipValue(bytes, depth: 2)
      } else if try json.enterObject(bytes) {
        try readBucket(bytes, &json)
      } else {
        isFaulty = true
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
        started = try json.stringField(bytes, depth: 3).map { $0.withBytes(bytes, RFC3339.parse) }
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
    if hasWrongUser || !wrongCounts.isEmpty { isFaulty = true }
    guard let started else {
      aggregates.unreadableBuckets += 1
      return
    }
    if counts.isZero { return }
    aggregates.buckets.append(
      SessionAggregate(started: started, distinctID: distinctID, counts: counts))
  }
}

private enum AggregatesKey {
  case aggregates, attributes

  init?(_ name: Span<UInt8>) {
    switch true {
    case name.equals("aggregates"): self = .aggregates
    case name.equals("attrs"): self = .attributes
    default: return nil
    }
  }
}

private enum BucketKey {
  case started, distinctID
  case count(Severity)

  @inline(__always)
  init?(_ name: Span<UInt8>) {
    switch true {
    case name.equals("started"): self = .started
    case name.equals("did"): self = .distinctID
    case name.equals("exited"): self = .count(.healthy)
    case name.equals("errored"): self = .count(.errored)
    case name.equals("crashed"): self = .count(.crashed)
    case name.equals("abnormal"): self = .count(.abnormal)
    case name.equals("unhandled"): self = .count(.unhandled)
    default: return nil
    }
  }
}
