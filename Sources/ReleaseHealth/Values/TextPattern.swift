/// A pattern of a search: a text that has to be equal or, with wildcards, to match.
///
/// Texts are compared byte by byte, as everywhere in Hale. Wildcards make the match
/// case-insensitive, as in Sentry.
package struct TextPattern: Equatable, Sendable {
  /// The pieces between the wildcards; in lower case if there is a wildcard.
  private let pieces: [[UInt8]]

  /// - Parameter pieces: the text, cut at each wildcard; a single piece has no wildcard.
  package init(pieces: [String]) {
    self.pieces = pieces.map { Array((pieces.count == 1 ? $0 : $0.lowercased()).utf8) }
  }

  /// The pattern of a text in which each `*` is a wildcard.
  package init(_ text: String) {
    self.init(pieces: text.split(separator: "*", omittingEmptySubsequences: false).map(String.init))
  }

  /// Matches a part of a release name. A missing part is like an empty one, but no wildcard matches
  /// it.
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

  /// The end of the first occurrence.
  private static func end(of piece: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
    guard bytes.count >= piece.count else { return nil }
    let starts = bytes.startIndex...bytes.endIndex - piece.count
    return starts.first { bytes[$0...].starts(with: piece) }.map { $0 + piece.count }
  }
}
