/// A pattern of a search: a text that has to be equal or, with wildcards, to match.
///
/// Texts are compared byte by byte, as everywhere in Hale. Wildcards make the match
/// case-insensitive, as in Sentry. A match takes time linear in the text and the pattern.
package struct TextPattern: Equatable, Sendable {
  /// The pieces between the wildcards; in lower case if there is a wildcard.
  private let pieces: [Piece]

  /// A text to be found in others (Knuth, Morris and Pratt).
  private struct Piece: Equatable {
    let bytes: [UInt8]
    /// The length of the longest beginning of the piece that ends at each byte, without the whole.
    let borders: [Int]

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
      var borders = [Int](repeating: 0, count: bytes.count)
      var length = 0
      for index in bytes.indices.dropFirst() {
        while length > 0, bytes[index] != bytes[length] { length = borders[length - 1] }
        if bytes[index] == bytes[length] { length += 1 }
        borders[index] = length
      }
      self.borders = borders
    }

    /// The end of the first occurrence in a range of the text.
    func end(in text: [UInt8], _ range: Range<Int>) -> Int? {
      if bytes.isEmpty { return range.lowerBound }
      var length = 0
      for index in range {
        while length > 0, text[index] != bytes[length] { length = borders[length - 1] }
        if text[index] == bytes[length] { length += 1 }
        if length == bytes.count { return index + 1 }
      }
      return nil
    }
  }

  /// - Parameter pieces: the text, cut at each wildcard; a single piece has no wildcard.
  package init(pieces: [String]) {
    self.pieces = pieces.map {
      Piece(Array((pieces.count == 1 ? $0 : $0.lowercased()).utf8))
    }
  }

  /// The pattern of a text in which each `*` is a wildcard.
  package init(_ text: String) {
    self.init(pieces: text.split(separator: "*", omittingEmptySubsequences: false).map(String.init))
  }

  /// The pattern of all texts that contain a text, in any case.
  package init(containing text: String) {
    self.init(pieces: ["", text, ""])
  }

  /// Whether the pattern has a wildcard: then it looks at texts in lower case.
  package var hasWildcard: Bool { pieces.count > 1 }

  /// Matches a part of a release name. A missing part is like an empty one, but no wildcard matches
  /// it.
  package func matches(part: String?) -> Bool {
    part.map { matches($0) } ?? (pieces.count == 1 && pieces[0].bytes.isEmpty)
  }

  package func matches(_ text: String) -> Bool {
    matches(text, lowercased: hasWildcard ? Self.lowercased(text) : [])
  }

  /// Matches a text that is held against many patterns.
  ///
  /// - Parameter lowercased: the text as ``lowercased(_:)`` gives it, needed for wildcards.
  package func matches(_ text: String, lowercased bytes: [UInt8]) -> Bool {
    guard let first = pieces.first?.bytes, let last = pieces.last?.bytes else { return false }
    if pieces.count == 1 { return text.utf8.elementsEqual(first) }
    guard bytes.count >= first.count + last.count, bytes.starts(with: first),
      bytes[(bytes.count - last.count)...].elementsEqual(last)
    else { return false }
    var start = first.count
    for piece in pieces[1..<pieces.count - 1] {
      guard let end = piece.end(in: bytes, start..<bytes.count - last.count) else { return false }
      start = end
    }
    return true
  }

  /// The bytes of a text as patterns with wildcards compare them.
  package static func lowercased(_ text: String) -> [UInt8] {
    Array(text.lowercased().utf8)
  }
}
