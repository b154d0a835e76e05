import Hashing
import Testing

@Suite struct HashingTests {
  /// FIPS 180-4's example, and the empty message.
  @Test func sha256OfKnownMessages() {
    #expect(
      hexadecimal(Hashing.sha256(Array("abc".utf8).span))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      hexadecimal(Hashing.sha256([UInt8]().span))
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  /// RFC 4231, test case 2.
  @Test func hmacOfAKnownMessage() {
    let code = Hashing.hmacSHA256(
      Array("what do ya want for nothing?".utf8).span, key: Array("Jefe".utf8))
    #expect(
      hexadecimal(code) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
