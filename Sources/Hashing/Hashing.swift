internal import CCrypto

/// Cryptographic digests, from OpenSSL's libcrypto.
///
/// Invariant of this module: bytes in, bytes out.
package enum Hashing {
  /// SHA-256 (FIPS 180-4): 32 bytes.
  package static func sha256(_ bytes: Span<UInt8>) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    unsafe bytes.withUnsafeBufferPointer { input in
      unsafe digest.withUnsafeMutableBufferPointer { output in
        _ = unsafe SHA256(input.baseAddress, input.count, output.baseAddress)
      }
    }
    return digest
  }

  /// HMAC-SHA256 (RFC 2104): 32 bytes.
  package static func hmacSHA256(_ bytes: Span<UInt8>, key: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: 32)
    unsafe bytes.withUnsafeBufferPointer { input in
      unsafe key.withUnsafeBufferPointer { key in
        unsafe code.withUnsafeMutableBufferPointer { output in
          _ = unsafe HMAC(
            EVP_sha256(), key.baseAddress, Int32(key.count), input.baseAddress, input.count,
            output.baseAddress, nil)
        }
      }
    }
    return code
  }
}
