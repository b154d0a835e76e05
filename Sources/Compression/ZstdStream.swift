import CZstd

/// Zstandard, RFC 8878: any number of frames.
@safe final class ZstdStream: StreamDecoder {
  /// RFC 9659: as a content coding zstd has windows of at most 8 MiB, and decoders need not take
  /// larger ones. The library's own limit would let each connection hold 128 MiB.
  static let windowLogMax: Int32 = 23

  private let memory: DecoderMemory
  /// What the context was last seen to hold.
  private var bytesHeld = 0
  private let context: OpaquePointer
  private(set) var isFinished = false
  /// The last step filled its output: there may be more without further input.
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
    // The library takes repeated calls without any progress for an error.
    if input.isEmpty && !hasPending { return DecodingStep(consumed: 0, produced: 0) }
    var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = unsafe ZSTD_decompressStream(context, &target, &source)
    if ZSTD_isError(result) != 0 {
      throw .malformed(unsafe String(cString: ZSTD_getErrorName(result)))
    }
    try account()
    let step = unsafe DecodingStep(consumed: source.pos, produced: target.pos)
    hasPending = step.produced == output.count
    if result == 0 {
      isFinished = true
    } else if step.consumed > 0 || step.produced > 0 {
      // A next frame has begun. Without progress the library only says what it would like to have.
      isFinished = false
    }
    return step
  }

  /// The context makes room for a frame's window when it has read the frame's header; only then it
  /// is known how much that is.
  private func account() throws(ContentDecodingError) {
    let bytes = unsafe ZSTD_sizeof_DCtx(context)
    if bytes == bytesHeld { return }
    memory.give(bytesHeld)
    bytesHeld = 0
    guard memory.take(bytes) else { throw .outOfMemory }
    bytesHeld = bytes
  }
}
