import Bytes
import Foundation
import Testing

/// Hexadecimal, base64 and decimal digits against Foundation, over texts from a repeatable
/// generator.
@Suite struct TextFormTests {
  private static func bytes(_ random: inout SplitMix64, atMost count: Int) -> [UInt8] {
    (0..<Int.random(in: 0...count, using: &random)).map { _ in .random(in: 0...255, using: &random)
    }
  }

  @Test func hexadecimalReadsWhatItWrites() {
    var random = SplitMix64(seed: 1)
    for _ in 0..<1000 {
      let number = UInt128.random(in: 0 ... .max >> UInt128(random.next() % 128), using: &random)
      let text = Hexadecimal.text(number)
      #expect(text.utf8.count == 32 && UInt128(text, radix: 16) == number)
      #expect(Hexadecimal.number(text.uppercased().utf8.span) == number)
      let uuid = UUID(uuidString: hyphened(text))?.uuidString
      #expect(uuid == hyphened(text).uppercased())
      #expect(Hexadecimal.number(hyphened(text).utf8.span) == number)
    }
    #expect(Hexadecimal.text([0, 0x9f, 0xff]) == "009fff" && Hexadecimal.text([]) == "")
  }

  private func hyphened(_ text: String) -> String {
    var text = text
    for place in [8, 13, 18, 23] {
      text.insert("-", at: text.index(text.startIndex, offsetBy: place))
    }
    return text
  }

  @Test(arguments: [
    "", "0", "8b4f1c5e3a524b7a9c0e1f2d3c4b5a6", "8b4f1c5e3a524b7a9c0e1f2d3c4b5a6g",
    "8b4f1c5e3a524b7a9c0e1f2d3c4b5a699", "8b4f1c5e-3a52-4b7a-9c0e1-f2d3c4b5a69",
    "8b4f1c5e3-a52-4b7a-9c0e-1f2d3c4b5a69", "+b4f1c5e3a524b7a9c0e1f2d3c4b5a69",
    "8b4f1c5e3a524b7a9c0e1f2d3c4b5a\u{e9}", "{b4f1c5e-3a52-4b7a-9c0e-1f2d3c4b5a6}",
  ])
  func hexadecimalTakesNothingElse(_ text: String) {
    #expect(Hexadecimal.number(text.utf8.span) == nil)
  }

  @Test func digitsHaveTheirValue() {
    for byte in UInt8.min ... .max {
      let character = Character(Unicode.Scalar(byte))
      let value = byte < 0x80 ? character.hexDigitValue : nil
      #expect(byte.hexadecimalDigit == value.map { UInt8($0) } ?? 255)
      #expect(byte.isDigit == "0123456789".utf8.contains(byte))
      #expect(byte.isLetter == (byte < 0x80 && character.isLetter))
      #expect(byte.isAlphanumeric == (byte.isDigit || byte.isLetter))
    }
  }

  @Test func base64AgreesWithFoundation() {
    var random = SplitMix64(seed: 2)
    for _ in 0..<1000 {
      let bytes = Self.bytes(&random, atMost: 50)
      let text = Base64.encode(bytes)
      #expect(text == Data(bytes).base64EncodedString())
      #expect(Base64.decode(text.utf8.span) == bytes)
      guard var damaged = Optional(Array(text.utf8)), !damaged.isEmpty else { continue }
      damaged[Int.random(in: 0..<damaged.count, using: &random)] = .random(
        in: 0...127, using: &random)
      if let ours = Base64.decode(damaged.span) {
        #expect(Data(base64Encoded: Data(damaged)).map { Array($0) } == ours)
      }
    }
  }

  @Test(
    arguments: [
      ("", nil), ("0", 0), ("007", 7), ("18446744073709551615", UInt64.max),
      ("18446744073709551616", nil), ("+1", nil), ("-1", nil), (" 1", nil), ("1a", nil), ("١", nil),
    ] as [(String, UInt64?)])
  func decimalNumbersAreDigitsAlone(_ text: String, _ number: UInt64?) {
    #expect(decimalNumber(text) == number)
  }
}
