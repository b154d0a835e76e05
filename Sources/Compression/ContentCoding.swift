/// Bounded, streaming decoders of HTTP content codings with zlib, brotli and zstd.
///
/// Invariant of this module: memory is bounded by the decoder's window, and output by the caller's
/// limit, for any input.

/// A coding of a request's body: one `Content-Encoding` (RFC 9110 §8.4).
package enum ContentCoding: Hashable, Sendable, CaseIterable {
  case identity
  case gzip
  case deflate
  case brotli
  case zstd

  /// - Parameter contentEncoding: the value of the header, without surrounding white space.
  /// - Returns: nil for an unknown coding and for a list of codings, which are not supported.
  package init?(contentEncoding: String) {
    switch contentEncoding.lowercased() {
    // sentry-ruby sends an empty value, and old versions of sentry-java send a charset.
    case "", "identity", "utf-8": self = .identity
    case "gzip", "x-gzip": self = .gzip
    case "deflate": self = .deflate
    case "br": self = .brotli
    case "zstd": self = .zstd
    default: return nil
    }
  }

  /// Whether one call into the decoder may take long: brotli fills a whole window of up to 16 MiB
  /// before it produces output.
  package var isDecodedInLargeSteps: Bool { self == .brotli }

  /// The `Accept-Encoding` of a 415 answer (RFC 9110 §15.5.16).
  package static let acceptEncoding = "gzip, deflate, br, zstd, identity"
}
