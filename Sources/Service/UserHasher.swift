internal import Hashing
package import ReleaseHealth

/// Turns what SDKs send as the user into what is stored: 128 bits of HMAC-SHA256 under the
/// database's own key. Without the key nobody can test whether a person is in there.
package struct UserHasher: Sendable {
  private let key: [UInt8]

  /// - Parameter key: the catalog's secret.
  package init(key: [UInt8]) {
    self.key = key
  }

  package func hash(_ distinctID: String) -> UserHash {
    let code = Hashing.hmacSHA256(Array(distinctID.utf8).span, key: key)
    return UserHash(value: code.prefix(16).reduce(0) { $0 << 8 | UInt128($1) })
  }
}

/// What is stored of an API token.
package enum TokenDigest {
  /// SHA-256 of the token's characters: 32 bytes. Tokens are long and random, so that a slow hash
  /// would protect nothing.
  package static func digest(_ token: String) -> [UInt8] {
    Hashing.sha256(Array(token.utf8).span)
  }
}
