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
      func read(_ severity: UInt64, _ count: inout Int64) {
        if mask & severity == 0 { return }
        guard let number = packed.readVarint(&index) else {
          isWhole = false
          return
        }
        count = Int64(truncatingIfNeeded: number)
      }
      // The bits of the severities' raw values, which the compiler does not see from here.
      read(1, &counts.healthy)
      read(2, &counts.errored)
      read(4, &counts.unhandled)
      read(8, &counts.abnormal)
      read(16, &counts.crashed)
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
