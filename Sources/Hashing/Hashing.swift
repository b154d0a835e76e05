internal import CCrypto

/// Cryptographic digests of OpenSSL's libcrypto.
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
}
