internal import Compression
internal import Envelopes
internal import HTTP

/// The buffer for decoded slices. All requests share it, since the loop thread reads one at a time.
///
/// @unchecked because only the loop thread, which calls the body readers, touches it.
final class DecodingBuffer: @unchecked Sendable {
  static let count = 64 << 10
  private var bytes = [UInt8](repeating: 0, count: count)

  /// Lends the buffer; it is moved, not copied.
  fileprivate func use<Value>(
    _ body: (inout [UInt8]) throws(IngestRefusal) -> Value
  ) throws(IngestRefusal) -> Value {
    var lent: [UInt8] = []
    swap(&lent, &bytes)
    defer { swap(&lent, &bytes) }
    return try body(&lent)
  }
}

/// A request's body without its content coding.
struct BodySource: ~Copyable {
  /// The decoder; nil without a content coding, and behind the end.
  private var decoding: (decoder: ContentDecoder, buffer: DecodingBuffer)?
  /// Whether reading may take long.
  let isCostly: Bool
  /// Whether at least one byte was decoded.
  private(set) var hasBytes = false
  private var hasInput = false

  init(_ coding: ContentCoding, buffer: DecodingBuffer) {
    isCostly = coding.isDecodedInLargeSteps
    decoding =
      coding == .identity
      ? nil
      : (ContentDecoder(coding, outputBytesMax: EnvelopeLimits.envelopeBytesMax), buffer)
  }

  /// The memory of the decoder, in bytes.
  var heldBytes: Int { decoding?.decoder.heldBytes ?? 0 }

  /// The number of bytes by which ``heldBytes`` and what is made of the next slice may grow.
  func bytesNeeded(for bytes: Span<UInt8>) -> Int {
    guard let (decoder, _) = decoding else { return bytes.count }
    return decoder.bytesNeeded(for: bytes) + DecodingBuffer.count
  }

  /// Passes on the next decoded slice. Without a coding it is the whole input, otherwise as much as
  /// the buffer holds, so that a small body that expands a lot does not delay other connections.
  mutating func read(
    _ bytes: Span<UInt8>, _ body: (Span<UInt8>) throws(IngestRefusal) -> Void
  ) throws(IngestRefusal) -> BodyProgress {
    if !bytes.isEmpty { hasInput = true }
    guard let (decoder, buffer) = decoding else {
      hasBytes = hasInput
      try body(bytes)
      return .more(consumed: bytes.count)
    }
    return try buffer.use { (output) throws(IngestRefusal) in
      let (consumed, produced) = try Self.decode(bytes, into: &output, decoder)
      if produced > 0 {
        hasBytes = true
        try body(output.span.extracting(0..<produced))
      }
      return produced == output.count || consumed < bytes.count
        ? .again(consumed: consumed) : .more(consumed: consumed)
    }
  }

  /// Checks that the body was complete, and releases the decoder.
  mutating func finish() throws(IngestRefusal) {
    guard let (decoder, _) = decoding else { return }
    decoding = nil
    guard hasInput else { return }
    do throws(ContentDecodingError) {
      try decoder.finish()
    } catch {
      throw IngestRefusal(error)
    }
  }

  private static func decode(
    _ bytes: Span<UInt8>, into output: inout [UInt8], _ decoder: ContentDecoder
  ) throws(IngestRefusal) -> (consumed: Int, produced: Int) {
    do throws(ContentDecodingError) {
      var output = output.mutableSpan
      return try decoder.decode(bytes, into: &output)
    } catch {
      throw IngestRefusal(error)
    }
  }
}

extension IngestRefusal {
  init(_ error: ContentDecodingError) {
    switch error {
    case .tooLarge:
      self.init(EnvelopeError.tooLong)
    case .malformed(let reason):
      self.init(400, "invalid content encoding", causes: [reason])
    case .truncated:
      self.init(400, "invalid content encoding", causes: ["the compressed body ends too early"])
    case .outOfMemory:
      self = .overloaded
    }
  }
}
