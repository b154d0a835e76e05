/// Takes the percent-encoding off (RFC 3986 §2.1).
///
/// - Parameter plusIsSpace: as in queries (URL Standard, application/x-www-form-urlencoded).
/// - Returns: nil when a `%` is not followed by two hexadecimal digits, or the bytes are no UTF-8.
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

/// Puts percent-encoding on everything but the unreserved characters (RFC 3986 §2.3), so that the
/// text can stand anywhere in an URL, and in a cookie.
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

/// The items of a query, decoded, in the order sent, repeated ones as often as they were sent.
///
/// An item without `=` has an empty value; empty items are passed over. What cannot be decoded
/// stands as it was sent, as it does in browsers.
///
/// - Parameter query: without its `?`, as ``RequestHead/query`` has it.
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

/// The path with each run of slashes as one: some SDKs put a slash behind a host that ends with
/// one, and Relay takes that.
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
