/// The name of a release or an environment as a key.
///
/// Names are compared byte by byte, as in the database and in Sentry: two encodings of the same
/// accented letter are two names, although Swift's strings compare equal.
package struct Name: Hashable, Comparable, Sendable {
  package var text: String

  package init(_ text: String) {
    self.text = text
  }

  package static func == (left: Name, right: Name) -> Bool {
    left.text.utf8.elementsEqual(right.text.utf8)
  }

  package static func < (left: Name, right: Name) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
