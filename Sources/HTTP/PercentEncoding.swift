/// Decodes percent-encoding (RFC 3986 §2.1).
///
/// - Parameter plusIsSpace: whether `+` is a space, as in application/x-www-form-urlencoded.
/// - Returns: nil if a `%` is not followed by two hexadecimal digits, or the bytes are not UTF-8.
package func percentDecoded(_ text: String, plusIsSpace: Bool) -> String? {
  let isEncoded = { (byte: UInt8) in
    byte == UInt8(ascii: "%") || (plusIsSpace && byte == UInt8(ascii: "+"))
  }
  guard text.utf8.contains(where: isEncoded) else { return text }
  var decoded: [UInt8] = []
  decoded.reserveCapacity(text.utf8.count)
  var bytes = text.utf8.makeIterator()
  while let byte = bytes.next() {
    if byte == UInt8(ascii: "%") {
      guard let high = bytes.next().flatMap(hexadecimal),
        let low = bytes.next().flatMap(hexadecimal)
      else { return nil }
      decoded.append(UInt8(high << 4 | low))
    } else {
      decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
    }
  }
  return String(validating: decoded, as: UTF8.self)
}

/// Percent-encodes everything but the unreserved characters (RFC 3986 §2.3), so that the text is
/// valid anywhere in a URL, and in a cookie.
package func percentEncoded(_ text: String) -> String {
  var encoded: [UInt8] = []
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"):
      encoded.append(byte)
    default:
      encoded.append(UInt8(ascii: "%"))
      if byte < 16 { encoded.append(UInt8(ascii: "0")) }
      encoded.append(contentsOf: String(byte, radix: 16, uppercase: true).utf8)
    }
  }
  return String(decoding: encoded, as: UTF8.self)
}

/// The decoded items of a query in the order sent, including repeated ones.
///
/// An item without `=` has an empty value; empty items are skipped. Text that cannot be decoded
/// stays as it was sent, as in browsers.
///
/// - Parameter query: the query without its `?`, as in ``RequestHead/query``.
package func queryItems(_ query: String?) -> [(name: String, value: String)] {
  guard let query else { return [] }
  return query.split(separator: "&").map { item in
    let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    return (decodedOrSame(parts[0]), parts.count > 1 ? decodedOrSame(parts[1]) : "")
  }
}

private func decodedOrSame(_ text: Substring) -> String {
  percentDecoded(String(text), plusIsSpace: true) ?? String(text)
}

/// Collapses runs of slashes in a path: some SDKs append a slash to a host that ends with one,
/// which Relay accepts.
package func foldedSlashes(_ path: String) -> String {
  let slash = UInt8(ascii: "/")
  guard zip(path.utf8, path.utf8.dropFirst()).contains(where: { $0 == slash && $1 == slash }) else {
    return path
  }
  var folded: [UInt8] = []
  folded.reserveCapacity(path.utf8.count)
  for byte in path.utf8 where byte != slash || folded.last != slash { folded.append(byte) }
  return String(decoding: folded, as: UTF8.self)
}
