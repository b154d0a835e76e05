import CBrotli

/// Brotli, RFC 7932: one stream, whose window is at most 16 MiB.
@safe final class BrotliStream: StreamDecoder {
  private let memory: DecoderMemory
  /// The decoder; nil if its allocation failed.
  private let state: OpaquePointer?
  private(set) var isFinished = false

  init(_ memory: DecoderMemory) {
    self.memory = memory
    unsafe state = BrotliDecoderCreateInstance(
      { memory, bytes in unsafe DecoderMemory.at(memory)?.allocate(bytes) },
      { memory, pointer in unsafe DecoderMemory.at(memory)?.deallocate(pointer) },
      Unmanaged.passUnretained(memory).toOpaque())
  }

  deinit {
    if let state = unsafe state { unsafe BrotliDecoderDestroyInstance(state) }
  }

  @unsafe func step(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ContentDecodingError) -> DecodingStep {
    guard let state = unsafe state else { throw .outOfMemory }
    if isFinished {
      if !input.isEmpty { throw .trailingBytes }
      return DecodingStep(consumed: 0, produced: 0)
    }
    var available = input.count
    var next = input.baseAddress
    var room = output.count
    var target = output.baseAddress
    let result = unsafe BrotliDecoderDecompressStream(state, &available, &next, &room, &target, nil)
    switch result {
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT, BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: break
    case BROTLI_DECODER_RESULT_SUCCESS: isFinished = true
    default:
      let code = unsafe BrotliDecoderGetErrorCode(state)
      // Codes from this one down are failed allocations.
      if code.rawValue <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES.rawValue { throw .outOfMemory }
      throw .malformed(unsafe String(cString: BrotliDecoderErrorString(code)))
    }
    return DecodingStep(consumed: input.count - available, produced: output.count - room)
  }
}

extension DecoderMemory {
  /// The context that a library passes to its allocator; the stream keeps it alive.
  @unsafe fileprivate static func at(_ opaque: UnsafeMutableRawPointer?) -> DecoderMemory? {
    unsafe opaque.map { unsafe Unmanaged.fromOpaque($0).takeUnretainedValue() }
  }
}
