import Bytes
import ReleaseHealth
import Testing

@Suite struct TextPatternTests {
  /// What a pattern means, by trying every place for each of its pieces.
  private static func matches(_ text: [Character], _ pieces: ArraySlice<[Character]>) -> Bool {
    guard let first = pieces.first, text.starts(with: first) else { return false }
    let rest = Array(text.dropFirst(first.count))
    if pieces.count == 1 { return rest.isEmpty }
    return (0...rest.count).contains { matches(Array(rest.dropFirst($0)), pieces.dropFirst()) }
  }

  /// Few letters, so that the beginnings of pieces are found again and again.
  @Test func matchesWhatItsPiecesSay() {
    var random = SplitMix64(seed: 1)
    func text(_ count: Int) -> String {
      let count = Int.random(in: 0...count, using: &random)
      return String((0..<count).map { _ in Bool.random(using: &random) ? "a" : "b" })
    }
    var found = 0
    for _ in 0..<20_000 {
      let text = text(12)
      let pieces = (0..<Int.random(in: 1...4, using: &random)).map { _ in
        String(text.shuffled(using: &random).prefix(3))
      }
      let isMatch = Self.matches(Array(text), pieces.map(Array.init)[...])
      #expect(TextPattern(pieces: pieces).matches(text) == isMatch, "\(pieces) in \(text)")
      if isMatch, pieces.count > 1 { found += 1 }
    }
    #expect(found > 1000)
  }

  @Test func wildcardsAreCaseInsensitiveAndTextsAreNot() {
    #expect(TextPattern("Shop@*").matches("shop@1"))
    #expect(!TextPattern("Shop@1").matches("shop@1"))
    #expect(TextPattern(containing: "OP@").matches("shop@1"))
    #expect(TextPattern("").matches(part: nil) && !TextPattern("*").matches(part: nil))
  }
}
