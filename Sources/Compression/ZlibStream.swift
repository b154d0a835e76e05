import CZlib

/// gzip (RFC 1952) with any number of members, and deflate: zlib's format (RFC 1950) by RFC 9110
/// §8.4.1.2, but raw deflate (RFC 1951) from some clients.
@safe final class ZlibStream: StreamDecoder {
  enum Format {
    case gzip
    case deflate
  }

  /// zlib keeps a pointer back to this structure, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private let format: Format
  private(set) var isFinished = false
  private var isInitialized = false
  /// The first byte of a deflate body, until the second one determines the format.
  private var heldByte: UInt8?

  init(_ format: Format) {
    self.format = format
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
  }

  deinit {
    if isInitialized { unsafe _ = inflateEnd(stream) }
    unsafe stream.deinitialize(count: 1)
    unsafe stream.deallocate()
  }

  /// The state of the library and its window of 32 KiB, rounded up.
  private static let memoryBytes = 48 << 10

  var heldBytes: Int { isInitialized ? Self.memoryBytes : 0 }

  func bytesNeeded(for input: Span<UInt8>) -> Int { isInitialized ? 0 : Self.memoryBytes }

  @unsafe func step(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ContentDecodingError) -> DecodingStep {
    if !isInitialized {
      guard let first = unsafe input.first else { return DecodingStep(consumed: 0, produced: 0) }
      switch format {
      case .gzip:
        // 15 is the largest window; adding 16 selects the gzip format.
        try initialize(windowBits: 15 + 16)
      case .deflate:
        guard let head = heldByte else {
          heldByte = first
          return DecodingStep(consumed: 1, produced: 0)
        }
        // A negative window selects raw deflate.
        try initialize(windowBits: Self.isZlibHeader(head, first) ? 15 : -15)
      }
    }
    if let head = heldByte {
      heldByte = nil
      let step = try unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1) {
        (byte) throws(ContentDecodingError) -> DecodingStep in
        unsafe byte[0] = head
        return try unsafe inflateOnce(UnsafeBufferPointer(byte), output)
      }
      // One byte holds no complete symbol after any header, so nothing can have come out of it.
      guard step.consumed == 1 && step.produced == 0 else {
        throw .malformed("incorrect header check")
      }
    }
    return try unsafe inflateOnce(input, output)
  }

  /// Whether the two bytes are a zlib header (RFC 1950 §2.2): method 8, a window of at most 32 KiB,
  /// and a multiple of 31. No encoder writes raw deflate that starts so: it would be a stored block
  /// with nonzero padding.
  private static func isZlibHeader(_ first: UInt8, _ second: UInt8) -> Bool {
    first & 0x0f == 8 && first >> 4 <= 7 && (UInt(first) << 8 | UInt(second)) % 31 == 0
  }

  private func initialize(windowBits: Int32) throws(ContentDecodingError) {
    guard unsafe czlib_inflate_init(stream, windowBits) == Z_OK else { throw .outOfMemory }
    isInitialized = true
  }

  @unsafe private func inflateOnce(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ContentDecodingError) -> DecodingStep {
    if input.isEmpty && isFinished { return DecodingStep(consumed: 0, produced: 0) }
    if isFinished {
      // RFC 1952 §2.2: a file consists of a series of members.
      guard format == .gzip, unsafe inflateReset(stream) == Z_OK else { throw .trailingBytes }
      isFinished = false
    }
    let available = UInt32(clamping: input.count)
    let room = UInt32(clamping: output.count)
    // zlib declares its input as mutable but does not write to it.
    unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
    unsafe stream.pointee.avail_in = available
    unsafe stream.pointee.next_out = output.baseAddress
    unsafe stream.pointee.avail_out = room
    let status = unsafe inflate(stream, Z_NO_FLUSH)
    switch status {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: isFinished = true
    case Z_MEM_ERROR: throw .outOfMemory
    case Z_NEED_DICT: throw .malformed("a preset dictionary is needed")
    default:
      throw .malformed(unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "data error")
    }
    return unsafe DecodingStep(
      consumed: Int(available - stream.pointee.avail_in),
      produced: Int(room - stream.pointee.avail_out))
  }
}
