internal import Compression
internal import Envelopes
internal import HTTP

/// What the decoders of all requests share: where decoded slices are put, since the loop thread
/// reads one at a time, and the memory that they may hold.
///
/// @unchecked because only the loop thread, which calls the body readers, touches it.
final class DecodingBuffer: @unchecked Sendable {
  private var bytes = [UInt8](repeating: 0, count: 64 << 10)
  /// Of the decoders of all requests.
  fileprivate let memory = DecoderMemory()

  /// Lends the buffer out; moved, not copied.
  fileprivate func use<Value>(
    _ body: (inout [UInt8]) throws(IngestRefusal) -> Value
  ) throws(IngestRefusal) -> Value {
    var lent: [UInt8] = []
    swap(&lent, &bytes)
    defer { swap(&lent, &bytes) }
    return try body(&lent)
  }
}

/// A request's body as it was before its content coding.
struct BodySource: ~Copyable {
  /// nil without a content coding.
  private let decoding: (decoder: ContentDecoder, buffer: DecodingBuffer)?
  /// Reading on may take long.
  let isCostly: Bool
  /// At least one byte came out.
  private(set) var hasBytes = false
  private var hasInput = false

  init(_ coding: ContentCoding, buffer: DecodingBuffer) {
    isCostly = coding.isDecodedInLargeSteps
    decoding =
      coding == .identity
      ? nil
      : (
        ContentDecoder(
          coding, outputBytesMax: EnvelopeLimits.envelopeBytesMax, memory: buffer.memory), buffer
      )
  }

  /// Hands the next decoded slice on: all of it without a coding, else as much as the buffer
  /// holds, so that a small body that grows large does not keep other connections waiting.
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

  /// Checks that the body was whole.
  func finish() throws(IngestRefusal) {
    guard let (decoder, _) = decoding, hasInput else { return }
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
