/// What the decoders of all connections may hold together, for windows above all: 26 bytes of
/// brotli are enough to fill 16 MiB, and a client may leave its body unended.
///
/// Used on one thread only. A decoder that gets no memory throws
/// ``ContentDecodingError/outOfMemory``.
package final class DecoderMemory {
  private let bytesMax: Int
  private let largeBytesMax: Int
  package private(set) var bytesInUse = 0
  private var largeBytesInUse = 0

  /// From here on an allocation is large: those of small bodies, whose windows the decoders cut to
  /// what comes, find room while large ones wait for theirs.
  static let largeBytesMin = 256 * 1024

  /// - Parameters:
  ///   - bytesMax: of all allocations together.
  ///   - largeBytesMax: of the large ones together.
  package init(bytesMax: Int = 64 << 20, largeBytesMax: Int = 48 << 20) {
    self.bytesMax = bytesMax
    self.largeBytesMax = largeBytesMax
  }

  /// False when there is no room for so much more.
  func take(_ bytes: Int) -> Bool {
    let large = bytes >= Self.largeBytesMin ? bytes : 0
    guard bytesInUse + bytes <= bytesMax, largeBytesInUse + large <= largeBytesMax else {
      return false
    }
    bytesInUse += bytes
    largeBytesInUse += large
    return true
  }

  /// - Parameter bytes: of one allocation, as they were taken.
  func give(_ bytes: Int) {
    bytesInUse -= bytes
    if bytes >= Self.largeBytesMin { largeBytesInUse -= bytes }
  }

  /// What stands before each allocation: its size, and what keeps the rest aligned.
  private static let headBytes = 16

  /// An allocator for C libraries; nil when there is no room.
  @unsafe func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
    guard take(bytes) else { return nil }
    let start = UnsafeMutableRawPointer.allocate(
      byteCount: Self.headBytes + bytes, alignment: Self.headBytes)
    unsafe start.storeBytes(of: bytes, as: Int.self)
    return unsafe start + Self.headBytes
  }

  @unsafe func deallocate(_ pointer: UnsafeMutableRawPointer?) {
    guard let pointer = unsafe pointer else { return }
    let start = unsafe pointer - Self.headBytes
    unsafe give(start.load(as: Int.self))
    unsafe start.deallocate()
  }
}
