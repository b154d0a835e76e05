import CZstd

/// Zstandard (RFC 8878): any number of frames.
@safe final class ZstdStream: StreamDecoder {
  /// The maximum window is 8 MiB, that of the content coding (RFC 9659). By the library's default a
  /// connection could hold 128 MiB.
  static let windowLogMax: Int32 = 23

  private let memory: DecoderMemory
  /// The reserved size of the context.
  private var bytesHeld = 0
  private let context: OpaquePointer
  private(set) var isFinished = false
  /// Whether the last step filled its output: there may be more without further input.
  private var hasPending = false

  init(_ memory: DecoderMemory) {
    self.memory = memory
    guard let context = unsafe ZSTD_createDCtx() else {
      fatalError("out of memory for a zstd decoder")
    }
    unsafe self.context = context
    let result = unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLogMax)
    precondition(ZSTD_isError(result) == 0)
  }

  deinit {
    unsafe _ = ZSTD_freeDCtx(context)
    memory.give(bytesHeld)
  }

  @unsafe func step(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ContentDecodingError) -> DecodingStep {
    // The library treats repeated calls without progress as an error.
    if input.isEmpty && !hasPending { return DecodingStep(consumed: 0, produced: 0) }
    var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = unsafe ZSTD_decompressStream(context, &target, &source)
    if ZSTD_isError(result) != 0 {
      throw .malformed(unsafe String(cString: ZSTD_getErrorName(result)))
    }
    try reserveGrowth()
    let step = unsafe DecodingStep(consumed: source.pos, produced: target.pos)
    hasPending = step.produced == output.count
    if result == 0 {
      isFinished = true
    } else if step.consumed > 0 || step.produced > 0 {
      // A next frame has begun. Without progress the result is only a hint.
      isFinished = false
    }
    return step
  }

  /// Reserves the growth of the context, which allocates the window after reading a frame's header.
  private func reserveGrowth() throws(ContentDecodingError) {
    let bytes = unsafe ZSTD_sizeof_DCtx(context)
    if bytes == bytesHeld { return }
    memory.give(bytesHeld)
    bytesHeld = 0
    guard memory.take(bytes) else { throw .outOfMemory }
    bytesHeld = bytes
  }
}
