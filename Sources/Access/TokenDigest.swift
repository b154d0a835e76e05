internal import Hashing

/// Computes the stored digest of an API token.
package enum TokenDigest {
  /// SHA-256 of the token's characters: 32 bytes. Tokens are long and random, so a slow hash would
  /// protect nothing.
  package static func digest(_ token: String) -> [UInt8] {
    Hashing.sha256(Array(token.utf8).span)
  }
}
