/// The memory of one decoder, which a C library takes and gives back: 26 bytes of brotli can fill
/// 16 MiB, and a client may never end its body.
///
/// It is used on one thread only. A decoder that gets no memory throws
/// ``ContentDecodingError/outOfMemory``.
final class DecoderMemory {
  private let bytesMax: Int
  private(set) var bytesInUse = 0

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  /// The header of each allocation: its size, padded for alignment.
  private static let headBytes = 16

  /// Allocates memory for a C library; nil beyond the limit.
  @unsafe func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
    guard bytesInUse + bytes <= bytesMax else { return nil }
    bytesInUse += bytes
    let start = UnsafeMutableRawPointer.allocate(
      byteCount: Self.headBytes + bytes, alignment: Self.headBytes)
    unsafe start.storeBytes(of: bytes, as: Int.self)
    return unsafe start + Self.headBytes
  }

  @unsafe func deallocate(_ pointer: UnsafeMutableRawPointer?) {
    guard let pointer = unsafe pointer else { return }
    let start = unsafe pointer - Self.headBytes
    bytesInUse -= unsafe start.load(as: Int.self)
    unsafe start.deallocate()
  }
}
