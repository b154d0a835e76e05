/// What a value of a search asks of a text: to be it or, with wildcards, to look like it.
///
/// Texts are told apart byte by byte, as everywhere in Hale. A pattern pays no heed to upper and
/// lower case: Sentry matches it so.
package struct TextPattern: Equatable, Sendable {
  /// What stands between the wildcards; in lower case when there is one.
  private let pieces: [[UInt8]]

  /// - Parameter pieces: the text, cut at each wildcard; a single piece has none.
  package init(pieces: [String]) {
    self.pieces = pieces.map { Array((pieces.count == 1 ? $0 : $0.lowercased()).utf8) }
  }

  /// A part that is not there is empty, and nothing that a wildcard finds.
  package func matches(part: String?) -> Bool {
    part.map(matches) ?? (pieces == [[]])
  }

  package func matches(_ text: String) -> Bool {
    guard let first = pieces.first, let last = pieces.last else { return false }
    if pieces.count == 1 { return text.utf8.elementsEqual(first) }
    let bytes = Array(text.lowercased().utf8)
    guard bytes.starts(with: first), bytes.reversed().starts(with: last.reversed()),
      bytes.count >= first.count + last.count
    else { return false }
    var rest = bytes[first.count..<bytes.count - last.count]
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      guard let end = Self.end(of: piece, in: rest) else { return false }
      rest = rest[end...]
    }
    return true
  }

  /// Where the first occurrence ends.
  private static func end(of piece: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
    guard bytes.count >= piece.count else { return nil }
    let starts = bytes.startIndex...bytes.endIndex - piece.count
    return starts.first { bytes[$0...].starts(with: piece) }.map { $0 + piece.count }
  }
}
