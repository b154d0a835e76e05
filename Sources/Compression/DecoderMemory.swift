/// The shared memory budget of the decoders of all connections, mostly for windows: 26 bytes of
/// brotli can fill 16 MiB, and a client may never end its body.
///
/// It is used on one thread only. A decoder that gets no memory throws
/// ``ContentDecodingError/outOfMemory``.
package final class DecoderMemory {
  private let bytesMax: Int
  private let largeBytesMax: Int
  package private(set) var bytesInUse = 0
  private var largeBytesInUse = 0

  /// The minimum size of a large allocation. Small bodies have smaller windows, which find room
  /// while large ones wait.
  static let largeBytesMin = 256 * 1024

  /// - Parameters:
  ///   - bytesMax: the limit of all allocations in total.
  ///   - largeBytesMax: the limit of the large ones in total.
  package init(bytesMax: Int = 64 << 20, largeBytesMax: Int = 48 << 20) {
    self.bytesMax = bytesMax
    self.largeBytesMax = largeBytesMax
  }

  /// Reserves the bytes of an allocation.
  ///
  /// - Returns: false if the budget is exceeded.
  func take(_ bytes: Int) -> Bool {
    let large = bytes >= Self.largeBytesMin ? bytes : 0
    guard bytesInUse + bytes <= bytesMax, largeBytesInUse + large <= largeBytesMax else {
      return false
    }
    bytesInUse += bytes
    largeBytesInUse += large
    return true
  }

  /// Returns the bytes of one allocation to the budget.
  func give(_ bytes: Int) {
    bytesInUse -= bytes
    if bytes >= Self.largeBytesMin { largeBytesInUse -= bytes }
  }

  /// The header of each allocation: its size, padded for alignment.
  private static let headBytes = 16

  /// Allocates memory for a C library; nil if the budget is exceeded.
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
