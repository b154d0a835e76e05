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
    let left = unsafe left.text.utf8.span.bytes
    let right = unsafe right.text.utf8.span.bytes
    guard left.byteCount == right.byteCount else { return false }
    var index = 0
    while index + 8 <= left.byteCount {
      let word = unsafe left.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
      let other = unsafe right.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
      if word != other { return false }
      index += 8
    }
    while index < left.byteCount {
      let byte = unsafe left.unsafeLoadUnaligned(fromByteOffset: index, as: UInt8.self)
      let other = unsafe right.unsafeLoadUnaligned(fromByteOffset: index, as: UInt8.self)
      if byte != other { return false }
      index += 1
    }
    return true
  }

  package static func < (left: Name, right: Name) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
