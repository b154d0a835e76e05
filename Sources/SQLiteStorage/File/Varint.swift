/// Writes unsigned numbers in base 128, least significant group first, as packed columns store
/// them.
struct VarintWriter {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Writes a signed number; small values of either sign take few bytes (zigzag encoding).
  mutating func write(signed value: Int64) {
    write(UInt64(bitPattern: value << 1 ^ value >> 63))
  }

  /// Writes 16 bytes, most significant first.
  mutating func write(_ value: UInt128) {
    unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
  }

  mutating func reserve(_ count: Int) {
    bytes.reserveCapacity(count)
  }

  mutating func write(byte: UInt8) {
    bytes.append(byte)
  }

  mutating func write(bytes more: [UInt8]) {
    bytes.append(contentsOf: more)
  }
}

/// Reads what ``VarintWriter`` wrote. Past the end or in damaged bytes it reads zeros and marks the
/// failure.
struct VarintReader {
  private let bytes: [UInt8]
  private var index = 0
  private(set) var isDamaged = false

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { index >= bytes.count || isDamaged }

  mutating func read() -> UInt64 {
    var end = index
    let value = bytes.span.readVarint(&end)
    index = end
    isDamaged = isDamaged || value == nil
    return value ?? 0
  }

  mutating func readSigned() -> Int64 {
    let value = read()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  mutating func readWide() -> UInt128 {
    (read(count: 16) ?? []).reduce(0) { $0 << 8 | UInt128($1) }
  }

  /// The next bytes; nil when fewer are left.
  mutating func read(count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, bytes.count - index >= count else {
      isDamaged = true
      return nil
    }
    defer { index += count }
    return bytes[index..<index + count]
  }
}

extension Span<UInt8> {
  /// The number at `index`, which moves past it; nil at the end or in damaged bytes.
  @inline(__always)
  func readVarint(_ index: inout Int) -> UInt64? {
    guard index < count else { return nil }
    // The short path: most numbers are small.
    let byte = self[index]
    guard byte >= 0x80 else {
      index += 1
      return UInt64(byte)
    }
    return readLongVarint(&index)
  }

  private func readLongVarint(_ index: inout Int) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while index < count, shift < 64 {
      let byte = self[index]
      index += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
}
