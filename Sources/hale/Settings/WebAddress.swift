import Bytes

/// An `http://` or `https://` address, as public URLs and DSNs are.
struct WebAddress: Equatable, Sendable {
  /// `http` or `https`.
  var scheme: String
  /// The part before an `@`: the public key, in a DSN.
  var user: String?
  /// The host without brackets.
  var host: String
  /// The port; nil for the scheme's default.
  var port: UInt16?
  /// The path: empty, or with a leading slash and without a trailing one.
  var path = ""
}

extension WebAddress {
  /// - Returns: nil where the text is not such an address, or has a query or a fragment.
  init?(_ text: String) {
    guard text.utf8.allSatisfy(\.isVisible),
      !text.contains(where: { "?#\"'<>\\^`{|}".contains($0) }),
      let url = URLParts(text), case let scheme = url.scheme.lowercased(),
      scheme == "http" || scheme == "https", let host = hostName(url.host)
    else { return nil }
    var port: UInt16?
    if let text = url.port {
      guard let number = decimalPort(text), number > 0 else { return nil }
      port = number
    }
    var path = url.path
    while path.hasSuffix("/") { path = path.dropLast() }
    // Old DSNs have a secret key after a colon, which is not used any more.
    let user = url.userinfo.map { String($0.prefix { $0 != ":" }) }
    self.init(scheme: scheme, user: user, host: host, port: port, path: String(path))
  }

  /// The address for DSNs, which must not name a user.
  init?(publicURL text: String) {
    guard let address = WebAddress(text), address.user == nil else { return nil }
    self = address
  }

  /// The address of a service that is reached without a proxy.
  init(listening address: ListenAddress) {
    self.init(scheme: "http", host: address.host, port: address.port)
  }

  /// `HOST` or `HOST:PORT`, as in a Host header.
  var authority: String {
    bracketed(host) + (port.map { ":\($0)" } ?? "")
  }

  /// Scheme and authority: the address without user and path.
  var origin: String { "\(scheme)://\(authority)" }

  var text: String {
    "\(scheme)://\(user.map { "\($0)@" } ?? "")\(authority)\(path)"
  }
}
