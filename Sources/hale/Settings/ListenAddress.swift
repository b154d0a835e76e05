import Bytes

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

  /// - Returns: nil where the text is no `HOST:PORT`.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"),
      let port = decimalPort(text[text.index(after: colon)...]),
      let host = hostName(text[..<colon])
    else { return nil }
    self.init(host: host, port: port)
  }

  /// The same port at the address by which this machine itself reaches it: a wildcard address
  /// is one to listen on, not one to connect to.
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

/// A host with the brackets that an IPv6 address needs before a port.
func bracketed(_ host: String) -> String {
  host.contains(":") ? "[\(host)]" : host
}

/// A host as it stands before a port, without its brackets; nil where it cannot be one.
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

/// A port number in decimal digits; nil where the text is none.
func decimalPort(_ text: Substring) -> UInt16? {
  decimalNumber(text).flatMap(UInt16.init(exactly:))
}
