/// Why a body cannot be decoded. Nothing more comes from a decoder that threw.
package enum ContentDecodingError: Error, Equatable {
  /// The bytes are not what the coding says; in the library's words.
  case malformed(String)
  /// The output would pass the limit.
  case tooLarge
  /// The input ended before the compressed stream did.
  case truncated
  /// The library could not get memory.
  case outOfMemory
}

/// Decodes one body, slice by slice, and never yields more than its limit.
///
/// Not for `identity`: such a body needs no decoder.
package final class ContentDecoder {
  private let stream: any StreamDecoder
  private var outputBytesLeft: Int
  private var failure: ContentDecodingError?

  /// - Parameters:
  ///   - outputBytesMax: the most that comes out in all; exactly so much is still fine.
  ///   - memory: what brotli and zstd share. The other codings hold some 40 KiB each.
  package init(
    _ coding: ContentCoding, outputBytesMax: Int, memory: DecoderMemory = DecoderMemory()
  ) {
    precondition(outputBytesMax >= 0)
    self.outputBytesLeft = outputBytesMax
    self.stream =
      switch coding {
      case .identity: preconditionFailure("identity is not decoded")
      case .gzip: ZlibStream(.gzip)
      case .deflate: ZlibStream(.deflate)
      case .brotli: BrotliStream(memory)
      case .zstd: ZstdStream(memory)
      }
  }

  /// Decodes as much of `input` as fits `output`.
  ///
  /// The caller goes on with the rest of the input. When `produced` is all of the output there may
  /// be more to come, also once the input is used up: it is then to be called again with whatever
  /// input there is. When `produced` is less, all of the input was consumed.
  ///
  /// - Returns: the bytes taken from the front of `input` and put at the front of `output`.
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

  /// The compressed stream reached its end, and all of its output came out.
  package var isFinished: Bool { failure == nil && stream.isFinished }

  /// To be called when the body has ended: a stream that did not reach its end is an error.
  package func finish() throws(ContentDecodingError) {
    if let failure { throw failure }
    if !stream.isFinished { throw .truncated }
  }

  @unsafe private func decode(
    from input: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ContentDecodingError) -> (consumed: Int, produced: Int) {
    var consumed = 0
    var produced = 0
    while produced < output.count {
      let rest = unsafe UnsafeBufferPointer(rebasing: input[consumed...])
      let room = min(output.count - produced, outputBytesLeft)
      let step: DecodingStep
      if room > 0 {
        step = try unsafe stream.step(
          rest, UnsafeMutableBufferPointer(rebasing: output[produced..<produced + room]))
        outputBytesLeft -= step.produced
        produced += step.produced
      } else {
        // At the limit only a byte too many tells a body that ends here from one that goes on.
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

/// How far one call into a library came.
struct DecodingStep {
  var consumed: Int
  var produced: Int
}

/// One library's decoder. A step without progress means that it needs more input or has ended.
protocol StreamDecoder: AnyObject {
  var isFinished: Bool { get }

  /// - Parameter output: is not empty.
  @unsafe func step(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ContentDecodingError) -> DecodingStep
}

extension ContentDecodingError {
  static let trailingBytes = ContentDecodingError.malformed("bytes after the end of the stream")
}
