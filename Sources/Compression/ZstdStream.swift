import CZstd

/// Zstandard (RFC 8878): any number of frames.
@safe final class ZstdStream: StreamDecoder {
  /// The maximum window is 8 MiB, that of the content coding (RFC 9659). By the library's default a
  /// connection could hold 128 MiB.
  static let windowLogMax: Int32 = 23

  /// The decoder; nil before the first byte.
  private var context: OpaquePointer?
  private(set) var heldBytes = 0
  private(set) var isFinished = false
  /// How much of the present frame was read.
  private var frameBytes = 0
  /// Whether the last step filled its output: there may be more without further input.
  private var hasPending = false

  /// What the library holds beside the window: its context, a block of input and one of output.
  private static let contextBytesMax = 512 << 10

  init() {}

  deinit {
    unsafe _ = ZSTD_freeDCtx(context)
  }

  /// The maximum size of the header of a frame.
  private static let headerBytesMax = 18

  /// The library takes the memory for a frame after reading its header, and keeps it for the next.
  func bytesNeeded(for input: Span<UInt8>) -> Int {
    if input.isEmpty || frameBytes >= Self.headerBytesMax { return 0 }
    let window = frameBytes == 0 ? Self.windowBytes(input) : 1 << Int(Self.windowLogMax)
    return max(0, window + Self.contextBytesMax - heldBytes)
  }

  /// The window of a frame, at most (RFC 8878 §3.1.1): that of the descriptor, or of a frame in one
  /// segment, whose window is its size. The largest one where the header is not complete.
  static func windowBytes(_ input: Span<UInt8>) -> Int {
    let largest = 1 << Int(windowLogMax)
    let magic: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]
    guard input.count >= 6, (0..<4).allSatisfy({ input[$0] == magic[$0] }) else { return largest }
    let descriptor = input[4]
    let isSingleSegment = descriptor & 0x20 != 0
    if !isSingleSegment {
      let base = 1 << min(10 + Int(input[5] >> 3), 31)
      return min(base + base / 8 * Int(input[5] & 7), largest)
    }
    let start = 5 + [0, 1, 2, 4][Int(descriptor & 3)]
    let count = [1, 2, 4, 8][Int(descriptor >> 6)]
    guard input.count >= start + count else { return largest }
    var size: UInt64 = 0
    for index in 0..<count { size |= UInt64(input[start + index]) << UInt64(8 * index) }
    if count == 2 { size += 256 }
    return Int(min(size, UInt64(largest)))
  }

  private func open() throws(ContentDecodingError) -> OpaquePointer {
    if let context = unsafe context { return unsafe context }
    guard let created = unsafe ZSTD_createDCtx() else { throw .outOfMemory }
    unsafe context = created
    let result = unsafe ZSTD_DCtx_setParameter(created, ZSTD_d_windowLogMax, Self.windowLogMax)
    precondition(ZSTD_isError(result) == 0)
    return unsafe created
  }

  @unsafe func step(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ContentDecodingError) -> DecodingStep {
    // The library treats repeated calls without progress as an error.
    if input.isEmpty && !hasPending { return DecodingStep(consumed: 0, produced: 0) }
    let context = try unsafe open()
    var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = unsafe ZSTD_decompressStream(context, &target, &source)
    if ZSTD_isError(result) != 0 {
      throw .malformed(unsafe String(cString: ZSTD_getErrorName(result)))
    }
    heldBytes = unsafe ZSTD_sizeof_DCtx(context)
    let step = unsafe DecodingStep(consumed: source.pos, produced: target.pos)
    hasPending = step.produced == output.count
    frameBytes = result == 0 ? 0 : frameBytes + step.consumed
    if result == 0 {
      isFinished = true
    } else if step.consumed > 0 || step.produced > 0 {
      // A next frame has begun. Without progress the result is only a hint.
      isFinished = false
    }
    return step
  }
}
