internal import ReleaseHealth

/// Session counts of consecutive slots (the hours of a day, the minutes of an hour), packed for a
/// column: for each slot with counts its number, a byte that says which severities follow, and
/// those.
struct CountGrid: Equatable {
  /// Slots with counts, by number.
  private(set) var slots: [Int: SessionCounts] = [:]

  init() {}

  init(packed: [UInt8]) {
    Self.forEachSlot(packed.span) { slots[$0] = $1 }
  }

  /// Calls `body` with each slot of a packed value, without a dictionary or a copy between; of damaged
  /// bytes, with what can be read.
  @inline(__always)
  static func forEachSlot(_ packed: Span<UInt8>, _ body: (Int, SessionCounts) -> Void) {
    var index = 0
    while let slot = packed.readVarint(&index), let mask = packed.readVarint(&index) {
      var counts = SessionCounts()
      var isWhole = true
      func read(_ severity: Severity) -> Int64 {
        if mask & (1 << UInt64(severity.rawValue)) == 0 { return 0 }
        guard let count = packed.readVarint(&index) else {
          isWhole = false
          return 0
        }
        return Int64(truncatingIfNeeded: count)
      }
      counts.healthy = read(.healthy)
      counts.errored = read(.errored)
      counts.unhandled = read(.unhandled)
      counts.abnormal = read(.abnormal)
      counts.crashed = read(.crashed)
      if !isWhole { return }
      body(Int(truncatingIfNeeded: slot), counts)
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
