import CBrotli

/// Brotli, RFC 7932: one stream, whose window is at most 16 MiB.
@safe final class BrotliStream: StreamDecoder {
  private let memory = DecoderMemory(bytesMax: (1 << 24) + BrotliStream.tablesBytesMax)
  /// The decoder; nil before the first byte.
  private var state: OpaquePointer?
  private(set) var isFinished = false

  /// The limit of all that is not the window: state, and the tables of up to 256 prefix codes of
  /// each kind.
  private static let tablesBytesMax = 4 << 20

  init() {}

  deinit {
    if let state = unsafe state { unsafe BrotliDecoderDestroyInstance(state) }
  }

  var heldBytes: Int { memory.bytesInUse }

  /// The library makes its window as large as the stream says, or smaller where the end is near;
  /// the tables come with each block.
  func bytesNeeded(for input: Span<UInt8>) -> Int {
    if input.isEmpty || isFinished { return 0 }
    let log = unsafe state == nil ? Self.windowLog(firstByte: input[0]) : windowLog
    return max(0, (1 << log) + Self.tablesBytesMax - heldBytes)
  }

  /// The base 2 logarithm of the window of this stream.
  private var windowLog = 0

  /// The base 2 logarithm of the window (RFC 7932 §9.1).
  static func windowLog(firstByte byte: UInt8) -> Int {
    if byte & 1 == 0 { return 16 }
    let high = Int(byte >> 1 & 7)
    if high != 0 { return 17 + high }
    let low = Int(byte >> 4 & 7)
    // 17 is spelt 0; 1 would be a larger window than the format has, which the library refuses.
    return low == 0 ? 17 : 8 + low
  }

  @unsafe func step(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ContentDecodingError) -> DecodingStep {
    if unsafe state == nil, let first = unsafe input.first {
      windowLog = Self.windowLog(firstByte: first)
      unsafe state = BrotliDecoderCreateInstance(
        { memory, bytes in unsafe DecoderMemory.at(memory)?.allocate(bytes) },
        { memory, pointer in unsafe DecoderMemory.at(memory)?.deallocate(pointer) },
        Unmanaged.passUnretained(memory).toOpaque())
      if unsafe state == nil { throw .outOfMemory }
    }
    guard let state = unsafe state else { return DecodingStep(consumed: 0, produced: 0) }
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
