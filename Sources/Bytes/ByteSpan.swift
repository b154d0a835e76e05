// Searches in bytes, eight at a time where it is worth it.

extension Span<UInt8> {
  /// Whether the bytes equal the text.
  @inlinable @inline(__always)
  package func equals(_ name: StaticString) -> Bool {
    guard count == name.utf8CodeUnitCount else { return false }
    for index in 0..<count where unsafe self[index] != name.utf8Start[index] { return false }
    return true
  }

  /// The first byte from `start` on that is not plain in a JSON string: a quote, a backslash, a
  /// control character or one beyond ASCII.
  @inlinable @inline(__always)
  package func endOfPlainText(from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var index = start
    while count - index >= 8 {
      let word = word(at: index)
      // In a byte without its highest bit, subtracting borrows that bit only from zero. What a
      // borrow does to the bytes above it does not matter: the lowest hit is the first.
      let hits =
        word | ((word ^ (ones &* 0x22)) &- ones) | ((word ^ (ones &* 0x5c)) &- ones)
        | (word &- (ones &* 0x20))
      let highest = hits & (ones << 7)
      if highest != 0 { return index + highest.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < count {
      let byte = self[index]
      if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"")
        || byte == UInt8(ascii: "\\")
      {
        break
      }
      index += 1
    }
    return index
  }

  /// The first newline from `start` on.
  package func firstNewline(from start: Int) -> Int? {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var index = start
    while count - index >= 8 {
      let differences = word(at: index) ^ (ones &* 0x0a)
      let zeros = (differences &- ones) & ~differences & (ones << 7)
      if zeros != 0 { return index + zeros.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < count {
      if self[index] == UInt8(ascii: "\n") { return index }
      index += 1
    }
    return nil
  }

  /// Eight bytes, the first lowest.
  @inlinable @inline(__always)
  package func word(at index: Int) -> UInt64 {
    precondition(index >= 0 && index <= count - 8)
    return UInt64(
      littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
  }
}

extension String {
  /// Decodes UTF-8; invalid bytes are replaced.
  package init(copying bytes: Span<UInt8>) {
    self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
