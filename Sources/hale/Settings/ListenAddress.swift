import Bytes

/// An address to listen on, as `HOST:PORT`; an IPv6 address stands in brackets.
struct ListenAddress: Equatable, Sendable {
  /// A name or a numeric address, without brackets.
  var host: String
  /// 0 lets the system choose.
  var port: UInt16
}

extension ListenAddress {
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
      address.contains(":")
      && address.utf8.allSatisfy { $0.hexadecimalDigit < 16 || ":.".utf8.contains($0) }
    return isAddress ? String(address) : nil
  }
  let isName = text.utf8.allSatisfy { $0.isAlphanumeric || "-._".utf8.contains($0) }
  return isName && !text.isEmpty ? String(text) : nil
}

/// The port number of decimal digits; nil for any other text.
func decimalPort(_ text: Substring) -> UInt16? {
  decimalNumber(text).flatMap(UInt16.init(exactly:))
}
