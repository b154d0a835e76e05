internal import CCrypto

/// HMAC-SHA256 (RFC 2104) of many messages with one key.
///
/// The two blocks of the key are hashed once, and their state is copied for each message. The
/// library's own function hashes them for each message and looks the algorithm up behind a lock,
/// which takes three times as long for a short message.
package struct HMACSHA256: Sendable {
  private let inner: SHA256_CTX
  private let outer: SHA256_CTX

  package init(key: [UInt8]) {
    let blockBytes = 64
    let short = key.count > blockBytes ? Hashing.sha256(key.span) : key
    let block = short + [UInt8](repeating: 0, count: blockBytes - short.count)
    inner = Self.state(after: block.map { $0 ^ 0x36 })
    outer = Self.state(after: block.map { $0 ^ 0x5c })
  }

  /// The authentication code of a message.
  package func code(_ bytes: Span<UInt8>) -> InlineArray<32, UInt8> {
    let digest = Self.digest(inner, bytes)
    return Self.digest(outer, digest.span)
  }

  private static func state(after block: [UInt8]) -> SHA256_CTX {
    var state = SHA256_CTX()
    unsafe ccrypto_sha256_begin(&state)
    unsafe ccrypto_sha256_add(&state, block, block.count)
    return state
  }

  private static func digest(_ state: SHA256_CTX, _ bytes: Span<UInt8>) -> InlineArray<32, UInt8> {
    var state = state
    var digest = InlineArray<32, UInt8>(repeating: 0)
    unsafe bytes.withUnsafeBufferPointer {
      unsafe ccrypto_sha256_add(&state, $0.baseAddress, $0.count)
    }
    var output = digest.mutableSpan
    unsafe output.withUnsafeMutableBufferPointer {
      unsafe ccrypto_sha256_end(&state, $0.baseAddress)
    }
    return digest
  }
}
