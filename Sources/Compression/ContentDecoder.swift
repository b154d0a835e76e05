/// The reason why a body cannot be decoded. A decoder that threw produces no more output.
package enum ContentDecodingError: Error, Equatable {
  /// The bytes are malformed, with the library's message.
  case malformed(String)
  /// The output exceeds the limit.
  case tooLarge
  /// The input ended before the compressed stream did.
  case truncated
  /// An allocation of the library failed.
  case outOfMemory
}

/// Decodes one body piece by piece, and never produces more than its limit.
///
/// It must not be used for `identity`, which needs no decoder.
package final class ContentDecoder {
  private let stream: any StreamDecoder
  private var outputBytesLeft: Int
  private var failure: ContentDecodingError?

  /// - Parameter outputBytesMax: the maximum total output in bytes, inclusive.
  package init(_ coding: ContentCoding, outputBytesMax: Int) {
    precondition(outputBytesMax >= 0)
    self.outputBytesLeft = outputBytesMax
    self.stream =
      switch coding {
      case .identity: preconditionFailure("identity is not decoded")
      case .gzip: ZlibStream(.gzip)
      case .deflate: ZlibStream(.deflate)
      case .brotli: BrotliStream()
      case .zstd: ZstdStream()
      }
  }

  /// Decodes as much of `input` as fits `output`.
  ///
  /// The caller continues with the rest of the input. If `produced` fills the output, there may be
  /// more output even without further input, so the caller has to call again. If `produced` is
  /// less, all input is consumed, or the rest needs more memory: see ``bytesNeeded(for:)``.
  ///
  /// - Returns: the number of consumed bytes of `input` and of produced bytes in `output`.
  package func decode(
    _ input: Span<UInt8>, into output: inout MutableSpan<UInt8>
  ) throws(ContentDecodingError) -> (consumed: Int, produced: Int) {
    if let failure { throw failure }
    do throws(ContentDecodingError) {
      return try unsafe input.withUnsafeBufferPointer {
        (input) throws(ContentDecodingError) -> (consumed: Int, produced: Int) in
        try unsafe output.withUnsafeMutableBufferPointer {
          (output) throws(ContentDecodingError) -> (consumed: Int, produced: Int) in
          try unsafe decode(from: input, to: output)
        }
      }
    } catch {
      failure = error
      throw error
    }
  }

  /// The memory that the decoder holds, in bytes.
  package var heldBytes: Int { stream.heldBytes }

  /// The number of bytes by which ``heldBytes`` may grow in one call with this input.
  package func bytesNeeded(for input: Span<UInt8>) -> Int {
    stream.bytesNeeded(for: input)
  }

  /// Checks the end of the body: throws if the compressed stream has not ended.
  package func finish() throws(ContentDecodingError) {
    if let failure { throw failure }
    if !stream.isFinished { throw .truncated }
  }

  @unsafe private func decode(
    from input: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ContentDecodingError) -> (consumed: Int, produced: Int) {
    var consumed = 0
    var produced = 0
    let granted = unsafe stream.bytesNeeded(for: input.span)
    while produced < output.count {
      let rest = unsafe UnsafeBufferPointer(rebasing: input[consumed...])
      // The next frame may need a larger window; the caller first finds the memory.
      if consumed > 0, unsafe stream.bytesNeeded(for: rest.span) > granted { break }
      let room = min(output.count - produced, outputBytesLeft)
      let step: DecodingStep
      if room > 0 {
        step = try unsafe stream.step(
          rest, UnsafeMutableBufferPointer(rebasing: output[produced..<produced + room]))
        outputBytesLeft -= step.produced
        produced += step.produced
      } else {
        // At the limit only one more byte distinguishes a body that ends here from a longer one.
        step = try unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1) {
          (extra) throws(ContentDecodingError) -> DecodingStep in
          try unsafe stream.step(rest, extra)
        }
        if step.produced > 0 { throw .tooLarge }
      }
      consumed += step.consumed
      if step.consumed == 0 && step.produced == 0 { break }
    }
    return (consumed, produced)
  }
}

/// The progress of one call into a library.
struct DecodingStep {
  var consumed: Int
  var produced: Int
}

/// The decoder of one library. A step without progress needs more input, or the stream has ended.
protocol StreamDecoder: AnyObject {
  var isFinished: Bool { get }

  /// The memory that it holds, in bytes.
  var heldBytes: Int { get }

  /// The number of bytes by which ``heldBytes`` may grow in a step with this input.
  func bytesNeeded(for input: Span<UInt8>) -> Int

  /// - Parameter output: a buffer that is not empty.
  @unsafe func step(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ContentDecodingError) -> DecodingStep
}

extension ContentDecodingError {
  static let trailingBytes = ContentDecodingError.malformed("bytes after the end of the stream")
}
