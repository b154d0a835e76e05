import Bytes
import CCrypto
import Hashing
import Testing

@Suite struct HashingTests {
  /// FIPS 180-4's example, and the empty message.
  @Test func sha256OfKnownMessages() {
    #expect(
      Hexadecimal.text(Hashing.sha256(Array("abc".utf8).span))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      Hexadecimal.text(Hashing.sha256([UInt8]().span))
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  /// RFC 4231, test cases 2, 1 and 6: a key shorter than the hash, and one longer than a block.
  @Test(arguments: [
    (
      Array("Jefe".utf8), "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      Array(repeating: 0x0b, count: 20), "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array(repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
  ])
  func hmacOfAKnownMessage(key: [UInt8], message: String, code: String) {
    #expect(Hexadecimal.text(HMACSHA256(key: key).code(message)) == code)
  }

  /// Keys and messages of lengths around block boundaries give the library's own result.
  @Test func hmacEqualsThatOfTheLibrary() {
    for keyLength in [0, 1, 31, 32, 63, 64, 65, 200] {
      let key = (0..<keyLength).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) }
      let hmac = HMACSHA256(key: key)
      for length in [0, 1, 10, 36, 54, 55, 56, 63, 64, 65, 119, 128, 1000] {
        let message = String(repeating: "u", count: length)
        #expect(
          hmac.code(message) == oneShot(message, key),
          "\(keyLength) bytes of key, \(length) of message")
      }
    }
  }

  private func oneShot(_ message: String, _ key: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: 32)
    let bytes = Array(message.utf8)
    _ = unsafe HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &code, nil)
    return code
  }

}

extension HMACSHA256 {
  fileprivate func code(_ message: String) -> [UInt8] {
    let code = code(message.utf8.span)
    return code.indices.map { code[$0] }
  }
}
