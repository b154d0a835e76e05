import CBrotli

/// Brotli, RFC 7932: one stream, whose window is at most 16 MiB.
@safe final class BrotliStream: StreamDecoder {
  private let state: OpaquePointer
  private(set) var isFinished = false

  init() {
    guard let state = unsafe BrotliDecoderCreateInstance(nil, nil, nil) else {
      fatalError("out of memory for a brotli decoder")
    }
    unsafe self.state = state
  }

  deinit {
    unsafe BrotliDecoderDestroyInstance(state)
  }

  @unsafe func step(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ContentDecodingError) -> DecodingStep {
    if isFinished {
      if !input.isEmpty { throw .trailingBytes }
      return DecodingStep(consumed: 0, produced: 0)
    }
    var available = input.count
    var next = input.baseAddress
    var room = output.count
    var target = output.baseAddress
    let result = unsafe BrotliDecoderDecompressStream(
      state, &available, &next, &room, &target, nil)
    switch result {
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT, BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: break
    case BROTLI_DECODER_RESULT_SUCCESS: isFinished = true
    default:
      let code = unsafe BrotliDecoderGetErrorCode(state)
      // From this code down they tell of failed allocations.
      if code.rawValue <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES.rawValue { throw .outOfMemory }
      throw .malformed(unsafe String(cString: BrotliDecoderErrorString(code)))
    }
    return DecodingStep(
      consumed: input.count - available, produced: output.count - room)
  }
}
