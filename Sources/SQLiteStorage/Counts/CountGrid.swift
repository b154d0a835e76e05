internal import ReleaseHealth

/// Session counts of consecutive slots (the hours of a day, the minutes of an hour), packed for a
/// column. Each slot with counts has its number, a byte of severity flags, and the counts.
struct CountGrid: Equatable {
  /// Slots with counts, at most 60, ascending by number and packed in that order.
  private(set) var slots: [(key: Int, value: SessionCounts)] = []

  init() {}

  init(packed: [UInt8]) {
    Self.forEachSlot(packed.span) { slot, counts in
      // Damaged bytes may have slots in any order.
      let (index, isThere) = find(slot)
      if isThere {
        slots[index].value = counts
      } else {
        slots.insert((slot, counts), at: index)
      }
    }
  }

  /// The counts of a slot; nil if there are none.
  subscript(slot: Int) -> SessionCounts? {
    let (index, isThere) = find(slot)
    return isThere ? slots[index].value : nil
  }

  /// The index of a slot, or where to insert it. Most additions are to the last slots.
  private func find(_ slot: Int) -> (index: Int, isThere: Bool) {
    var index = slots.count
    while index > 0, slots[index - 1].key >= slot { index -= 1 }
    return (index, index < slots.count && slots[index].key == slot)
  }

  static func == (left: CountGrid, right: CountGrid) -> Bool {
    left.slots.elementsEqual(right.slots, by: ==)
  }

  /// Calls `body` with each slot of a packed value, without a dictionary or copy; reads damaged
  /// bytes as far as possible.
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
      // The literals are the bits of the severities' raw values, which cannot be inlined from
      // another module.
      read(1, &counts.healthy)
      read(2, &counts.errored)
      read(4, &counts.unhandled)
      read(8, &counts.abnormal)
      read(16, &counts.crashed)
      if !isWhole { return }
      body(Int(truncatingIfNeeded: slot), counts)
    }
  }

  /// The sum of a packed value's slots within `slots`. Queries of totals alone, such as ranking all
  /// groups, need no single slots.
  static func sum(_ packed: Span<UInt8>, slots: Range<Int>) -> SessionCounts {
    // Wide integers, so that saturation happens once and not at every addition.
    var healthy: Int128 = 0, errored: Int128 = 0, unhandled: Int128 = 0, abnormal: Int128 = 0
    var crashed: Int128 = 0
    forEachSlot(packed) { slot, counts in
      guard slots.contains(slot) else { return }
      healthy += Int128(counts.healthy)
      errored += Int128(counts.errored)
      unhandled += Int128(counts.unhandled)
      abnormal += Int128(counts.abnormal)
      crashed += Int128(counts.crashed)
    }
    func cut(_ sum: Int128) -> Int64 { SessionCounts.saturated(Int64(clamping: sum)) }
    return SessionCounts(
      healthy: cut(healthy), errored: cut(errored), unhandled: cut(unhandled),
      abnormal: cut(abnormal), crashed: cut(crashed))
  }

  var packed: [UInt8] {
    var writer = VarintWriter()
    writer.reserve(slots.count * 6)
    for (slot, counts) in slots {
      writer.write(UInt64(slot))
      var present: UInt8 = 0
      for severity in Severity.allCases where counts[severity] != 0 {
        present |= 1 << severity.rawValue
      }
      writer.write(byte: present)
      for severity in Severity.allCases where counts[severity] != 0 {
        writer.write(UInt64(bitPattern: counts[severity]))
      }
    }
    return writer.bytes
  }

  mutating func add(_ counts: SessionCounts, at slot: Int) {
    let (index, isThere) = find(slot)
    guard isThere else {
      if !counts.isZero { slots.insert((slot, counts), at: index) }
      return
    }
    slots[index].value += counts
    if slots[index].value.isZero { slots.remove(at: index) }
  }
}
