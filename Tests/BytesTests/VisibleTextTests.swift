import Bytes
import Foundation
import Testing

@Suite struct VisibleTextTests {
  /// All that a terminal obeys, that turns text around, that ends a line, or that has no width.
  private static let hidden: [ClosedRange<UInt32>] = [
    0...0x1f, 0x7f...0x9f, 0xad...0xad, 0x061c...0x061c, 0x180e...0x180e, 0x200b...0x200f,
    0x2028...0x202e, 0x2060...0x206f, 0xfeff...0xfeff, 0xfff9...0xfffb, 0xe0000...0xe007f,
  ]

  private static func hasHidden(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0.isHidden }
  }

  @Test func exactlyTheseAreEscaped() {
    var wrong: [UInt32] = []
    for value in UInt32(0)...0xe_1000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let isHidden = Self.hidden.contains { $0.contains(value) }
      let text = "a\(String(scalar))b"
      let isKept = text.visible == text
      if scalar.isHidden != isHidden || isKept == isHidden || Self.hasHidden(text.visible) {
        wrong.append(value)
      }
    }
    #expect(wrong.isEmpty)
  }

  @Test(arguments: [
    ("\u{1b}[31mred", #"\x1b[31mred"#), ("a\r\nb", #"a\x0d\x0ab"#), ("\u{9b}2J", #"\x9b2J"#),
    ("shop\u{200b}@1\u{feff}\u{e0041}", #"shop\u{200b}@1\u{feff}\u{e0041}"#),
    ("shop@1\u{202e}0.2", #"shop@1\u{202e}0.2"#), ("\u{61c}", #"\u{61c}"#), ("", ""),
    ("größe 😀 e\u{301} \\x1b", "größe 😀 e\u{301} \\x1b"),
  ])
  func escapes(text: String, expected: String) {
    #expect(text.visible == expected)
    // Columns are escaped before they are measured, and again when they are printed.
    #expect(text.visible.visible == expected)
  }

  @Test func jsonKeepsItsValue() throws {
    let value = [
      "\u{1b}[0m", "\u{9b}\u{7f}\u{85}", "\u{2028}\u{2066}\u{200f}\u{61c}\u{e0041}", "é\n\"\\",
    ]
    let text = String(
      decoding: JSONWriter.array { json in for one in value { json.value(one) } }, as: UTF8.self)
    #expect(Self.hasHidden(text))
    #expect(!Self.hasHidden(text.visibleJSON))
    let read = try JSONSerialization.jsonObject(with: Data(text.visibleJSON.utf8))
    #expect(read as? [String] == value)
    #expect("{\n  \"a\": 1\n}".visibleJSON == "{\n  \"a\": 1\n}")
  }

  @Test(arguments: [
    ("  no \r\n\t such\u{2028}page ", "no such pa"), ("", ""), (" \n", ""),
    ("\u{1b}]0;x\u{7}", #"\x1b]0;x\x07"#), ("abcdefghijkl", "abcdefghij"),
    ("abcdefghi jkl", "abcdefghi"),
  ])
  func excerpts(text: String, expected: String) {
    #expect(text.excerpt(10) == expected)
  }

  /// A single character can have any number of accents.
  @Test func anExcerptIsShortWhateverItHas() {
    for unit in ["x", "\u{301}", "\u{1b}", "\u{202e}", "\u{e0041}", "😀", "a "] {
      #expect(String(repeating: unit, count: 10_000).excerpt(300).utf8.count <= 300 * 9)
    }
  }
}
