internal import Bytes
package import HTTP

/// A page of an answer, selected by one of Sentry's cursors.
package struct Page: Equatable, Sendable {
  /// The number of elements before the page.
  package var offset: Int
  /// The maximum number of elements of the page.
  package var size: Int
}

extension Page {
  /// Reads `cursor` and `per_page`.
  ///
  /// - Parameter sizeMax: the maximum size of a page, and its default. A greater `per_page` gets
  ///   this size; the next cursor has the rest.
  package init(_ parameters: QueryParameters, sizeMax: Int) throws(APIError) {
    size = sizeMax
    if let text = parameters.one("per_page") {
      // A number of more digits than are read is greater than any page.
      let given = Self.isDigits(text) ? Self.number(text) ?? sizeMax : 0
      guard given > 0 else {
        throw .invalid("per_page", text, accepted: "Give a whole number of at least 1.")
      }
      size = min(given, sizeMax)
    }
    offset = 0
    if let text = parameters.one("cursor") {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 3, Self.isDigits(parts[0]), let given = Self.number(parts[1]),
        parts[2] == "0" || parts[2] == "1"
      else {
        throw .invalid(
          "cursor", text,
          accepted: "Give a cursor from the Link header of an answer, for example 0:100:0.")
      }
      offset = given
    }
  }

  /// The value of the `Link` header: the previous and the next page. Both are always present;
  /// `results` says whether the page has entries.
  ///
  /// - Parameters:
  ///   - url: the URL of the request, with its query.
  ///   - hasMore: whether the next page has entries.
  package func linkHeader(url: String, hasMore: Bool) -> String {
    let base = Self.withoutCursor(url)
    let previous = "0:\(max(0, offset - size)):1"
    let next = "0:\(offset + size):0"
    return Self.link(base, cursor: previous, name: "previous", hasResults: offset > 0) + ", "
      + Self.link(base, cursor: next, name: "next", hasResults: hasMore)
  }

  private static func link(
    _ base: String, cursor: String, name: String, hasResults: Bool
  ) -> String {
    "<\(base)cursor=\(cursor)>; rel=\"\(name)\"; results=\"\(hasResults)\"; cursor=\"\(cursor)\""
  }

  /// The URL up to where a cursor can be appended, in characters that may stand in a header.
  private static func withoutCursor(_ url: String) -> String {
    let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var base = escaped(parts[0]) + "?"
    if parts.count > 1 {
      for item in parts[1].split(separator: "&") where !item.hasPrefix("cursor=") {
        base += escaped(item) + "&"
      }
    }
    return base
  }

  /// Encodes what would end the link or the header early.
  private static func escaped(_ text: Substring) -> String {
    percentEncoded(text) { $0.isVisible && !"<>\"\\".utf8.contains($0) }
  }

  /// At most nine digits, so that no sum of two overflows.
  private static func number(_ text: some StringProtocol) -> Int? {
    text.utf8.count <= 9 && isDigits(text) ? Int(text) : nil
  }

  private static func isDigits(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(\.isDigit)
  }
}
