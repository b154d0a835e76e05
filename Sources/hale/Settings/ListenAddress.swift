/// An address to listen on, as `HOST:PORT`; an IPv6 address stands in brackets.
struct ListenAddress: Equatable, Sendable {
  /// A name or a numeric address, without brackets.
  var host: String
  /// 0 lets the system choose.
  var port: UInt16

  init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// - Returns: nil where the text is not `HOST:PORT`.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"),
      let port = decimalPort(text[text.index(after: colon)...]),
      let host = hostName(text[..<colon])
    else { return nil }
    self.init(host: host, port: port)
  }

  /// The address to connect to from this machine: a wildcard address becomes the loopback address.
  var reachable: ListenAddress {
    switch host {
    case "0.0.0.0": ListenAddress(host: "127.0.0.1", port: port)
    case "::": ListenAddress(host: "::1", port: port)
    default: self
    }
  }

  /// `HOST:PORT`, with brackets around an IPv6 address.
  var text: String { "\(bracketed(host)):\(port)" }
}

/// A host, in brackets if it is an IPv6 address.
func bracketed(_ host: String) -> String {
  host.contains(":") ? "[\(host)]" : host
}

/// The host of a text from before a port, without brackets; nil where it is not valid.
func hostName(_ text: Substring) -> String? {
  if text.hasPrefix("["), text.hasSuffix("]") {
    let address = text.dropFirst().dropLast()
    let isAddress =
      address.contains(":") && address.utf8.allSatisfy { $0.isHexDigit || $0 == 0x3a || $0 == 0x2e }
    return isAddress ? String(address) : nil
  }
  let isName = text.utf8.allSatisfy { byte in
    byte.isLetterOrDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "_")
  }
  return isName && !text.isEmpty ? String(text) : nil
}

/// The port number of decimal digits; nil for any other text.
func decimalPort(_ text: Substring) -> UInt16? {
  let isNumber = text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  return isNumber ? UInt16(text) : nil
}

extension UInt8 {
  /// Whether this is an ASCII letter or digit.
  var isLetterOrDigit: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: false
    }
  }

  /// Whether this is an ASCII hexadecimal digit.
  var isHexDigit: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }
}
