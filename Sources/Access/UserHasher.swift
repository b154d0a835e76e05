internal import Hashing
package import ReleaseHealth

/// Hashes the user that an SDK sends into what is stored: 128 bits of HMAC-SHA256 under the
/// database's own key. Without the key nobody can test whether a person is in the data.
package struct UserHasher: Sendable {
  private let hmac: HMACSHA256

  /// - Parameter key: the secret of the catalog.
  package init(key: [UInt8]) {
    hmac = HMACSHA256(key: key)
  }

  package func hash(_ distinctID: String) -> UserHash {
    let code = hmac.code(distinctID.utf8.span)
    var value: UInt128 = 0
    for index in 0..<16 { value = value << 8 | UInt128(code[index]) }
    return UserHash(value: value)
  }
}
