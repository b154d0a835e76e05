import Compression
import Testing

@Suite struct GzipTests {
  @Test(arguments: [[], Array("a".utf8), [UInt8](repeating: 7, count: 100_000), Fixtures.plain])
  func whatIsPackedComesOutAgain(plain: [UInt8]) throws {
    let packed = try #require(gzip(plain))
    #expect(try ContentDecoderTests.decode(.gzip, packed) == plain)
    if plain.count > 1000 { #expect(packed.count < plain.count) }
  }
}
