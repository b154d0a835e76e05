/// Decodes percent-encoding (RFC 3986 §2.1).
///
/// - Parameter plusIsSpace: whether `+` is a space, as in application/x-www-form-urlencoded.
/// - Returns: nil if a `%` is not followed by two hexadecimal digits, or the bytes are not UTF-8.
package func percentDecoded(_ text: String, plusIsSpace: Bool) -> String? {
  let isEncoded = { (byte: UInt8) in
    byte == UInt8(ascii: "%") || (plusIsSpace && byte == UInt8(ascii: "+"))
  }
  guard text.utf8.contains(where: isEncoded) else { return text }
  guard let decoded = percentDecoded(text.utf8.span, plusIsSpace: plusIsSpace, keepsBroken: false)
  else { return nil }
  return String(validating: decoded, as: UTF8.self)
}

/// Decodes percent-encoding into bytes of any meaning.
///
/// - Parameter keepsBroken: whether a `%` without two hexadecimal digits stays, as in browsers.
/// - Returns: nil if there is such a `%` and it does not stay.
package func percentDecoded(
  _ bytes: Span<UInt8>, plusIsSpace: Bool, keepsBroken: Bool
) -> [UInt8]? {
  var decoded: [UInt8] = []
  decoded.reserveCapacity(bytes.count)
  var index = 0
  while index < bytes.count {
    let byte = bytes[index]
    index += 1
    if byte == UInt8(ascii: "%") {
      if index + 2 <= bytes.count, case let high = bytes[index].hexadecimalDigit, high < 16,
        case let low = bytes[index + 1].hexadecimalDigit, low < 16
      {
        decoded.append(high << 4 | low)
        index += 2
        continue
      }
      if !keepsBroken { return nil }
    }
    decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
  }
  return decoded
}

/// Percent-encodes everything but the unreserved characters (RFC 3986 §2.3), so that the text is
/// valid anywhere in a URL, and in a cookie.
package func percentEncoded(_ text: String) -> String {
  percentEncoded(text) { $0.isAlphanumeric || "-._~".utf8.contains($0) }
}

/// Percent-encodes the bytes that are not `isPlain`.
package func percentEncoded(
  _ text: some StringProtocol, keeping isPlain: (UInt8) -> Bool
) -> String {
  var encoded: [UInt8] = []
  for byte in text.utf8 {
    if isPlain(byte) {
      encoded.append(byte)
    } else {
      encoded.append(UInt8(ascii: "%"))
      for digit in [byte >> 4, byte & 15] {
        encoded.append(digit < 10 ? 0x30 + digit : 0x41 + digit - 10)
      }
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
