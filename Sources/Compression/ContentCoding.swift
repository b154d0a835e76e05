/// Bounded, streaming decoders of HTTP content codings, over zlib, brotli and zstd.
///
/// Invariant of this module: memory is bounded by the decoder's window, and output by the limit
/// that the caller sets, whatever the input claims.

/// A coding that a request's body may come in: one `Content-Encoding`, RFC 9110 §8.4.
package enum ContentCoding: Hashable, Sendable, CaseIterable {
  case identity
  case gzip
  case deflate
  case brotli
  case zstd

  /// - Parameter contentEncoding: the header's value; nil when the request has none.
  /// - Returns: nil for an unknown coding and for a list of codings: neither is supported.
  package init?(contentEncoding: String?) {
    switch (contentEncoding ?? "").trimmingBlanks().lowercased() {
    // sentry-ruby sends an empty value, and old sentry-java the charset in place of the coding.
    case "", "identity", "utf-8": self = .identity
    case "gzip", "x-gzip": self = .gzip
    case "deflate": self = .deflate
    case "br": self = .brotli
    case "zstd": self = .zstd
    default: return nil
    }
  }

  /// One call into the decoder may take long: brotli's fills a whole window, of 16 MiB at most,
  /// before it gives anything away.
  package var isDecodedInLargeSteps: Bool { self == .brotli }

  /// What an `Accept-Encoding` of a 415 answer offers, RFC 9110 §15.5.16.
  package static let acceptEncoding = "gzip, deflate, br, zstd, identity"
}

extension String {
  fileprivate func trimmingBlanks() -> Substring {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    return drop(while: isBlank).dropLast(while: isBlank)
  }
}

extension Substring {
  fileprivate func dropLast(while predicate: (Character) -> Bool) -> Substring {
    var rest = self
    while let last = rest.last, predicate(last) { rest.removeLast() }
    return rest
  }
}
