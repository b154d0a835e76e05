package import HTTP

/// Compares entity tags (RFC 9110 §8.8.3).
package enum EntityTag {
  /// Whether the client already has the answer with this tag (RFC 9110 §13.1.2).
  ///
  /// - Parameter tag: with its quotes.
  package static func isNamed(_ tag: String, in head: RequestHead) -> Bool {
    head.headers.all("If-None-Match").contains { field in
      field.split(separator: ",").contains {
        let named = $0.filter { $0 != " " && $0 != "\t" }
        // The comparison is the weak one: proxies that compress make a strong tag weak.
        return named == "*" || named == tag || named == "W/" + tag
      }
    }
  }
}
