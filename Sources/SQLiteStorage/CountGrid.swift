internal import ReleaseHealth

/// Session counts of consecutive slots (the hours of a day, the minutes of an hour), packed for a
/// column: for each slot with counts its number, a byte that says which severities follow, and
/// those.
struct CountGrid: Equatable {
  /// Slots with counts, by number.
  private(set) var slots: [Int: SessionCounts] = [:]

  init() {}

  init(packed: [UInt8]) {
    Self.forEachSlot(packed) { slots[$0] = $1 }
  }

  /// Calls `body` with each slot of a packed value, without a dictionary between; of damaged bytes,
  /// with what can be read.
  static func forEachSlot(_ packed: [UInt8], _ body: (Int, SessionCounts) -> Void) {
    var reader = VarintReader(packed)
    while !reader.isAtEnd {
      let slot = Int(truncatingIfNeeded: reader.read())
      let mask = reader.read()
      var counts = SessionCounts()
      for severity in Severity.allCases where mask & (1 << UInt64(severity.rawValue)) != 0 {
        counts[severity] = Int64(truncatingIfNeeded: reader.read())
      }
      if !reader.isDamaged { body(slot, counts) }
    }
  }

  var packed: [UInt8] {
    var writer = VarintWriter()
    for (slot, counts) in slots.sorted(by: { $0.key < $1.key }) {
      writer.write(UInt64(slot))
      let present = Severity.allCases.filter { counts[$0] != 0 }
      writer.write(byte: present.reduce(0) { $0 | 1 << $1.rawValue })
      for severity in present {
        writer.write(UInt64(bitPattern: counts[severity]))
      }
    }
    return writer.bytes
  }

  mutating func add(_ counts: SessionCounts, at slot: Int) {
    slots[slot, default: SessionCounts()] += counts
    if slots[slot]?.isZero == true { slots[slot] = nil }
  }
}
